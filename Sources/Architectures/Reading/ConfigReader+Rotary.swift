import Diagnostics
import Foundation
import StrictJSON

extension ConfigReader {
  /// Rotary positions in any of their spellings: `rope_parameters` (transformers 5, there one for all layers or one for
  /// each type of layer), or `rope_theta` and `rope_scaling` with `type` or `rope_type`.
  ///
  /// - Parameters:
  ///   - width: How many dimensions of a head could be rotated.
  ///   - layerType: Whose parameters, where they differ by type (`full_attention`, `sliding_attention`).
  ///   - fraction: The share of `width` that is rotated where the file does not say.
  func rotary(
    width: Int, context: Int, base: Double = 10_000, baseKey: String = "rope_theta", layerType: String? = nil,
    fraction: Double = 1, fractionKey: String = "partial_rotary_factor", pairs: Rotary.Pairs = .halves,
    yarnIsLongRoPE: Bool = false
  ) throws -> Rotary {
    let whole = try scalingObject()
    var nested = whole
    if let layerType, let own = try nested?.reader.optional(layerType) { nested = ConfigReader(own) }
    let sources = [nested, try reader.optional("rope_parameters").map(ConfigReader.init)].compactMap { $0 }
    let theta = try sources.first { $0.has("rope_theta") }?.positive("rope_theta")
    let share =
      try (nested?.reader.optional("partial_rotary_factor") ?? reader.optional(fractionKey))?.number() ?? fraction
    var rotated = (Double(width) * share).rounded(.towardZero)
    // One dimension takes its neighbour with it, as in transformers: a pair whose wavelength needs no base.
    if rotated == 1, width > 1 { rotated = 2 }
    guard share > 0, share <= 1, let rotated = Int(exactly: rotated), rotated >= 2, rotated.isMultiple(of: 2) else {
      throw contradiction(
        fractionKey, "the rotated part of a head cannot be split into pairs",
        expected: "an even number of dimensions, at least 2", found: "\(rotated) of \(width)")
    }
    return Rotary(
      base: try theta ?? positive(baseKey, default: base), rotated: rotated, pairs: pairs,
      scaling: try nested?.scaling(
        context: context, pairs: rotated / 2, top: self, whole: whole, yarnIsLongRoPE: yarnIsLongRoPE) ?? .none)
  }

  /// What stretches wavelengths. Where both are there `rope_scaling` holds: people add it to a file to stretch its context.
  private func scalingObject() throws -> ConfigReader? {
    try (reader.optional("rope_scaling") ?? reader.optional("rope_parameters")).map(ConfigReader.init)
  }

  /// Read of `rope_parameters` or `rope_scaling` itself.
  private func scaling(
    context: Int, pairs: Int, top: ConfigReader, whole: ConfigReader?, yarnIsLongRoPE: Bool
  ) throws -> Rotary.Scaling {
    guard let kind = try reader.optional("rope_type") ?? reader.optional("type") else { return .none }
    // Phi 3 keeps it beside rope_scaling.
    let key = "original_max_position_embeddings"
    let original = try top.has(key) ? top.dimension(key) : dimension(key, default: context)
    switch try kind.string() {
    case "default": return .none
    case "linear": return .linear(factor: try positive("factor"))
    // It grows beyond the model's own context, whatever the first training's was, as in transformers.
    case "dynamic": return .dynamic(factor: try positive("factor"), context: context)
    case "llama3":
      let low = try positive("low_freq_factor")
      let high = try positive("high_freq_factor")
      guard high > low else {
        throw try reader.required("high_freq_factor").unexpected("a number greater than low_freq_factor (\(low))")
      }
      return .llama3(factor: try positive("factor"), lowFrequency: low, highFrequency: high, originalContext: original)
    case "yarn" where !yarnIsLongRoPE:
      // `truncate` is read of the outermost object alone, as transformers does.
      let truncates = try whole?.bool("truncate", default: true) ?? true
      return .yarn(try yarn(context: context, original: original, truncates: truncates))
    case "longrope", "su", "yarn":
      return try longRoPE(context: context, original: original, pairs: pairs)
    default:
      var fault = kind.unexpected(
        "one of: default, linear, dynamic, llama3, yarn, longrope",
        advice: "this scaling of rotary positions is not supported yet")
      fault.name = "architectures.unknownRotaryScaling"
      throw fault
    }
  }

  private func yarn(context: Int, original: Int, truncates: Bool) throws -> Rotary.YaRN {
    let factor = try has("factor") ? positive("factor") : Double(context) / Double(original)
    func growth(_ scale: Double) -> Double { factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1 }
    let (scale, all) = (try cap("mscale"), try cap("mscale_all_dim"))
    let attention: Double =
      if let given = try cap("attention_factor") {
        given
      } else if let scale, let all {
        growth(scale) / growth(all)
      } else {
        growth(1)
      }
    return Rotary.YaRN(
      factor: factor, fast: try positive("beta_fast", default: 32), slow: try positive("beta_slow", default: 1),
      originalContext: original, truncates: truncates, attention: attention)
  }

  /// What a scale of attention is multiplied by under YaRN with `mscale_all_dim` (DeepSeek).
  func yarnScale() throws -> Double {
    guard
      let nested = try scalingObject(),
      let kind = try nested.reader.optional("rope_type") ?? nested.reader.optional("type"),
      try kind.string() != "default", let all = try nested.cap("mscale_all_dim")
    else { return 1 }
    let factor = try nested.positive("factor")
    let growth = factor <= 1 ? 1 : 0.1 * all * log(factor) + 1
    return growth * growth
  }

  private func longRoPE(context: Int, original: Int, pairs: Int) throws -> Rotary.Scaling {
    func factors(_ key: String) throws -> [Double] {
      let member = try reader.required(key)
      let values = try member.array().map { try $0.number() }
      guard values.count == pairs, values.allSatisfy({ $0 > 0 && $0.isFinite }) else {
        throw member.unexpected("\(pairs) numbers greater than 0, one a rotated pair", found: "\(values.count)")
      }
      return values
    }
    let factor = try cap("factor") ?? Double(context) / Double(original)
    let attention =
      try cap("attention_factor")
      ?? (factor <= 1 ? 1 : (1 + log(factor) / log(Double(max(original, 2)))).squareRoot())
    return .longRoPE(
      short: try factors("short_factor"), long: try factors("long_factor"), originalContext: original,
      attention: attention)
  }
}
