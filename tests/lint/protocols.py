"""No protocol in C: a protocol is a description. The C code of the rooms names none, neither in an
identifier nor by a string that is its name (a longer text may give an example); runtime/net and runtime/io know Ethernet and IP as far as routes and
links need it, and the program pktc may speak of what it likes."""
import fnmatch
import pathlib
import re

from rooms import room_of
from tree import sources

FREE = {"runtime/net", "runtime/io", "compiler/cli", "tests", "examples", "stdlayers"}

NAMES = """tcp udp icmp icmpv6 igmp arp rarp dot1q vlan vxlan geneve gre mpls ppp pppoe dns mdns dhcp
bootp sctp dccp ntp snmp bgp ospf rip isis pim esp ah ipsec ike radius diameter http tls quic ssh ftp
smtp sip rtp mqtt coap modbus stp lldp lacp netbios smb ipv4 ipv6 ethernet ethertype syn rst""".split()

WORD = re.compile(r"[A-Za-z0-9_]+")

# Kinds of address, as the language has them, are no protocols; nor are the stamps of captures.
NO_PROTOCOL = re.compile(r"IPv[46]|\w*LINKTYPE_\w+")

# Files (patterns) that may name protocols after all, and why.
ALLOWED = {
    "runtime/base/codec*": "named codecs: pure functions with a declared contract",
    "runtime/base/linktype.*": "the link types that capture files are stamped with",
    "grammar/diag.def": "explanations of diagnostics give examples",
}

TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:[^\"\\\n]|\\.)*\"", re.DOTALL)


def blank(match):
    """Comments and texts go, their lines stay; a string that is one protocol's name stays too."""
    text = match.group()
    if text[0] == '"' and text[1:-1].lower() in NAMES:
        return text
    return re.sub(r"[^\n]", " ", text)


def named(text):
    """(line, protocol, word) of each word of C code that names a protocol."""
    for number, line in enumerate(TOKEN.sub(blank, text).split("\n"), 1):
        if line.lstrip().startswith("#include"):
            continue
        for word in WORD.findall(line):
            if NO_PROTOCOL.fullmatch(word):
                continue
            for part in word.lower().split("_"):
                if part in NAMES:
                    yield number, part, word


def check(root, build=None):
    del build
    for path in sources(root, (".c", ".h", ".y", ".re", ".def")):
        allowed = any(fnmatch.fnmatch(path.as_posix(), pattern) for pattern in ALLOWED)
        if allowed or room_of(path) in FREE:
            continue
        for line, part, word in named(pathlib.Path(root, path).read_text(encoding="utf-8")):
            yield f"{path}:{line}: `{word}` names a protocol ({part})"
