#!/usr/bin/env python3
"""usage: responder.py INTERFACE: a stand-in for the servers that recipes ask.

Answers DNS, mDNS, LLMNR, NetBIOS name, ISAKMP and DHCP requests that reach INTERFACE, whatever
address they are sent to: just enough of each protocol for a probe to have something to match. Runs
in the far namespace of net.sh; prints `ready` once it listens and ends with that namespace.
"""
import socket
import struct
import sys

ETH_IP = 0x0800
DOMAIN = b"\x07example\x03com\x00"
RECORDS = {
    1: bytes([192, 0, 2, 80]),                                                     # A
    15: struct.pack(">H", 10) + b"\x04mail" + DOMAIN,                               # MX
    6: b"\x02ns" + DOMAIN + b"\x05admin" + DOMAIN + struct.pack(">5I", 2026, 7200, 900, 1209600, 300),
    12: b"\x07printer\x05local\x00",                                               # PTR
}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def datagram(source, destination, sport, dport, data):
    """An IPv4 packet; a UDP checksum of 0 says that there is none (RFC 768)."""
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 7, 0, 64, 17, 0, source,
                       destination)
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return head + struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data


def end_of_name(data, at):
    while data[at]:
        at += data[at] + 1
    return at + 1


def dns(data):
    """The question again, and one record of its type."""
    if len(data) < 13 or data[2] & 0x80:
        return None
    end = end_of_name(data, 12) + 4
    kind = struct.unpack(">H", data[end - 4:end - 2])[0]
    record = RECORDS.get(kind)
    head = data[:2] + struct.pack(">5H", 0x8400, 1, 1 if record else 0, 0, 0)
    answer = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(record)) + record if record else b""
    return head + data[12:end] + answer


def netbios(data):
    """A node status of one name (RFC 1002 section 4.2.18)."""
    if len(data) < 50 or data[2] & 0x80:
        return None
    names = b"\x01" + b"PKTC           \x00" + b"\x04\x00" + b"\x02\x00\x00\x00\x00\x02" + b"\0" * 40
    return (data[:2] + struct.pack(">5H", 0x8400, 0, 1, 0, 0) + data[12:46] +
            struct.pack(">HHIH", 0x21, 1, 0, len(names)) + names)


def isakmp(data):
    """The proposal as it came, with a cookie of the responder's own."""
    return data[:8] + b"responds" + data[16:] if len(data) >= 28 else None


def dhcp(data):
    """An offer to a discover (RFC 2131 section 3.1)."""
    if len(data) < 240 or data[0] != 1:
        return None
    offer = b"\x35\x01\x02\x36\x04" + bytes([192, 0, 2, 1]) + b"\x33\x04\0\0\x0e\x10\xff"
    return b"\x02" + data[1:16] + bytes([192, 0, 2, 50]) + data[20:240] + offer


SERVICES = {53: dns, 5353: dns, 5355: dns, 137: netbios, 500: isakmp, 67: dhcp}


def reply_to(frame, mac):
    """The frame that answers, or None."""
    if len(frame) < 42 or frame[12:14] != b"\x08\x00" or frame[14] != 0x45 or frame[23] != 17:
        return None
    source, destination = frame[26:30], frame[30:34]
    sport, dport, length = struct.unpack(">HHH", frame[34:40])
    service = SERVICES.get(dport)
    data = service(frame[42:34 + length]) if service else None
    if data is None:
        return None
    own = destination if 0 < destination[0] < 224 else bytes([198, 18, 0, 2])
    back = source if any(source) else b"\xff" * 4
    return frame[6:12] + mac + b"\x08\x00" + datagram(own, back, dport, sport, data)


def hold(port):
    """A socket that reads nothing keeps the kernel from saying that the port is closed."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    holder.bind(("", port))
    return holder


def main(arguments):
    held = [hold(port) for port in SERVICES]
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_IP))
    wire.bind((arguments[0], ETH_IP))
    mac = wire.getsockname()[4]
    print("ready", flush=True)
    while held:
        frame, where = wire.recvfrom(65536)
        reply = reply_to(frame, mac) if where[2] != socket.PACKET_OUTGOING else None
        if reply:
            wire.send(reply)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
