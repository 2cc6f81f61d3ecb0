import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import TestFiles
import Testing
import Transformer

/// What broken or foreign models get: a clear refusal before anything is computed.
@Suite struct FaultTests {
  private func fault(
    loading name: String, config: (inout [String: Any]) -> Void = { _ in },
    tensors: (inout [SafetensorsWriter.Tensor]) -> Void = { _ in }
  ) throws -> Fault {
    var found: Fault?
    try withChangedModel(name, config: config, tensors: tensors) { folder in
      found = #expect(throws: Fault.self) { try Model.load(folder) }
    }
    return try #require(found)
  }

  @Test func missingFolderAndConfig() throws {
    let empty = try TemporaryFolder()
    #expect(throws: Fault.self) { try Model.load(empty.file("absent")) }
    let fault = #expect(throws: Fault.self) { try Model.load(empty.url) }
    #expect(fault?.name == "architectures.missingConfig")
    #expect(fault?.kind == .noInput)
  }

  @Test func unknownFamilies() throws {
    let fault = try fault(loading: "llama") { $0["model_type"] = "lama" }
    #expect(fault.name == "architectures.unknownModelType")
    #expect(fault.place == "model_type")
    #expect(fault.expected?.contains("qwen2") == true)
    #expect(fault.advice?.contains("llama") == true)
  }

  @Test func unknownRotaryScaling() throws {
    let fault = try fault(loading: "llama") {
      $0["rope_parameters"] = ["rope_type": "ntk", "factor": 4, "rope_theta": 10000] as [String: Any]
    }
    #expect(fault.name == "architectures.unknownRotaryScaling")
    #expect(fault.place == "rope_parameters.rope_type")
  }

  @Test(arguments: [
    ("llama", "hidden_size"), ("llama", "num_hidden_layers"), ("llama", "num_attention_heads"), ("llama", "vocab_size"),
    ("llama", "num_key_value_heads"), ("llama", "intermediate_size"), ("llama-linear", "head_dim"),
    ("gpt2", "n_embd"), ("gpt2", "n_layer"), ("gpt2", "n_head"), ("gpt2", "n_positions"), ("gpt2", "vocab_size"),
    ("gpt2-options", "n_inner"), ("bert", "type_vocab_size"), ("bert", "hidden_size"), ("mistral", "sliding_window"),
  ])
  func dimensionsOutOfRange(_ name: String, _ key: String) throws {
    for value in [0, -1, 1_000_000_000, Int.max] {
      let fault = try fault(loading: name) { $0[key] = value }
      #expect(fault.name == "architectures.dimension", "\(value)")
      #expect(fault.place == key)
      #expect(fault.kind == .badData)
    }
    for value in ["x", 1.5, [1]] as [Any] {
      #expect(try fault(loading: name) { $0[key] = value }.place == key)
    }
  }

  @Test func dimensionsThatDoNotFit() throws {
    #expect(try fault(loading: "gpt2") { $0["n_head"] = 5 }.place == "n_head")
    #expect(try fault(loading: "llama") { $0["num_key_value_heads"] = 3 }.place == "num_key_value_heads")
    #expect(try fault(loading: "bert") { $0["num_attention_heads"] = 3 }.place == "num_attention_heads")
    // A width that leaves no pair to rotate.
    #expect(try fault(loading: "llama") { $0["head_dim"] = 5 }.name == "architectures.contradiction")
  }

  @Test func unsupportedOptions() throws {
    #expect(try fault(loading: "gpt2") { $0["activation_function"] = "softplus" }.place == "activation_function")
    #expect(try fault(loading: "bert") { $0["is_decoder"] = true }.place == "is_decoder")
    #expect(try fault(loading: "bert") { $0["position_embedding_type"] = "relative_key" }.name == "json.unexpected")
    #expect(try fault(loading: "llama") { $0["rms_norm_eps"] = -1 }.place == "rms_norm_eps")
  }

  @Test func shapesThatContradict() throws {
    let fault = try fault(loading: "llama") { $0["intermediate_size"] = 25 }
    #expect(fault.name == "transformer.tensorShape")
    #expect(fault.place?.contains("mlp") == true)
    #expect(fault.expected == "[25, 16]")
    #expect(fault.found == "[24, 16]")
    #expect(try self.fault(loading: "gpt2") { $0["vocab_size"] = 41 }.place == "tensor transformer.wte.weight")
  }

  @Test func missingAndUnusedTensors() throws {
    let missing = try fault(loading: "llama", tensors: { $0.removeAll { $0.name.hasSuffix("1.mlp.up_proj.weight") } })
    #expect(missing.name == "transformer.missingTensors")
    #expect(missing.place == "layers.1.mlp.up_proj.weight")
    let unused = try fault(
      loading: "llama", tensors: { $0.append(.init(name: "model.layers.0.extra.weight", shape: [1], floats: [0])) })
    #expect(unused.name == "transformer.unusedTensors")
    #expect(unused.place == "model.layers.0.extra.weight")
    // A third layer that the configuration forgot is named too.
    #expect(try fault(loading: "gpt2") { $0["n_layer"] = 1 }.name == "transformer.unusedTensors")
    #expect(try fault(loading: "gpt2") { $0["n_layer"] = 3 }.name == "transformer.missingTensors")
  }

  @Test func knowinglyIgnoredTensors() throws {
    let copies: (inout [SafetensorsWriter.Tensor]) -> Void = {
      $0.append(.init(name: "transformer.h.0.attn.bias", shape: [1, 1], floats: [1]))
    }
    try withChangedModel("gpt2", tensors: copies, body: { _ = try Model.load($0) })
    let numbers: (inout [SafetensorsWriter.Tensor]) -> Void = {
      let bytes = [UInt8](repeating: 0, count: 8)
      $0.append(.init(name: "embeddings.position_ids", type: .int64, shape: [1, 1], bytes: bytes))
    }
    try withChangedModel("bert-bare", tensors: numbers, body: { _ = try Model.load($0) })
  }

  @Test func weightsThatAreNoNumbers() throws {
    func spoil(_ name: String, at element: Int, with value: Float) -> (inout [SafetensorsWriter.Tensor]) -> Void {
      { tensors in
        for (index, tensor) in tensors.enumerated() where tensor.name.hasSuffix(name) {
          var bytes = tensor.bytes
          withUnsafeBytes(of: value) { for offset in 0..<4 { bytes[4 * element + offset] = $0[offset] } }
          tensors[index] = .init(name: tensor.name, type: tensor.type, shape: tensor.shape, bytes: bytes)
        }
      }
    }
    for (name, element, value) in [
      ("1.mlp.up_proj.weight", 37, Float.nan), ("embed_tokens.weight", 11, .infinity), ("model.norm.weight", 2, .nan),
      ("0.self_attn.q_proj.weight", 0, -.infinity), ("lm_head.weight", 383, .nan),
    ] {
      try withChangedModel("llama", tensors: spoil(name, at: element, with: value)) { folder in
        let model = try Model.load(folder)
        let batch = TokenBatch(documents: [[1, 2, 3]])
        let fault = #expect(throws: Fault.self) { try model.run(batch, logits: .all) }
        #expect(fault?.name == "transformer.nonfiniteWeights")
        #expect(fault?.place?.hasSuffix(name) == true)
        #expect(fault?.found?.hasPrefix(value.isNaN ? "1 NaN and 0 infinite" : "0 NaN and 1 infinite") == true)
      }
    }
    // A layer that the run does not come to is not read.
    try withChangedModel("llama", tensors: spoil("1.mlp.up_proj.weight", at: 0, with: .nan)) { folder in
      let model = try Model.load(folder)
      var width = 0
      try model.run(
        TokenBatch(documents: [[1, 2]]), hooks: [Hook(Site(.residPost, layer: 0)) { width = $0.width }])
      #expect(width == 16)
    }
  }

  @Test func tensorsThatAreNoFloats() throws {
    let fault = try fault(
      loading: "llama",
      tensors: { tensors in
        guard let index = tensors.firstIndex(where: { $0.name == "model.norm.weight" }) else { return }
        tensors[index] = .init(
          name: "model.norm.weight", type: .int8, shape: [16], bytes: Array(repeating: 1, count: 16))
      })
    #expect(fault.name == "transformer.tensorType")
  }

  @Test func runsThatCannotBe() throws {
    let gpt2 = try Model.load(Reference.folder("gpt2"))
    let bert = try Model.load(Reference.folder("bert-bare"))
    func name(_ body: () throws -> Void) -> String? { (#expect(throws: Fault.self, performing: body))?.name }
    #expect(name { try gpt2.run(TokenBatch(documents: [[40]]), logits: .all) } == "transformer.tokenOutOfRange")
    #expect(name { try gpt2.run(TokenBatch(documents: [[-1]]), logits: .all) } == "transformer.tokenOutOfRange")
    let long = TokenBatch(documents: [Array(repeating: 1, count: 49)])
    #expect(name { try gpt2.run(long, logits: .all) } == "transformer.documentTooLong")
    let batch = TokenBatch(documents: [[1, 2]])
    #expect(name { try bert.run(batch, logits: .all) } == "transformer.noLogits")
    #expect(name { try bert.run(batch, hooks: [Hook(Site(.unembedOut)) { _ in }]) } == "transformer.noLogits")
    #expect(name { _ = try bert.loss(batch) } == "transformer.noLogits")
    let masked = try Model.load(Reference.folder("bert"))
    #expect(name { _ = try masked.loss(batch) } == "transformer.noNextToken")
    #expect(name { _ = try masked.generate(after: [[1]], count: 2) } == "transformer.noNextToken")
    #expect(name { _ = try masked.attributeLogit(of: 1, in: [1]) } == "transformer.noAttribution")
    #expect(
      name { try gpt2.run(batch, hooks: [Hook(Site(.residPost, layer: 2)) { _ in }]) } == "transformer.unknownSite")
    #expect(
      name { try gpt2.run(batch, hooks: [Hook(Site(.rotatedQuery, layer: 0)) { _ in }]) } == "transformer.unknownSite")
    let types = TokenBatch(ids: [1, 2], lengths: [2], types: [0, 2])
    #expect(name { try bert.run(types, hooks: [Hook(Site(.fullEmbed)) { _ in }]) } == "transformer.tokenOutOfRange")
    #expect(try gpt2.run(TokenBatch(documents: []), logits: .all)?.rows == 0)
  }

  /// A hook's own error ends the run and comes through.
  @Test func errorsOfHooksComeThrough() throws {
    struct Stop: Error {}
    let model = try Model.load(Reference.folder("gpt2"))
    #expect(throws: Stop.self) {
      try model.run(TokenBatch(documents: [[1, 2]]), hooks: [Hook(Site(.residMid, layer: 1)) { _ in throw Stop() }])
    }
  }
}
