#include "filter.h"

#include <ctype.h>
#include <pcap/pcap.h>
#include <string.h>

#include "base/linktype.h"

enum { SNAP = 262144 };

/* A few link types have another number in programs than in files. */
static int data_link_of(uint32_t linktype)
{
    return linktype == PK_LINKTYPE_RAW ? DLT_RAW : (int)linktype;
}

static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        bool begins = at == text || !isalnum((unsigned char)at[-1]);
        if (begins && !isalnum((unsigned char)at[len]))
            return true;
    }
    return false;
}

static int translate(pcap_t *pcap, const char *text, pk_buf *out, pk_error *reterr_)
{
    struct bpf_program program;
    if (pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0)
        return pk_error_set(reterr_, PK_EFORMAT, "%s", pcap_geterr(pcap));
    for (unsigned i = 0; i < program.bf_len; i++)
        pk_buf_add(out, &program.bf_insns[i], sizeof program.bf_insns[i]);
    pcap_freecode(&program);
    return out->failed ? pk_error_set(reterr_, PK_ENOMEM, "no memory for a filter") : PK_OK;
}

int pk_filter_compile(const char *text, uint32_t linktype, pk_buf *ret_program, pk_error *reterr_)
{
    if (strlen(text) > PK_FILTER_TEXT_LIMIT)
        return pk_error_set(reterr_, PK_ELIMIT, "a filter's text is too long (limit %u)",
                            PK_FILTER_TEXT_LIMIT);
    if (has_word(text, "vlan"))
        return pk_error_set(reterr_, PK_EFORMAT,
                            "`vlan` never holds in a capture filter: the kernel takes tags off "
                            "before it looks; leave it out and choose among what comes");
    pcap_t *pcap = pcap_open_dead(data_link_of(linktype), SNAP);
    if (!pcap)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a filter");
    int code = translate(pcap, text, ret_program, reterr_);
    pcap_close(pcap);
    return code;
}

const char *pk_filter_library(void)
{
    return pcap_lib_version();
}
