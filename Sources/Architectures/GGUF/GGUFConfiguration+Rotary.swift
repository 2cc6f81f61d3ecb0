import Checkpoints
import Foundation
import StrictJSON

extension GGUFConfiguration {
  /// `rope_scaling`: by the metadata, or by tensors that hold a factor for each pair.
  func rotaryScaling() throws -> JSONValue {
    let context = try whole("context_length") ?? 1
    var attention = try (number("rope.scaling.attn_factor") ?? 1) * (number("rope.scaling.yarn_attn_factor") ?? 1)
    if let factors = try factors("rope_freqs.weight") {
      // Llama 3.1's stretched wavelengths, computed by the converter.
      return scaling(
        "longrope",
        [
          ("short_factor", factors), ("long_factor", factors), ("original_max_position_embeddings", .integer(context)),
          ("attention_factor", .number(attention)),
        ])
    }
    let original = try whole("rope.scaling.original_context_length") ?? context
    if let long = try factors("rope_factors_long.weight"), let short = try factors("rope_factors_short.weight") {
      var members: [(String, JSONValue)] = [
        ("short_factor", short), ("long_factor", long), ("original_max_position_embeddings", .integer(original)),
      ]
      if field("rope.scaling.attn_factor") != nil { members.append(("attention_factor", .number(attention))) }
      return scaling("longrope", members)
    }
    let factor = try number("rope.scaling.factor") ?? number("rope.scale_linear") ?? 1
    let kind = try field("rope.scaling.type")?.string() ?? (factor == 1 ? "none" : "linear")
    switch kind {
    case "linear" where factor != 1: return scaling(kind, [("factor", .number(factor))])
    case "yarn":
      let stretches = try family.stretchesScores && number("rope.scaling.yarn_log_multiplier") != nil
      let growth = stretches || factor <= 1 ? 1 : 0.1 * log(factor) + 1
      // Some converters write the whole factor, others what it is multiplied by beside the usual.
      if abs(attention - growth) < 1e-4 { attention = 1 }
      var members: [(String, JSONValue)] = [
        ("factor", .number(factor)), ("original_max_position_embeddings", .integer(original)),
        ("attention_factor", .number(growth * attention)), ("truncate", .bool(family.name != "gpt-oss")),
      ]
      for name in ["beta_fast", "beta_slow"] {
        if let value = try number("rope.scaling.yarn_\(name)") { members.append((name, .number(value))) }
      }
      return scaling(kind, members)
    case "none", "linear", "longrope": return scaling("default", [])
    default: return scaling(kind, [])
    }
  }

  /// What scores are multiplied by where YaRN stretches them.
  func yarnScoreScale() throws -> Double {
    guard family.stretchesScores, try field("rope.scaling.type")?.string() == "yarn",
      let multiplier = try positive("rope.scaling.yarn_log_multiplier"),
      let factor = try positive("rope.scaling.factor"),
      factor > 1
    else { return 1 }
    let growth = 1 + multiplier * log(factor)
    return growth * growth
  }

  private func scaling(_ kind: String, _ members: [(String, JSONValue)]) -> JSONValue {
    .object(JSONObject([("rope_type", .string(kind))] + members.map { (key: $0.0, value: $0.1) }))
  }

  private func factors(_ name: String) throws -> JSONValue? {
    guard let tensor = checkpoint.tensor(named: name) else { return nil }
    guard tensor.count <= Architecture.maximumDimension, tensor.type.isFloatingPoint else {
      throw fault(
        "tensor \(name)", "A tensor does not hold the factors of wavelengths", expected: "a number for each pair",
        found: "\(tensor.shape) of \(tensor.type.rawValue)")
    }
    return .array(try tensor.floats().map { .number(Double($0)) })
  }
}
