// How texts of any length are read: not by HDF5.
//
// HDF5 keeps such a text in a heap of the file, and a reference of 16 bytes (length, the heap's address, a number in it)
// in its place. It believes what a reference says, and reads or writes outside its memory where that is damaged. So HDF5 is
// told here to hand the references out as they are, for the caller to follow with every bound checked, and never to follow
// one itself.
#pragma once
#include <stdint.h>

/// Tells HDF5 how, for the whole process. Negative: it refused. Call with HDF5 to yourself.
int unfold_keep_text_references(void);

/// A new datatype of memory: a reference as the file has it, of 16 bytes. Negative: HDF5 refused.
int64_t unfold_text_reference_type(void);
