import Architectures
import Diagnostics
import Foundation
import LinearAlgebra
import Testing

@testable import Transformer

/// Runs that go on behind cached tokens, or begin at a layer, against runs of the whole text.
@Suite struct RunStartTests {
  static let causal = Reference.names.filter { !$0.contains("bert") }
  /// Sums of float32 in another order: products of fewer rows take other kernels.
  static let tolerance = 1e-5

  private func document(_ reference: Reference) -> [Int32] {
    let longest = reference.batch.lengths.indices.max { reference.batch.lengths[$0] < reference.batch.lengths[$1] } ?? 0
    return Array(reference.batch.ids[reference.batch.rows(of: longest)])
  }

  @Test(arguments: causal) func tokensOneByOneAreTheWholeText(_ name: String) throws {
    let reference = try Reference(name)
    let model = reference.model
    guard model.architecture.hasLogits else { return }
    // Where wavelengths change with the text's length, a text within one of them.
    let ids = document(reference).enumerated().prefix {
      model.architecture.keysHold(from: 4, to: $0.offset + 1) || $0.offset < 4
    }
    .map(\.element)
    let whole = try #require(try model.run(TokenBatch(documents: [ids]), logits: .all))
    let cache = KeyValueCache(for: model.architecture)
    // A few at first, then one by one.
    var logits = try #require(
      try model.run(TokenBatch(documents: [Array(ids[..<4])]), from: RunStart(pasts: [.extending(cache)]), logits: .all)
    ).elements
    for position in 4..<ids.count {
      let next = TokenBatch(documents: [[ids[position]]])
      let start = RunStart(pasts: [.extending(cache)])
      logits += try #require(try model.run(next, from: start, logits: .lastOfEachDocument)).elements
    }
    #expect(cache.ids == ids)
    #expect(relativeError(logits, whole.elements) < Self.tolerance, "\(name)")
  }

  @Test(arguments: causal) func suffixesBehindASharedPrefixAreTheWholeText(_ name: String) throws {
    let reference = try Reference(name)
    let model = reference.model
    guard model.architecture.hasLogits else { return }
    let ids = document(reference)
    let layer = model.architecture.layers - 1
    let cache = KeyValueCache(for: model.architecture)
    var stream: [Float] = []
    var pattern: [Float] = []
    let whole = try #require(
      try model.run(
        TokenBatch(documents: [ids]), from: RunStart(pasts: [.extending(cache)]),
        hooks: [
          Hook(Site(.residPre, layer: layer)) { stream = $0.copy() },
          Hook(Site(.pattern, layer: layer)) { pattern = $0.copy() },
        ],
        logits: .lastOfEachDocument))
    // All suffixes at once, each behind so many tokens of the same cache, from the last layer on.
    let firsts = [0, 1, ids.count / 2, ids.count - 1]
    let width = model.architecture.width
    let batch = TokenBatch(documents: firsts.map { Array(ids[$0...]) })
    let start = RunStart(
      pasts: firsts.map { .prefix(cache, count: $0) },
      residual: .init(layer: layer, values: firsts.flatMap { stream[($0 * width)...] }))
    let keys = model.architecture.blocks[layer].attention.heads * ids.count
    let logits = try #require(
      try model.run(
        batch, from: start,
        hooks: [
          Hook(Site(.pattern, layer: layer)) { value in
            let first = firsts[value.document ?? 0]
            #expect(value.width == keys)
            #expect(relativeError(value.copy(), Array(pattern[(first * keys)...])) < Self.tolerance)
          }
        ], logits: .lastOfEachDocument))
    let fused = try #require(try model.run(batch, from: start, logits: .lastOfEachDocument))
    for row in firsts.indices {
      #expect(relativeError(logits.row(row), whole.row(0)) < Self.tolerance, "\(name) from \(firsts[row])")
      #expect(relativeError(fused.row(row), whole.row(0)) < Self.tolerance, "\(name) from \(firsts[row])")
    }
  }

  @Test func aSiteBeforeTheStartIsRefused() throws {
    let model = try Reference("gpt2").model
    let start = RunStart(
      residual: .init(layer: 1, values: [Float](repeating: 0, count: model.architecture.width)))
    for site in [Site(.embed), Site(.mlpPost, layer: 0)] {
      let fault = #expect(throws: Fault.self) {
        try model.run(TokenBatch(documents: [[1]]), from: start, hooks: [Hook(site) { _ in }])
      }
      #expect(fault?.name == "transformer.siteBeforeStart")
      #expect(fault?.place == site.name)
    }
  }

  /// Where wavelengths change with the text's length, keys held are computed anew.
  @Test(arguments: ["llama-dynamic", "llama-longrope"]) func generationIsThatOfTheWholeText(_ name: String) throws {
    let reference = try Reference(name)
    var text = Array(document(reference)[..<8])
    let count = document(reference).count - 8
    let tokens = try reference.model.generate(after: [text], count: count)[0].tokens
    #expect(!reference.model.architecture.keysHold(from: 8, to: 8 + count))
    for token in tokens {
      #expect(try reference.model.nextTokens(after: TokenBatch(documents: [text]), count: 1)[0][0].token == token)
      text.append(token)
    }
  }

  @Test func documentsContinueTogetherAsEachAlone() throws {
    let model = try Reference("llama").model
    let texts: [[Int32]] = [[1, 2, 3], [4], [5, 6, 7, 8, 9]]
    let sampling = Sampling(temperature: 0.8, topK: 20, topP: 0.9, repetitionPenalty: 1.2, seed: 5)
    let alone = try model.generate(after: [texts[0]], count: 12, sampling: sampling)[0]
    var lines = texts.map { _ in [Int32]() }
    let together = try model.generate(
      after: texts, count: 12, sampling: sampling,
      each: { document, token in
        lines[document].append(token)
        return document == 1 && lines[1].count == 3 ? .stopString : nil
      })
    #expect(together[0] == alone)
    #expect(together.map(\.tokens) == lines)
    #expect(together.map(\.stopped) == [.length, .stopString, .length])
    #expect(together[1].tokens.count == 3)
    // An edit of every run changes what is said.
    let edited = try model.generate(
      after: texts, count: 12, sampling: sampling,
      hooks: { documents in
        [
          Hook(Site(.residPre, layer: 0)) { value in
            for (row, document) in documents.enumerated() where document == 0 {
              for token in value.batch.rows(of: row) { value.setRow(token, to: value.row(token).map { -$0 }) }
            }
          }
        ]
      })
    #expect(edited[0] != together[0])
    #expect(edited[2] == together[2])
  }

  @Test func samplingTakesWhatItSays() {
    let logits: [Float] = [1, 3, 2, 0, -1]
    #expect(Sampling(temperature: 1, topK: 2).nucleus(of: logits).tokens == [1, 2])
    #expect(Sampling(temperature: 1, topP: 0.6).nucleus(of: logits).tokens == [1])
    #expect(Sampling(temperature: 1, topP: 0.7).nucleus(of: logits).tokens == [1, 2])
    #expect(Sampling(temperature: 1).nucleus(of: logits).tokens.count == 5)
    var generator = SeededGenerator(seed: 1)
    #expect(Sampling(repetitionPenalty: 2).choose(logits, after: [1], &generator) == 2)
    // A negative logit is made smaller by the penalty too.
    #expect(Sampling(repetitionPenalty: 2).choose([-1, -1.5], after: [0], &generator) == 1)
    var counts = [Double](repeating: 0, count: 5)
    let sampling = Sampling(temperature: 2)
    for _ in 0..<20_000 { counts[Int(sampling.choose(logits, after: [], &generator))] += 1 }
    let weights = logits.map { exp(Double($0) / 2) }
    // Five standard deviations of a share of 20,000 draws.
    for (count, weight) in zip(counts, weights) {
      #expect(abs(count / 20_000 - weight / weights.reduce(0, +)) < 5 * 0.5 / 20_000.0.squareRoot())
    }
  }
}
