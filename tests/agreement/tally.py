"""One capture's figures: tshark's records against those of `pktc read --as spans`.

A verdict falls on every leaf of tshark (compare.py of the shared folder gives it); this module counts
them by protocol and keeps what a reader of the figures wants to look at. Everything in a tally is
plain data, so that tallies are cached as JSON and added up.

    packets, compared    all of them; those that tshark does not call malformed
    verdicts, values     protocol -> verdict -> leaves
    conflicts            "kind|tshark's field|our field" -> [count, first packet, detail]
    gaps                 the same for leaves without one of ours
    opaque               protocol -> bytes that tshark names and pktc leaves raw
    bytes, raw           bytes of all packets; those in fields that pktc calls raw
    untiled              numbers of the packets whose leaves do not tile the captured bytes
    malformed            "oracle-ok/rival-bad" and kin -> packets
"""
import collections

import spans

AGREE = ("exact", "composite", "split")
BAD_VALUES = ("differ", "endian")


def family(name):
    """tshark's protocol: `tcp` of the pseudo protocol `tcp.options.mss`"""
    return name.split(".")[0]


def settle(oracle, rival):
    """Where the text of tshark does not tell the place of a field of bits, the reading that we have
    counts, if we have one of the two."""
    mine = {spans.key(field) for field in rival["fields"]}
    for field in oracle["fields"]:
        if field.get("end", "").endswith("?") and spans.key(field) not in mine:
            other = spans.other_reading(field)
            if tuple(map(tuple, other)) in mine:
                field["bits"] = other


class Tally:
    def __init__(self):
        self.packets = self.compared = self.bytes = self.raw = 0
        self.verdicts = collections.defaultdict(collections.Counter)
        self.values = collections.defaultdict(collections.Counter)
        self.conflicts, self.gaps = {}, {}
        self.opaque, self.malformed = collections.Counter(), collections.Counter()
        self.untiled = []

    def data(self):
        return dict(vars(self), verdicts={k: dict(v) for k, v in self.verdicts.items()},
                    values={k: dict(v) for k, v in self.values.items()})

    def note(self, where, kind, theirs, ours, packet, detail):
        entry = where.setdefault(f"{kind}|{theirs}|{ours}", [0, packet, detail])
        entry[0] += 1

    def add_packet(self, compare, oracle, rival):
        self.packets += 1
        self.bytes += oracle["cap"]
        # tshark also counts blocks that are no packets; its bytes are then unknown.
        if oracle["bytes_ok"] and not spans.tile(rival["fields"], oracle["cap"] * 8):
            self.untiled.append(oracle["n"])
        self.raw += sum(count for field in rival["fields"] if field.get("blob")
                        for _, count in field["bits"]) // 8
        bad = "oracle-bad" if oracle["malformed"] else "oracle-ok"
        self.malformed[f"{bad}/rival-{'bad' if rival.get('malformed') else 'ok'}"] += 1
        if not oracle["bytes_ok"] or oracle["malformed"]:
            return
        self.compared += 1
        self.compare(compare, oracle, rival)

    def compare(self, compare, oracle, rival):
        settle(oracle, rival)
        of, rf, verdicts, values, _, _ = compare.packet(oracle, rival)
        owner = lambda field: family(oracle["layers"][field["l"]]["name"])
        for key, verdict in verdicts:
            field = of[key]
            self.verdicts[owner(field)][verdict] += 1
            if verdict in ("opaque", "partial", "missing"):
                self.count_opaque(owner(field), field, key)
            if verdict in AGREE:
                continue
            touching = [self.name(rival, rf[k]) for k in rf if compare.touch(k, key)]
            self.note(self.conflicts if verdict == "conflict" else self.gaps, verdict,
                      f"{owner(field)}:{field['name']}", touching[-1] if touching else "-",
                      oracle["n"], f"bits {key} ours {touching[:3]}")
        for key, verdict in values:
            field, mine = of[key], rf[key]
            self.values[owner(field)][verdict] += 1
            if verdict in BAD_VALUES + ("unknown",):
                self.note(self.conflicts if verdict in BAD_VALUES else self.gaps,
                          f"value-{verdict}", f"{owner(field)}:{field['name']}",
                          self.name(rival, mine), oracle["n"],
                          f"bits {key} theirs {field.get('show')} raw {field['raw'][:40]} "
                          f"ours {mine.get('int', mine.get('val', mine.get('hex')))}")

    def count_opaque(self, protocol, field, key):
        """A leaf that tshark itself leaves as bytes says no more than we do, but for `kind`."""
        if protocol == "data" or field["name"] in ("tcp.payload", "udp.payload", "eth.padding"):
            return
        self.opaque[protocol] += sum(count for _, count in key) / 8

    @staticmethod
    def name(rival, field):
        layer = field.get("l")
        name = rival["layers"][layer]["name"] if layer is not None and rival["layers"] else ""
        return f"{name}.{field['name']}"


def tally(compare, oracle_records, rival_records):
    mine = {record["n"]: record for record in rival_records}
    result = Tally()
    for record in oracle_records:
        if record["n"] in mine:
            result.add_packet(compare, record, mine[record["n"]])
        else:
            result.packets += 1
            result.note(result.gaps, "packet", "missing", "-", record["n"], "")
    return result.data()


def total(tallies):
    """the sum of tallies, as one tally"""
    result = Tally()
    for one in tallies:
        for name in "packets", "compared", "bytes", "raw":
            setattr(result, name, getattr(result, name) + one[name])
        for name in "verdicts", "values":
            for protocol, counts in one[name].items():
                getattr(result, name)[protocol].update(counts)
        for name in "opaque", "malformed":
            getattr(result, name).update(one[name])
    return result
