"""Records of spans: which of their fields are leaves, and whether those tile the packet.

A field is a list of runs [first bit, number of bits], counted from the packet's first bit; a
little-endian field of a group can have two. A leaf is a field with no smaller field inside.
"""


def key(field):
    return tuple((first, count) for first, count in field["bits"])


def end(runs):
    return runs[-1][0] + runs[-1][1]


def inside(small, large):
    return all(any(a <= first and first + count <= a + n for a, n in large)
               for first, count in small)


def leaves(fields):
    order = sorted({key(field) for field in fields if field["bits"]},
                   key=lambda runs: (runs[0][0], -end(runs)))
    found = []
    for place, runs in enumerate(order):
        for other in order[place + 1:]:
            if other[0][0] >= end(runs):
                found.append(runs)
                break
            if inside(other, runs):
                break
        else:
            found.append(runs)
    return found


def tile(fields, bits):
    """whether the leaves of `fields` cover each of the first `bits` bits once"""
    reached = 0
    for first, count in sorted(run for leaf in leaves(fields) for run in leaf if run[1]):
        if first != reached:
            return False
        reached += count
    return reached == bits


def other_reading(field):
    """The runs of a field of tshark, read the other way: tshark prints a word of bits without its
    place and byte order, so where the word reads the same twice the record holds one of two places.
    The word begins at the field or ends with it; in it, either byte may come first."""
    first, size = field["pos"] * 8, field["len"] * 8
    beyond = max(end(key(field)) - first - size + 7, 0) // 8 * 8
    bits = [bit for start, count in field["bits"] for bit in range(start, start + count)]
    if beyond:
        bits = [bit - beyond for bit in bits]
    else:
        bits = sorted(2 * first + size - 8 - bit // 8 * 8 + bit % 8 for bit in bits)
    runs = []
    for bit in bits:
        if runs and runs[-1][0] + runs[-1][1] == bit:
            runs[-1][1] += 1
        else:
            runs.append([bit, 1])
    return runs
