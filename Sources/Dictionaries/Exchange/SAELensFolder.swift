import Activations
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import StrictJSON

/// The folders of SAELens: `cfg.json` of version 6 or of the flat form before it, and `sae_weights.safetensors`.
///
/// Names and meaning follow SAELens 6.54 (`sae_lens/saes`, `sae_lens/loading`).
enum SAELensFolder {
  static let weights = "sae_weights.safetensors"

  /// What an architecture's name says: the rule, and whether another site is predicted, with a linear path or without.
  struct Kind: Equatable {
    var rule: SparseAutoencoder.Architecture
    var isTranscoder = false
    var hasSkip = false
    var isCrosscoder = false
  }

  /// The names that SAELens has for what we have, and beneath them ours for what it has not.
  private static let kinds: KeyValuePairs<String, Kind> = [
    "standard": Kind(rule: .standard), "gated": Kind(rule: .gated), "topk": Kind(rule: .topK),
    "jumprelu": Kind(rule: .jumpReLU), "batchtopk": Kind(rule: .batchTopK),
    "matryoshka_batchtopk": Kind(rule: .matryoshka), "transcoder": Kind(rule: .standard, isTranscoder: true),
    "skip_transcoder": Kind(rule: .standard, isTranscoder: true, hasSkip: true),
    "jumprelu_transcoder": Kind(rule: .jumpReLU, isTranscoder: true),
    "jumprelu_skip_transcoder": Kind(rule: .jumpReLU, isTranscoder: true, hasSkip: true),
    "topk_transcoder": Kind(rule: .topK, isTranscoder: true),
    "topk_skip_transcoder": Kind(rule: .topK, isTranscoder: true, hasSkip: true),
    "gated_transcoder": Kind(rule: .gated, isTranscoder: true),
    "gated_skip_transcoder": Kind(rule: .gated, isTranscoder: true, hasSkip: true),
    "standard_crosscoder": Kind(rule: .standard, isCrosscoder: true),
    "topk_crosscoder": Kind(rule: .topK, isCrosscoder: true),
    "jumprelu_crosscoder": Kind(rule: .jumpReLU, isCrosscoder: true),
    "gated_crosscoder": Kind(rule: .gated, isCrosscoder: true),
  ]
  private static let oursAlone: Set = [
    "topk_transcoder", "topk_skip_transcoder", "gated_transcoder", "gated_skip_transcoder",
  ]

  /// The name that a file gives a dictionary's architecture.
  static func architecture(of dictionary: SparseAutoencoder) -> String {
    let rule = dictionary.configuration.architecture
    let wanted = Kind(
      rule: rule.usesThreshold ? .jumpReLU : rule, isTranscoder: dictionary.isTranscoder,
      hasSkip: dictionary.skip != nil, isCrosscoder: dictionary.isCrosscoder)
    return kinds.first { $0.value == wanted }?.key ?? wanted.rule.rawValue
  }

  /// What SAELens would have to have, or nil.
  static func problem(with dictionary: SparseAutoencoder) -> String? {
    let name = architecture(of: dictionary)
    if dictionary.isCrosscoder { return "a dictionary of one site" }
    if oursAlone.contains(name) { return "a transcoder of architecture standard or jumprelu" }
    if dictionary.skip != nil, !dictionary.isTranscoder { return "an autoencoder without a skip path" }
    return nil
  }

  /// The kind of an architecture's name.
  static func kind(_ reader: JSONReader?) throws -> (name: String, kind: Kind) {
    let name = try reader?.string() ?? "standard"
    guard let kind = kinds.first(where: { ExactString($0.key) == ExactString(name) })?.value else {
      throw Fault(
        .badData, "dictionary.architecture", "Dictionaries of this architecture cannot be read", file: reader?.file,
        place: "architecture", expected: "one of \(kinds.map(\.key).joined(separator: ", "))",
        found: "\"\(name.prefix(60))\"", advice: "convert it to one of these where its meaning allows")
    }
    return (name, kind)
  }
}
