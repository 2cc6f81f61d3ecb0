import Checkpoints
import Diagnostics
import StrictJSON

/// A model as a GGUF file describes it: its architecture, and what the file calls its weights.
///
/// What the metadata leaves open is decided as llama.cpp does, mostly by which tensors there are: biases, a head of its
/// own, fused projections.
public struct GGUFModel: Sendable {
  public let architecture: Architecture
  public let names: TensorNames

  /// - Throws: `Fault`: `architectures.unknownModelType`, `checkpoints.metadata` and `checkpoints.metadataMissing`,
  ///   `architectures.contradiction`, `architectures.dimension` and the other faults of a config.json, which name the
  ///   file's own key.
  public init(_ checkpoint: GGUFCheckpoint) throws {
    let field = try checkpoint.metadata.required("general.architecture")
    let name = try field.string()
    guard let family = GGUFFamily.named(name) else {
      let known = Self.knownArchitectures
      let near = nearestNames(to: name, among: known, limit: 3)
      var fault = field.unexpected("one of: \(known.joined(separator: ", "))")
      fault.name = "architectures.unknownModelType"
      fault.problem = "This architecture of GGUF files is not known"
      fault.advice =
        near.isEmpty
        ? "choose a model of a known architecture"
        : "if the name is misspelt, did you mean \(near.joined(separator: ", "))?"
      throw fault
    }
    let configuration = try GGUFConfiguration(checkpoint, family)
    do {
      var architecture = try Architecture(configuration: configuration.json, file: checkpoint.metadata.file)
      try configuration.settle(&architecture)
      self.architecture = architecture
    } catch let fault as Fault {
      throw configuration.translated(fault)
    }
    names = TensorNames(gguf: architecture, inBlocks: configuration.inBlocks, isPermuted: family.isPermuted)
  }

  /// The values of `general.architecture` that can be read.
  public static var knownArchitectures: [String] { GGUFFamily.all.map(\.name) }
}

extension GGUFConfiguration {
  /// What follows from the tensors rather than from a config.json.
  func settle(_ architecture: inout Architecture) throws {
    let isRMS = architecture.blocks[0].norm1.kind == .rms
    _ = try checkpoint.metadata.required("\(family.name).attention.layer_norm_\(isRMS ? "rms_" : "")epsilon")
    architecture.name = (try? checkpoint.metadata.optional("general.name")?.string()) ?? ""
    architecture.head.norm?.weightOffset = 0
    architecture.head.bias = holds("output.bias")
    architecture.head.hasPooler = holds("cls.weight")
    let hasBias = ["attn_q.bias", "attn_qkv.bias", "attn_q_a.bias"].contains(where: inBlocks.contains)
    let scale = try positive("attention.scale")
    let stretch = try yarnScoreScale()
    let normalizes = try field("expert_weights_norm")?.bool()
    architecture.changeBlocks { _, block in
      // The 1 is in the file.
      block.norm1.weightOffset = 0
      block.norm2?.weightOffset = 0
      block.postNorm?.weightOffset = 0
      block.attention.queryKeyNorm?.norm.weightOffset = 0
      block.attention.queryKeyValueBias = hasBias
      block.attention.outputBias = inBlocks.contains("attn_output.bias")
      block.attention.scale = (scale ?? block.attention.scale) * stretch
      switch block.feedForward {
      case .dense(var mlp):
        mlp.bias = inBlocks.contains("ffn_up.bias")
        block.feedForward = .dense(mlp)
      case .experts(var experts):
        experts.expert.bias = inBlocks.contains("ffn_up_exps.bias")
        experts.router.bias = inBlocks.contains("ffn_gate_inp.bias")
        experts.router.correctsChoice = inBlocks.contains("exp_probs_b.bias") || inBlocks.contains("exp_probs_b")
        if let normalizes { experts.router.normalizes = normalizes }
        block.feedForward = .experts(experts)
      }
    }
  }

  /// A complaint about config.json as one about the metadata: with the keys that the file has.
  func translated(_ fault: Fault) -> Fault {
    var keys: [String: String] = [
      "rope_scaling.short_factor": "tensor rope_freqs.weight or rope_factors_short.weight",
      "rope_scaling.long_factor": "tensor rope_factors_long.weight", "vocab_size": "tensor token_embd.weight",
      "rope_scaling.rope_type": "rope.scaling.type", "rope_scaling.factor": "rope.scaling.factor",
      "rope_scaling.original_max_position_embeddings": "rope.scaling.original_context_length",
      "type_vocab_size": "tensor token_types.weight", "layer_types": "attention.sliding_window_pattern",
      "query_pre_attn_scalar": "attention.scale",
    ]
    for (stored, config) in GGUFFamily.usualKeys + family.keys { keys[config] = stored }
    keys = keys.mapValues { $0.hasPrefix("tensor ") ? $0 : "\(family.name).\($0)" }
    func said(_ text: String?) -> String? {
      text.map { text in
        var result = ""
        var word = ""
        func end() {
          result += keys[word] ?? word
          word = ""
        }
        for character in text {
          if character.isLetter || character.isNumber || "_.".contains(character) {
            word.append(character)
          } else {
            end()
            result.append(character)
          }
        }
        end()
        return result
      }
    }
    var fault = fault
    fault.place = fault.place.map { place in keys[place].map { $0.hasPrefix("tensor ") ? $0 : "key \($0)" } ?? place }
    fault.problem = said(fault.problem) ?? fault.problem
    fault.expected = said(fault.expected)
    fault.found = said(fault.found)
    return fault
  }
}
