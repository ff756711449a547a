#!/usr/bin/env python3
"""The judges of dissections find what is wrong."""
import pathlib
import tempfile
import unittest

import recorded
import run
import spans
import tally


def field(first, count, number=None, name="f", **more):
    return {"l": 0, "name": name, "bits": [[first, count]], "int": number, **more}


class Spans(unittest.TestCase):
    def test_only_fields_without_smaller_fields_are_leaves(self):
        self.assertEqual(spans.leaves([field(0, 16), field(0, 8), field(8, 8), field(16, 4)]),
                         [((0, 8),), ((8, 8),), ((16, 4),)])

    def test_leaves_that_tile_cover_each_bit_once(self):
        self.assertTrue(spans.tile([field(0, 16), field(0, 12), field(12, 4)], 16))

    def test_a_gap_does_not_tile(self):
        self.assertFalse(spans.tile([field(0, 4), field(8, 8)], 16))

    def test_an_overlap_does_not_tile(self):
        self.assertFalse(spans.tile([field(0, 9), field(8, 8)], 16))

    def test_a_short_end_does_not_tile(self):
        self.assertFalse(spans.tile([field(0, 8)], 16))

    def test_fields_in_two_runs_tile(self):
        group = {"l": 0, "name": "low", "bits": [[0, 8], [12, 4]]}
        self.assertTrue(spans.tile([group, field(8, 4)], 16))

    def test_the_other_reading_swaps_the_bytes(self):
        self.assertEqual(spans.other_reading({"pos": 2, "len": 2, "bits": [[17, 15]]}),
                         [[16, 8], [25, 7]])

    def test_a_word_that_ends_with_its_field_begins_before_it(self):
        self.assertEqual(spans.other_reading({"pos": 1, "len": 1, "bits": [[23, 1]]}), [[15, 1]])


class Figures(unittest.TestCase):
    def setUp(self):
        self.everything = tally.Tally()
        self.everything.verdicts["ip"].update(exact=96, conflict=1, missing=3)
        self.everything.values["ip"].update(same=94, differ=2)

    def test_a_field_with_another_value_does_not_agree(self):
        self.assertEqual(run.Figures(self.everything, ["ip"]).agree, 94)

    def test_wrong_values_are_conflicts(self):
        self.assertEqual(run.Figures(self.everything, ["ip"]).conflicts, 3)

    def test_other_protocols_do_not_count(self):
        self.assertEqual(run.Figures(self.everything, ["tcp"]).leaves, 0)


class Explained(unittest.TestCase):
    def test_a_line_explains_the_two_fields_it_names_only(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "conflicts.txt")
            path.write_text("# why\na:a.b | c.* | because\n")
            explained = run.Explained(path)
        self.assertIn("conflict|a:a.b|c.d", explained)
        self.assertNotIn("conflict|a:a.b|e.d", explained)
        self.assertNotIn("conflict|a:a.c|c.d", explained)


class Facts(unittest.TestCase):
    entry = {"hex": "4500", "facts": [["ip.version", [[0, 4]], 4], ["ip.hdr_len", [[4, 4]], None]]}

    def test_what_agrees_is_right(self):
        record = {"fields": [field(0, 4, 4), field(4, 4, 5), field(8, 8, 0)]}
        self.assertEqual(list(recorded.wrong(self.entry, record)), [])

    def test_another_number_is_wrong(self):
        record = {"fields": [field(0, 4, 6), field(4, 4, 5), field(8, 8, 0)]}
        self.assertEqual(len(list(recorded.wrong(self.entry, record))), 1)

    def test_another_span_is_wrong(self):
        record = {"fields": [field(0, 8, 69), field(8, 8, 0)]}
        self.assertEqual(len(list(recorded.wrong(self.entry, record))), 2)

    def test_raw_bytes_are_no_field(self):
        record = {"fields": [field(0, 4, blob=True), field(4, 4, 5), field(8, 8, 0)]}
        self.assertEqual(len(list(recorded.wrong(self.entry, record))), 1)


if __name__ == "__main__":
    unittest.main()
