/* Preloaded into gemmule by tests/faults: makes one call to the system fail, or kills the program in it.
 *
 *   GEMMULE_FAULT=CALL:PART:N:FAULT
 *
 * CALL is open, read or write; PART a part of the file's path; N which of these calls it is, from 1; FAULT a number of errno, or 0 for kill -9 in the
 * middle of a write, after half of its bytes. All further calls fail in the same way, as on a full disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char wanted[16], part[256];
static long number, fault;
static int ready;
static long calls;

static void setup(void) {
    const char *text = getenv("GEMMULE_FAULT");
    if (!text || sscanf(text, "%15[^:]:%255[^:]:%ld:%ld", wanted, part, &number, &fault) != 4) wanted[0] = 0;
    ready = 1;
}

/* Whether this call is one of those that fail. */
static int hit(const char *call, const char *path) {
    if (!ready) setup();
    if (strcmp(call, wanted) || !strstr(path, part)) return 0;
    return __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) >= number;
}

static int hit_fd(const char *call, int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return hit(call, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t read(int fd, void *buffer, size_t n) {
    if (hit_fd("read", fd)) { errno = fault; return -1; }
    return REAL(read)(fd, buffer, n);
}

ssize_t write(int fd, const void *buffer, size_t n) {
    if (hit_fd("write", fd)) {
        if (!fault) { REAL(write)(fd, buffer, n / 2); kill(getpid(), SIGKILL); }
        errno = fault;
        return -1;
    }
    return REAL(write)(fd, buffer, n);
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    if (hit("open", path)) { errno = fault; return -1; }
    return REAL(open64)(path, flags, mode);
}
