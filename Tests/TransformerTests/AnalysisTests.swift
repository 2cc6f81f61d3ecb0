import Architectures
import Foundation
import LinearAlgebra
import Testing

@testable import Transformer

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
    let (model, architecture) = (reference.model, reference.model.architecture)
    let tokens = Array(reference.batch.ids[reference.batch.rows(of: 2)])
    let last = 20
    let batch = TokenBatch(documents: [Array(tokens[...last])])
    let logits = try #require(try model.run(batch, logits: .lastOfEachDocument))
    let parts = try model.attributeLogit(of: 7, in: tokens, after: last)
    // What a cap makes of the sum is the model's logit.
    func capped(_ logit: Double) -> Double {
      architecture.head.logitCap.map { $0 * tanh(logit / $0) } ?? logit
    }
    let size = max(1, abs(parts.logit))
    #expect(abs(parts.sum - parts.logit) < 1e-5 * size + 1e-5, "\(parts.sum) \(parts.logit)")
    #expect(abs(capped(parts.sum) - Double(logits[0, 7])) < 2e-5 * size)
    #expect((parts.cappedLogit != nil) == (architecture.head.logitCap != nil))
    let difference = try model.attributeLogit(of: 7, against: 3, in: tokens, after: last)
    if architecture.head.logitCap == nil {
      #expect(abs(difference.sum - Double(logits[0, 7] - logits[0, 3])) < 2e-5 * size)
    }
    let layer = architecture.layers - 1
    #expect(parts.layers.count == layer + 1)
    #expect(parts.layers[layer].heads.count == architecture.blocks[layer].attention.heads)
    // A neuron's part is what the logit loses when the neuron's output to the stream is taken away and nothing
    // downstream recomputes: here of the last layer, with the scales of the norms behind it held.
    let scales = architecture.sites.filter {
      $0.kind == .finalScale
        || $0.layer == layer && ($0.kind == .norm2PostScale || $0.kind == .norm2Scale && isBehind($0, architecture))
    }
    var held: [Site: Float] = [:]
    try model.run(batch, hooks: scales.map { site in Hook(site) { held[site] = $0[last, 0] } })
    let hold = scales.map { site in Hook(site) { $0[last, 0] = held[site] ?? 1 } }
    let (part, take): (Double, [Hook])
    if let experts = parts.layers[layer].experts {
      let strongest = try #require(experts.first)
      // An expert's bias is not one of its neurons.
      guard try model.store.table.bias(of: .expertOutput, layer: layer, expert: strongest.expert) == nil else { return }
      part = strongest.contribution
      take = [
        Hook(Site(.expertPost, layer: layer, expert: strongest.expert)) { value in
          guard value.row(of: last) != nil else { return }
          for column in 0..<value.width { value[last, column] = 0 }
        }
      ]
    } else {
      let neurons = parts.layers[layer].neurons
      let neuron = try #require(neurons.indices.max { neurons[$0] < neurons[$1] })
      part = neurons[neuron]
      take = [Hook(Site(.mlpPost, layer: layer)) { $0[last, neuron] = 0 }]
    }
    let ablated = try #require(try model.run(batch, hooks: take + hold, logits: .lastOfEachDocument))
    #expect(abs(capped(parts.sum - part) - Double(ablated[0, 7])) < 3e-5 * size)
  }

  /// Whether a layer's second norm stands behind the MLP.
  private func isBehind(_ site: Site, _ architecture: Architecture) -> Bool {
    architecture.blocks[site.layer ?? 0].normPlace == .afterBranch
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
