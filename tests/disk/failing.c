/* Makes the Nth write or fsync below a folder fail, for tests: loaded with LD_PRELOAD, told what to do by `fail_at`.
   Counts only files below the folder; with `times` < 0 everything from the Nth write on fails, as on a full disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static char under[PATH_MAX];
static long at, seen;
static int code, times, armed;

void fail_at(const char *folder, long nth, int error, int how_often) {
    strncpy(under, folder, sizeof under - 1);
    at = nth; seen = 0; code = error; times = how_often;
    armed = folder[0] != 0;
}

long calls(void) { return seen; }

static int fails(int fd) {
    char link[64], path[PATH_MAX];
    if (!armed) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (strncmp(path, under, strlen(under)) != 0) return 0;
    long now = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    if (now < at || (times >= 0 && now >= at + times)) return 0;
    errno = code;
    return 1;
}

#define NEXT(name) (real ? real : (real = (typeof(&name))dlsym(RTLD_NEXT, #name)))

ssize_t write(int fd, const void *data, size_t size) {
    static typeof(&write) real;
    return fails(fd) ? -1 : NEXT(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t place) {
    static typeof(&pwrite) real;
    return fails(fd) ? -1 : NEXT(pwrite)(fd, data, size, place);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t place) {
    static typeof(&pwrite64) real;
    return fails(fd) ? -1 : NEXT(pwrite64)(fd, data, size, place);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    static typeof(&writev) real;
    return fails(fd) ? -1 : NEXT(writev)(fd, parts, count);
}
int fsync(int fd) {
    static typeof(&fsync) real;
    return fails(fd) ? -1 : NEXT(fsync)(fd);
}
int fdatasync(int fd) {
    static typeof(&fdatasync) real;
    return fails(fd) ? -1 : NEXT(fdatasync)(fd);
}
