import Activations
import Architectures
import Checkpoints
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Neurons
import Probes
import TestFiles
import Testing
import Transformer

@testable import Interventions

@Suite struct NeuronAblationTests {
  @Test func itIsTheDifferenceOfLosses() throws {
    let session = try Session("unfold-mini")
    let model = session.model
    let texts = [
      ("http", "GET /index.html HTTP/1.1\nHost: example.com"), ("http", "POST /login HTTP/1.1\nAccept: */*"),
      ("tale", "Once upon a time a fox lived in the forest."), ("tale", "The old woman walked home in the snow."),
      ("code", "for i in range(10):\n    print(i)"), ("code", "def add(a, b):\n    return a + b"),
    ]
    let source = try session.activations(
      of: Corpus(
        documents: texts.enumerated().map { Document(id: "\($0)", text: $1.1, labels: ["label": .text($1.0)]) }))
    let neuron = NeuronReference(site: "blocks.1.mlp.hook_post", layer: 1, index: 7)
    let effect = try #require(
      NeuronAblation(replacement: .zero).run([neuron], model: model, source: source, piece: session.piece).first)
    let tokens = try source.tokens(in: 0..<source.tokenCount)
    let batch = TokenBatch(ids: tokens.ids, lengths: source.documents.tokenCounts)
    let before = try model.loss(batch)
    let site = Site(.mlpPost, layer: 1)
    let edit = Hook(site) { value in for token in value.rows { value[token, 7] = 0 } }
    let after = try model.loss(batch, hooks: [edit])
    #expect(effect.all.predictions == before.predictions && effect.domains.map(\.documents) == [2, 2, 2])
    #expect(abs(effect.all.loss - before.mean) < 1e-5)
    #expect(abs(effect.all.change - (after.mean - before.mean)) < 1e-5)
    let total = effect.domains.reduce(0) { $0 + $1.change * Double($1.predictions) }
    #expect(abs(total - (after.total - before.total)) < 1e-3)
    #expect(effect.domains.map(\.change) == effect.domains.map(\.change).sorted(by: >))
    // The token that suffers most is the one whose own loss grows most.
    let losses = zip(try model.tokenLosses(batch, hooks: [edit]), try model.tokenLosses(batch)).map { new, old in
      new.flatMap { new in old.map { new - $0 } } ?? -.infinity
    }
    let worst = try #require(effect.worst.first)
    #expect(losses.indices.max { losses[$0] < losses[$1] } == worst.example.row)
    #expect(abs((losses.max() ?? 0) - Double(worst.change)) < 1e-4 && effect.value == 0)
    // A mean leaves the token that always begins a text as it is.
    let mean = try #require(NeuronAblation().run([neuron], model: model, source: source).first)
    var values: [Float] = []
    try model.run(batch, hooks: [Hook(site) { value in values = value.rows.map { value[$0, 7] } }])
    let texted = tokens.special.indices.filter { tokens.special[$0] == 0 }.map { values[$0] }
    let expected = texted.reduce(0, +) / Float(texted.count)
    #expect(abs((mean.value ?? 0) - expected) < 1e-5 && texted.count < values.count)
    let hook = Hook(site) { value in
      for token in value.rows where tokens.special[token] == 0 { value[token, 7] = expected }
    }
    #expect(abs(mean.all.change - (try model.loss(batch, hooks: [hook]).mean - before.mean)) < 1e-5)
  }

  @Test func anExpertsNeuronIsReplacedWhereItIsAwake() throws {
    let model = try TinyModels.load("olmoe")
    let source = try TinyModels.source(
      model, TinyModels.documents(12, vocabulary: 24, seed: 8), labels: ["a", "b", "c"])
    let neuron = NeuronReference(site: "blocks.1.mlp.experts.3.hook_post", layer: 1, index: 5)
    let effect = try #require(try NeuronAblation().run([neuron], model: model, source: source).first)
    #expect(effect.value != 0 && effect.all.change != 0)
    let none = NeuronReference(site: "blocks.1.mlp.experts.9.hook_post", layer: 1, index: 5)
    let fault = #expect(throws: Fault.self) { try NeuronAblation().run([none], model: model, source: source) }
    #expect(fault?.name == "neurons.noSuchNeuron" && fault?.expected?.contains("E5") == true)
    let bare = try TinyModels.source(model, [[1, 2, 3]])
    #expect(throws: Fault.self) { try NeuronAblation().run([neuron], model: model, source: bare) }
  }

  /// Neurons that never fire cost nothing, and nothing is found; nor does rounding count.
  @Test func deadNeuronsAreNotFound() throws {
    let model = try TinyModels.load("opt")
    let last = model.architecture.layers - 1
    for seed in UInt64(0)..<4 {
      let documents = TinyModels.documents(
        12, vocabulary: model.architecture.vocabularySize, seed: seed, lengths: 4...8)
      var fires = Set<Int>()
      try model.run(
        TokenBatch(documents: documents),
        hooks: [
          Hook(Site(.mlpPost, layer: last)) { value in
            for token in value.rows {
              for column in 0..<value.width where value[token, column] != 0 { fires.insert(column) }
            }
          }
        ])
      let count = model.architecture.neurons(layer: last) ?? 0
      let dead = (0..<count).filter { !fires.contains($0) }
      guard !dead.isEmpty else { continue }
      let items = try dead.map {
        try AblationItem.neuron(
          NeuronReference(site: Site(.mlpPost, layer: last).name, layer: last, index: $0), in: model)
      }
      for replacement in AblationReplacement.allCases {
        let result = try Ablation(replacement: replacement, seed: seed).run(
          items, model: model, source: TinyModels.source(model, documents, labels: ["a", "b"]))
        for item in result.items {
          #expect(abs(item.all.loss.change) < 1e-6 && !item.all.isFound)
          #expect(item.labels.allSatisfy { !$0.effect.isFound })
        }
      }
    }
  }

  /// A model of random weights on random tokens, whose logits are small: what is taken out changes predictions a little, for
  /// better as often as for worse. Anything is found in about 5 % of the corpora.
  ///
  /// With logits of usual size there is something to find: a prediction that knows nothing loses less the nearer to even it is.
  @Test func nothingIsFoundWhereNothingIsThere() throws {
    let folder = try TemporaryFolder()
    let original = try TinyModels.load("gpt2").folder
    let file = try SafetensorsFile(contentsOf: original.appending(path: "model.safetensors"))
    try FileManager.default.copyItem(at: original.appending(path: "config.json"), to: folder.file("config.json"))
    try SafetensorsWriter.write(
      file.tensors.map { view in
        let scale: Float = view.name.hasSuffix("wte.weight") ? 0.01 : 1
        return .init(name: view.name, shape: view.shape, floats: try view.floats().map { $0 * scale })
      }, to: folder.file("model.safetensors"))
    let model = try Model.load(folder.url)
    var generator = SeededGenerator(seed: 77)
    var items = try AblationItem.neurons("L0.3,L1.7,L1.20", in: model) + AblationItem.heads("L1", in: model)
    for number in 0..<3 {
      let values = (0..<16).map { _ in Float(generator.normal()) }
      let direction = try Direction(
        values, name: "random \(number)", kind: .vector, at: Site(.residPost, layer: 1), in: model)
      items.append(try .direction(direction))
    }
    for replacement in AblationReplacement.allCases {
      var found = 0
      for seed in UInt64(0)..<30 {
        let documents = TinyModels.documents(16, vocabulary: 24, seed: 100 + seed)
        let result = try Ablation(replacement: replacement, seed: seed).run(
          items, model: model, source: TinyModels.source(model, documents, labels: ["a", "b"]))
        #expect(result.tries == items.count * 3)
        if result.items.contains(where: { $0.all.isFound || $0.labels.contains { $0.effect.isFound } }) { found += 1 }
      }
      // 1.5 expected of 30; more than 5 in one case of 300.
      #expect(found <= 5, "\(replacement): \(found) of 30")
    }
  }
}
