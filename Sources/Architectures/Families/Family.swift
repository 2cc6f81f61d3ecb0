import Diagnostics
import StrictJSON

/// A family of models: what its config.json means, and what its tensors are called.
///
/// To add one, write these two in a file of this folder and name the type in `Families.all`.
protocol Family: Sendable {
  /// The `model_type`s of config.json that this family reads.
  static var modelTypes: [String] { get }
  /// The architecture that a config.json describes.
  static func architecture(_ config: ConfigReader) throws -> Architecture
  /// What the tensors are called.
  static func tensors(_ architecture: Architecture) -> TensorNames
}

/// The families that are known.
enum Families {
  static let all: [any Family.Type] = [
    GPT2.self, GPTNeo.self, GPTJ.self, GPTNeoX.self, OPT.self, BLOOM.self, Falcon.self, Llama.self, Mistral.self,
    Qwen2.self, Qwen3.self, Phi.self, Phi3.self, Gemma.self, Gemma2.self, Gemma3.self, OLMo.self, OLMo2.self,
    StableLM.self, StarCoder2.self, GLM4.self, Cohere.self, Granite.self, SmolLM3.self, Mixtral.self, Qwen2MoE.self,
    Qwen3MoE.self, OLMoE.self, GPTOSS.self, DeepSeek.self, BERT.self, RoBERTa.self, DistilBERT.self, Tracr.self,
    Wrapper.self,
  ]

  /// The family of a config.json, by its `model_type`.
  /// - Throws: `Fault` named `architectures.unknownModelType`, which lists the known ones.
  static func family(of config: ConfigReader) throws -> any Family.Type {
    let member = try config.reader.required("model_type")
    let name = try member.string()
    if let family = named(name) { return family }
    let known = Architecture.knownModelTypes
    let near = nearestNames(to: name, among: known, limit: 3)
    var fault = member.unexpected("one of: \(known.joined(separator: ", "))")
    fault.problem = "This family of models is not known"
    fault.name = "architectures.unknownModelType"
    // Never "set model_type to another": a family of another shape would give wrong numbers.
    fault.advice =
      near.isEmpty
      ? "choose a model of a known family" : "if the name is misspelt, did you mean \(near.joined(separator: ", "))?"
    throw fault
  }

  static func named(_ modelType: String) -> (any Family.Type)? { all.first { $0.modelTypes.contains(modelType) } }
}
