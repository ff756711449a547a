/* A lab ends with its process, however that ends: nobody holds its namespaces afterwards, and no
 * process was ever started for it. */
#include "net/lab.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/check.h"

#define NAME_MAX_LEN 64

/* The owner: opens a lab, says the name of its namespace, and sleeps. */
static void own_lab(int out)
{
    pk_lab *lab;
    pk_error err;
    char name[NAME_MAX_LEN] = "";
    pk_lab_options options = {.hops = 2};
    if (pk_lab_open(&lab, &options, &err) < 0)
        (void)snprintf(name, sizeof name, "-");
    else if (readlink("/proc/self/ns/net", name, sizeof name - 1) < 0)
        (void)snprintf(name, sizeof name, "?");
    if (write(out, name, sizeof name) < 0)
        _exit(1);
    for (;;)
        (void)pause();
}

static bool links_to(const char *path, const char *name)
{
    char target[NAME_MAX_LEN] = "";
    return readlink(path, target, sizeof target - 1) > 0 && strcmp(target, name) == 0;
}

static unsigned count_descriptors(const char *process, const char *name)
{
    char folder[64];
    unsigned count = 0;
    (void)snprintf(folder, sizeof folder, "/proc/%.20s/fd", process);
    DIR *list = opendir(folder);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%.20s", folder, entry->d_name);
        count += links_to(path, name);
    }
    if (list)
        (void)closedir(list);
    return count;
}

/* Everything in /proc that holds the namespace: members and descriptors. */
static unsigned count_holders(const char *name)
{
    unsigned count = 0;
    DIR *list = opendir("/proc");
    for (struct dirent *entry; list && (entry = readdir(list));) {
        char path[64];
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        (void)snprintf(path, sizeof path, "/proc/%.20s/ns/net", entry->d_name);
        count += links_to(path, name) + count_descriptors(entry->d_name, name);
    }
    if (list)
        (void)closedir(list);
    return count;
}

static bool has_children(pid_t process)
{
    char path[64];
    char text[8] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", process, process);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    bool some = fgets(text, sizeof text, file) != NULL;
    (void)fclose(file);
    return some;
}

static void end_by(int signal_number)
{
    int ends[2];
    char name[NAME_MAX_LEN] = "";
    if (pipe(ends) < 0)
        exit(1);
    pid_t owner = fork();
    if (owner == 0)
        own_lab(ends[1]);
    if (read(ends[0], name, sizeof name) != (ssize_t)sizeof name)
        exit(1);
    if (strcmp(name, "-") == 0) {
        fprintf(stderr, "skipped: no namespaces here\n");
        (void)kill(owner, SIGKILL);
        exit(77);
    }
    CHECK(strncmp(name, "net:[", 5) == 0);
    CHECK_INT(count_holders(name), 2); /* the owner as a member, and its descriptor */
    CHECK(!has_children(owner));
    (void)kill(owner, signal_number);
    (void)waitpid(owner, NULL, 0);
    CHECK_INT(count_holders(name), 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    end_by(SIGKILL);
    end_by(SIGTERM);
    end_by(SIGINT);
    return check_result();
}
