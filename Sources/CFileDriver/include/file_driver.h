// A file driver for HDF5 that writes large pieces past the system's page cache.
//
// Through the page cache every byte of a store is copied into a fresh page, which costs a processor more than computing some
// of the values did. Here whole pages of large writes go straight to the disk (O_DIRECT), small ones are kept in memory until
// the file is flushed or closed, and the file's CRC-32C comes out of what was written, without reading it back. Where the
// file system cannot do that, it is written as usual. The file is the same, byte for byte, and is read by any driver.
#pragma once
#include <stdbool.h>
#include <stdint.h>

/// Sets the driver in a file access property list. Negative: HDF5 refused it. Call with HDF5 to yourself.
int unfold_set_file_driver(int64_t access);

/// What became of a file that this driver wrote.
typedef struct {
  uint64_t bytes;
  uint32_t crc32c;
  /// Whether there is one, and it was closed without an error.
  bool is_known;
} unfold_written_file;

/// What the file was that was closed last: ask right after closing it, with HDF5 to yourself still.
unfold_written_file unfold_last_written_file(void);
