#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "written.h"
#include "checksums.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

enum {
  PAGE = 4096,
  /// Whole pages of at least so many bytes go to the disk at once.
  LEAST_DIRECT = 1 << 16,
  /// What is copied to an aligned place and written by one call.
  PIECE = 1 << 21,
  /// Pages kept in memory at most: 32 MiB.
  MOST_PAGES = 8192,
};

typedef struct {
  uint64_t number;
  uint8_t *bytes;
  bool is_changed;
} page;

/// Whole pages that were written at once.
typedef struct {
  uint64_t start, count;
  uint32_t crc;
  /// Something in it was written anew since.
  bool is_stale;
} extent;

struct written_file {
  /// For whole pages past the system's cache; −1 where that is not possible. The other serves everything else.
  int direct, plain;
  /// Both in ascending order.
  page *pages;
  size_t page_count, page_room;
  extent *extents;
  size_t extent_count, extent_room;
  /// Extents overlapped: their sums say nothing.
  bool has_lost_sums;
  uint8_t *piece;
  /// Bytes handed to the system's cache since it was last asked to write them.
  uint64_t unwritten;
};

written_file *written_open(const char *name, int descriptor, bool is_written) {
  written_file *file = calloc(1, sizeof *file);
  void *piece = NULL;
  if (!file || posix_memalign(&piece, PAGE, PIECE)) {
    free(file);
    return NULL;
  }
  file->piece = piece;
  file->plain = descriptor;
  file->direct = -1;
#if defined(O_DIRECT)
  if (is_written) file->direct = open(name, O_WRONLY | O_DIRECT | O_CLOEXEC);
#else
  (void)name;
  (void)is_written;
#endif
#if defined(F_NOCACHE)
  if (is_written) fcntl(descriptor, F_NOCACHE, 1);
#endif
  return file;
}

/// Room for one more element of an array.
static int make_room(void **elements, size_t count, size_t *room, size_t size) {
  if (count < *room) return 0;
  size_t wanted = *room ? 2 * *room : 64;
  void *grown = realloc(*elements, wanted * size);
  if (!grown) {
    errno = ENOMEM;
    return -1;
  }
  *elements = grown;
  *room = wanted;
  return 0;
}

/// The place of the first page of at least this number.
static size_t place_of_page(const written_file *file, uint64_t number) {
  size_t low = 0, high = file->page_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (file->pages[middle].number < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/// The place of the first extent that ends behind `start`.
static size_t place_of_extent(const written_file *file, uint64_t start) {
  size_t low = 0, high = file->extent_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (file->extents[middle].start + file->extents[middle].count <= start) low = middle + 1;
    else high = middle;
  }
  return low;
}

// MARK: The file itself

/// Asks Linux to begin writing what lies in its cache, without waiting and without taking over the report of an error, so
/// that the disk works while the next values are computed.
static void begin_writing(written_file *file, size_t count) {
  file->unwritten += count;
  if (file->unwritten < 64 << 20) return;
  file->unwritten = 0;
#if defined(__linux__) && defined(SYS_sync_file_range)
  // 2 is SYNC_FILE_RANGE_WRITE; a length of 0 means to the end.
  (void)syscall(SYS_sync_file_range, file->plain, 0L, 0L, 2);
#endif
}

/// Writes whole pages from an aligned place.
static int put(written_file *file, uint64_t start, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    int descriptor = file->direct >= 0 ? file->direct : file->plain;
    ssize_t done = pwrite(descriptor, bytes, count, (off_t)start);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && errno == EINVAL && file->direct >= 0) {
      // The file system opens such a file but wants another alignment, or cannot after all.
      close(file->direct);
      file->direct = -1;
      continue;
    }
    if (done == 0) errno = ENOSPC;
    if (done <= 0) return -1;
    if (file->direct < 0) begin_writing(file, (size_t)done);
    bytes += done;
    start += (uint64_t)done;
    count -= (size_t)done;
  }
  return 0;
}

/// Reads what the file holds; zeros beyond its end.
static int get(written_file *file, uint64_t start, uint8_t *bytes, size_t count) {
  while (count > 0) {
    ssize_t done = pread(file->plain, bytes, count, (off_t)start);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return -1;
    if (done == 0) {
      memset(bytes, 0, count);
      return 0;
    }
    bytes += done;
    start += (uint64_t)done;
    count -= (size_t)done;
  }
  return 0;
}

// MARK: Pages in memory

static void drop_pages(written_file *file, size_t first, size_t end) {
  for (size_t i = first; i < end; i++) free(file->pages[i].bytes);
  memmove(file->pages + first, file->pages + end, (file->page_count - end) * sizeof(page));
  file->page_count -= end - first;
}

int written_flush(written_file *file) {
  for (size_t first = 0; first < file->page_count;) {
    if (!file->pages[first].is_changed) {
      first++;
      continue;
    }
    size_t end = first;
    while (end < file->page_count && file->pages[end].is_changed && end - first < PIECE / PAGE &&
           file->pages[end].number == file->pages[first].number + (end - first)) {
      memcpy(file->piece + (end - first) * PAGE, file->pages[end].bytes, PAGE);
      end++;
    }
    if (put(file, file->pages[first].number * PAGE, file->piece, (end - first) * PAGE) < 0) return -1;
    for (; first < end; first++) file->pages[first].is_changed = false;
  }
  return 0;
}

/// A page to write into; what it held is read unless all of it is written.
static page *page_for_writing(written_file *file, uint64_t number, bool is_whole) {
  size_t place = place_of_page(file, number);
  if (place == file->page_count || file->pages[place].number != number) {
    if (file->page_count >= MOST_PAGES) {
      if (written_flush(file) < 0) return NULL;
      drop_pages(file, 0, file->page_count);
      place = 0;
    }
    if (make_room((void **)&file->pages, file->page_count, &file->page_room, sizeof(page)) < 0) return NULL;
    uint8_t *bytes = malloc(PAGE);
    if (!bytes) {
      errno = ENOMEM;
      return NULL;
    }
    if (!is_whole && get(file, number * PAGE, bytes, PAGE) < 0) {
      free(bytes);
      return NULL;
    }
    memmove(file->pages + place + 1, file->pages + place, (file->page_count - place) * sizeof(page));
    file->pages[place] = (page){number, bytes, false};
    file->page_count++;
    size_t within = place_of_extent(file, number * PAGE);
    if (within < file->extent_count && file->extents[within].start <= number * PAGE)
      file->extents[within].is_stale = true;
  }
  file->pages[place].is_changed = true;
  return &file->pages[place];
}

static int keep(written_file *file, uint64_t start, const uint8_t *bytes, size_t count) {
  while (count > 0) {
    size_t offset = start % PAGE;
    size_t some = count < PAGE - offset ? count : PAGE - offset;
    page *page = page_for_writing(file, start / PAGE, some == PAGE);
    if (!page) return -1;
    memcpy(page->bytes + offset, bytes, some);
    start += some;
    bytes += some;
    count -= some;
  }
  return 0;
}

// MARK: Large pieces

static int note(written_file *file, extent new) {
  size_t place = place_of_extent(file, new.start);
  if (place < file->extent_count && file->extents[place].start < new.start + new.count) {
    if (file->extents[place].start == new.start && file->extents[place].count == new.count)
      file->extents[place] = new;
    else file->has_lost_sums = true;
    return 0;
  }
  if (make_room((void **)&file->extents, file->extent_count, &file->extent_room, sizeof(extent)) < 0) return -1;
  memmove(file->extents + place + 1, file->extents + place, (file->extent_count - place) * sizeof(extent));
  file->extents[place] = new;
  file->extent_count++;
  return 0;
}

static int write_pages(written_file *file, uint64_t start, const uint8_t *bytes, size_t count) {
  extent new = {start, count, 0, false};
  size_t first = place_of_page(file, start / PAGE);
  drop_pages(file, first, place_of_page(file, (start + count) / PAGE));
  while (count > 0) {
    size_t some = count < PIECE ? count : PIECE;
    const uint8_t *source = bytes;
    if ((uintptr_t)bytes % PAGE) source = memcpy(file->piece, bytes, some);
    new.crc = unfold_crc32c(new.crc, source, some);
    if (put(file, start, source, some) < 0) return -1;
    start += some;
    bytes += some;
    count -= some;
  }
  return note(file, new);
}

int written_write(written_file *file, uint64_t start, const void *bytes, size_t count) {
  uint64_t first = (start + PAGE - 1) / PAGE * PAGE, end = (start + count) / PAGE * PAGE;
  if (end < first + LEAST_DIRECT) return keep(file, start, bytes, count);
  const uint8_t *source = bytes;
  if (keep(file, start, source, first - start) < 0) return -1;
  if (write_pages(file, first, source + (first - start), end - first) < 0) return -1;
  return keep(file, end, source + (end - start), start + count - end);
}

int written_read(written_file *file, uint64_t start, void *into, size_t count) {
  uint8_t *bytes = into;
  size_t place = place_of_page(file, start / PAGE);
  while (count > 0) {
    uint64_t number = start / PAGE;
    bool is_kept = place < file->page_count && file->pages[place].number == number;
    size_t some;
    if (is_kept) {
      size_t offset = start % PAGE;
      some = PAGE - offset < count ? PAGE - offset : count;
      memcpy(bytes, file->pages[place++].bytes + offset, some);
    } else {
      uint64_t next = place < file->page_count ? file->pages[place].number * PAGE : UINT64_MAX;
      some = next - start < count ? (size_t)(next - start) : count;
      if (get(file, start, bytes, some) < 0) return -1;
    }
    start += some;
    bytes += some;
    count -= some;
  }
  return 0;
}

// MARK: The end

int written_truncate(written_file *file, uint64_t length) { return ftruncate(file->plain, (off_t)length); }

int written_checksum(written_file *file, uint64_t length, uint32_t *crc) {
  uint32_t sum = 0;
  uint64_t start = 0;
  size_t place = 0;
  while (start < length) {
    while (place < file->extent_count && (file->has_lost_sums || file->extents[place].is_stale ||
                                          file->extents[place].start < start ||
                                          file->extents[place].start + file->extents[place].count > length))
      place++;
    if (place < file->extent_count && file->extents[place].start == start) {
      sum = unfold_crc32c_joined(sum, file->extents[place].crc, file->extents[place].count);
      start += file->extents[place++].count;
      continue;
    }
    uint64_t end = place < file->extent_count ? file->extents[place].start : length;
    size_t some = end - start < PIECE ? (size_t)(end - start) : PIECE;
    if (written_read(file, start, file->piece, some) < 0) return -1;
    sum = unfold_crc32c(sum, file->piece, some);
    start += some;
  }
  *crc = sum;
  return 0;
}

int written_close(written_file *file) {
  int result = close(file->plain);
  if (file->direct >= 0) close(file->direct);
  drop_pages(file, 0, file->page_count);
  free(file->pages);
  free(file->extents);
  free(file->piece);
  free(file);
  return result;
}
