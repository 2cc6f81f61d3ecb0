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

  private func result(
    _ source: MemorySource, _ controls: [Control] = Control.allCases, outerFolds: Int = 0
  ) throws -> StudyResult {
    var settings = ProbeSettings.quick(resamples: 50)
    settings.outerFolds = outerFolds
    settings.seed = 1
    settings.strengths = [0.01, 1]
    settings.controls = controls
    settings.shuffles = 199
    return try Study(settings: settings).run(on: source, model: .absent("no model in this test")).result
  }

  /// With outer folds every control is judged on all examples, as the study is.
  @Test(arguments: [0, 4])
  func aRealDirectionStandsOut(outerFolds: Int) throws {
    let result = try result(source(signal: 3), outerFolds: outerFolds)
    let report = try #require(result.controls)
    #expect(result.score > 0.9 && result.isFound == true)
    #expect(report[.majority]?.score == 0.5)
    #expect((report[.shuffledLabels]?.pValue ?? 1) == 1.0 / 200 && report[.shuffledLabels]?.isExact == false)
    #expect((report[.randomDirections]?.score ?? 1) < result.score)
    // What is compared is the score that is quoted.
    for control in [Control.randomDirections, .words] {
      #expect(report[control]?.reference.map { abs($0 - result.score) < 1e-12 } == true, "\(control)")
    }
    for own in report.results {
      guard let difference = own.difference, let reference = own.reference, let score = own.score else { continue }
      #expect(abs(difference.value - (reference - score)) < 1e-9, "\(own.control)")
      // A sentence has an interval that leaves 0 out.
      if own.sentence != nil { #expect(difference.isShown, "\(own.control)") }
    }
    #expect(report.implications.contains { $0.contains("above the words alone") })
    // The class lies on one axis, which a rotation spreads.
    let basis = try #require(report[.rotatedBasis])
    #expect((basis.difference?.value ?? 0) > 0)
    // On 24 documents one of 20 rotations may come as near by luck.
    if outerFolds > 0 { #expect((basis.reference ?? 0) > (basis.interval?.high ?? 1)) }
    // All documents have the same tokens: words can't tell, whatever the labels.
    #expect((report[.words]?.score ?? 1) <= 0.5 + 1e-9)
    #expect(report[.embedding]?.notRun == "no model in this test")
    #expect(report[.randomWeights]?.notRun == "no model in this test")
    #expect(report.implications.contains { $0.contains("random weights not run: no model in this test") })
  }

  @Test func noiseIsCalledNothing() throws {
    let result = try result(source(signal: 0))
    let report = try #require(result.controls)
    #expect((report[.shuffledLabels]?.pValue ?? 0) > 0.05 && result.isFound == false)
    #expect(report.implications.first?.hasPrefix("nothing found: ") == true)
    // Nothing is said of what would be compared with noise.
    #expect(report.implications.dropFirst().allSatisfy { $0.contains(" not run: ") })
  }

  @Test func massMeansAreShuffledAsMassMeans() throws {
    // Two columns: one tells the classes in small numbers, the other is large noise. Least squares weighs columns by their
    // spread and finds the first; the difference of means is drowned by the second.
    var generator = SeededGenerator(seed: 4)
    let labels = (0..<400).map { Int32($0 % 2) }
    let rows = Matrix(
      rows: 400, columns: 2,
      elements: labels.flatMap { [Float($0) + 0.1 * Float(generator.normal()), 1000 * Float(generator.normal())] })
    let source = MemorySource.documents(
      [Int](repeating: 2, count: 400), labels: labels.map { .number(Double($0)) }, sites: ["s": 2]
    ) { _, document, _, column in rows.elements[document * 2 + column] }
    func study(_ method: ProbeSettings.Method) throws -> (result: StudyResult, shuffles: ControlResult) {
      var settings = ProbeSettings.quick(classifiers: [method])
      settings.controls = [.shuffledLabels]
      (settings.shuffles, settings.exactShuffles) = (99, 0)
      let result = try Study(settings: settings).run(on: source).result
      return (result, try #require(result.controls?[.shuffledLabels]))
    }
    let squares = try study(.logistic)
    #expect((squares.shuffles.reference ?? 0) > 0.99 && squares.shuffles.pValue == 0.01)
    let means = try study(.massMean)
    let observed = try #require(means.shuffles.reference)
    #expect(observed < 0.7)
    // The statistic is the mass-mean direction's, but for rounding: products of rows reach 1e6.
    #expect(abs(observed - (means.result.evaluation.scores.auroc ?? 0)) < 0.01)
  }

  @Test func theSameSeedGivesTheSameReport() throws {
    let source = source(signal: 1)
    #expect(try result(source) == result(source))
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
    var generator = SeededGenerator(seed: 1)
    func shuffled(_ labels: [Int32], _ groups: [Int]) -> [[Int32]] {
      let blocks = ExchangeableBlocks(labels: labels, numbers: [], groups: groups)
      return (0..<60).map { _ in
        blocks.shuffled(count: labels.count, generator: &generator).map { labels[$0] }
      }
    }
    // Two groups of one label each: only whole groups may change places, so there are two arrangements.
    let whole = Set(shuffled([0, 0, 0, 1, 1], [7, 7, 7, 9, 9]))
    #expect(whole == [[0, 0, 0, 1, 1], [1, 1, 1, 0, 0]])
    // Pairs of both labels: every pair keeps one of each.
    let pairs = shuffled([0, 1, 0, 1, 1, 0], [0, 0, 1, 1, 2, 2])
    #expect(pairs.allSatisfy { own in (0..<3).allSatisfy { own[2 * $0] + own[2 * $0 + 1] == 1 } })
    #expect(Set(pairs).count == 8)
    // Single examples: all arrangements with as many of each.
    let free = shuffled([0, 0, 1, 1], [0, 1, 2, 3])
    #expect(Set(free).count == 6 && free.allSatisfy { $0.reduce(0, +) == 2 })
  }

  /// Near 0.05 the procedure itself is shuffled, and the report says so.
  @Test func aPNearTheThresholdIsFoundByTheProcedure() throws {
    var settings = ProbeSettings.quick(classifiers: [.massMean])
    settings.controls = [.shuffledLabels]
    (settings.shuffles, settings.exactShuffles, settings.outerFolds) = (199, 60, 3)
    var exact = 0
    for seed in 0..<40 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let source = MemorySource.documents(
        [Int](repeating: 2, count: 30), labels: (0..<30).map { .number(Double($0 % 2)) }, sites: ["s": 4]
      ) { _, document, _, column in
        Float(generator.normal()) + (column == 0 ? 0.4 * Float(document % 2) : 0)
      }
      let own = try #require(try Study(settings: settings).run(on: source).result.controls?[.shuffledLabels])
      let p = try #require(own.pValue)
      let tries = try #require(own.tries)
      guard own.isExact == true else {
        #expect(tries == 199 && (p < 0.02 || p > 0.1), "p = \(p) was not tried by the procedure")
        continue
      }
      exact += 1
      #expect(tries <= 60 && own.detail?.contains("by the procedure itself") == true)
      // All of so many shuffles with the true labels counted in, or stopped at ten that do as well.
      let reached = tries == 60 ? p * 61 - 1 : p * Double(tries)
      #expect(abs(reached - reached.rounded()) < 1e-9 || abs(p * 60 - 10) < 1e-9, "p = \(p) of \(tries)")
    }
    #expect(exact >= 3)
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
