// The driver's callbacks: https://docs.hdfgroup.org/hdf5/v1_14/_v_f_l__t_n.html
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "file_driver.h"
#include "checksums.h"
#include "written.h"
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if __has_include(<H5FDdevelop.h>)
#include <H5FDdevelop.h>
#endif

typedef struct {
  H5FD_t base;
  haddr_t end_of_addresses, end_of_file;
  dev_t device;
  ino_t inode;
  bool is_written;
  written_file *content;
} driven_file;

static unfold_written_file last_written;

unfold_written_file unfold_last_written_file(void) { return last_written; }

static herr_t failed(const char *what, int line, hid_t number) {
  int error = errno;
  // `H5Library` knows a full disk by these words, which are those of HDF5's own driver.
  H5Epush2(
      H5E_DEFAULT, __FILE__, what, (unsigned)line, H5E_ERR_CLS, H5E_IO, number,
      "file %s failed: errno = %d, error message = '%s'", what, error, strerror(error));
  return -1;
}
#define FAILED(what, number) failed(what, __LINE__, number)

static H5FD_t *open_file(const char *name, unsigned flags, hid_t access, haddr_t most) {
  (void)access;
  (void)most;
  int mode = flags & H5F_ACC_RDWR ? O_RDWR : O_RDONLY;
  if (flags & H5F_ACC_TRUNC) mode |= O_TRUNC;
  if (flags & H5F_ACC_CREAT) mode |= O_CREAT;
  if (flags & H5F_ACC_EXCL) mode |= O_EXCL;
  int descriptor = open(name, mode | O_CLOEXEC, 0666);
  struct stat found;
  if (descriptor < 0 || fstat(descriptor, &found) < 0) {
    FAILED("open", H5E_CANTOPENFILE);
    if (descriptor >= 0) close(descriptor);
    return NULL;
  }
  driven_file *file = calloc(1, sizeof *file);
  written_file *content = file ? written_open(name, descriptor, flags & H5F_ACC_RDWR) : NULL;
  if (!content) {
    free(file);
    close(descriptor);
    errno = ENOMEM;
    FAILED("open", H5E_CANTOPENFILE);
    return NULL;
  }
  file->content = content;
  file->end_of_file = (haddr_t)found.st_size;
  file->device = found.st_dev;
  file->inode = found.st_ino;
  file->is_written = flags & H5F_ACC_RDWR;
  return &file->base;
}

static herr_t close_file(H5FD_t *base) {
  driven_file *file = (driven_file *)base;
  last_written = (unfold_written_file){0};
  herr_t result = 0;
  if (file->is_written) {
    uint32_t crc = 0;
    if (written_flush(file->content) < 0 || written_truncate(file->content, file->end_of_addresses) < 0 ||
        written_checksum(file->content, file->end_of_addresses, &crc) < 0)
      result = FAILED("write", H5E_WRITEERROR);
    else
      last_written = (unfold_written_file){file->end_of_addresses, crc, true};
  }
  if (written_close(file->content) < 0 && result == 0) {
    last_written.is_known = false;
    result = FAILED("close", H5E_CANTCLOSEFILE);
  }
  free(file);
  return result;
}

static int compare(const H5FD_t *a, const H5FD_t *b) {
  const driven_file *one = (const driven_file *)a, *two = (const driven_file *)b;
  if (one->device != two->device) return one->device < two->device ? -1 : 1;
  return one->inode < two->inode ? -1 : one->inode > two->inode;
}

static herr_t query(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  // Those of HDF5's own driver, on which the layout of a file depends.
  if (flags)
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t end_of_addresses(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const driven_file *)file)->end_of_addresses;
}

static herr_t set_end_of_addresses(H5FD_t *file, H5FD_mem_t type, haddr_t end) {
  (void)type;
  ((driven_file *)file)->end_of_addresses = end;
  return 0;
}

static haddr_t end_of_file(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const driven_file *)file)->end_of_file;
}

static herr_t read_bytes(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t start, size_t count, void *bytes) {
  (void)type;
  (void)transfer;
  return written_read(((driven_file *)base)->content, start, bytes, count) < 0 ? FAILED("read", H5E_READERROR) : 0;
}

static herr_t write_bytes(
    H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t start, size_t count, const void *bytes) {
  (void)type;
  (void)transfer;
  driven_file *file = (driven_file *)base;
  if (written_write(file->content, start, bytes, count) < 0) return FAILED("write", H5E_WRITEERROR);
  if (start + count > file->end_of_file) file->end_of_file = start + count;
  return 0;
}

static herr_t flush(H5FD_t *base, hid_t transfer, hbool_t closing) {
  (void)transfer;
  (void)closing;
  return written_flush(((driven_file *)base)->content) < 0 ? FAILED("write", H5E_WRITEERROR) : 0;
}

static herr_t truncate_file(H5FD_t *base, hid_t transfer, hbool_t closing) {
  (void)transfer;
  (void)closing;
  driven_file *file = (driven_file *)base;
  if (file->end_of_file == file->end_of_addresses) return 0;
  if (written_truncate(file->content, file->end_of_addresses) < 0) return FAILED("truncate", H5E_WRITEERROR);
  file->end_of_file = file->end_of_addresses;
  return 0;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)600,
#endif
    .name = "unfold",
    .maxaddr = (haddr_t)1 << 62,
    .fc_degree = H5F_CLOSE_WEAK,
    .open = open_file,
    .close = close_file,
    .cmp = compare,
    .query = query,
    .get_eoa = end_of_addresses,
    .set_eoa = set_end_of_addresses,
    .get_eof = end_of_file,
    .read = read_bytes,
    .write = write_bytes,
    .flush = flush,
    .truncate = truncate_file,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

int unfold_set_file_driver(int64_t access) {
  static hid_t registered = -1;
  if (H5Iget_type(registered) != H5I_VFL) registered = H5FDregister(&driver);
  return registered < 0 ? -1 : H5Pset_driver(access, registered, NULL);
}
