import Activations
import Architectures
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Neurons
import Probes
import Testing
import Transformer

@testable import Interventions

/// Tiny random models that the tests of `Transformer` ship.
enum TinyModels {
  static func load(_ name: String) throws -> Model {
    try Model.load(
      URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "TransformerTests/Fixtures/\(name)"))
  }

  static func source(_ model: Model, _ documents: [[Int32]], labels: [String?] = []) throws -> LiveActivations {
    try LiveActivations(
      model: model, tokenizer: nil,
      corpus: Corpus(
        documents: documents.enumerated().map { number, tokens in
          let label = labels.isEmpty ? nil : labels[number % labels.count]
          return Document(
            id: "d\(number)", tokens: tokens, labels: label.map { ["label": .text($0)] } ?? [:])
        }), settings: CaptureSettings(sites: "resid_post", layers: "last"), modelName: "tiny")
  }

  static func documents(_ count: Int, vocabulary: Int, seed: UInt64, lengths: ClosedRange<Int> = 6...20) -> [[Int32]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      (0..<lengths.lowerBound + generator.integer(below: lengths.count)).map { _ in
        Int32(generator.integer(below: vocabulary))
      }
    }
  }
}

@Suite struct AblationTests {
  static let kinds = [
    "gpt2", "llama", "gemma2", "olmo2", "mixtral", "qwen2_moe", "deepseek_v2", "gpt_neox", "granite", "bloom",
    "gpt_oss",
    "gguf",
  ].filter { $0 != "gguf" }

  private func close(_ a: Double, _ b: Double, _ tolerance: Double = 1e-5) -> Bool { abs(a - b) < tolerance }

  /// Every kind of part in every kind of model, against whole runs with an edit of their own.
  @Test(arguments: kinds) func itIsTheDifferenceOfWholeRuns(_ name: String) throws {
    let model = try TinyModels.load(name)
    let architecture = model.architecture
    let last = architecture.layers - 1
    let documents = TinyModels.documents(7, vocabulary: architecture.vocabularySize, seed: 3)
    let source = try TinyModels.source(model, documents, labels: ["a", "b", nil])
    let batch = TokenBatch(documents: documents)
    let clean = try model.loss(batch)
    func clear(_ kind: Site.Kind, _ columns: Range<Int>, expert: Int? = nil) -> Hook {
      Hook(Site(kind, layer: last, expert: expert)) { value in
        for token in value.tokens ?? Array(value.rows) { for column in columns { value[token, column] = 0 } }
      }
    }
    let width = architecture.blocks[last].attention.valueWidth
    var items: [(AblationItem, [Hook])] = [
      (try .head(1, layer: last, in: model), [clear(.mixed, width..<2 * width)]),
      (try .attention(layer: last, in: model), [clear(.attentionOut, 0..<architecture.width)]),
      (try .mlp(layer: last, in: model), [clear(.mlpOut, 0..<architecture.width)]),
      (
        try .layer(last, in: model),
        [clear(.attentionOut, 0..<architecture.width), clear(.mlpOut, 0..<architecture.width)]
      ),
    ]
    if let experts = architecture.blocks[last].experts {
      items.append(
        (
          try .expert(2, layer: last, in: model),
          [clear(.expertPost, 0..<experts.expert.neurons, expert: 2)]
        ))
      items.append(
        (try AblationItem.neurons("L\(last).E1.3", in: model)[0], [clear(.expertPost, 3..<4, expert: 1)]))
    } else {
      items.append((try AblationItem.neurons("L\(last).5", in: model)[0], [clear(.mlpPost, 5..<6)]))
    }
    let result = try Ablation(replacement: .zero).run(items.map(\.0), model: model, source: source)
    #expect(result.labels == ["a", "b"] && result.items.map(\.what) == items.map(\.0.what))
    for (item, (_, hooks)) in zip(result.items, items) {
      let loss = try model.loss(batch, hooks: hooks)
      #expect(close(item.all.loss.before, clean.mean) && item.all.loss.predictions == clean.predictions)
      #expect(close(item.all.loss.after, loss.mean), "\(name) \(item.what): \(item.all.loss.after) \(loss.mean)")
      #expect(item.all.divergence.change >= 0 && item.labels.count == 2)
      // Labels leave the documents without one out.
      let ofA = TokenBatch(documents: documents.enumerated().filter { $0.offset % 3 == 0 }.map(\.element))
      #expect(close(item.labels[0].effect.loss.after, try model.loss(ofA, hooks: hooks).mean))
    }
  }

  @Test func severalTogetherAreOneRun() throws {
    let model = try TinyModels.load("gpt2")
    let documents = TinyModels.documents(5, vocabulary: 24, seed: 4)
    let source = try TinyModels.source(model, documents)
    let parts = try AblationItem.heads("L1.H0,0.1", in: model) + AblationItem.neurons("L0.3", in: model)
    let result = try Ablation(replacement: .zero).run([.together(parts)], model: model, source: source)
    let hooks = [
      Hook(Site(.mixed, layer: 1)) { value in for t in value.rows { for c in 0..<4 { value[t, c] = 0 } } },
      Hook(Site(.mixed, layer: 0)) { value in for t in value.rows { for c in 4..<8 { value[t, c] = 0 } } },
      Hook(Site(.mlpPost, layer: 0)) { value in for t in value.rows { value[t, 3] = 0 } },
    ]
    #expect(close(result.items[0].all.loss.after, try model.loss(TokenBatch(documents: documents), hooks: hooks).mean))
    #expect(result.items[0].what == "L1.H0 + L0.H1 + L0.3" && result.labels.isEmpty)
  }

  @Test func divergenceIsThatOfTheLogits() throws {
    let model = try TinyModels.load("llama")
    let documents = TinyModels.documents(3, vocabulary: model.architecture.vocabularySize, seed: 5)
    let result = try Ablation(replacement: .zero).run(
      [.mlp(layer: 0, in: model)], model: model, source: TinyModels.source(model, documents))
    let batch = TokenBatch(documents: documents)
    let clean = try #require(try model.run(batch, logits: .all))
    let edited = try #require(
      try model.run(
        batch,
        hooks: [
          Hook(Site(.mlpOut, layer: 0)) { $0.withUnsafeMutableBuffer { $0.update(repeating: 0) } }
        ], logits: .all))
    var (sum, count) = (0.0, 0)
    for document in 0..<batch.documentCount {
      for row in batch.rows(of: document).dropLast() {
        let (p, q) = (probabilities(clean.row(row)), probabilities(edited.row(row)))
        sum += zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
        count += 1
      }
    }
    #expect(close(result.items[0].all.divergence.change, sum / Double(count), 1e-6))
  }

  private func probabilities(_ logits: [Float]) -> [Double] {
    let values = logits.map { exp(Double($0)) }
    return values.map { $0 / values.reduce(0, +) }
  }

  @Test func meansAreOverTokens() throws {
    let model = try TinyModels.load("gpt2")
    let documents = TinyModels.documents(6, vocabulary: 24, seed: 6)
    let source = try TinyModels.source(model, documents)
    let batch = TokenBatch(documents: documents)
    var values: [Float] = []
    try model.run(batch, hooks: [Hook(Site(.mlpPost, layer: 1)) { v in values = v.rows.map { v[$0, 7] } }])
    let mean = values.reduce(0, +) / Float(values.count)
    let result = try Ablation().run(AblationItem.neurons("L1.7", in: model), model: model, source: source)
    #expect(abs((result.items[0].value ?? 0) - mean) < 1e-6)
    let loss = try model.loss(
      batch, hooks: [Hook(Site(.mlpPost, layer: 1)) { v in for t in v.rows { v[t, 7] = mean } }])
    #expect(close(result.items[0].all.loss.after, loss.mean))
  }

  @Test func resamplingTakesValuesOfOtherDocuments() throws {
    let model = try TinyModels.load("gpt2")
    // Each document is one token, over and over: the neuron of the first layer sees little else.
    let documents = (0..<8).map { number in (0..<6).map { _ in Int32(number) } }
    let source = try TinyModels.source(model, documents)
    let sample = try AblationSample(
      source, column: "label", needsLabels: false, most: nil, seed: 0, batchTokens: 16)
    #expect(sample.documentCount == 8 && sample.batches.count > 1)
    let item = try AblationItem.neurons("L0.3", in: model)[0]
    var known: [Float: Int] = [:]
    try model.run(
      TokenBatch(documents: documents),
      hooks: [Hook(Site(.mlpPost, layer: 0)) { value in for t in value.rows { known[value[t, 3]] = t / 6 } }])
    let replacements = try AblationReplacements(
      .resample, places: item.places, sample: sample, model: model, seed: 5, progress: {})
    var others = Set<Int>()
    for batch in sample.batches {
      let values = replacements.values(0, in: batch)
      for (token, document) in batch.documentOfToken.enumerated() {
        let drawn = try #require(values(token)?.first)
        // A run of other rows rounds otherwise.
        let nearest = try #require(known.min { abs($0.key - drawn) < abs($1.key - drawn) })
        #expect(abs(nearest.key - drawn) < 1e-5 && nearest.value != document)
        others.insert(nearest.value)
      }
    }
    #expect(others.count == 8)
    let first = try Ablation(replacement: .resample, seed: 1).run([item], model: model, source: source)
    let again = try Ablation(replacement: .resample, seed: 1).run([item], model: model, source: source)
    let other = try Ablation(replacement: .resample, seed: 2).run([item], model: model, source: source)
    #expect(first.items[0].all == again.items[0].all && first.items[0].all != other.items[0].all)
  }

  @Test func namesAreRead() throws {
    let model = try TinyModels.load("gpt2")
    let mixture = try TinyModels.load("mixtral")
    #expect(try AblationItem.heads("all", in: model).count == 8)
    #expect(try AblationItem.heads("L1, 0.2", in: model).map(\.what) == ["L1.H0", "L1.H1", "L1.H2", "L1.H3", "L0.H2"])
    #expect(try AblationItem.neurons("L1", in: model).count == 64)
    #expect(try AblationItem.neurons("L0.E2.5", in: mixture)[0].what == "L0.E2.5")
    #expect(try AblationItem.experts("L1.E2,1.0", in: mixture).map(\.what) == ["L1.E2", "L1.E0"])
    #expect(try AblationItem.layers("L1,0", in: model) { try .layer($0, in: $1) }.map(\.what) == ["L0", "L1"])
    func fault(_ body: () throws -> [AblationItem]) -> String? {
      do {
        _ = try body()
        return nil
      } catch { return (error as? Fault)?.name }
    }
    #expect(fault { try AblationItem.heads("1.9", in: model) } == "ablation.noSuchPart")
    #expect(fault { try AblationItem.heads("L7", in: model) } == "ablation.noSuchPart")
    #expect(fault { try AblationItem.heads("x", in: model) } == "ablation.name")
    #expect(fault { try AblationItem.heads("", in: model) } == "ablation.name")
    #expect(fault { try AblationItem.heads("9999999999999999999999.1", in: model) } == "ablation.name")
    #expect(fault { try AblationItem.neurons("L1.64", in: model) } == "neurons.noSuchNeuron")
    #expect(fault { try AblationItem.neurons("L1.x", in: model) } == "ablation.name")
    #expect(fault { try AblationItem.experts("L1.E2", in: model) } == "ablation.noSuchPart")
    #expect(fault { try AblationItem.experts("all", in: model) } == "transformer.noExperts")
    #expect(fault { try AblationItem.experts("L1.E99", in: mixture) } == "ablation.noSuchPart")
    #expect(fault { try AblationItem.neurons("L1", in: mixture) } == "ablation.noSuchPart")
    #expect(fault { try AblationItem.layers("5", in: model) { try .layer($0, in: $1) } } == "transformer.layers")
    #expect(fault { try AblationItem.features("absent", in: model) } == "ablation.name")
    #expect(fault { try AblationItem.features("absent:1,x", in: model) } == "ablation.name")
  }

  @Test func whatCannotBeDoneIsSaid() throws {
    let bert = try TinyModels.load("bert")
    let documents = [[Int32(1), 2, 3]]
    func fault(_ body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch { return (error as? Fault)?.name }
    }
    #expect(
      fault {
        _ = try Ablation().run([.layer(0, in: bert)], model: bert, source: TinyModels.source(bert, documents))
      } == "transformer.noNextToken")
    let model = try TinyModels.load("gpt2")
    let source = try TinyModels.source(model, documents)
    let item = try AblationItem.layer(0, in: model)
    #expect(
      fault { _ = try Ablation(column: "topic", needsLabels: true).run([item], model: model, source: source) }
        == "neurons.noLabels")
    let short = try TinyModels.source(model, [[1], [2]])
    #expect(fault { _ = try Ablation().run([item], model: model, source: short) } == "neurons.noTokens")
    #expect(
      fault {
        _ = try Ablation().run(
          Array(repeating: item, count: AblationItem.most + 1), model: model, source: source)
      } == "ablation.tooMany")
  }
}
