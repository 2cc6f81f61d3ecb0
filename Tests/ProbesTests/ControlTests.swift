import Activations
import Diagnostics
import LinearAlgebra
import Probes
import TestSupport
import Testing

@Suite struct ControlTests {
  /// Documents of two classes, whose activations carry the class with the given strength.
  private func source(signal: Float, documents: Int = 120) -> MemorySource {
    var generator = SeededGenerator(seed: 3)
    var noise: [Float] = []
    for _ in 0..<documents * 3 * 8 { noise.append(Float(generator.normal())) }
    return MemorySource.documents(
      [Int](repeating: 3, count: documents), labels: (0..<documents).map { .text($0 % 2 == 0 ? "no" : "yes") },
      groups: (0..<documents).map { "g\($0 / 2)" }, sites: ["blocks.0.mlp.hook_post": 8]
    ) { _, document, token, column in
      noise[(document * 3 + token) * 8 + column] + (column == 2 && document % 2 == 1 ? signal : 0)
    }
  }

  private func report(_ source: MemorySource, _ controls: [Control] = Control.allCases) throws -> ControlReport {
    var settings = ProbeSettings(bootstrap: .init(resamples: 50), seed: 1)
    settings.logistic.strengths = [0.01, 1]
    let table = try ProbeSweep(settings: settings).run(on: source)
    return try ControlSuite(settings: settings, controls: .init(controls: controls, shuffles: 199)).run(
      on: source, row: table.rows[0], neuronSite: "blocks.0.mlp.hook_post", model: .absent("no model in this test"))
  }

  @Test func aRealDirectionStandsOut() throws {
    let report = try report(source(signal: 3))
    #expect(report.score > 0.9)
    #expect(report[.majority]?.score == 0.5)
    #expect((report[.shuffledLabels]?.pValue ?? 1) == 1.0 / 200)
    #expect((report[.randomDirections]?.score ?? 1) < report.score)
    // The class lies on one axis, which a rotation spreads.
    let basis = try #require(report[.rotatedBasis])
    #expect((basis.reference ?? 0) > (basis.interval?.high ?? 1))
    // All documents have the same tokens: words can't tell, whatever the labels.
    #expect((report[.bagOfTokens]?.score ?? 1) <= 0.5 + 1e-9)
    #expect(report[.embedding]?.notRun == "no model in this test")
    #expect(report[.randomWeights]?.notRun == "no model in this test")
    #expect(report.implications.contains { $0.contains("random weights not run: no model in this test") })
  }

  /// With outer folds every control is judged on all examples, as the probe is.
  @Test func outerFoldsJudgeControlsOnAllExamples() throws {
    let source = source(signal: 3)
    var settings = ProbeSettings(outerFolds: 4, bootstrap: .init(resamples: 50), seed: 1)
    settings.logistic.strengths = [0.01, 1]
    let table = try ProbeSweep(settings: settings).run(on: source)
    let report = try ControlSuite(settings: settings, controls: .init(shuffles: 199)).run(
      on: source, row: table.rows[0], neuronSite: "blocks.0.mlp.hook_post", model: .absent("no model in this test"))
    #expect(report.score == table.rows[0].evaluation.scores.balancedAccuracy && report.score > 0.9)
    #expect((report[.shuffledLabels]?.pValue ?? 1) == 1.0 / 200)
    #expect((report[.randomDirections]?.score ?? 1) < report.score)
    #expect((report[.bagOfTokens]?.score ?? 1) <= 0.5 + 1e-9)
    let basis = try #require(report[.rotatedBasis])
    #expect((basis.reference ?? 0) > (basis.interval?.high ?? 1))
  }

  @Test func noiseIsCalledNothing() throws {
    let report = try report(source(signal: 0), [.shuffledLabels])
    #expect((report[.shuffledLabels]?.pValue ?? 0) > 0.05)
    #expect(report.implications.first?.contains("found nothing") == true)
  }

  @Test func massMeansAreShuffledAsMassMeans() throws {
    // Two columns: one tells the classes in small numbers, the other is large noise. Least squares weighs columns by their
    // spread and finds the first; the difference of means is drowned by the second.
    var generator = SeededGenerator(seed: 4)
    let labels = (0..<400).map { Int32($0 % 2) }
    let rows = Matrix(
      rows: 400, columns: 2,
      elements: labels.flatMap { [Float($0) + 0.1 * Float(generator.normal()), 1000 * Float(generator.normal())] })
    func shuffles(_ learner: LabelShuffles.Learner) throws -> LabelShuffles {
      try LabelShuffles(
        rows, targets: .classes(labels, count: 2), groups: Array(0..<400), trainingCount: 300, shuffles: 99,
        learner: learner, generator: &generator)
    }
    let squares = try shuffles(.leastSquares)
    #expect(squares.observed > 0.99 && squares.pValue == 0.01)
    let means = try shuffles(.meanDifference)
    #expect(means.observed < 0.7)
    // The statistic is the mass-mean direction's.
    let probe = try MassMean.fit(rows, rows: 0..<300, labels: Array(labels[..<300]), classes: 2)
    let scores = probe.classifier.scores(of: rows.selectingRows(300..<400))
    let area = try #require(AUROC.area(scores: scores.elements, positive: labels[300...].map { $0 == 1 }))
    #expect(abs(means.observed - area) < 1e-9)
  }

  @Test func theSameSeedGivesTheSameReport() throws {
    let source = source(signal: 1)
    #expect(try report(source) == report(source))
  }

  @Test func rotationsKeepDistances() {
    var generator = SeededGenerator(seed: 5)
    let rows = Matrix(rows: 3, columns: 300, elements: (0..<900).map { _ in Float(generator.normal()) })
    let turned = RandomBases.rotated(rows, generator: &generator)
    let before = rows.multiplied(by: rows, transposed: true)
    let after = turned.multiplied(by: turned, transposed: true)
    for (a, b) in zip(before.elements, after.elements) { #expect(abs(a - b) < 1e-2) }
    #expect(turned != rows)
  }

  @Test func shufflesKeepWhatGroupsShare() throws {
    // Two groups of one label each: only whole groups may change places, so there are two arrangements.
    var generator = SeededGenerator(seed: 1)
    let rows = Matrix(rows: 8, columns: 1, elements: [0, 1, 0, 1, 5, 6, 5, 6])
    let labels: [Int32] = [0, 0, 0, 0, 1, 1, 1, 1]
    let order = [0, 1, 4, 5, 2, 3, 6, 7]
    let shuffles = try LabelShuffles(
      rows.selectingRows(order), targets: .classes(order.map { labels[$0] }, count: 2),
      groups: order.map { $0 / 4 }, trainingCount: 4, shuffles: 50, generator: &generator)
    #expect(shuffles.observed == 1)
    #expect(Set(shuffles.shuffled).count <= 2)
    #expect(shuffles.pValue > 0.2)
  }

  @Test func wordsWithoutASpanAreIgnoredAmongSeveralLabels() throws {
    var source = MemorySource.documents(
      [Int](repeating: 5, count: 12), labels: [Label?](repeating: nil, count: 12), sites: ["s": 2]
    ) { _, document, token, column in Float(document + token * column) }
    source.spans = SpanTable(
      (0..<12).flatMap { document -> [SpanRow] in
        [
          SpanRow(document: Int32(document), start: 0, end: 1, label: .text("plural")),
          SpanRow(document: Int32(document), start: 2, end: 3, label: .text("singular")),
        ]
      })
    for positive in [nil, "plural"] {
      let examples = try Examples(
        Concept(level: .token, positive: positive), of: source, specialTokens: false, most: 1000, seed: 0)
      #expect(examples.count == 24)
    }
    // With one label alone, the other words are what it is told from.
    source.spans = SpanTable(source.spans.rows.filter { $0.label == .text("plural") })
    for positive in [nil, "plural"] {
      let examples = try Examples(
        Concept(level: .token, positive: positive), of: source, specialTokens: false, most: 1000, seed: 0)
      #expect(examples.count == 48)
      #expect(examples.classes == ["not plural", "plural"])
    }
  }
}
