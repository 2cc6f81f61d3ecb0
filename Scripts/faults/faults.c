// Lets one system call of a process fail: the N-th of its kind on files below a folder. For LD_PRELOAD.
//
//   FAULTS_BELOW   the folder; what is read and written elsewhere (libraries, the system's files) is left alone
//   FAULTS_CALL    the kind: open, read, write, sync, rename, truncate, map, folder, remove, close
//   FAULTS_NTH     which of them, from 1; 0 for none
//   FAULTS_ERRNO   the error; 0 for a read or write of half the bytes
//   FAULTS_LASTS   1: all after it fail too, as on a disk that is full
//   FAULTS_COUNTS  a file that counts the calls of each kind, and last whether one was made to fail: 64-bit integers
//
// The counts live in a shared mapping, so that they are there whatever ends the process.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPEN, READ, WRITE, SYNC, RENAME, TRUNCATE, MAP, FOLDER, REMOVE, CLOSE, KINDS };
static const char *const names[KINDS] = {"open", "read", "write", "sync", "rename", "truncate", "map", "folder", "remove", "close"};

static _Atomic long *counts;
static char below[PATH_MAX];
static size_t below_length;
static int failing_kind = -1, failing_errno;
static long failing_nth;
static bool lasts;

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("FAULTS_BELOW"), *file = getenv("FAULTS_COUNTS"), *call = getenv("FAULTS_CALL");
  if (!folder || !file) return;
  // The C library's own functions are not used from here on: they are the ones that are wrapped.
  snprintf(below, sizeof below, "%s/", folder);
  below_length = strlen(below);
  for (int i = 0; call && i < KINDS; i++) {
    if (!strcmp(call, names[i])) failing_kind = i;
  }
  const char *nth = getenv("FAULTS_NTH"), *error = getenv("FAULTS_ERRNO"), *all = getenv("FAULTS_LASTS");
  failing_nth = nth ? atol(nth) : 0;
  failing_errno = error ? atoi(error) : EIO;
  lasts = all && *all == '1';
  int descriptor = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0 || syscall(SYS_ftruncate, descriptor, 4096L)) return;
  void *memory = (void *)syscall(SYS_mmap, NULL, 4096L, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0L);
  syscall(SYS_close, descriptor);
  if (memory != MAP_FAILED) counts = memory;
}

static bool is_below(const char *path) { return !strncmp(path, below, below_length); }

static bool is_path_below(int folder, const char *path) {
  if (!counts || !path) return false;
  if (*path == '/') return is_below(path);
  char at[64], start[PATH_MAX];
  snprintf(at, sizeof at, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
  long length = syscall(SYS_readlink, at, start, sizeof start - 2);
  if (length <= 0) return false;
  start[length] = '/', start[length + 1] = 0;
  return is_below(start);
}

static bool is_file_below(int descriptor) {
  if (!counts || descriptor < 0) return false;
  char at[64], path[PATH_MAX];
  snprintf(at, sizeof at, "/proc/self/fd/%d", descriptor);
  long length = syscall(SYS_readlink, at, path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = 0;
  return is_below(path);
}

/// Counts a call; whether it is to fail.
static bool fails(enum kind kind) {
  long number = atomic_fetch_add(&counts[kind], 1) + 1;
  if ((int)kind != failing_kind || !failing_nth) return false;
  if (number != failing_nth && !(lasts && number > failing_nth)) return false;
  atomic_store(&counts[KINDS], 1);
  return true;
}

#define NEXT(name) \
  static __typeof__(name) *next; \
  if (!next) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define REFUSE return errno = failing_errno ? failing_errno : EIO, -1

static mode_t mode_of(int flags, va_list more) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; }

#define WRAP_OPEN(name) \
  int name(const char *path, int flags, ...) { \
    NEXT(name); \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = mode_of(flags, more); \
    va_end(more); \
    if (is_path_below(AT_FDCWD, path) && fails(OPEN)) REFUSE; \
    return next(path, flags, mode); \
  }
WRAP_OPEN(open)
WRAP_OPEN(open64)

#define WRAP_OPENAT(name) \
  int name(int folder, const char *path, int flags, ...) { \
    NEXT(name); \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = mode_of(flags, more); \
    va_end(more); \
    if (is_path_below(folder, path) && fails(OPEN)) REFUSE; \
    return next(folder, path, flags, mode); \
  }
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)

FILE *fopen(const char *restrict path, const char *restrict mode) {
  NEXT(fopen);
  if (is_path_below(AT_FDCWD, path) && fails(OPEN)) return errno = failing_errno ? failing_errno : EIO, NULL;
  return next(path, mode);
}

int mkstemp(char *pattern) {
  NEXT(mkstemp);
  if (is_path_below(AT_FDCWD, pattern) && fails(OPEN)) REFUSE;
  return next(pattern);
}

/// A transfer of bytes: it fails, or moves half of them.
#define TRANSFER(result, name, kind, descriptor, count, parameters, ...) \
  result name parameters { \
    NEXT(name); \
    if (is_file_below(descriptor) && fails(kind)) { \
      if (failing_errno) REFUSE; \
      if (count > 1) count /= 2; \
    } \
    return next(__VA_ARGS__); \
  }
TRANSFER(ssize_t, read, READ, file, count, (int file, void *bytes, size_t count), file, bytes, count)
TRANSFER(ssize_t, pread, READ, file, count, (int file, void *bytes, size_t count, off_t at), file, bytes, count, at)
TRANSFER(ssize_t, pread64, READ, file, count, (int file, void *bytes, size_t count, off64_t at), file, bytes, count, at)
TRANSFER(ssize_t, write, WRITE, file, count, (int file, const void *bytes, size_t count), file, bytes, count)
TRANSFER(ssize_t, pwrite, WRITE, file, count, (int file, const void *bytes, size_t count, off_t at), file, bytes, count, at)
TRANSFER(ssize_t, pwrite64, WRITE, file, count, (int file, const void *bytes, size_t count, off64_t at), file, bytes, count, at)
TRANSFER(ssize_t, writev, WRITE, file, count, (int file, const struct iovec *bytes, int count), file, bytes, count)

#define ON_FILE(name, kind, file, parameters, ...) \
  int name parameters { \
    NEXT(name); \
    if (is_file_below(file) && fails(kind)) REFUSE; \
    return next(__VA_ARGS__); \
  }
ON_FILE(fsync, SYNC, file, (int file), file)
ON_FILE(fdatasync, SYNC, file, (int file), file)
ON_FILE(ftruncate, TRUNCATE, file, (int file, off_t length), file, length)
ON_FILE(ftruncate64, TRUNCATE, file, (int file, off64_t length), file, length)

int posix_fallocate(int file, off_t start, off_t length) {
  NEXT(posix_fallocate);
  if (is_file_below(file) && fails(TRUNCATE)) return failing_errno ? failing_errno : EIO;
  return next(file, start, length);
}

/// The file is closed all the same, as on Linux.
int close(int file) {
  NEXT(close);
  bool is_failing = is_file_below(file) && fails(CLOSE);
  int result = next(file);
  if (is_failing) REFUSE;
  return result;
}

#define ON_PATH(name, kind, folder, path, parameters, ...) \
  int name parameters { \
    NEXT(name); \
    if (is_path_below(folder, path) && fails(kind)) REFUSE; \
    return next(__VA_ARGS__); \
  }
ON_PATH(rename, RENAME, AT_FDCWD, to, (const char *from, const char *to), from, to)
ON_PATH(renameat, RENAME, b, to, (int a, const char *from, int b, const char *to), a, from, b, to)
ON_PATH(renameat2, RENAME, b, to, (int a, const char *from, int b, const char *to, unsigned flags), a, from, b, to, flags)
ON_PATH(link, RENAME, AT_FDCWD, to, (const char *from, const char *to), from, to)
ON_PATH(linkat, RENAME, b, to, (int a, const char *from, int b, const char *to, int flags), a, from, b, to, flags)
ON_PATH(mkdir, FOLDER, AT_FDCWD, path, (const char *path, mode_t mode), path, mode)
ON_PATH(unlink, REMOVE, AT_FDCWD, path, (const char *path), path)
ON_PATH(unlinkat, REMOVE, folder, path, (int folder, const char *path, int flags), folder, path, flags)
ON_PATH(rmdir, REMOVE, AT_FDCWD, path, (const char *path), path)

#define WRAP_MMAP(name, offset) \
  void *name(void *start, size_t length, int protection, int flags, int file, offset at) { \
    NEXT(name); \
    if (!(flags & MAP_ANONYMOUS) && is_file_below(file) && fails(MAP)) return errno = failing_errno ? failing_errno : ENOMEM, MAP_FAILED; \
    return next(start, length, protection, flags, file, at); \
  }
WRAP_MMAP(mmap, off_t)
WRAP_MMAP(mmap64, off64_t)
