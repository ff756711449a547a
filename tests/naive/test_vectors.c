/* Builds against fixed vectors: tests/vectors/FILE.txt has lines of bytes in hex and the
 * expression. */
#include "test.h"

#include <dirent.h>

static unsigned count;

static void one(naive_unit *unit, const char *hex, const char *expression)
{
    pk_buf bytes = {0}, got = {0};
    naive_program *program = naive_program_new(unit, expression);
    bool good = program != NULL && naive_program_build(program, 0, &bytes);
    hex_of(&bytes, &got);
    count++;
    EXPECT(good, "%s: %s", expression, naive_unit_error(unit));
    EXPECT(!good || strcmp(pk_buf_cstr(&got), hex) == 0, "%s\n  expected %s\n  built    %s",
           expression, hex, pk_buf_cstr(&got));
    pk_buf_free(&bytes);
    pk_buf_free(&got);
    naive_program_free(program);
}

static void file(naive_unit *unit, const char *path)
{
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    EXPECT(in != NULL, "cannot read %s", path);
    while (in != NULL && (len = getline(&line, &cap, in)) > 0) {
        line[len - (line[len - 1] == '\n')] = 0;
        char *blank = strchr(line, ' ');
        if (line[0] == '#' || blank == NULL)
            continue;
        *blank = 0;
        one(unit, line, blank + 1);
    }
    free(line);
    if (in != NULL)
        fclose(in);
}

int main(int argc, char **argv)
{
    char path[4096];
    if (argc < 3)
        return 2;
    naive_unit *unit = standard_unit(argv[1], NULL);
    snprintf(path, sizeof path, "%s/vectors", argv[2]);
    DIR *folder = opendir(path);
    EXPECT(folder != NULL, "no vectors in %s", path);
    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (len < 4 || strcmp(e->d_name + len - 4, ".txt") != 0)
            continue;
        snprintf(path, sizeof path, "%s/vectors/%.255s", argv[2], e->d_name);
        file(unit, path);
    }
    if (folder != NULL)
        closedir(folder);
    EXPECT(count >= 40, "only %u vectors", count);
    printf("%u vectors, %u failures\n", count, failures);
    naive_unit_free(unit);
    return failures != 0;
}
