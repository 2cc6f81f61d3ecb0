import Architectures
import Foundation
import LinearAlgebra
import Testing
import Transformer

@Suite struct AnalysisTests {
  static let causal = Reference.names.filter { !$0.contains("bert") }
  static let sums = causal.filter { (try? Reference($0).model.architecture.isSumOfParts) ?? true }

  @Test(arguments: causal) func lossIsThatOfTheLogits(_ name: String) throws {
    let reference = try Reference(name)
    let (model, batch) = (reference.model, reference.batch)
    let logits = try #require(try model.run(batch, logits: .all))
    var total = 0.0
    for document in 0..<batch.documentCount {
      for token in batch.rows(of: document).dropFirst() {
        let row = logits.row(token - 1).map(Double.init)
        total += log(row.reduce(0) { $0 + exp($1) }) - row[Int(batch.ids[token])]
      }
    }
    let loss = try model.loss(batch)
    #expect(loss.predictions == batch.count - batch.documentCount)
    #expect(abs(loss.total - total) < 1e-5 * total)
    #expect(abs(loss.mean - total / Double(loss.predictions)) < 1e-6)
  }

  @Test(arguments: sums) func attributionSumsToTheLogit(_ name: String) throws {
    let reference = try Reference(name)
    let tokens = Array(reference.batch.ids[reference.batch.rows(of: 2)])
    let logits = try #require(
      try reference.model.run(TokenBatch(documents: [Array(tokens[...20])]), logits: .lastOfEachDocument))
    let parts = try reference.model.attributeLogit(of: 7, in: tokens, after: 20)
    #expect(abs(parts.logit - Double(logits[0, 7])) < 1e-5)
    #expect(abs(parts.sum - parts.logit) < 2e-5)
    let difference = try reference.model.attributeLogit(of: 7, against: 3, in: tokens, after: 20)
    #expect(abs(difference.sum - Double(logits[0, 7] - logits[0, 3])) < 2e-5)
    let layer = reference.model.architecture.layers - 1
    #expect(parts.layers.count == layer + 1)
    #expect(parts.layers[layer].heads.count == reference.model.architecture.blocks[layer].attention.heads)
    // A neuron's part is what the logit loses when the neuron's output to the stream is taken away and nothing
    // downstream recomputes: here of the last layer, with the final scale held.
    let neuron = try #require(
      parts.layers[layer].neurons.indices.max { parts.layers[layer].neurons[$0] < parts.layers[layer].neurons[$1] })
    var scale: Float = 0
    let last = 20
    let batch = TokenBatch(documents: [Array(tokens[...20])])
    try reference.model.run(batch, hooks: [Hook(Site(.finalScale)) { scale = $0[last, 0] }])
    let ablated = try #require(
      try reference.model.run(
        batch,
        hooks: [
          Hook(Site(.mlpPost, layer: layer)) { $0[last, neuron] = 0 }, Hook(Site(.finalScale)) { $0[last, 0] = scale },
        ], logits: .lastOfEachDocument))
    #expect(abs(Double(logits[0, 7] - ablated[0, 7]) - parts.layers[layer].neurons[neuron]) < 2e-5)
  }

  @Test func nextTokensAreProbabilities() throws {
    let reference = try Reference("gpt2")
    let all = try reference.model.nextTokens(after: reference.batch, count: 40)
    #expect(all.count == reference.batch.documentCount)
    for predictions in all {
      #expect(abs(predictions.reduce(0) { $0 + $1.probability } - 1) < 1e-6)
      #expect(zip(predictions, predictions.dropFirst()).allSatisfy { $0.probability >= $1.probability })
    }
  }

  @Test func headsLookAtTheirDocument() throws {
    let reference = try Reference("mistral")
    let tokens = Array(reference.batch.ids[reference.batch.rows(of: 2)])
    let heads = try reference.model.attentionSources(in: tokens, of: 30, count: 100)
    #expect(heads.count == 8)
    for head in heads {
      #expect(abs(head.sources.reduce(0) { $0 + $1.value } - 1) < 1e-5)
      // A window of 7 reaches back to token 24.
      #expect(head.sources.filter { $0.value > 0 }.allSatisfy { (24...30).contains($0.index) })
    }
  }

  @Test func weightsAreThoseTheNeuronsUse() throws {
    let reference = try Reference("gpt2-options")
    let model = reference.model
    var (post, out): ([Float], [Float]) = ([], [])
    try model.run(
      reference.batch,
      hooks: [
        Hook(Site(.mlpPost, layer: 1)) { value in
          for element in 0..<value.width { value[0, element] = element == 5 ? 2 : 0 }
          for element in 0..<value.width { value[1, element] = 0 }
          post = value.row(0)
        },
        Hook(Site(.mlpOut, layer: 1)) { out = zip($0.row(0), $0.row(1)).map { $0 - $1 } },
      ])
    #expect(post[5] == 2)
    let weights = try model.neuronOutputWeights(layer: 1)
    #expect(weights.rows == 24 && weights.columns == 16)
    #expect(relativeError(weights.row(5).map { 2 * $0 }, out) < 1e-5)
    let effects = try model.logitEffects(of: weights)
    #expect(effects.rows == 24 && effects.columns == 24)
    #expect(try model.embeddings(of: [3, 3]).row(0) == model.embeddings(of: [3, 3]).row(1))
    #expect(try model.unembedding().row(9) == model.unembeddings(of: [9]).row(0))
  }
}
