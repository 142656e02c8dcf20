/* Stands between a program and the disk, preloaded: notes what is written to the files of one folder, in order, and
 * makes calls on them fail. Linux with glibc; the program must call libc for its files, as SQLite and Rust do.
 *
 * FAULT_FOLDER   the folder whose files are watched
 * FAULT_LOG      gets every change: kind, offset, length of path and data, path, data
 * FAULT_CONTROL  a page shared with the test, see struct control
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOTHING = 0, FAIL = 1, KILL = 2 };

struct control {
    uint64_t calls;   /* calls on watched files until now */
    uint64_t at;      /* the call that something happens to */
    uint32_t what;    /* FAIL or KILL */
    uint32_t error;   /* what a failing call says */
    uint64_t happened; /* the kind of call it happened to; 0: it did not yet */
    uint64_t full;    /* 1: nothing more can be written */
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static struct control *control;
static const char *folder;
static int log_fd = -1;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULT_CONTROL"), *log = getenv("FAULT_LOG");
    folder = getenv("FAULT_FOLDER");
    if (path) {
        int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
        void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page != MAP_FAILED) control = page;
    }
    if (log) log_fd = syscall(SYS_openat, AT_FDCWD, log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
}

/* Whether a path is the database, its log or a list beside it; not the index of the log, which is memory. */
static int watched(const char *path) {
    if (!folder || strncmp(path, folder, strlen(folder))) return 0;
    return !strstr(path, "-shm") && !strstr(path, ".lock") && !strstr(path, "/backups");
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, path, 500);
    if (n <= 0) return 0;
    path[n] = 0;
    return watched(path);
}

/* Counts the call, and lets happen to it what is to happen. The turn is held. */
static int fails(char kind, int grows) {
    if (!control) return 0;
    uint64_t call = ++control->calls;
    if (grows && control->full) {
        errno = ENOSPC;
        return 1;
    }
    if (control->what == NOTHING || call != control->at) return 0;
    control->happened = kind;
    if (control->what == KILL) {
        syscall(SYS_kill, getpid(), SIGKILL);
        pause();
    }
    control->what = NOTHING;
    errno = kind == 'R' ? EIO : (int)control->error;
    return 1;
}

static void note(char kind, const char *path, uint64_t offset, const void *data, uint32_t length) {
    unsigned char head[15];
    uint16_t path_length = strlen(path);
    if (log_fd < 0) return;
    head[0] = kind;
    memcpy(head + 1, &path_length, 2);
    memcpy(head + 3, &offset, 8);
    memcpy(head + 11, &length, 4);
    /* In one call: the test writes to the same file. */
    struct iovec parts[3] = {{head, 15}, {(void *)path, path_length}, {(void *)data, length}};
    if (syscall(SYS_writev, log_fd, parts, 3) < 0) abort();
}

static ssize_t put(int fd, const void *data, size_t size, int64_t offset) {
    char path[512];
    if (!path_of(fd, path)) {
        return offset < 0 ? syscall(SYS_write, fd, data, size) : syscall(SYS_pwrite64, fd, data, size, offset);
    }
    pthread_mutex_lock(&turn);
    ssize_t done = -1;
    if (!fails('W', 1)) {
        done = offset < 0 ? syscall(SYS_write, fd, data, size) : syscall(SYS_pwrite64, fd, data, size, offset);
        if (done > 0) note('W', path, offset < 0 ? syscall(SYS_lseek, fd, 0, SEEK_CUR) - done : offset, data, done);
    }
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t write(int fd, const void *data, size_t size) { return put(fd, data, size, -1); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return put(fd, data, size, offset); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) { return put(fd, data, size, offset); }

static ssize_t get(int fd, void *data, size_t size, int64_t offset) {
    char path[512];
    if (path_of(fd, path)) {
        pthread_mutex_lock(&turn);
        int failed = fails('R', 0);
        pthread_mutex_unlock(&turn);
        if (failed) return -1;
    }
    return syscall(SYS_pread64, fd, data, size, offset);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset) { return get(fd, data, size, offset); }
ssize_t pread64(int fd, void *data, size_t size, off64_t offset) { return get(fd, data, size, offset); }

static int sync_with(int fd, long call) {
    char path[512];
    if (!path_of(fd, path)) return syscall(call, fd);
    pthread_mutex_lock(&turn);
    int done = fails('S', 0) ? -1 : syscall(call, fd);
    if (!done) note('S', path, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int fsync(int fd) { return sync_with(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_with(fd, SYS_fdatasync); }

static int cut(int fd, int64_t length) {
    char path[512];
    if (!path_of(fd, path)) return syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&turn);
    int done = fails('T', 0) ? -1 : syscall(SYS_ftruncate, fd, length);
    if (!done) note('T', path, length, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

/* A path as the descriptors have it: programs may name it from where they stand. */
static int named(const char *name, char *path) {
    if (*name == '/') {
        snprintf(path, 512, "%s", name);
    } else {
        char here[256];
        if (syscall(SYS_getcwd, here, sizeof here) < 0) return 0;
        snprintf(path, 512, "%s/%s", here, strncmp(name, "./", 2) ? name : name + 2);
    }
    return watched(path);
}

int unlink(const char *name) {
    char path[512];
    if (!named(name, path)) return syscall(SYS_unlinkat, AT_FDCWD, name, 0);
    pthread_mutex_lock(&turn);
    int done = fails('U', 0) ? -1 : syscall(SYS_unlinkat, AT_FDCWD, name, 0);
    if (!done) note('U', path, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int rename(const char *from, const char *to) {
    char old[512], new[512];
    if (!(named(from, old) & named(to, new))) return syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    pthread_mutex_lock(&turn);
    int done = fails('N', 0) ? -1 : syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    if (!done) note('N', old, 0, new, strlen(new));
    pthread_mutex_unlock(&turn);
    return done;
}
