// The content of a file that is being written: whole pages of large pieces on the disk, the rest in memory.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct written_file written_file;

/// Takes the descriptor, which closing closes. nil: no memory.
written_file *written_open(const char *name, int descriptor, bool is_written);

// All of these return −1 and set errno where they fail.

/// Reads what is in memory or in the file; zeros beyond both.
int written_read(written_file *file, uint64_t start, void *bytes, size_t count);
int written_write(written_file *file, uint64_t start, const void *bytes, size_t count);
/// Hands what is kept in memory to the system.
int written_flush(written_file *file);
int written_truncate(written_file *file, uint64_t length);
/// The CRC-32C of the first `length` bytes, from what was written; reads back only what was written twice.
int written_checksum(written_file *file, uint64_t length, uint32_t *crc);
/// Closes it, and gives its memory back whatever happens.
int written_close(written_file *file);
