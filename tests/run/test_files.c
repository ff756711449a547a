/* Files and hosts of a program: read once, kept, and told by name when they are missing. */
#include "run/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/check.h"

static unsigned asked;

static int resolve(const char *host, uint32_t len, uint8_t ret_address[16], pk_error *reterr_)
{
    asked++;
    if (strcmp(host, "one.example") != 0)
        return pk_error_set(reterr_, PK_ENOENT, "no host %s", host);
    memset(ret_address, (int)len, len);
    return PK_OK;
}

static pk_bytes bytes_of(const char *text)
{
    return (pk_bytes){(const uint8_t *)text, strlen(text)};
}

static void test_hosts_are_asked_for_once(void)
{
    const pk_files_options options = {.resolve = resolve};
    pk_files *files = pk_files_new(&options);
    pk_env_files env = pk_files_env(files);
    uint8_t address[16] = {0};
    pk_error error;
    for (unsigned i = 0; i < 3; i++)
        CHECK_INT(env.address(env.context, bytes_of("one.example"), 4, address, &error), PK_OK);
    CHECK_INT(asked, 1);
    CHECK_INT(address[0], 4);
    CHECK_INT(env.address(env.context, bytes_of("one.example"), 16, address, &error), PK_OK);
    CHECK_INT(address[15], 16);
    CHECK_INT(env.address(env.context, bytes_of("two.example"), 4, address, &error), PK_ENOENT);
    CHECK_TEXT(error.text, "no host two.example");
    CHECK_INT(asked, 3);
    pk_files_free(files);
}

static void test_the_hosts_file_alone(void)
{
    uint8_t address[16] = {0};
    pk_error error;
    if (pk_files_hosts("localhost", 4, address, &error) == PK_OK)
        CHECK(address[0] == 127 && address[3] == 1);
    CHECK_INT(pk_files_hosts("no.such.host.invalid", 4, address, &error), PK_ENOENT);
    CHECK(strstr(error.text, "/etc/hosts has no IPv4 address of `no.such.host.invalid`"));
    CHECK_INT(pk_files_hosts("127.0.0.1", 4, address, &error), PK_ENOENT);
}

static void test_files_are_read_once(void)
{
    char path[] = "/tmp/pktc-files-XXXXXX";
    const pk_files_options options = {0};
    pk_files *files = pk_files_new(&options);
    pk_env_files env = pk_files_env(files);
    pk_bytes bytes = {0}, again = {0};
    pk_error error;
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, "abc", 3) == 3);
    CHECK_INT(env.contents(env.context, bytes_of(path), &bytes, &error), PK_OK);
    CHECK(ftruncate(fd, 0) == 0);
    CHECK_INT(env.contents(env.context, bytes_of(path), &again, &error), PK_OK);
    CHECK(again.len == 3 && again.data == bytes.data && memcmp(again.data, "abc", 3) == 0);
    close(fd);
    unlink(path);
    CHECK_INT(env.contents(env.context, bytes_of("/nowhere"), &bytes, &error), PK_ENOENT);
    CHECK(strstr(error.text, "/nowhere"));
    pk_files_free(files);
}

int main(void)
{
    test_hosts_are_asked_for_once();
    test_the_hosts_file_alone();
    test_files_are_read_once();
    return check_result();
}
