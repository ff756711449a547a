#include "../base/check.h"

#include "diag.h"

static const char *rendered(pk_diags *diags, pk_diag_form form, pk_buf *out)
{
    pk_buf_clear(out);
    pk_diags_render(diags, form, out);
    return pk_buf_cstr(out);
}

static pk_span at(pk_span text, uint32_t lo, uint32_t hi)
{
    return (pk_span){text.lo + lo, text.lo + hi};
}

static void reports_are_ordered_by_position_and_drawn_with_their_line(void)
{
    pk_sources *sources = pk_sources_new();
    pk_span text = {0, 0};
    pk_buf out = {0};
    CHECK_INT(pk_sources_add(sources, "a.pkt", "send ip()\n  rate 5\n", 19, &text), PK_OK);
    pk_diags *diags = pk_diags_new(sources);
    pk_diag_report(diags, PK_DIAG_UNKNOWN_FIELD, at(text, 12, 16), "second %d", 2);
    pk_diag_help(diags, "try again");
    pk_diag_note(diags, "because");
    pk_diag_report(diags, PK_DIAG_INDEPENDENT_AXES, at(text, 5, 7), "first");
    pk_diag_label(diags, "here");
    pk_diag_help(diags, "a help below");
    pk_diag_also(diags, at(text, 17, 18), "and there");
    CHECK_INT(pk_diags_errors(diags), 1);
    CHECK_INT(pk_diags_warnings(diags), 1);
    CHECK_TEXT(rendered(diags, PK_DIAG_TEXT, &out), "a.pkt:1:6: warning: first [W0601]\n"
                                                    "  1 | send ip()\n"
                                                    "    |      ^^ here\n"
                                                    "    | help: a help below\n"
                                                    "a.pkt:2:8: note: and there\n"
                                                    "  2 |   rate 5\n"
                                                    "    |        ^\n"
                                                    "a.pkt:2:3: error: second 2 [E0303]\n"
                                                    "  2 |   rate 5\n"
                                                    "    |   ^^^^ help: try again\n"
                                                    "    | note: because\n");
    CHECK_TEXT(rendered(diags, PK_DIAG_JSON, &out),
               "{\"v\":1,\"severity\":\"warning\",\"code\":\"W0601\",\"message\":\"first\","
               "\"label\":\"here\",\"source\":\"send ip()\",\"file\":\"a.pkt\",\"line\":1,"
               "\"column\":6,\"end_line\":1,\"end_column\":8,\"notes\":[{\"kind\":\"help\","
               "\"message\":\"a help below\"},{\"kind\":\"place\",\"file\":\"a.pkt\",\"line\":2,"
               "\"column\":8,\"end_line\":2,\"end_column\":9,\"message\":\"and there\"}]}\n"
               "{\"v\":1,\"severity\":\"error\",\"code\":\"E0303\",\"message\":\"second 2\","
               "\"source\":\"  rate 5\",\"file\":\"a.pkt\",\"line\":2,\"column\":3,\"end_line\":2,"
               "\"end_column\":7,\"notes\":[{\"kind\":\"help\",\"message\":\"try again\"},"
               "{\"kind\":\"note\",\"message\":\"because\"}]}\n");
    pk_buf_free(&out);
    pk_diags_free(diags);
    pk_sources_free(sources);
}

static void texts_from_the_command_line_have_no_line_numbers(void)
{
    pk_sources *sources = pk_sources_new();
    pk_span text = {0, 0};
    pk_buf out = {0};
    CHECK_INT(pk_sources_add(sources, "--ports", "80,http", 7, &text), PK_OK);
    pk_diags *diags = pk_diags_new(sources);
    pk_diag_report(diags, PK_DIAG_BAD_PARAM_VALUE, at(text, 3, 7), "expected a port set");
    pk_diag_label(diags, "parameter `ports: set(u16)`");
    CHECK_TEXT(rendered(diags, PK_DIAG_TEXT, &out),
               "--ports:1:4: error: expected a port set [E0408]\n"
               "    | 80,http\n"
               "    |    ^^^^ parameter `ports: set(u16)`\n");
    pk_buf_free(&out);
    pk_diags_free(diags);
    pk_sources_free(sources);
}

static void carets_stand_under_the_text_whatever_its_width(void)
{
    static const char line[] = "\ta\t\xe6\x97\xa5\xcc\x81\x01 here";
    pk_sources *sources = pk_sources_new();
    pk_span text = {0, 0};
    pk_buf out = {0};
    CHECK_INT(pk_sources_add(sources, "a", line, sizeof line - 1, &text), PK_OK);
    pk_diags *diags = pk_diags_new(sources);
    pk_diag_report(diags, PK_DIAG_SYNTAX, at(text, 3, 6), "wide");
    pk_diag_report(diags, PK_DIAG_SYNTAX, at(text, 10, 14), "behind");
    CHECK_TEXT(rendered(diags, PK_DIAG_TEXT, &out),
               "a:1:4: error: wide [E0201]\n"
               "  1 |     a    \xe6\x97\xa5\xcc\x81\\x01 here\n"
               "    |          ^^\n"
               "a:1:8: error: behind [E0201]\n"
               "  1 |     a    \xe6\x97\xa5\xcc\x81\\x01 here\n"
               "    |                 ^^^^\n");
    pk_buf_free(&out);
    pk_diags_free(diags);
    pk_sources_free(sources);
}

static void errors_beyond_the_limit_are_counted_and_warnings_are_not_crowded_out(void)
{
    pk_sources *sources = pk_sources_new();
    pk_span text = {0, 0};
    pk_buf out = {0};
    CHECK_INT(pk_sources_add(sources, "a", "x", 1, &text), PK_OK);
    pk_diags *diags = pk_diags_new(sources);
    for (int i = 0; i < PK_DIAG_LIMIT + 1; i++) {
        pk_diag_report(diags, PK_DIAG_SYNTAX, at(text, 0, 1), "number %d", i);
        pk_diag_label(diags, "label %d", i);
    }
    pk_diag_report(diags, PK_DIAG_SUSPICIOUS, at(text, 0, 1), "hm");
    CHECK_INT(pk_diags_errors(diags), PK_DIAG_LIMIT + 1);
    const char *all = rendered(diags, PK_DIAG_TEXT, &out);
    CHECK(strstr(all, "number 19") && !strstr(all, "number 20") && !strstr(all, "label 20"));
    CHECK(strstr(all, "warning: hm [W0401]\n"));
    CHECK(strstr(all, "\n1 more error not shown (limit 20)\n"));
    CHECK(strstr(rendered(diags, PK_DIAG_JSON, &out),
                 "\n{\"v\":1,\"dropped\":1,\"severity\":\"error\"}\n"));
    pk_buf_free(&out);
    pk_diags_free(diags);
    pk_sources_free(sources);
}

static void every_code_is_found_by_its_text_and_has_one(void)
{
    for (int code = 0; code < PK_DIAG_CODES; code++) {
        const char *text = pk_diag_code_text((pk_diag_code)code);
        CHECK_INT(strlen(text), 5);
        CHECK_INT(text[0], pk_diag_is_error((pk_diag_code)code) ? 'E' : 'W');
        CHECK_INT(pk_diag_find(text), code);
        CHECK(pk_diag_summary((pk_diag_code)code)[0] != 0);
    }
    CHECK_INT(pk_diag_find("e0303"), PK_DIAG_UNKNOWN_FIELD);
    CHECK_INT(pk_diag_find("E9999"), PK_DIAG_CODES);
}

static const char *nearest(const char *word, const char *a, const char *b)
{
    pk_suggest suggest;
    pk_suggest_begin(&suggest, word);
    pk_suggest_offer(&suggest, a);
    pk_suggest_offer(&suggest, b);
    return suggest.best ? suggest.best : "";
}

static void only_near_words_are_suggested(void)
{
    CHECK_TEXT(nearest("dprot", "sport", "dport"), "dport");
    CHECK_TEXT(nearest("layr", "player", "layer"), "layer");
    CHECK_TEXT(nearest("chksm", "chksum", "checksum"), "chksum");
    CHECK_TEXT(nearest("TCP", "udp", "tcp"), "tcp");
    CHECK_TEXT(nearest("ip", "pi", "op"), "");
    CHECK_TEXT(nearest("port", "dport", "prt"), "dport");
    CHECK_TEXT(nearest("zzzzzz", "dport", "sport"), "");
    CHECK_TEXT(nearest("same", "same", "some"), "some");
}

int main(void)
{
    reports_are_ordered_by_position_and_drawn_with_their_line();
    texts_from_the_command_line_have_no_line_numbers();
    carets_stand_under_the_text_whatever_its_width();
    errors_beyond_the_limit_are_counted_and_warnings_are_not_crowded_out();
    every_code_is_found_by_its_text_and_has_one();
    only_near_words_are_suggested();
    return check_result();
}
