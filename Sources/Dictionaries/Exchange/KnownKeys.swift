import Diagnostics
import StrictJSON

/// The keys of `cfg.json` that are read or that change nothing, so that every other can be refused.
///
/// A key that nobody knows may mean that the dictionary works otherwise: to ignore it would be to use another dictionary
/// than the one that was trained. The lists follow the configuration classes of SAELens 1 to 6.54 and of sparsify 1.3.
enum KnownKeys {
  /// What `SAELensFolder` reads or checks.
  private static let read: Set = [
    "architecture", "d_in", "d_out", "d_sae", "k", "apply_b_dec_to_input", "normalize_activations",
    "reshape_activations", "rescale_acts_by_decoder_norm", "activation_fn", "activation_fn_str", "activation_fn_kwargs",
    "hook_name", "hook_name_out", "hook_point", "model_name", "context_size", "prepend_bos", "metadata",
    "hook_head_index", "hook_head_index_out", "hook_point_head_index", "model_from_pretrained_kwargs", "signed",
    // The tensors say of which type they are, and whether factors were tuned.
    "dtype", "finetuning_scaling_factor",
  ]

  /// Records of where a dictionary came from, and how it was trained.
  private static let records: Set = [
    // What was run.
    "model_class_name", "neuronpedia_id", "hf_hook_name", "hf_hook_name_out", "hook_layer", "hook_layer_out",
    "hook_point_layer", "hook_eval", "hook_point_eval", "sae_lens_version", "sae_lens_training_version",
    "training_architecture", "training_architecture_details", "device", "llm_device", "act_store_device", "seed",
    "model_kwargs", "prefetch_llm_batches",
    // The data.
    "dataset_path", "dataset_trust_remote_code", "streaming", "is_dataset_tokenized", "use_chat_formatting",
    "use_cached_activations", "cached_activations_path", "n_batches_in_buffer", "training_tokens", "finetuning_tokens",
    "total_training_tokens", "tokens_per_buffer", "store_batch_size_prompts", "store_batch_size",
    "train_batch_size_tokens", "train_batch_size", "seqpos_slice", "disable_concat_sequences",
    "sequence_separator_token", "activations_mixing_fraction", "exclude_special_tokens",
    "n_batches_for_norm_estimate",
    // Initial weights.
    "from_pretrained_path", "expansion_factor", "b_dec_init_method", "decoder_init_norm", "decoder_orthogonal_init",
    "decoder_heuristic_init", "decoder_heuristic_init_norm", "init_encoder_as_decoder_transpose",
    "jumprelu_init_threshold",
    // The loss.
    "l1_coefficient", "l1_warm_up_steps", "lp_norm", "l0_coefficient", "l0_warm_up_steps", "pre_act_loss_coefficient",
    "jumprelu_bandwidth", "jumprelu_sparsity_loss_mode", "jumprelu_tanh_scale", "aux_loss_coefficient",
    "use_matryoshka_aux_loss", "matryoshka_widths", "topk_threshold_lr", "use_sparse_activations",
    "mse_loss_normalization", "scale_sparsity_penalty_by_decoder_norm", "normalize_sae_decoder", "noise_scale",
    "use_ghost_grads", "finetuning_method",
    // The optimizer.
    "lr", "lr_end", "lr_scheduler_name", "lr_warm_up_steps", "lr_decay_steps", "n_restart_cycles", "adam_beta1",
    "adam_beta2", "autocast", "autocast_lm", "compile_llm", "llm_compilation_mode", "compile_sae",
    "sae_compilation_mode", "dead_feature_window", "dead_feature_threshold", "feature_sampling_window",
    // What was noted on the way.
    "n_eval_batches", "eval_batch_size_prompts", "log_to_wandb", "log_activations_store_to_wandb",
    "log_optimizer_state_to_wandb", "log_weights_to_wandb", "wandb_project", "wandb_id", "wandb_entity",
    "wandb_log_frequency", "run_name", "eval_every_n_wandb_logs", "logger", "resume", "n_checkpoints",
    "checkpoint_path", "save_final_checkpoint", "output_path", "resume_from_checkpoint", "verbose", "l0",
    "num_dead_features",
  ]

  static func checkSAELens(_ config: JSONReader) throws {
    try config.requireKeys(read.union(records))
    let metadata = try config.optional("metadata")
    try metadata?.requireKeys(read.union(records).union(["unfold"]))
    let ours = try metadata?.optional("unfold")
    try ours?.requireKeys([
      "architecture", "k", "origin", "rescale_acts_by_decoder_norm", "crosscoder", "weights_digest",
    ])
    for site in try ours?.optional("crosscoder")?.array() ?? [] { try site.requireKeys(["site", "width", "scale"]) }
    let function = try config.optional("activation_fn_kwargs")
    try function?.requireKeys(["k", "signed"])
    for part in [config, metadata, function].compactMap({ $0 }) {
      try refuseSigned(part)
      for key in ["hook_head_index", "hook_point_head_index", "hook_head_index_out"] {
        guard let head = try part.optional(key) else { continue }
        throw refusal(
          head, "Dictionaries of one attention head cannot be read", expected: "null",
          advice: "a site here holds every head; the dictionary would be given another activation")
      }
      for key in ["center_writing_weights", "fold_ln", "fold_value_biases", "refactor_factored_attn_matrices"] {
        guard let flag = try part.optional("model_from_pretrained_kwargs")?.optional(key), try flag.bool() else {
          continue
        }
        throw refusal(
          flag, "The dictionary was trained on a model whose weights were changed first", expected: "false",
          advice: "the model's own activations are others; take a dictionary that was trained on them")
      }
    }
  }

  static func checkSparsify(_ config: JSONReader) throws {
    try config.requireKeys([
      "activation", "expansion_factor", "normalize_decoder", "num_latents", "k", "multi_topk", "skip_connection",
      "transcode", "d_in", "signed",
    ])
    try refuseSigned(config)
  }

  /// The largest by magnitude, negative ones too.
  private static func refuseSigned(_ config: JSONReader) throws {
    guard let signed = try config.optional("signed"), try signed.bool() else { return }
    throw refusal(
      signed, "Dictionaries whose latents are the largest by magnitude, of either sign, cannot be read",
      expected: "false", advice: "a latent here is never below 0; there is no dictionary of ours that says the same")
  }

  private static func refusal(_ reader: JSONReader, _ problem: String, expected: String, advice: String) -> Fault {
    Fault(
      .badData, "dictionary.architecture", problem, file: reader.file, place: reader.path, expected: expected,
      found: reader.unexpected(expected).found, advice: advice)
  }
}

extension JSONReader {
  /// Refuses members of other names, but for those that are null and so say nothing.
  fileprivate func requireKeys(_ known: Set<String>) throws {
    for (key, value) in try members() where !known.contains(key) && value.value != .null {
      throw Fault(
        .badData, "dictionary.unknownKey", "The configuration has a key whose meaning is not known", file: file,
        place: value.path, expected: "keys of SAELens, sparsify or Unfold", found: value.unexpected("").found,
        advice: "the dictionary may work otherwise by it; where it is a mere record, take it out of cfg.json")
    }
  }
}
