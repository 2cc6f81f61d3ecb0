import Activations
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import StrictJSON

extension SAELensFolder {
  static func read(_ folder: URL) throws -> SparseAutoencoder {
    let config = try dictionaryConfiguration(in: folder)
    let metadata = try config.optional("metadata")
    _ = try metadata?.members()
    // Before version 6 everything lay flat.
    let isFlat = try metadata?.optional("sae_lens_version") == nil && config.optional("metadata") == nil
    var (name, kind) = try architecture(config, isFlat: isFlat)
    try KnownKeys.checkSAELens(config)
    if let reader = try config.optional("reshape_activations"), !["none", "hook_z"].contains(try reader.string()) {
      throw reader.unexpected("none or hook_z")
    }

    let latents = try config.size("d_sae")
    let width = try config.size("d_in")
    let outputWidth = kind.isTranscoder ? try config.size("d_out") : width
    guard latents.multipliedReportingOverflow(by: max(width, outputWidth)).partialValue <= 1 << 36 else {
      throw Fault(
        .badData, "dictionary.configuration", "The dictionary would be larger than any memory", file: config.file,
        found: "\(latents) latents of width \(max(width, outputWidth))")
    }
    let ours = try metadata?.optional("unfold")
    func text(_ key: String, old: String? = nil) throws -> String? {
      if let reader = try metadata?.optional(key) ?? config.optional(key) { return try reader.string() }
      return try old.flatMap { try config.optional($0)?.string() }
    }
    let hook = try text("hook_name", old: "hook_point") ?? ""
    let reshape = try config.optional("reshape_activations")?.string()
    var configuration = SparseAutoencoder.Configuration(
      architecture: kind.rule, inputWidth: width, outputWidth: outputWidth, latents: latents, hookIn: hook,
      hookOut: kind.isTranscoder ? try text("hook_name_out") ?? "" : hook,
      normalization: try normalization(config),
      // SAELens has no bias at a transcoder's input, and its classes' default elsewhere is true.
      applyDecoderBiasToInput: kind.isTranscoder ? false : try config.flag("apply_b_dec_to_input", default: true),
      rescaleByDecoderNorm: try config.flag("rescale_acts_by_decoder_norm", default: false),
      flattensHeads: reshape.map { $0 == "hook_z" } ?? (isFlat && hook.contains("hook_z")),
      isTranscoder: kind.isTranscoder, modelName: try text("model_name"),
      contextSize: try (metadata?.optional("context_size") ?? config.optional("context_size"))?.integer(),
      prependsBeginToken: try (metadata?.optional("prepend_bos") ?? config.optional("prepend_bos"))?.bool())
    if kind.isTranscoder, try config.flag("apply_b_dec_to_input", default: false) {
      throw Fault(
        .badData, "dictionary.configuration", "A transcoder cannot take its output's bias off its input",
        file: config.file, place: "apply_b_dec_to_input", expected: "false", found: "true")
    }
    if let ours {
      if let trained = try ours.optional("architecture") {
        let rule = SparseAutoencoder.Architecture(rawValue: try trained.string())
        guard let rule, rule == kind.rule || (rule.usesThreshold && kind.rule == .jumpReLU) else {
          throw trained.unexpected("an architecture that is saved as \(name)")
        }
        configuration.architecture = rule
        kind.rule = rule
      }
      configuration.k = try ours.optional("k")?.integer()
      configuration.origin = try ours.optional("origin").map(origin)
      if let scaled = try ours.optional("rescale_acts_by_decoder_norm") {
        configuration.rescaleByDecoderNorm = try scaled.bool()
      }
    }
    configuration.crosscoder = try crosscoder(ours, kind: kind, width: width, file: config.file)
    if let k = try k(config, isFlat: isFlat) { configuration.k = k }
    if kind.rule == .topK {
      guard let k = configuration.k, k >= 1, k <= latents else {
        throw Fault(
          .badData, "dictionary.configuration", "The number of active latents is not one", file: config.file,
          place: "k", expected: "1 to \(latents)", found: configuration.k.map(String.init) ?? "none")
      }
    }
    let file = folder.appending(path: weights)
    if let digest = try ours?.optional("weights_digest") {
      try DictionaryFiles.requireWeights(file, digest: digest.string(), configuration: config.file)
    }
    return try read(configuration, kind: kind, name: name, from: file)
  }

  private static func read(
    _ configuration: SparseAutoencoder.Configuration, kind: Kind, name: String, from url: URL
  ) throws -> SparseAutoencoder {
    var tensors = try DictionaryTensors(contentsOf: url)
    let (latents, width, outputs) = (configuration.latents, configuration.inputWidth, configuration.outputWidth)
    let isGated = kind.rule == .gated
    // The shapes are checked before anything is copied.
    let encoder = Matrix(rows: width, columns: latents, elements: try tensors.floats("W_enc", [width, latents]))
    let decoder = Matrix(rows: latents, columns: outputs, elements: try tensors.floats("W_dec", [latents, outputs]))
    let decoderBias = try tensors.floats("b_dec", [outputs])
    let encoderBias =
      isGated ? [Float](repeating: 0, count: latents) : try tensors.floats("b_enc", [latents])
    var threshold: [Float]?
    if kind.rule.usesThreshold {
      if !tensors.has("threshold"), tensors.has("topk_threshold") {
        // A checkpoint of training: one threshold for all.
        threshold = [Float](repeating: try tensors.floats("topk_threshold", [])[0], count: latents)
      } else {
        threshold = try tensors.floats("threshold", [latents])
      }
    }
    if isGated, tensors.has("b_enc") { tensors.ignore("b_enc") }
    if tensors.has("scaling_factor") {
      let factors = try tensors.floats("scaling_factor", [latents])
      guard factors.allSatisfy({ abs($0 - 1) <= 1e-5 }) else {
        throw Fault(
          .badData, "dictionary.architecture", "Dictionaries with finetuned scales cannot be read", file: url.path,
          place: "scaling_factor", expected: "ones", found: "other factors",
          advice: "multiply each row of W_dec by its factor and leave the tensor out")
      }
    }
    let dictionary = SparseAutoencoder(
      configuration: configuration, encoder: encoder.transposed(), encoderBias: encoderBias, decoder: decoder,
      decoderBias: decoderBias, threshold: threshold,
      gateBias: isGated ? try tensors.floats("b_gate", [latents]) : nil,
      magnitudeBias: isGated ? try tensors.floats("b_mag", [latents]) : nil,
      magnitudeScale: isGated ? try tensors.floats("r_mag", [latents]) : nil,
      skip: kind.hasSkip
        ? Matrix(rows: outputs, columns: width, elements: try tensors.floats("W_skip", [outputs, width])) : nil)
    try tensors.requireAllUsed(architecture: name)
    return dictionary
  }

  /// The architecture; of flat files, `activation_fn` says whether it is a TopK.
  private static func architecture(_ config: JSONReader, isFlat: Bool) throws -> (name: String, kind: Kind) {
    let (name, kind) = try kind(config.optional("architecture"))
    guard let function = try config.optional("activation_fn") ?? config.optional("activation_fn_str") else {
      return (name, kind)
    }
    switch try function.string() {
    case "relu" where kind.rule != .topK || isFlat: return (name, kind)
    case "topk" where isFlat: return ("topk", Kind(rule: .topK))
    case "topk" where kind.rule == .topK: return (name, kind)
    case let other:
      throw Fault(
        .badData, "dictionary.architecture", "Dictionaries with this activation function cannot be read",
        file: function.file, place: function.path, expected: "relu or topk", found: "\"\(other.prefix(60))\"")
    }
  }

  private static func k(_ config: JSONReader, isFlat: Bool) throws -> Int? {
    if let reader = try config.optional("k") { return try reader.integer() }
    guard isFlat else { return nil }
    return try config.optional("activation_fn_kwargs")?.optional("k")?.integer()
  }

  private static func normalization(_ config: JSONReader) throws -> SparseAutoencoder.Normalization {
    guard let reader = try config.optional("normalize_activations") else { return .none }
    if case .bool(let flag) = reader.value { return flag ? .expectedAverageOnlyIn : .none }
    let name = try reader.string()
    guard let normalization = SparseAutoencoder.Normalization(rawValue: name) else {
      throw Fault(
        .badData, "dictionary.architecture", "Dictionaries with this normalization cannot be read", file: config.file,
        place: "normalize_activations",
        expected: "one of \(SparseAutoencoder.Normalization.allCases.map(\.rawValue).joined(separator: ", "))",
        found: "\"\(name.prefix(60))\"", advice: "save it for inference with the normalization folded into the weights")
    }
    return normalization
  }

  private static func origin(_ reader: JSONReader) throws -> Origin {
    Origin(
      model: try reader.required("model").string(), modelDigest: try reader.required("model_digest").string(),
      tokenizerDigest: try reader.optional("tokenizer_digest")?.string(),
      corpus: try reader.optional("corpus")?.array().map { try $0.string() } ?? [],
      corpusDigest: try reader.optional("corpus_digest")?.string(),
      version: try reader.required("version").string())
  }
}
