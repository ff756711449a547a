#include "../base/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "sources.h"

static void check_place(const pk_sources *sources, uint32_t offset, const char *name, uint32_t line,
                        uint32_t column, const char *text)
{
    pk_place place = pk_sources_place(sources, offset);
    CHECK_TEXT(place.name, name);
    CHECK_INT(place.line, line);
    CHECK_INT(place.column, column);
    CHECK_INT(place.text.len, strlen(text));
    CHECK(place.text.len == strlen(text) && !memcmp(place.text.data, text, place.text.len));
}

static void offsets_of_all_sources_are_told_apart(void)
{
    pk_sources *sources = pk_sources_new();
    pk_span a = {0, 0};
    pk_span b = {0, 0};
    pk_span c = {0, 0};
    CHECK_INT(pk_sources_add(sources, "a", "one\ntwo\r\n\nfour", 14, &a), PK_OK);
    CHECK_INT(pk_sources_add(sources, "b", "", 0, &b), PK_OK);
    CHECK_INT(pk_sources_add(sources, "c", "x\xc3\xa9\xe6\x97\xa5z", 7, &c), PK_OK);
    CHECK(a.lo > 0);
    check_place(sources, a.lo, "a", 1, 1, "one");
    check_place(sources, a.lo + 3, "a", 1, 4, "one");
    check_place(sources, a.lo + 4, "a", 2, 1, "two");
    check_place(sources, a.lo + 7, "a", 2, 4, "two");
    check_place(sources, a.lo + 9, "a", 3, 1, "");
    check_place(sources, a.lo + 13, "a", 4, 4, "four");
    check_place(sources, a.hi, "a", 4, 5, "four");
    check_place(sources, b.lo, "b", 1, 1, "");
    check_place(sources, c.lo + 3, "c", 1, 3, "x\xc3\xa9\xe6\x97\xa5z");
    check_place(sources, c.hi, "c", 1, 5, "x\xc3\xa9\xe6\x97\xa5z");
    check_place(sources, 0, "", 1, 1, "");
    check_place(sources, c.hi + 1, "", 1, 1, "");
    CHECK_INT(pk_sources_text(sources, a).len, 14);
    CHECK_INT(pk_sources_text(sources, (pk_span){a.lo, c.hi}).len, 14);
    CHECK_INT(pk_sources_text(sources, (pk_span){a.lo + 2, a.lo + 1}).len, 0);
    pk_sources_free(sources);
}

static void lines_are_counted_in_long_texts(void)
{
    size_t len = 300000;
    char *text = malloc(len);
    pk_sources *sources = pk_sources_new();
    pk_span span = {0, 0};
    CHECK(text != NULL);
    for (size_t i = 0; text && i < len; i++)
        text[i] = i % 10 == 9 ? '\n' : 'a';
    CHECK_INT(pk_sources_add(sources, "long", text, len, &span), PK_OK);
    for (uint32_t at = 0; at < len; at += 4999) {
        pk_place place = pk_sources_place(sources, span.lo + at);
        CHECK_INT(place.line, at / 10 + 1);
        CHECK_INT(place.column, at % 10 + 1);
        CHECK_INT(place.text.len, 9);
    }
    pk_sources_free(sources);
    free(text);
}

static void files_are_read_whole_and_what_cannot_be_read_is_told(void)
{
    char path[] = "/tmp/pk_sources_XXXXXX";
    int fd = mkstemp(path);
    pk_sources *sources = pk_sources_new();
    pk_span span = {7, 7};
    CHECK(fd >= 0 && write(fd, "hello", 5) == 5);
    CHECK_INT(pk_sources_read(sources, path, &span), PK_OK);
    CHECK_INT(span.hi - span.lo, 5);
    check_place(sources, span.lo, path, 1, 1, "hello");
    CHECK_INT(pk_sources_read(sources, "/nonexistent/x.pkt", &span), PK_EIO);
    CHECK_INT(pk_sources_read(sources, "/", &span), PK_EIO);
    CHECK_INT(span.hi - span.lo, 5);
    CHECK(fd >= 0 && ftruncate(fd, (off_t)PK_SOURCE_LIMIT + 1) == 0);
    CHECK_INT(pk_sources_read(sources, path, &span), PK_ELIMIT);
    CHECK_INT(pk_sources_read(sources, "/dev/zero", &span), PK_ELIMIT);
    (void)close(fd);
    (void)unlink(path);
    pk_sources_free(sources);
}

int main(void)
{
    offsets_of_all_sources_are_told_apart();
    lines_are_counted_in_long_texts();
    files_are_read_whole_and_what_cannot_be_read_is_told();
    pk_sources_free(NULL);
    return check_result();
}
