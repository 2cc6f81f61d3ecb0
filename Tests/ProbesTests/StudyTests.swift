import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import TestFiles
import TestSupport
import Testing

/// One site by one method, without controls.
func trained(
  _ settings: ProbeSettings = ProbeSettings(), on source: some ActivationSource, site: String = "s"
) throws -> Probe {
  var settings = settings
  settings.controls = []
  return try Study(settings: settings).run(on: source, sites: [site]).probe
}

extension ProbeSettings {
  /// Without intervals and controls.
  static func quick(
    concept: Concept = Concept(), target: Target = .label, classifiers: [Method] = [.logistic], resamples: Int = 0
  ) -> ProbeSettings {
    var settings = ProbeSettings(concept: concept, target: target, classifiers: classifiers, controls: [])
    settings.resamples = resamples
    return settings
  }
}

@Suite struct StudyTests {
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

  @Test(arguments: Pooling.allCases, ProbeSettings.Method.classifiers)
  func learnsFromEveryPooling(pooling: Pooling, method: ProbeSettings.Method) throws {
    let source = Self.labelled()
    var settings = ProbeSettings.quick(classifiers: [method], resamples: 50)
    settings.pooling = pooling
    let probe = try trained(settings, on: source, site: "b")
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
    var settings = ProbeSettings.quick()
    let without = try trained(settings, on: source, site: "b")
    #expect(without.standardization.means.allSatisfy { abs($0) < 5 })
    settings.countsSpecialTokens = true
    let with = try trained(settings, on: source, site: "b")
    #expect(with.standardization.means.allSatisfy { abs($0) > 50 })
  }

  @Test func poolingTakesWhatItSays() throws {
    // One site whose value is the token's number: last and max are length − 1, mean is length / 2.
    let lengths = (0..<40).map { 3 + $0 % 7 }
    let labels = lengths.map { Label.number($0 > 5 ? 1 : 0) }
    let source = MemorySource.documents(lengths, labels: labels, sites: ["n": 1]) { _, _, token, _ in Float(token) }
    func mean(_ pooling: Pooling) throws -> Double {
      var settings = ProbeSettings.quick()
      settings.pooling = pooling
      settings.testShare = 0.25
      return try trained(settings, on: source, site: "n").standardization.means[0]
    }
    #expect(try mean(.last) == mean(.max))
    #expect(abs(try mean(.mean) - (mean(.last) + 1) / 2) < 1e-6)
  }

  @Test func aSweepFindsTheSiteAndTheFileKeepsTheProbe() throws {
    let source = Self.labelled()
    let settings = ProbeSettings.quick(resamples: 20)
    var probes: [Probe] = []
    let (result, best) = try Study(settings: settings).run(on: source, each: { probes.append($0) })
    #expect(result.rows.map(\.site) == ["a", "b"])
    #expect(result.best == "b" && result.choices.map(\.site) == ["b"])
    // With one part held back the score is that of the site chosen on the rest.
    #expect(result.evaluation == result.rows[1].evaluation)
    var alone = try trained(settings, on: source, site: "b")
    #expect(alone == best)
    alone.record.sums = nil
    #expect(alone == probes[1])
    let json = try JSONEncoder().encode(result)
    #expect(try JSONDecoder().decode(StudyResult.self, from: json) == result)

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
    let probe = try trained(.quick(concept: Concept(level: .token), resamples: 20), on: source)
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
    let all = try trained(.quick(), on: source)
    #expect(all.record.classes == names)
    #expect(all.record.evaluation.scores.accuracy > 0.9)
    let one = try trained(.quick(concept: .init(positive: "ko")), on: source)
    #expect(one.record.classes == ["not ko", "ko"])
    #expect(
      fault { _ = try trained(.quick(concept: .init(positive: "kr")), on: source) } == "probe.unknownLabel")
  }

  @Test func labelsThatCannotBeLearntAreNamed() throws {
    func train(_ source: MemorySource, _ concept: Concept = Concept()) -> String? {
      fault { _ = try trained(.quick(concept: concept), on: source) }
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
      fault { _ = try trained(on: source(two), site: "t") } == "activations.unknownSite")
  }

  @Test func piecesOfADocumentAreOneExample() throws {
    var source = MemorySource.documents(
      [Int](repeating: 4, count: 60), labels: (0..<60).map { .number(Double($0 / 2 % 2)) }, sites: ["s": 2]
    ) { _, document, token, _ in token == 3 && document % 2 == 1 ? Float(document / 2 % 2) : 7 }
    for document in 0..<60 {
      source.documents.ids[document] = "d\(document / 2)"
      source.documents.pieces[document] = Int32(document % 2)
    }
    var settings = ProbeSettings.quick()
    settings.pooling = .last
    settings.folds = 2
    let probe = try trained(settings, on: source)
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
