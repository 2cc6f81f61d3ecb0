// Conversions of an application: https://docs.hdfgroup.org/hdf5/v1_14/group___h5_t.html (H5Tregister)
#include "text_references.h"
#include <hdf5.h>

enum { REFERENCE = 16 };
static const char tag[] = "unfold text reference";

int64_t unfold_text_reference_type(void) {
  hid_t type = H5Tcreate(H5T_OPAQUE, REFERENCE);
  if (type >= 0 && H5Tset_tag(type, tag) < 0) {
    H5Tclose(type);
    return -1;
  }
  return type;
}

/// From a text in a file to a reference in memory: the same 16 bytes.
static herr_t hand_out(
    hid_t source, hid_t target, H5T_cdata_t *data, size_t count, size_t stride, size_t background_stride, void *bytes,
    void *background, hid_t transfer) {
  (void)source, (void)count, (void)stride, (void)background_stride, (void)bytes, (void)background, (void)transfer;
  if (data->command != H5T_CONV_INIT) return 0;
  data->need_bkg = H5T_BKG_NO;
  return H5Tget_size(target) == REFERENCE ? 0 : -1;
}

/// From a text in a file to one in memory: refused whenever it is tried. From memory to a file is of the same class, and is
/// left to HDF5: a text in memory is a pointer, which is smaller. Lists of any length, which are nowhere written, are refused
/// both ways.
static herr_t refuse(
    hid_t source, hid_t target, H5T_cdata_t *data, size_t count, size_t stride, size_t background_stride, void *bytes,
    void *background, hid_t transfer) {
  (void)count, (void)stride, (void)background_stride, (void)bytes, (void)background, (void)transfer;
  if (data->command == H5T_CONV_FREE) return 0;
  if (data->command != H5T_CONV_INIT) return -1;
  data->need_bkg = H5T_BKG_NO;
  if (H5Tis_variable_str(target) <= 0) return 0;
  return H5Tget_size(target) == sizeof(char *) && H5Tget_size(source) > sizeof(char *) ? 0 : -1;
}

int unfold_keep_text_references(void) {
  hid_t text = H5Tcopy(H5T_C_S1), reference = unfold_text_reference_type();
  int result = text < 0 || reference < 0 || H5Tset_size(text, H5T_VARIABLE) < 0 ||
                       H5Tregister(H5T_PERS_SOFT, "unfold references", text, reference, hand_out) < 0 ||
                       H5Tregister(H5T_PERS_SOFT, "unfold refusal", text, text, refuse) < 0
                   ? -1
                   : 0;
  if (text >= 0) H5Tclose(text);
  if (reference >= 0) H5Tclose(reference);
  return result;
}
