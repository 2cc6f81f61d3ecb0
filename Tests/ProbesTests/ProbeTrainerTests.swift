import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import TestFiles
import TestSupport
import Testing

@Suite struct ProbeTrainerTests {
  /// 120 documents of 2 to 6 tokens; column 0 of "b" tells the label at every token but the special first one.
  static func labelled() -> MemorySource {
    var generator = SeededGenerator(seed: 1)
    let lengths = (0..<120).map { 2 + $0 % 5 }
    let labels = (0..<120).map { Label.text($0 % 2 == 0 ? "prose" : "code") }
    return .documents(lengths, labels: labels, sites: ["a": 6, "b": 8]) { site, document, token, column in
      if token == 0 { return 1000 * Float(document % 3) }
      let signal: Float = site == "b" && column == 0 && document % 2 == 0 ? 3 : 0
      return Float(generator.normal()) + signal
    }
  }

  @Test(arguments: Pooling.allCases, ProbeSettings.Method.allCases.filter { !$0.predictsNumbers })
  func learnsFromEveryPooling(pooling: Pooling, method: ProbeSettings.Method) throws {
    let source = Self.labelled()
    let settings = ProbeSettings(pooling: pooling, method: method, bootstrap: .init(resamples: 50))
    let probe = try ProbeTrainer(settings: settings).train(on: source, site: "b")
    #expect(probe.record.classes == ["code", "prose"])
    #expect(probe.record.trainingExamples == 96 && probe.record.evaluation.examples == 24)
    #expect(probe.record.evaluation.scores.accuracy > 0.8)
    #expect(probe.record.evaluation.majority.accuracy == 0.5)
    // The direction points along column 0 towards prose.
    let direction = probe.direction()
    #expect(direction.indices.max { abs(direction[$0]) < abs(direction[$1]) } == 0)
    #expect(direction[0] > 0)
  }

  @Test func specialTokensAreLeftOutUnlessAskedFor() throws {
    let source = Self.labelled()
    let without = try ProbeTrainer(settings: .init(bootstrap: .init(resamples: 0))).train(on: source, site: "b")
    #expect(without.standardization.means.allSatisfy { abs($0) < 5 })
    let with = try ProbeTrainer(settings: .init(specialTokens: true, bootstrap: .init(resamples: 0)))
      .train(on: source, site: "b")
    #expect(with.standardization.means.allSatisfy { abs($0) > 50 })
  }

  @Test func poolingTakesWhatItSays() throws {
    // One site whose value is the token's number: last and max are length − 1, mean is length / 2.
    let lengths = (0..<40).map { 3 + $0 % 7 }
    let labels = lengths.map { Label.number($0 > 5 ? 1 : 0) }
    let source = MemorySource.documents(lengths, labels: labels, sites: ["n": 1]) { _, _, token, _ in Float(token) }
    func mean(_ pooling: Pooling) throws -> Double {
      let settings = ProbeSettings(
        pooling: pooling, logistic: .init(folds: 0), testShare: 0.25, bootstrap: .init(resamples: 0))
      return try ProbeTrainer(settings: settings).train(on: source, site: "n").standardization.means[0]
    }
    #expect(try mean(.last) == mean(.max))
    #expect(abs(try mean(.mean) - (mean(.last) + 1) / 2) < 1e-6)
  }

  @Test func aSweepFindsTheSiteAndTheFileKeepsTheProbe() throws {
    let source = Self.labelled()
    let settings = ProbeSettings(bootstrap: .init(resamples: 20))
    var probes: [Probe] = []
    let table = try ProbeSweep(settings: settings).run(on: source) { probes.append($0) }
    #expect(table.rows.map(\.site) == ["a", "b"])
    #expect(table.best == "b")
    #expect(try ProbeTrainer(settings: settings).train(on: source, site: "b") == probes[1])
    // One site at a time, in as many passes, gives the same.
    #expect(try ProbeSweep(settings: settings, memory: 1).run(on: source) == table)
    let json = try JSONEncoder().encode(table)
    #expect(try JSONDecoder().decode(ProbeSweep.Table.self, from: json) == table)

    let folder = try TemporaryFolder()
    let url = folder.file("probe.safetensors")
    try probes[1].write(to: url)
    let read = try Probe(contentsOf: url)
    #expect(read.record == probes[1].record)
    #expect(read.classifier == probes[1].classifier)

    let scores = try read.apply(to: source)
    #expect(scores.rows == source.rowCount)
    let direct = probes[1].classifier.scores(of: try #require(source.values["b"]))
    #expect(scores == direct)
    #expect(try read.evaluate(on: source).scores.accuracy > 0.9)

    var other = source
    other.origin.modelDigest = "fedcba"
    #expect(fault { _ = try read.apply(to: other) } == "probe.otherModel")
    var narrow = source
    narrow.sites.removeAll { $0.name == "b" }
    #expect(fault { _ = try read.apply(to: narrow) } == "probe.otherSite")
    try Data("{}".utf8).write(to: url)
    #expect(fault { _ = try Probe(contentsOf: url) } != nil)
  }

  @Test func tokensUnderASpanArePositive() throws {
    // Tokens 2 and 3 of every third document lie under a span; column 0 says so.
    let lengths = [Int](repeating: 6, count: 60)
    var source = MemorySource.documents(lengths, labels: lengths.map { _ in nil }, sites: ["s": 3]) {
      _, document, token, column in
      column == 0 && document % 3 == 0 && (2...3).contains(token)
        ? 5 : Float((document * 7 + token * 3 + column) % 11) / 11
    }
    // Token t covers the scalars t − 1 ..< t; the span 1 ..< 3 overlaps tokens 2 and 3.
    source.spans = SpanTable(
      stride(from: 0, to: 60, by: 3).map { SpanRow(document: Int32($0), start: 1, end: 3, label: .text("name")) })
    let settings = ProbeSettings(concept: Concept(level: .token), bootstrap: .init(resamples: 20))
    let probe = try ProbeTrainer(settings: settings).train(on: source, site: "s")
    #expect(probe.record.classes == ["not name", "name"])
    #expect(probe.record.trainingExamples + probe.record.evaluation.examples == 60 * 5)
    #expect(probe.record.evaluation.groups == 12)
    #expect(probe.record.evaluation.scores.accuracy == 1)
  }

  @Test func oneLabelAgainstTheRestOrAllAtOnce() throws {
    var generator = SeededGenerator(seed: 8)
    let names = ["en", "fr", "ko"]
    let source = MemorySource.documents(
      [Int](repeating: 3, count: 150), labels: (0..<150).map { .text(names[$0 % 3]) }, sites: ["s": 5]
    ) { _, document, _, column in Float(generator.normal()) + (column == document % 3 ? 4 : 0) }
    let all = try ProbeTrainer(settings: .init(bootstrap: .init(resamples: 20))).train(on: source, site: "s")
    #expect(all.record.classes == names)
    #expect(all.record.evaluation.scores.accuracy > 0.9)
    let one = try ProbeTrainer(
      settings: .init(concept: .init(positive: "ko"), bootstrap: .init(resamples: 20))
    ).train(on: source, site: "s")
    #expect(one.record.classes == ["not ko", "ko"])
    #expect(
      fault {
        _ = try ProbeTrainer(settings: .init(concept: .init(positive: "kr"))).train(on: source, site: "s")
      } == "probe.unknownLabel")
  }

  @Test func labelsThatCannotBeLearntAreNamed() throws {
    func train(_ source: MemorySource, _ concept: Concept = Concept()) -> String? {
      fault {
        _ = try ProbeTrainer(settings: .init(concept: concept, bootstrap: .init(resamples: 0)))
          .train(on: source, site: "s")
      }
    }
    func source(_ labels: [Label?], value: Float = 1) -> MemorySource {
      .documents([Int](repeating: 3, count: labels.count), labels: labels, sites: ["s": 2]) { _, document, _, _ in
        document == 1 ? value : Float(document)
      }
    }
    let one = [Label?](repeating: .text("x"), count: 10)
    #expect(train(source(one)) == "probe.singleClass")
    #expect(train(source(one.map { _ in nil })) == "probe.noLabels")
    #expect(train(source((0..<200).map { .number(Double($0)) })) == "probe.tooManyClasses")
    #expect(train(source(one + [.number(.nan)])) == "probe.labelNaN")
    #expect(train(source(one + [.text("y")])) == "probe.tooFewExamples")
    let two: [Label?] = (0..<40).map { .text($0 % 2 == 0 ? "x" : "y") }
    #expect(train(source(two)) == nil)
    #expect(train(source(two, value: .nan)) == "probe.notFinite")
    #expect(train(source(two), Concept(column: "topic")) == "probe.noLabels")
    #expect(train(source(two), Concept(level: .token)) == "probe.noLabels")
    var pooled = source(two)
    pooled.rowKind = .document
    #expect(train(pooled, Concept(level: .token)) == "probe.pooledSource")
    #expect(
      fault { _ = try ProbeTrainer().train(on: source(two), site: "t") } == "activations.unknownSite")
  }

  @Test func piecesOfADocumentAreOneExample() throws {
    var source = MemorySource.documents(
      [Int](repeating: 4, count: 60), labels: (0..<60).map { .number(Double($0 / 2 % 2)) }, sites: ["s": 2]
    ) { _, document, token, _ in token == 3 && document % 2 == 1 ? Float(document / 2 % 2) : 7 }
    for document in 0..<60 {
      source.documents.ids[document] = "d\(document / 2)"
      source.documents.pieces[document] = Int32(document % 2)
    }
    let settings = ProbeSettings(pooling: .last, logistic: .init(folds: 2), bootstrap: .init(resamples: 0))
    let probe = try ProbeTrainer(settings: settings).train(on: source, site: "s")
    #expect(probe.record.trainingExamples + probe.record.evaluation.examples == 30)
    #expect(probe.record.evaluation.scores.accuracy == 1)
  }

  /// The name of the fault thrown, or nil.
  func fault(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return (error as? Fault)?.name ?? "\(error)"
    }
  }
}
