// Oniguruma for Swift: its names for encodings and syntaxes are macros, and the function that explains an error takes a
// variable number of arguments; Swift imports neither.
// Reference: https://github.com/kkos/oniguruma/blob/v6.9.8/doc/API
#pragma once
#include <oniguruma.h>
#include <stddef.h>

/// Prepares the library. The limits hold for the whole process.
///
/// - depth: how deep a pattern's groups may lie inside one another; compiling recurses as deep.
/// - calls: how often one search may call a group by its name.
static inline int unfold_onig_start(unsigned int depth, unsigned long calls) {
  OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
  int status = onig_initialize(encodings, 1);
  if (!status) status = onig_set_parse_depth_limit(depth);
  if (!status) status = onig_set_subexp_call_limit_in_search(calls);
  return status;
}

/// Compiles a pattern in UTF-8, in the library's own syntax but for callouts. One thread at a time.
static inline int unfold_onig_compile(
    OnigRegex *regex, const OnigUChar *pattern, size_t length, OnigErrorInfo *problem) {
  static OnigSyntaxType syntax;
  onig_copy_syntax(&syntax, ONIG_SYNTAX_ONIGURUMA);
  unsigned int callouts = ONIG_SYN_OP2_QMARK_BRACE_CALLOUT_CONTENTS | ONIG_SYN_OP2_ASTERISK_CALLOUT_NAME;
  onig_set_syntax_op2(&syntax, onig_get_syntax_op2(&syntax) & ~callouts);
  return onig_new(regex, pattern, pattern + length, ONIG_OPTION_NONE, ONIG_ENCODING_UTF8, &syntax, problem);
}

/// Writes what an error of compiling means; gives the length. `text` has room for ONIG_MAX_ERROR_MESSAGE_LEN bytes.
static inline int unfold_onig_explain(OnigUChar *text, int status, OnigErrorInfo *problem) {
  return onig_error_code_to_str(text, status, problem);
}
