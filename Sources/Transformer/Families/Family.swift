import Diagnostics
import StrictJSON

/// A family of models: what its config.json means, and what its tensors are called.
///
/// To add one, write these two in a file of this folder and name the type in `Families.all`.
protocol Family: Sendable {
  /// The `model_type`s of config.json that this family reads.
  static var modelTypes: [String] { get }
  /// The architecture that a config.json describes. The checkpoint's tensor names settle what it leaves open.
  static func configuration(_ config: ConfigFile, tensors: TensorNames) throws -> Configuration
  /// What the tensors are called.
  static func map(_ configuration: Configuration) -> TensorMap
}

/// The families that are known.
enum Families {
  static let all: [any Family.Type] = [GPT2.self, Llama.self, Mistral.self, Qwen2.self, BERT.self]

  /// The family of a config.json, by its `model_type`.
  /// - Throws: `Fault` named `transformer.unknownModelType`, which lists the known ones.
  static func family(of config: ConfigFile) throws -> any Family.Type {
    let member = try config.reader.required("model_type")
    let name = try member.string()
    for family in all where family.modelTypes.contains(name) { return family }
    let known = Configuration.knownModelTypes
    let near = nearestNames(to: name, among: known, limit: 1).first
    var fault = member.unexpected("one of: \(known.joined(separator: ", "))")
    fault.problem = "This family of models is not known"
    fault.name = "transformer.unknownModelType"
    fault.advice =
      near.map { "if this model has the shape of \($0), set model_type to \"\($0)\" in a copy of config.json" }
      ?? "choose a model of a known family"
    throw fault
  }
}

extension Configuration {
  /// The architectures that can be read: values of `model_type` in config.json.
  public static var knownModelTypes: [String] { Families.all.flatMap { $0.modelTypes } }
}

/// The names of a checkpoint's tensors, which tell what a config.json leaves open.
struct TensorNames {
  let names: Set<String>

  /// Whether there is a tensor of this name, with or without one of the prefixes.
  func contains(_ name: String, prefixes: [String] = []) -> Bool {
    names.contains(name) || prefixes.contains { names.contains($0 + name) }
  }

  func containsAny(withPrefix prefix: String) -> Bool { names.contains { $0.hasPrefix(prefix) } }
}
