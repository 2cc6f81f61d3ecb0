import Activations
import Architectures
import Dictionaries
import Foundation
import LinearAlgebra
import Probes
import TestSupport
import Testing
import Transformer

/// Figures that do not depend on the order of the corpus, and intervals that hold what they say.
struct DocumentSampleTests {
  static let site = "blocks.1.hook_resid_post"

  /// Documents of unequal lengths, two of them equal, in a given order.
  private func source(_ order: [Int]) -> MemorySource {
    func token(_ document: Int, _ place: Int) -> Int32 { Int32((document == 7 ? 3 : document) * 100 + place) }
    let lengths = order.map { $0 == 7 ? 9 : 6 + $0 % 5 }
    var source = MemorySource.documents(lengths, labels: order.map { _ in nil }, sites: [Self.site: 8]) {
      _, place, row, column in
      var generator = SeededGenerator(seed: UInt64(token(order[place], row)) * 8 + UInt64(column))
      return Float(generator.normal())
    }
    source.documents.ids = order.indices.map { "\($0)" }
    for row in source.tokenTable.ids.indices {
      source.tokenTable.ids[row] = token(
        order[Int(source.tokenTable.documents[row])], Int(source.tokenTable.positions[row]))
    }
    return source
  }

  @Test func theOrderOfDocumentsChangesNothing() throws {
    let dictionary = try Fixtures.dictionary("saelens-topk")
    let order = Array(0..<40)
    var shuffled = order
    var generator = SeededGenerator(seed: 3)
    generator.shuffle(&shuffled)
    for rows in [nil, 60] as [Int?] {
      let measures = try [order, shuffled].map {
        try dictionary.reconstruction(of: source($0), rows: rows, seed: 5)
      }
      #expect(measures[0].rows == measures[1].rows && measures[0].documents == measures[1].documents)
      #expect(measures[0].density == measures[1].density && measures[0].l0 == measures[1].l0)
      // Rows stand in other blocks, so that float32 products differ in their last bit.
      let (a, b) = (try #require(measures[0].intervals?.fvu), try #require(measures[1].intervals?.fvu))
      for (x, y) in [(measures[0].fvu, measures[1].fvu), (a.low, b.low), (a.high, b.high)] {
        #expect(abs(x - y) < 1e-6 * y)
      }
      if let rows { #expect(measures[0].rows >= rows && measures[0].rows < rows + 10) }
    }
    let others = try dictionary.reconstruction(of: source(order), rows: 60, seed: 6)
    #expect(try others.fvu != dictionary.reconstruction(of: source(order), rows: 60, seed: 5).fvu)
  }

  /// Every document is in a sample of half of them about as often as any other.
  @Test func everyDocumentIsAsLikely() throws {
    let source = source(Array(0..<40))
    var counts = [Int](repeating: 0, count: 40)
    for seed in UInt64(0)..<400 {
      let sample = try DocumentSample(of: source, seed: seed, most: 140)
      for document in sample.documents.joined() { counts[document] += 1 }
    }
    let mean = Double(counts.reduce(0, +)) / 40
    #expect(counts.allSatisfy { abs(Double($0) - mean) < 5 * (mean * (1 - mean / 400)).squareRoot() }, "\(counts)")
  }

  private func corpus(_ documents: [[Int32]]) -> MemorySource {
    var source = MemorySource.documents(
      documents.map(\.count), labels: documents.map { _ in nil }, sites: [Self.site: 8]
    ) { _, _, _, _ in 0 }
    source.tokenTable.ids = documents.flatMap { $0 }
    return source
  }

  @Test func splicesASampleOfAnyOrder() throws {
    let model = try Model.load(Fixtures.folder.appending(path: "tiny-gpt2"))
    var dictionary = try Fixtures.dictionary("saelens-jumprelu")
    dictionary.configuration.hookIn = "blocks.0.hook_resid_post"
    var generator = SeededGenerator(seed: 1)
    let documents = (0..<30).map { _ in
      (0..<(5 + generator.integer(below: 8))).map { _ in
        Int32(generator.integer(below: model.architecture.vocabularySize))
      }
    }
    let mean = [Double](repeating: 0.1, count: 8)
    let measures = try [documents, documents.reversed()].map {
      try dictionary.splice(into: model, source: corpus(Array($0)), mean: mean, tokens: 100)
    }
    #expect(measures[0] == measures[1])
    #expect(measures[0].tokens >= 100 && measures[0].tokens < 112)
    // A document's first token counts neither as compared nor as predicting.
    #expect(measures[0].compared == measures[0].tokens - measures[0].documents)
    #expect(measures[0].predictions == measures[0].compared - measures[0].documents)
    let interval = try #require(measures[0].intervals?.lossRecoveredFromMean)
    #expect(interval.low < measures[0].lossRecoveredFromMean && measures[0].lossRecoveredFromMean < interval.high)
  }

  /// The divergence of tokens that came from text alone, found by running the model here.
  @Test func divergenceLeavesOutSpecialTokens() throws {
    let model = try Model.load(Fixtures.folder.appending(path: "tiny-gpt2"))
    var dictionary = try Fixtures.dictionary("saelens-jumprelu")
    dictionary.configuration.hookIn = "blocks.0.hook_resid_post"
    let ids: [Int32] = [1, 5, 9, 2, 7]
    let measures = try dictionary.splice(into: model, source: corpus([ids]), mean: [Double](repeating: 0, count: 8))
    let site = try #require(model.architecture.sites.first { $0.name == "blocks.0.hook_resid_post" })
    let batch = TokenBatch(ids: ids, lengths: [5])
    let clean = try #require(try model.run(batch, logits: .all))
    let edited = try #require(
      try model.run(
        batch,
        hooks: [
          Hook(site) { value in
            value.withUnsafeMutableBuffer { values in for index in 8..<40 { values[index] = 0 } }
          }
        ], logits: .all))
    func logProbabilities(_ row: [Float]) -> [Double] {
      let sum = log(row.reduce(0.0) { $0 + exp(Double($1)) })
      return row.map { Double($0) - sum }
    }
    var (divergence, loss) = (0.0, 0.0)
    for row in 1..<5 {
      let (p, q) = (logProbabilities(clean.row(row)), logProbabilities(edited.row(row)))
      divergence += zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) } / 4
      if row < 4 { loss -= q[Int(ids[row + 1])] / 3 }
    }
    #expect(abs(measures.zero.divergence - divergence) < 1e-5)
    #expect(abs(measures.zero.loss - loss) < 1e-5)
  }

  /// Over 300 corpora of 25 documents, each with habits of its own, 95 % intervals hold the truth in 91 to 98 %.
  @Test func intervalsCover() throws {
    let dictionary = SparseAutoencoder(
      configuration: .init(architecture: .standard, inputWidth: 3, latents: 3, hookIn: Self.site),
      encoder: Matrix(rows: 3, columns: 3, elements: [1, 0, 0, 0, 1, 0, 0, 0, 1]), encoderBias: [0, 0, 0],
      decoder: Matrix(rows: 3, columns: 3, elements: [1, 0, 0, 0, 1, 0, 0, 0, 1]), decoderBias: [0, 0, 0])
    func measures(documents: Int, seed: UInt64) throws -> ReconstructionMeasures {
      var generator = SeededGenerator(seed: seed, stream: "corpora")
      let lengths = (0..<documents).map { _ in 4 + generator.integer(below: 12) }
      let habits = lengths.map { _ in generator.normal() }
      var source = MemorySource.documents(lengths, labels: lengths.map { _ in nil }, sites: [Self.site: 3]) {
        _, document, _, _ in Float(generator.normal() + habits[document])
      }
      source.tokenTable.ids = source.tokenTable.ids.map { _ in Int32(generator.integer(below: 1 << 30)) }
      return try dictionary.reconstruction(of: source)
    }
    let truth = try measures(documents: 40_000, seed: 1_000_000)
    var (l0, fvu) = (0, 0)
    for seed in UInt64(0)..<300 {
      let intervals = try #require(try measures(documents: 25, seed: seed).intervals)
      let (a, b) = (try #require(intervals.l0), try #require(intervals.fvu))
      if a.low <= truth.l0, truth.l0 <= a.high { l0 += 1 }
      if b.low <= truth.fvu, truth.fvu <= b.high { fvu += 1 }
    }
    #expect((273...294).contains(l0), "L0 is covered in \(l0) of 300")
    #expect((273...294).contains(fvu), "FVU is covered in \(fvu) of 300")
  }
}
