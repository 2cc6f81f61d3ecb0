// oneDNN: its C interface, and the matrix product of a linear layer behind a few functions that hide how versions 2 and
// 3 differ. Version 3 has no operation descriptors and makes memory descriptors opaque.
//
// Products are in "matmul" form: source [rows, inputs] · weights [inputs, outputs] + bias → destination [rows, outputs].
// The library chooses the layout of the weights for the processor; scratch memory is the caller's, so that one
// primitive can run on several threads at once (https://uxlfoundation.github.io/oneDNN: primitive attributes, scratchpad).
#pragma once
#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>
#include <stddef.h>

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t unfold_layout;
#else
typedef const dnnl_memory_desc_t *unfold_layout;
#endif

/// One product, for a fixed number of rows.
typedef struct {
  dnnl_primitive_desc_t description;
  dnnl_primitive_t primitive;
} unfold_matmul;

/// The name of a layout of weights in blocks of so many outputs: 16 inputs a time, those of bfloat16 in pairs, and each
/// block's weights together. `dnnl_format_tag_any`, the library's own choice, for other numbers.
static inline dnnl_format_tag_t unfold_blocks_tag(dnnl_data_type_t type, dnnl_dim_t block) {
  bool pairs = type == dnnl_bf16;
  switch (block) {
  case 64: return pairs ? dnnl_BA16a64b2a : dnnl_BA16a64b;
  case 48: return pairs ? dnnl_BA16a48b2a : dnnl_BA16a48b;
  case 32: return pairs ? dnnl_BA16a32b2a : dnnl_BA16a32b;
  case 16: return pairs ? dnnl_BA16a16b2a : dnnl_BA16a16b;
  default: return dnnl_format_tag_any;
  }
}

/// A layout that belongs to the caller.
#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t unfold_own_layout;
static inline unfold_layout unfold_lent(const unfold_own_layout *own) { return *own; }
static inline dnnl_status_t unfold_layout_by_tag(
    unfold_own_layout *own, dnnl_dims_t size, dnnl_data_type_t type, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_create_with_tag(own, 2, size, type, tag);
}
static inline dnnl_status_t unfold_layout_by_strides(
    unfold_own_layout *own, dnnl_dims_t size, dnnl_data_type_t type, dnnl_dims_t strides) {
  return dnnl_memory_desc_create_with_strides(own, 2, size, type, strides);
}
static inline void unfold_give_back_layout(unfold_own_layout *own) {
  if (*own) dnnl_memory_desc_destroy(*own);
}
#define UNFOLD_NO_LAYOUT NULL
#else
typedef dnnl_memory_desc_t unfold_own_layout;
static inline unfold_layout unfold_lent(const unfold_own_layout *own) { return own; }
static inline dnnl_status_t unfold_layout_by_tag(
    unfold_own_layout *own, dnnl_dims_t size, dnnl_data_type_t type, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_init_by_tag(own, 2, size, type, tag);
}
static inline dnnl_status_t unfold_layout_by_strides(
    unfold_own_layout *own, dnnl_dims_t size, dnnl_data_type_t type, dnnl_dims_t strides) {
  return dnnl_memory_desc_init_by_strides(own, 2, size, type, strides);
}
static inline void unfold_give_back_layout(unfold_own_layout *own) { (void)own; }
#define UNFOLD_NO_LAYOUT {0}
#endif

static inline dnnl_status_t unfold_describe_matmul(
    dnnl_engine_t engine, dnnl_data_type_t type, dnnl_dim_t rows, dnnl_dim_t outputs, dnnl_dim_t inputs,
    dnnl_dim_t output_stride, bool bias, unfold_layout known_weights, dnnl_dim_t block,
    dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *description) {
  dnnl_dims_t source_size = {rows, inputs}, source_strides = {inputs, 1};
  dnnl_dims_t weight_size = {inputs, outputs};
  dnnl_dims_t bias_size = {1, outputs}, bias_strides = {outputs, 1};
  dnnl_dims_t result_size = {rows, outputs}, result_strides = {output_stride, 1};
  unfold_own_layout source = UNFOLD_NO_LAYOUT, weights = UNFOLD_NO_LAYOUT;
  unfold_own_layout addend = UNFOLD_NO_LAYOUT, result = UNFOLD_NO_LAYOUT;
  dnnl_status_t status = unfold_layout_by_strides(&source, source_size, type, source_strides);
  if (!status) status = unfold_layout_by_tag(&weights, weight_size, type, unfold_blocks_tag(type, block));
  if (!status && bias) status = unfold_layout_by_strides(&addend, bias_size, dnnl_f32, bias_strides);
  if (!status) status = unfold_layout_by_strides(&result, result_size, dnnl_f32, result_strides);
  unfold_layout taken = known_weights ? known_weights : unfold_lent(&weights);
  unfold_layout added = bias ? unfold_lent(&addend) : NULL;
#if DNNL_VERSION_MAJOR >= 3
  if (!status)
    status = dnnl_matmul_primitive_desc_create(
        description, engine, unfold_lent(&source), taken, added, unfold_lent(&result), attributes);
#else
  dnnl_matmul_desc_t operation;
  if (!status) status = dnnl_matmul_desc_init(&operation, unfold_lent(&source), taken, added, unfold_lent(&result));
  if (!status) status = dnnl_primitive_desc_create(description, &operation, attributes, engine, NULL);
#endif
  unfold_give_back_layout(&source);
  unfold_give_back_layout(&weights);
  unfold_give_back_layout(&addend);
  unfold_give_back_layout(&result);
  return status;
}

static inline void unfold_matmul_destroy(unfold_matmul matmul) {
  if (matmul.primitive) dnnl_primitive_destroy(matmul.primitive);
  if (matmul.description) dnnl_primitive_desc_destroy(matmul.description);
}

/// Makes a product. Its weights lie as those of `like`, where given, which are the same; otherwise in blocks of `block`
/// outputs; where that is 0, as the library likes.
static inline dnnl_status_t unfold_matmul_create(
    dnnl_engine_t engine, dnnl_data_type_t type, dnnl_dim_t rows, dnnl_dim_t outputs, dnnl_dim_t inputs,
    dnnl_dim_t output_stride, bool bias, const unfold_matmul *like, dnnl_dim_t block, unfold_matmul *matmul) {
  matmul->description = NULL;
  matmul->primitive = NULL;
  dnnl_primitive_attr_t attributes;
  dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
  if (status) return status;
  status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
  unfold_layout known = like ? dnnl_primitive_desc_query_md(like->description, dnnl_query_weights_md, 0) : NULL;
  if (!status)
    status = unfold_describe_matmul(
        engine, type, rows, outputs, inputs, output_stride, bias, known, block, attributes, &matmul->description);
  if (!status) status = dnnl_primitive_create(&matmul->primitive, matmul->description);
  dnnl_primitive_attr_destroy(attributes);
  if (status) {
    unfold_matmul_destroy(*matmul);
    matmul->description = NULL;
    matmul->primitive = NULL;
  }
  return status;
}

/// The name of the code that was chosen, such as "brg:avx512_core_bf16" or "gemm:jit".
static inline const char *unfold_matmul_name(unfold_matmul matmul) {
  const char *name = "";
  dnnl_primitive_desc_query(matmul.description, dnnl_query_impl_info_str, 0, (void *)&name);
  return name;
}

static inline size_t unfold_matmul_weight_bytes(unfold_matmul matmul) {
  return dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(matmul.description, dnnl_query_weights_md, 0));
}

// Where the weights lie plainly as [inputs, outputs], each input's together: the distance between two inputs' in elements;
// 0 where the library has chosen blocks.
static inline dnnl_dim_t unfold_matmul_plain_stride(unfold_matmul matmul) {
  unfold_layout layout = dnnl_primitive_desc_query_md(matmul.description, dnnl_query_weights_md, 0);
#if DNNL_VERSION_MAJOR >= 3
  int blocks = 1;
  dnnl_format_kind_t kind = dnnl_format_kind_undef;
  dnnl_dims_t *strides = NULL;
  if (dnnl_memory_desc_query(layout, dnnl_query_format_kind, &kind) || kind != dnnl_blocked) return 0;
  if (dnnl_memory_desc_query(layout, dnnl_query_inner_nblks_s32, &blocks) || blocks != 0) return 0;
  if (dnnl_memory_desc_query(layout, dnnl_query_strides, &strides) || !strides) return 0;
  return (*strides)[1] == 1 ? (*strides)[0] : 0;
#else
  if (layout->format_kind != dnnl_blocked || layout->format_desc.blocking.inner_nblks != 0) return 0;
  return layout->format_desc.blocking.strides[1] == 1 ? layout->format_desc.blocking.strides[0] : 0;
#endif
}

/// Of how many outputs the blocks are in which the library has laid the weights; 0 where it has done it otherwise.
static inline dnnl_dim_t unfold_matmul_block(
    unfold_matmul matmul, dnnl_data_type_t type, dnnl_dim_t outputs, dnnl_dim_t inputs) {
  unfold_layout layout = dnnl_primitive_desc_query_md(matmul.description, dnnl_query_weights_md, 0);
  dnnl_dims_t size = {inputs, outputs};
  for (dnnl_dim_t block = 64; block > 0; block -= 16) {
    unfold_own_layout own = UNFOLD_NO_LAYOUT;
    bool same = unfold_layout_by_tag(&own, size, type, unfold_blocks_tag(type, block)) == dnnl_success &&
                dnnl_memory_desc_equal(layout, unfold_lent(&own));
    unfold_give_back_layout(&own);
    if (same) return block;
  }
  return 0;
}

static inline size_t unfold_matmul_scratch_bytes(unfold_matmul matmul) {
  return dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(matmul.description, dnnl_query_scratchpad_md, 0));
}

/// Writes float weights [outputs, inputs], row-major, in the layout and type of the product; with `block`, as those of a
/// product of so many outputs in such blocks.
static inline dnnl_status_t unfold_matmul_reorder(
    dnnl_engine_t engine, dnnl_stream_t stream, unfold_matmul matmul, dnnl_data_type_t type, dnnl_dim_t block,
    dnnl_dim_t outputs, dnnl_dim_t inputs, const float *plain, void *weights) {
  dnnl_dims_t size = {inputs, outputs}, strides = {1, inputs};
  dnnl_primitive_desc_t description = NULL;
  dnnl_primitive_t reorder = NULL;
  dnnl_memory_t from = NULL, to = NULL;
  unfold_own_layout source = UNFOLD_NO_LAYOUT, blocks = UNFOLD_NO_LAYOUT;
  dnnl_status_t status = unfold_layout_by_strides(&source, size, dnnl_f32, strides);
  if (!status && block) status = unfold_layout_by_tag(&blocks, size, type, unfold_blocks_tag(type, block));
  unfold_layout origin = unfold_lent(&source);
  unfold_layout target = block ? unfold_lent(&blocks)
                               : dnnl_primitive_desc_query_md(matmul.description, dnnl_query_weights_md, 0);
  if (!status) status = dnnl_reorder_primitive_desc_create(&description, origin, engine, target, engine, NULL);
  if (!status) status = dnnl_primitive_create(&reorder, description);
  if (!status) status = dnnl_memory_create(&from, origin, engine, (void *)plain);
  if (!status) status = dnnl_memory_create(&to, target, engine, weights);
  if (!status) {
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    status = dnnl_primitive_execute(reorder, stream, 2, arguments);
  }
  if (!status) status = dnnl_stream_wait(stream);
  if (from) dnnl_memory_destroy(from);
  if (to) dnnl_memory_destroy(to);
  if (reorder) dnnl_primitive_destroy(reorder);
  if (description) dnnl_primitive_desc_destroy(description);
  unfold_give_back_layout(&source);
  unfold_give_back_layout(&blocks);
  return status;
}

/// Multiplies. `bias` is NULL for a product made without one; `scratch` holds unfold_matmul_scratch_bytes.
static inline dnnl_status_t unfold_matmul_execute(
    dnnl_engine_t engine, dnnl_stream_t stream, unfold_matmul matmul, const void *source, const void *weights,
    const float *bias, float *result, void *scratch) {
  static const int names[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD, DNNL_ARG_BIAS};
  static const dnnl_query_t layouts[] = {
      dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md, dnnl_query_scratchpad_md, dnnl_query_weights_md};
  void *places[] = {(void *)source, (void *)weights, result, scratch, (void *)bias};
  int count = bias ? 5 : 4;
  dnnl_exec_arg_t arguments[5];
  dnnl_status_t status = dnnl_success;
  int made = 0;
  for (; made < count && !status; made++) {
    unfold_layout layout = dnnl_primitive_desc_query_md(matmul.description, layouts[made], made == 4 ? 1 : 0);
    arguments[made].arg = names[made];
    status = dnnl_memory_create(&arguments[made].memory, layout, engine, places[made]);
    if (status) break;
  }
  if (!status) status = dnnl_primitive_execute(matmul.primitive, stream, count, arguments);
  if (!status) status = dnnl_stream_wait(stream);
  for (int i = 0; i < made; i++) dnnl_memory_destroy(arguments[i].memory);
  return status;
}
