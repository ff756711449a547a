/*
 * Reads every capture of the folders given as arguments: each one to an orderly end or to a refusal
 * with a text, and every record's bytes are really there. The third kind of argument, "-n COUNT",
 * says how many packets all of them must hold at least.
 */
#include "../base/check.h"
#include "io/capture.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

static uint64_t files;
static uint64_t packets;
static uint64_t refused;
static uint64_t sum;

static bool is_capture(const char *path)
{
    return pk_capture_format_of_path(path) != PK_CAPTURE_NONE;
}

static int read_capture(const char *path, bool map, uint64_t *ret_packets, pk_error *err)
{
    pk_capture_reader *reader;
    pk_capture_read_options options = {.map = map};
    int code = pk_capture_open(&reader, path, &options, err);
    if (code < 0)
        return code;
    pk_capture_record record;
    while ((code = pk_capture_next(reader, &record, err)) == PK_OK) {
        CHECK(record.captured <= PK_CAPTURE_BLOCK_MAX);
        CHECK(pk_capture_interface_at(reader, record.interface) != NULL);
        for (uint32_t i = 0; i < record.captured; i++)
            sum += record.data[i];
        ++*ret_packets;
    }
    pk_capture_close(reader);
    return code;
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)place;
    if (type != FTW_F || !is_capture(path))
        return 0;
    pk_error err = {0};
    pk_error again = {0};
    uint64_t read = 0;
    uint64_t mapped = 0;
    int code = read_capture(path, false, &read, &err);
    CHECK_INT(read_capture(path, true, &mapped, &again), code);
    CHECK_INT(mapped, read);
    CHECK_TEXT(again.text, err.text);
    CHECK(code == PK_EOF || code == PK_EFORMAT || code == PK_ELIMIT);
    CHECK(code == PK_EOF || err.text[0] != 0);
    if (code != PK_EOF)
        fprintf(stderr, "after %llu packets: %s\n", (unsigned long long)read, err.text);
    files++;
    packets += read;
    refused += code != PK_EOF;
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t least = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
            least = strtoull(argv[++i], NULL, 10);
        else if (nftw(argv[i], visit, 16, FTW_PHYS) < 0)
            return 77; /* not here */
    }
    printf("%llu files, %llu packets, %llu refused or cut\n", (unsigned long long)files,
           (unsigned long long)packets, (unsigned long long)refused);
    CHECK(files > 0);
    CHECK(packets >= least);
    return check_result();
}
