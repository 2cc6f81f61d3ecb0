import Activations
import Diagnostics
import Geometry
import LinearAlgebra
import Probes
import TestSupport
import Testing

@Suite("Dimensions as detectors")
struct DetectorTests {
  /// 80 documents of 4 tokens; column 3 falls with the concept, column 1 is noise, column 0 is constant.
  func source(tokens: Bool = false) -> MemorySource {
    var generator = SeededGenerator(seed: 11)
    let noise = (0..<80 * 4 * 6).map { _ in Float(generator.normal()) }
    var source = MemorySource.documents(
      Array(repeating: 4, count: 80), labels: (0..<80).map { .text($0 % 2 == 0 ? "yes" : "no") },
      groups: (0..<80).map { "g\($0 / 2)" }, sites: ["site": 6]
    ) { _, document, token, column in
      switch column {
      case 0: 1
      case 3: noise[(document * 4 + token) * 6] - (document % 2 == 0 ? 3 : 0)
      default: noise[(document * 4 + token) * 6 + column]
      }
    }
    if tokens {
      source.documents.labels = [:]
      source.spans = SpanTable(
        (0..<80).map { SpanRow(document: Int32($0), start: 0, end: 3, label: .text($0 % 2 == 0 ? "yes" : "no")) })
    }
    return source
  }

  @Test("a planted dimension is found, with its sign, and judged on other groups")
  func planted() throws {
    let source = source()
    let result = try #require(
      try DimensionDetectors.rank(
        source.sites, in: source, settings: DetectorSettings(concept: Concept(positive: "yes"))
      ).first)
    #expect(result.concept == "yes" && result.width == 6)
    let best = try #require(result.best.first)
    #expect(best.dimension == 3 && best.sign == -1)
    #expect(best.choosing > 0.97 && (best.judging ?? 0) > 0.97 && best.effect < -2)
    #expect(result.chance > 0.5 && result.chance < 0.75)
    #expect((result.together ?? 0) > 0.97)
    // The constant column tells nothing.
    #expect(result.best.first { $0.dimension == 0 }?.choosing == 0.5)
    #expect(result.examples.choosing.reduce(0, +) + result.examples.judging.reduce(0, +) == 80)
  }

  @Test("equal seeds give equal results")
  func determinism() throws {
    let source = source()
    let settings = DetectorSettings(concept: Concept(positive: "yes"), seed: 4)
    let first = try DimensionDetectors.rank(source.sites, in: source, settings: settings)
    let second = try DimensionDetectors.rank(source.sites, in: source, settings: settings)
    #expect(first[0].best == second[0].best && first[0].chance == second[0].chance)
  }

  @Test("averaged over contexts every token is one example")
  func averages() throws {
    var source = source(tokens: true)
    // Forty words, each in two documents of one class.
    for row in 0..<source.tokenTable.count {
      let document = Int(source.tokenTable.documents[row])
      source.tokenTable.ids[row] = Int32(document % 40 * 4 + row % 4)
    }
    let settings = DetectorSettings(concept: Concept(level: .token, positive: "yes"), averagesContexts: true)
    let result = try #require(try DimensionDetectors.rank(source.sites, in: source, settings: settings).first)
    #expect(result.best.first?.dimension == 3)
    #expect(result.examples.choosing.reduce(0, +) + result.examples.judging.reduce(0, +) == 120)
  }

  @Test("averages over documents, and sources without labels, are refused")
  func refused() throws {
    var source = source()
    let averaged = DetectorSettings(concept: Concept(positive: "yes"), averagesContexts: true)
    let documents = try #require(throws: Fault.self) {
      try DimensionDetectors.rank(source.sites, in: source, settings: averaged)
    }
    #expect(documents.name == "geometry.averagesDocuments")
    source.documents.labels = [:]
    let unlabelled = try #require(throws: Fault.self) { try DimensionDetectors.rank(source.sites, in: source) }
    #expect(unlabelled.name == "probe.noLabels")
  }

  @Test("mean activations of tokens")
  func means() throws {
    let source = source()
    let vectors = try TokenVectors(averagesAt: source.sites[0], of: source, tokenizer: nil, least: 2, centred: false)
    // Token 0 of every document is special.
    #expect(vectors.ids == [1, 2, 3])
    #expect(vectors.occurrences == [80, 80, 80])
    let few = try #require(throws: Fault.self) {
      try TokenVectors(averagesAt: source.sites[0], of: source, tokenizer: nil, least: 81)
    }
    #expect(few.name == "geometry.noTokens")
    var pooled = source
    pooled.rowKind = .document
    let fault = try #require(throws: Fault.self) {
      try TokenVectors(averagesAt: source.sites[0], of: pooled, tokenizer: nil)
    }
    #expect(fault.name == "geometry.pooledSource")
  }
}
