/* What answers what, written as pairs of descriptions. */
#include "pair.h"

#include "../base/check.h"

static void expect(const char *sent, const char *reply, pk_match_kind kind)
{
    pair p;
    pair_open(&p, sent, reply, "");
    if (pair_judge(&p) != kind)
        fprintf(stderr, "%s\n %s\n", sent, reply);
    CHECK(pair_judge(&p) == kind);
    pair_close(&p);
}

#define NS(target) "ipv6(src=2001:db8::1, dst=ff02::1:ff00:9)/icmpv6()/nd_ns(tgt=" target ")"
#define NA(target) "ipv6(src=2001:db8::9, dst=2001:db8::1)/icmpv6()/nd_na(tgt=" target ")"

static void neighbours_answer_for_the_address_asked_for(void)
{
    expect(NS("2001:db8::9"), NA("2001:db8::9"), PK_MATCH_ANSWER);
    expect(NS("2001:db8::9"), NA("2001:db8::8"), PK_MATCH_NONE);
    /* A host that asks whether its own address is free has none yet (RFC 4861 section 7.2.4). */
    expect("ipv6(src=::, dst=ff02::1:ff00:9)/icmpv6()/nd_ns(tgt=2001:db8::9)",
           "ipv6(src=2001:db8::9, dst=ff02::1)/icmpv6()/nd_na(tgt=2001:db8::9)", PK_MATCH_ANSWER);
}

static void routers_and_listeners_answer_before_the_whole_group(void)
{
    expect("ipv6(src=fe80::1, dst=ff02::2)/icmpv6()/nd_rs()",
           "ipv6(src=fe80::9, dst=ff02::1)/icmpv6()/nd_ra()", PK_MATCH_ANSWER);
    expect("ipv6(src=fe80::1, dst=ff02::2)/icmpv6()/nd_rs()",
           "ipv6(src=fe80::9, dst=fe80::1)/icmpv6()/nd_ra()", PK_MATCH_ANSWER);
    expect("ipv6(src=fe80::1, dst=ff02::2)/icmpv6()/nd_rs()",
           "ipv6(src=fe80::9, dst=fe80::2)/icmpv6()/nd_ra()", PK_MATCH_NONE);
    expect("ipv6(src=fe80::1, dst=ff02::1)/icmpv6()/mld_query()",
           "ipv6(src=fe80::9, dst=ff02::16)/icmpv6()/mld_report2()", PK_MATCH_ANSWER);
    expect("ip(src=192.0.2.1, dst=224.0.0.251)/udp(sport=5353, dport=5353)/dns(id=7)",
           "ip(src=192.0.2.9, dst=224.0.0.251)/udp(sport=5353, dport=5353)/dns(id=7, qr=1)",
           PK_MATCH_ANSWER);
    expect("ip(src=192.0.2.1, dst=192.0.2.9)/udp(sport=5353, dport=5353)/dns(id=7)",
           "ip(src=192.0.2.9, dst=224.0.0.251)/udp(sport=5353, dport=5353)/dns(id=7, qr=1)",
           PK_MATCH_NONE);
}

static void who_has_no_address_is_answered_at_any(void)
{
    const char *discover = "ip(src=0.0.0.0, dst=255.255.255.255)/udp(sport=68, dport=67)/"
                           "bootp(xid=7)/dhcp(options=[message_type(discover), end])";
    expect(discover,
           "ip(src=192.0.2.9, dst=192.0.2.77)/udp(sport=67, dport=68)/bootp(op=2, xid=7)/"
           "dhcp(options=[message_type(offer), end])",
           PK_MATCH_ANSWER);
    expect(discover,
           "ip(src=192.0.2.9, dst=192.0.2.77)/udp(sport=67, dport=68)/bootp(op=2, xid=8)/"
           "dhcp(options=[message_type(offer), end])",
           PK_MATCH_NONE);
}

#define SYN "ip(src=10.0.0.1, dst=10.0.0.2)/tcp(sport=4000, dport=80, seq=6, flags=S)"
#define SYNACK(ack) \
    "ip(src=10.0.0.2, dst=10.0.0.1)/tcp(sport=80, dport=4000, seq=9, ack=" ack ", flags=SA)"
#define OVER "ip(src=192.0.2.1, dst=192.0.2.9)/"
#define BACK "ip(src=192.0.2.9, dst=192.0.2.1)/"

static void answers_come_back_through_a_tunnel(void)
{
    static const char *const tunnels[][2] = {
        {OVER, BACK},
        {OVER "gre()/", BACK "gre()/"},
        {OVER "gre(key=7)/", BACK "gre(key=7)/"},
        {"ipv6(src=2001:db8::1, dst=2001:db8::9)/", "ipv6(src=2001:db8::9, dst=2001:db8::1)/"},
        {OVER "udp(sport=50000, dport=4789)/vxlan(vni=5)/eth()/",
         BACK "udp(sport=61000, dport=4789)/vxlan(vni=5)/eth()/"},
        {OVER "udp(sport=50000)/geneve(vni=5)/eth()/",
         BACK "udp(sport=61000, dport=6081)/geneve(vni=5)/eth()/"},
        {OVER "udp(sport=50000)/gtpu(teid=5)/", BACK "udp(sport=61000, dport=2152)/gtpu(teid=7)/"},
    };
    for (size_t i = 0; i < sizeof tunnels / sizeof tunnels[0]; i++) {
        pk_buf sent = {0}, good = {0}, bad = {0};
        pk_buf_printf(&sent, "%s" SYN, tunnels[i][0]);
        pk_buf_printf(&good, "%s" SYNACK("7"), tunnels[i][1]);
        pk_buf_printf(&bad, "%s" SYNACK("8"), tunnels[i][1]);
        expect(pk_buf_cstr(&sent), pk_buf_cstr(&good), PK_MATCH_ANSWER);
        expect(pk_buf_cstr(&sent), pk_buf_cstr(&bad), PK_MATCH_NONE);
        pk_buf_free(&sent);
        pk_buf_free(&good);
        pk_buf_free(&bad);
    }
}

static void what_a_quotation_of_an_echo_holds_is_its_id(void)
{
    expect("ipv6(src=2001:db8::1, dst=2001:db8::9)/icmpv6(id=5, seq=6)",
           "ipv6(src=2001:db8::5, dst=2001:db8::1)/icmpv6(type=time_exceeded)/"
           "ipv6(src=2001:db8::1, dst=2001:db8::9)/icmpv6(id=5, seq=6)",
           PK_MATCH_QUOTE);
    expect("ipv6(src=2001:db8::1, dst=2001:db8::9)/icmpv6(id=5, seq=6)",
           "ipv6(src=2001:db8::5, dst=2001:db8::1)/icmpv6(type=time_exceeded)/"
           "ipv6(src=2001:db8::1, dst=2001:db8::9)/icmpv6(id=5, seq=7)",
           PK_MATCH_NONE);
}

/* By the probe's own rule, with the clauses that state it. */
static void expect_by(const char *clauses, const char *sent, const char *reply, pk_match_kind kind)
{
    pair p;
    pair_open(&p, sent, reply, clauses);
    if (pair_judge(&p) != kind)
        fprintf(stderr, "%s: %s\n %s\n", clauses, sent, reply);
    CHECK(pair_judge(&p) == kind);
    pair_close(&p);
}

#define PING  "ip(src=10.0.0.1, dst=10.0.0.2)/icmp(id=5, seq=6)"
#define PONG  "ip(src=10.0.0.7, dst=10.0.0.1)/icmp(type=0, id=9, seq=6)"
#define QUERY "ip(src=10.0.0.1, dst=10.0.0.2)/udp(sport=4000)/dns(id=3, qd=[dns_qr(\"a.example\")])"
#define REPLY                                                                  \
    "ip(src=10.0.0.2, dst=10.0.0.1)/udp(dport=4001)/dns(id=4, qr=1, rcode=3, " \
    "qd=[dns_qr(\"a.example\")])"

static void a_pattern_stands_in_the_place_of_what_layers_say(void)
{
    expect(PING, PONG, PK_MATCH_NONE);
    expect_by("answer icmp(type=echo_reply)", PING, PONG, PK_MATCH_ANSWER);
    expect_by("answer icmp(type=echo_reply, id=[7..9, 12])", PING, PONG, PK_MATCH_ANSWER);
    expect_by("answer icmp(type=echo_reply, id=7..8)", PING, PONG, PK_MATCH_NONE);
    expect_by("answer ip(src=10.0.0.0/24 except 10.0.0.7)/icmp()", PING, PONG, PK_MATCH_NONE);
    expect_by("answer [tcp(), ip(dst=10.0.0.1)]", PING, PONG, PK_MATCH_ANSWER);
    expect_by("answer tcp()", PING, PONG, PK_MATCH_NONE);
    expect_by("answer ICMPv6EchoReply()", "ipv6(src=::1, dst=::2)/icmpv6()",
              "ipv6(src=::9, dst=::1)/icmpv6(type=echo_reply)", PK_MATCH_ANSWER);
    expect_by("answer ICMPv6EchoReply()", "ipv6(src=::1, dst=::2)/icmpv6()",
              "ipv6(src=::9, dst=::1)/icmpv6(type=echo)", PK_MATCH_NONE);
}

static void layers_of_a_pattern_lie_on_each_other_unless_dots_say_otherwise(void)
{
    expect_by("answer ip()/dns(qr=1)", QUERY, REPLY, PK_MATCH_NONE);
    expect_by("answer ip()/udp()/dns(qr=1)", QUERY, REPLY, PK_MATCH_ANSWER);
    expect_by("answer ip()/.../dns(qr=1, rcode=3)", QUERY, REPLY, PK_MATCH_ANSWER);
    expect_by("answer ip()/.../dns(qr=0)", QUERY, REPLY, PK_MATCH_NONE);
    expect_by("answer .../dns()", QUERY, REPLY, PK_MATCH_ANSWER);
    expect_by("answer ip()/tcp()", QUERY, "ip(src=10.0.0.9)/ip(src=10.0.0.2)/tcp()",
              PK_MATCH_ANSWER);
}

static void paths_of_a_pattern_lead_into_lists(void)
{
    const char *syn = "ip(src=10.0.0.1, dst=10.0.0.2)/tcp()";
    const char *reply = "ip(src=10.0.0.2, dst=10.0.0.1)/"
                        "tcp(flags=SA, options=[nop, mss(1400), wscale(7)])";
    expect_by("answer tcp(flags=SA, options.mss=1400)", syn, reply, PK_MATCH_ANSWER);
    expect_by("answer tcp(options.mss=1300..1500, options.wscale.shift=7)", syn, reply,
              PK_MATCH_ANSWER);
    expect_by("answer tcp(options.mss=1460)", syn, reply, PK_MATCH_NONE);
    expect_by("answer tcp(options.ts.tsval=1)", syn, reply, PK_MATCH_NONE);
}

static void what_is_quoted_matches_behind_the_report_alone(void)
{
    const char *report = "ip(src=10.0.0.9, dst=10.0.0.1)/icmp(type=3, code=port)/"
                         "ip(src=10.0.0.1, dst=10.0.0.3)/udp(dport=9)";
    expect_by("answer icmp(type=3, code=port)/ip()/udp(dport=9)", PING, report, PK_MATCH_ANSWER);
    expect_by("answer udp(dport=9)", PING, report, PK_MATCH_NONE);
}

static void a_condition_compares_the_reply_with_the_stimulus(void)
{
    const char *rule = "answer icmp(type=0) where reply.icmp.seq == sent.icmp.seq";
    expect_by(rule, PING, PONG, PK_MATCH_ANSWER);
    expect_by(rule, "ip(src=10.0.0.1, dst=10.0.0.2)/icmp(id=5, seq=7)", PONG, PK_MATCH_NONE);
    expect_by("answer icmp()\nwhere reply.icmp.id > sent.icmp.id", PING, PONG, PK_MATCH_ANSWER);
    expect_by("answer icmp()\nwhere reply.icmp.id < sent.icmp.id", PING, PONG, PK_MATCH_NONE);
    /* Without patterns it is asked beside what the layers say. */
    expect_by("where reply.tcp.flags & S", SYN, SYNACK("7"), PK_MATCH_ANSWER);
    expect_by("where reply.tcp.flags & F", SYN, SYNACK("7"), PK_MATCH_NONE);
    expect_by("where reply.tcp.flags & S", SYN, SYNACK("8"), PK_MATCH_NONE);
}

int main(void)
{
    a_pattern_stands_in_the_place_of_what_layers_say();
    layers_of_a_pattern_lie_on_each_other_unless_dots_say_otherwise();
    paths_of_a_pattern_lead_into_lists();
    what_is_quoted_matches_behind_the_report_alone();
    a_condition_compares_the_reply_with_the_stimulus();
    neighbours_answer_for_the_address_asked_for();
    routers_and_listeners_answer_before_the_whole_group();
    who_has_no_address_is_answered_at_any();
    answers_come_back_through_a_tunnel();
    what_a_quotation_of_an_echo_holds_is_its_id();
    return check_result();
}
