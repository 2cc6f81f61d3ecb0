// HDF5 for Swift. Most of the library's names for types and flags are macros with a comma in them, which open the library
// before they name a variable (H5open(), H5T_NATIVE_INT32_g); Swift imports neither. Each has a function here.
// Reference: https://docs.hdfgroup.org/hdf5/v1_14/_r_m.html
#pragma once
#include <hdf5.h>

// Predefined datatypes: https://docs.hdfgroup.org/hdf5/v1_14/predefined_datatypes_tables.html
// All little-endian, whatever the machine; Unfold runs on little-endian machines only, so memory and file types agree.
static inline hid_t unfold_h5t_float32(void) { return H5T_IEEE_F32LE; }
static inline hid_t unfold_h5t_float64(void) { return H5T_IEEE_F64LE; }
static inline hid_t unfold_h5t_int32(void) { return H5T_STD_I32LE; }
static inline hid_t unfold_h5t_int64(void) { return H5T_STD_I64LE; }
static inline hid_t unfold_h5t_uint8(void) { return H5T_STD_U8LE; }
static inline hid_t unfold_h5t_uint16(void) { return H5T_STD_U16LE; }
static inline hid_t unfold_h5t_uint64(void) { return H5T_STD_U64LE; }
static inline hid_t unfold_h5t_c_string(void) { return H5T_C_S1; }

// Property list classes (H5Pcreate).
static inline hid_t unfold_h5p_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t unfold_h5p_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t unfold_h5p_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t unfold_h5p_link_create(void) { return H5P_LINK_CREATE; }
static inline hid_t unfold_h5p_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t unfold_h5p_dataset_access(void) { return H5P_DATASET_ACCESS; }
static inline hid_t unfold_h5p_dataset_transfer(void) { return H5P_DATASET_XFER; }
static inline hid_t unfold_h5p_default(void) { return H5P_DEFAULT; }

// Flags of H5Fcreate and H5Fopen.
static inline unsigned unfold_h5f_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned unfold_h5f_exclusive(void) { return H5F_ACC_EXCL; }
static inline unsigned unfold_h5f_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned unfold_h5f_read_write(void) { return H5F_ACC_RDWR; }

// Sizes and selections.
static inline hsize_t unfold_h5s_unlimited(void) { return H5S_UNLIMITED; }
static inline hid_t unfold_h5s_all(void) { return H5S_ALL; }
static inline size_t unfold_h5t_variable(void) { return H5T_VARIABLE; }

// The current thread's error stack.
static inline hid_t unfold_h5e_default(void) { return H5E_DEFAULT; }

// Where an object's header lies in its file: HDF5 1.12 hides the address behind a token.
static inline herr_t unfold_h5o_address(hid_t location, const char *name, uint64_t *address) {
#if H5_VERSION_GE(1, 12, 0)
  H5O_info2_t info;
  haddr_t found = HADDR_UNDEF;
  herr_t result = H5Oget_info_by_name3(location, name, &info, H5O_INFO_BASIC, H5P_DEFAULT);
  if (result >= 0) result = H5VLnative_token_to_addr(location, info.token, &found);
  *address = (uint64_t)found;
#else
  H5O_info_t info;
  herr_t result = H5Oget_info_by_name2(location, name, &info, H5O_INFO_BASIC, H5P_DEFAULT);
  *address = (uint64_t)info.addr;
#endif
  return result;
}
