import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import Testing
import Transformer

/// Checkpoints as people have them: tied and untied heads in every stored form, heads for other tasks on top.
@Suite struct StoredFormTests {
  private typealias Tensors = [SafetensorsWriter.Tensor]

  private func load(
    _ name: String, config: (inout [String: Any]) -> Void = { _ in }, tensors: (inout Tensors) -> Void = { _ in }
  ) throws -> Model {
    // Its files are mapped: they may go once it is loaded.
    try withChangedModel(name, config: config, tensors: tensors) { try Model.load($0) }
  }

  private func logits(_ model: Model) throws -> [Float] {
    try #require(try model.run(TokenBatch(documents: [[1, 2, 3, 4, 5]]), logits: .all)).elements
  }

  /// The names of embedding and unembedding of families that tie them by default.
  static let tied = [
    ("gpt2", "transformer.wte.weight", "lm_head.weight"), ("gpt2-bare", "wte.weight", "lm_head.weight"),
    ("llama-linear", "model.embed_tokens.weight", "lm_head.weight"),
    ("gemma2", "model.embed_tokens.weight", "lm_head.weight"),
    ("bert", "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"),
    ("opt", "model.decoder.embed_tokens.weight", "lm_head.weight"),
    ("falcon", "transformer.word_embeddings.weight", "lm_head.weight"),
  ]

  /// safetensors keeps one of two shared tensors: whichever it is, it is both.
  @Test(arguments: tied) func onlyTheUnembeddingIsStored(_ name: String, _ embedding: String, _ head: String) throws {
    let usual = try logits(load(name, tensors: { $0.removeAll { $0.name == head } }))
    let renamed = try logits(
      load(
        name,
        tensors: { tensors in
          tensors.removeAll { $0.name == head }
          guard let index = tensors.firstIndex(where: { $0.name == embedding }) else { return }
          let old = tensors[index]
          tensors[index] = .init(name: head, type: old.type, shape: old.shape, bytes: old.bytes)
        }))
    #expect(usual == renamed)
  }

  /// A stored head that differs is used although the configuration ties it.
  @Test(arguments: tied) func aStoredHeadIsUsed(_ name: String, _ embedding: String, _ head: String) throws {
    func doubled(_ tensors: inout Tensors, scale: Float) throws {
      tensors.removeAll { $0.name == head }
      let old = try #require(tensors.first { $0.name == embedding })
      let file = try SafetensorsFile(contentsOf: Reference.folder(name).appending(path: "model.safetensors"))
      let values = try #require(try file[embedding]?.floats())
      tensors.append(.init(name: head, shape: old.shape, floats: values.map { scale * $0 }))
    }
    let same = try load(name, tensors: { try? doubled(&$0, scale: 1) })
    let other = try load(name, tensors: { try? doubled(&$0, scale: -2) })
    #expect(!other.architecture.head.isTied)
    let (a, b) = (try logits(same), try logits(other))
    #expect(try a == logits(load(name)))
    // Logits before any cap and bias are -2 times as large, so none can be the same.
    #expect(relativeError(a, b) > 0.1)
    if name == "gpt2" { #expect(relativeError(a.map { -2 * $0 }, b) < 1e-6) }
  }

  @Test(arguments: [
    ("llama", "score.weight", [3, 16]), ("gpt2", "score.weight", [2, 16]), ("bert", "classifier.weight", [2, 16]),
    ("bert-bare", "qa_outputs.weight", [2, 16]), ("roberta", "classifier.dense.weight", [16, 16]),
    ("qwen2", "score.weight", [1, 16]), ("distilbert", "pre_classifier.weight", [16, 16]),
  ]) func headsForOtherTasksAreLeftOut(_ name: String, _ head: String, _ shape: [Int]) throws {
    let usual = try Reference(name)
    let model = try load(
      name,
      tensors: { tensors in
        tensors.removeAll { $0.name == "lm_head.weight" || $0.name.hasPrefix("cls.") || $0.name.hasPrefix("lm_head.") }
        tensors.removeAll { $0.name.hasPrefix("vocab_") }
        let floats = [Float](repeating: 0.5, count: shape.reduce(1, *))
        tensors.append(.init(name: head, shape: shape, floats: floats))
      })
    #expect(model.leftOut == [head])
    #expect(model.notes.last?.contains(head) == true)
    if !model.architecture.head.isTied || name.contains("bert") { #expect(!model.architecture.hasLogits) }
    // The base model's activations are what they were.
    let site = Site(.residPost, layer: usual.model.architecture.layers - 1)
    var (a, b): ([Float], [Float]) = ([], [])
    try model.run(usual.batch, hooks: [Hook(site) { a = $0.copy() }])
    try usual.model.run(usual.batch, hooks: [Hook(site) { b = $0.copy() }])
    #expect(a == b && !a.isEmpty)
  }

  /// Untied, the unembedding of a masked-language head has a bias of its own; tied, it shares the head's.
  @Test(arguments: [
    ("bert", "cls.predictions.decoder", "cls.predictions.bias"), ("roberta", "lm_head.decoder", "lm_head.bias"),
  ])
  func biasesOfMaskedHeads(_ name: String, _ unembedding: String, _ shared: String) throws {
    func stored(own: Float, shared value: Float) -> (inout Tensors) -> Void {
      { tensors in
        tensors.removeAll { $0.name == shared || $0.name == unembedding + ".bias" }
        for (name, value) in [(shared, value), (unembedding + ".bias", own)] {
          tensors.append(.init(name: name, shape: [24], floats: Array(repeating: value, count: 24)))
        }
      }
    }
    let zero = try logits(load(name, tensors: stored(own: 0, shared: 0)))
    let tied = try logits(load(name, tensors: stored(own: 5, shared: 1)))
    #expect(relativeError(tied, zero.map { $0 + 1 }) < 1e-6)
    let untied = try load(
      name, config: { $0["tie_word_embeddings"] = false },
      tensors: { tensors in
        stored(own: 5, shared: 1)(&tensors)
        guard !tensors.contains(where: { $0.name == unembedding + ".weight" }),
          let embedding = tensors.first(where: { $0.name.hasSuffix("word_embeddings.weight") })
        else { return }
        tensors.append(
          .init(
            name: unembedding + ".weight", type: embedding.type, shape: embedding.shape, bytes: embedding.bytes))
      })
    #expect(try relativeError(logits(untied), zero.map { $0 + 5 }) < 1e-6)
  }

  /// A part for pictures beside the text says nothing about the head: where that is missing, it is missing.
  @Test func wrappersWithoutTheirHead() throws {
    let fault = #expect(throws: Fault.self) {
      try load(
        "mistral3-seeing", config: { $0["tie_word_embeddings"] = false },
        tensors: { $0.removeAll { $0.name == "lm_head.weight" } })
    }
    #expect(fault?.name == "transformer.missingTensors")
    #expect(fault?.place?.contains("lm_head") == true)
  }

  /// A search for a hundred thousand layers ends before it begins.
  @Test func manyLayersAreRefusedAtOnce() throws {
    let start = ContinuousClock.now
    let fault = #expect(throws: Fault.self) { try load("llama", config: { $0["num_hidden_layers"] = 100_000 }) }
    #expect(fault?.place == "num_hidden_layers")
    let most = #expect(throws: Fault.self) { try load("llama", config: { $0["num_hidden_layers"] = 16_384 }) }
    #expect(most?.name == "transformer.missingTensors")
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  /// A family of another shape is never recommended: its numbers would be wrong.
  @Test(arguments: ["gptj2", "mamba", "t5", "opt-x", "lama"]) func unknownFamiliesAdviseNoOther(_ name: String) throws {
    let fault = try #require(#expect(throws: Fault.self) { try load("llama", config: { $0["model_type"] = name }) })
    #expect(fault.name == "architectures.unknownModelType")
    #expect(fault.advice?.contains("set model_type") != true)
  }
}
