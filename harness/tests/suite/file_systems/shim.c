// A file system that cannot do everything: preloaded before the C library, it lets calls on files under the folder
// SHIM_FOLDER fail. SHIM_FAULTS names the calls, each with an error number: "flock=37 fsync=22".
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// The error of a call, 0 if it does not fail.
static int fault(const char *call) {
    const char *faults = getenv("SHIM_FAULTS");
    size_t length = strlen(call);
    while (faults && *faults) {
        if (!strncmp(faults, call, length) && faults[length] == '=') return atoi(faults + length + 1);
        faults = strchr(faults, ' ');
        faults += faults != NULL;
    }
    return 0;
}

static int is_under(const char *path) {
    const char *folder = getenv("SHIM_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    return length && !strncmp(path, folder, length) && (path[length] == '/' || path[length] == 0);
}

// Where an open file is; "" if that cannot be told.
static const char *place(int file, char *buffer) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, buffer, PATH_MAX - 1);
    buffer[length < 0 ? 0 : length] = 0;
    return buffer;
}

static int fails_at(const char *call, const char *path) {
    int error = is_under(path) ? fault(call) : 0;
    if (error) errno = error;
    return error;
}

static int fails_on(const char *call, int file) {
    char buffer[PATH_MAX];
    return fails_at(call, place(file, buffer));
}

// A path from the folder that is open as `from`.
static int fails_from(const char *call, int from, const char *path) {
    char folder[PATH_MAX], whole[2 * PATH_MAX];
    if (path[0] == '/') return fails_at(call, path);
    if (from == AT_FDCWD) {
        if (!getcwd(folder, sizeof folder)) return 0;
    } else {
        place(from, folder);
    }
    snprintf(whole, sizeof whole, "%s/%s", folder, path);
    return fails_at(call, whole);
}

int fchmod(int file, mode_t mode) { return fails_on("fchmod", file) ? -1 : REAL(fchmod)(file, mode); }

int flock(int file, int operation) {
    int (*real)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
    return fails_on("flock", file) ? -1 : real(file, operation);
}

int fsync(int file) {
    struct stat about;
    int is_folder = !fstat(file, &about) && S_ISDIR(about.st_mode);
    return fails_on(is_folder ? "fsync-folder" : "fsync", file) ? -1 : REAL(fsync)(file);
}

// Fails for files that are not in place yet; they are closed all the same.
int close(int file) {
    char buffer[PATH_MAX];
    int fails = strstr(place(file, buffer), "/.harness-tmp-") && is_under(buffer) ? fault("close") : 0;
    int result = REAL(close)(file);
    if (!fails) return result;
    errno = fails;
    return -1;
}

// No two questions after the identity of a file get the same answer.
int statx(int from, const char *restrict path, int flags, unsigned mask, struct statx *restrict about) {
    static unsigned long asked;
    int result = REAL(statx)(from, path, flags, mask, about);
    if (fault("identity")) about->stx_ino = ++asked;
    return result;
}

// What changes a folder or a file is the call "write".
int mkdir(const char *path, mode_t mode) {
    return fails_from("write", AT_FDCWD, path) ? -1 : REAL(mkdir)(path, mode);
}

int unlink(const char *path) { return fails_from("write", AT_FDCWD, path) ? -1 : REAL(unlink)(path); }

int unlinkat(int from, const char *path, int flags) {
    return fails_from("write", from, path) ? -1 : REAL(unlinkat)(from, path, flags);
}

#define OPEN(name, from, parameters, ...)                                                          \
    int name parameters {                                                                          \
        mode_t mode = 0;                                                                           \
        if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {                                 \
            va_list rest;                                                                          \
            va_start(rest, flags);                                                                 \
            mode = va_arg(rest, mode_t);                                                           \
            va_end(rest);                                                                          \
        }                                                                                          \
        int writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT;                           \
        return writes && fails_from("write", from, path) ? -1 : REAL(name)(__VA_ARGS__, mode);     \
    }

OPEN(open, AT_FDCWD, (const char *path, int flags, ...), path, flags)
OPEN(open64, AT_FDCWD, (const char *path, int flags, ...), path, flags)
OPEN(openat, from, (int from, const char *path, int flags, ...), from, path, flags)
OPEN(openat64, from, (int from, const char *path, int flags, ...), from, path, flags)
