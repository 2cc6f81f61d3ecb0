import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import TestFiles
import TestSupport
import Testing

/// What cannot be learnt from is refused by name; what can, but misleads, is said beside the scores.
@Suite struct BadInputTests {
  private func fault(_ body: () throws -> Void) -> Fault? {
    do {
      try body()
      return nil
    } catch {
      return error as? Fault
    }
  }

  /// Documents of three tokens, a label each; column 0 leans towards "yes".
  private func source(_ labels: [Label?], width: Int = 6, lean: Float = 2) -> MemorySource {
    var generator = SeededGenerator(seed: 11)
    return .documents([Int](repeating: 3, count: labels.count), labels: labels, sites: ["s": width]) {
      _, document, _, column in
      Float(generator.normal()) + (column == 0 && labels[document] == .text("yes") ? lean : 0)
    }
  }

  private func labels(_ count: Int, yesEvery step: Int) -> [Label?] {
    (0..<count).map { .text($0 % step == 0 ? "yes" : "no") }
  }

  private func quick(_ settings: ProbeSettings = ProbeSettings()) -> ProbeSettings {
    var settings = settings
    settings.bootstrap.resamples = 0
    return settings
  }

  @Test func oneExampleAFoldIsTooFew() {
    // Three positives: two to learn from, one to judge by; no five folds, and none at all with one group.
    var own = quick()
    own.logistic.strengths = [0.1, 1]
    var one = source(labels(40, yesEvery: 4))
    for document in 0..<40 where document % 4 == 0 { one.documents.groups[document] = document < 36 ? "a" : "b" }
    let found = fault { _ = try ProbeTrainer(settings: own).train(on: one, site: "s") }
    #expect(found?.name == "probe.tooFewExamples")
    #expect(found?.advice != nil && found?.expected != nil)
    #expect(
      fault { _ = try ProbeTrainer(settings: quick()).train(on: source(labels(20, yesEvery: 20)), site: "s") }?.name
        == "probe.tooFewExamples")
    var nested = quick()
    nested.outerFolds = 12
    #expect(
      fault { _ = try ProbeTrainer(settings: nested).train(on: source(labels(40, yesEvery: 8)), site: "s") }?.name
        == "probe.tooFewExamples")
    nested.outerFolds = 1
    #expect(
      fault { _ = try ProbeTrainer(settings: nested).train(on: source(labels(40, yesEvery: 2)), site: "s") }?.name
        == "probe.folds")
  }

  @Test func fewGroupsMakeFewerFoldsAndSaySo() throws {
    let probe = try ProbeTrainer(settings: quick()).train(on: source(labels(40, yesEvery: 10)), site: "s")
    #expect(probe.record.warnings?.contains { $0.name == "probe.fewerFolds" } == true)
    #expect(probe.record.warnings?.contains { $0.name == "probe.fewToJudge" } == true)
  }

  @Test(arguments: ProbeSettings.Method.allCases.filter { !$0.predictsNumbers })
  func constantColumnsAreSaidAndHarmless(method: ProbeSettings.Method) throws {
    var own = source(labels(120, yesEvery: 2))
    var rows = try #require(own.values["s"])
    for row in 0..<rows.rows {
      rows.elements[row * 6 + 2] = 1e4
      rows.elements[row * 6 + 4] = 0
    }
    own.values["s"] = rows
    let probe = try ProbeTrainer(settings: quick(ProbeSettings(method: method))).train(on: own, site: "s")
    #expect(probe.record.warnings?.first { $0.name == "probe.constantColumns" }?.message.hasPrefix("2 of 6") == true)
    #expect(probe.record.evaluation.scores.accuracy > 0.75, "\(method)")
    #expect(probe.classifier.weights.elements.allSatisfy { $0.isFinite })
    if method != .components {
      #expect(abs(probe.classifier.weights.elements[2]) < 1e-3 * abs(probe.classifier.weights.elements[0]), "\(method)")
    }
  }

  @Test func aSiteWithoutVariationIsRefusedAloneAndSaidInASweep() throws {
    var own = source(labels(60, yesEvery: 2))
    own.values["s"] = Matrix(zeros: own.rowCount, columns: 6)
    let found = fault { _ = try ProbeTrainer(settings: quick()).train(on: own, site: "s") }
    #expect(found?.name == "probe.constantRows")
    let table = try ProbeSweep(settings: quick()).run(on: own)
    #expect(table.rows[0].warnings.contains { $0.name == "probe.constantRows" })
    #expect(table.rows[0].evaluation.scores.balancedAccuracy == 0.5)
  }

  /// The same text in other batches differs in the last bits, and what a batch holds may go with the label.
  @Test func roundingIsNoVariation() throws {
    var own = source(labels(60, yesEvery: 2))
    var rows = try #require(own.values["s"])
    for index in rows.elements.indices {
      rows.elements[index] = Float(index % 6 + 1) * (1 + (index / 18 % 2 == 0 ? 1e-7 : -1e-7))
    }
    own.values["s"] = rows
    #expect(
      fault { _ = try ProbeTrainer(settings: quick()).train(on: own, site: "s") }?.name == "probe.constantRows")
    let table = try ProbeSweep(settings: quick()).run(on: own)
    #expect(table.rows[0].warnings.contains { $0.name == "probe.constantRows" })
    #expect(table.rows[0].evaluation.scores.balancedAccuracy == 0.5)
  }

  @Test func aFieldThatNoDocumentHasIsNamed() {
    var own = source(labels(40, yesEvery: 2))
    own.documents.labels["mood"] = (0..<40).map { _ in nil }
    let found = fault {
      _ = try ProbeTrainer(settings: quick(ProbeSettings(concept: Concept(column: "mood")))).train(on: own, site: "s")
    }
    #expect(found?.name == "probe.noLabels" && found?.expected == "one of label")
  }

  @Test(arguments: ProbeSettings.Method.allCases.filter { !$0.predictsNumbers })
  func moreColumnsThanRowsIsSaid(method: ProbeSettings.Method) throws {
    let own = source(labels(60, yesEvery: 2), width: 150, lean: 6)
    let probe = try ProbeTrainer(settings: quick(ProbeSettings(method: method))).train(on: own, site: "s")
    #expect(probe.record.warnings?.contains { $0.name == "probe.moreColumnsThanRows" } == true)
    #expect(probe.classifier.weights.elements.allSatisfy { $0.isFinite })
    let scores = probe.record.evaluation.scores
    if method != .components { #expect(scores.balancedAccuracy > 0.6, "\(method)") }
    #expect((scores.calibrationError == nil) == [.massMean, .svm].contains(method))
  }

  @Test func ninetyNineToOneIsSaidAndCanBeMet() throws {
    let own = source(labels(4000, yesEvery: 100), lean: 1)
    var settings = quick()
    let plain = try ProbeTrainer(settings: settings).train(on: own, site: "s")
    #expect(plain.record.warnings?.contains { $0.name == "probe.imbalanced" } == true)
    #expect(plain.record.evaluation.scores.accuracy > 0.97)
    #expect(plain.record.evaluation.majority.prAUC.map { abs($0 - 0.01) < 1e-9 } == true)
    settings.logistic.classWeights = .balanced
    let weighted = try ProbeTrainer(settings: settings).train(on: own, site: "s")
    let (before, after) = (plain.record.evaluation.scores, weighted.record.evaluation.scores)
    #expect(after.balancedAccuracy > before.balancedAccuracy)
    settings.logistic.classWeights = .none
    settings.threshold = .training
    let moved = try ProbeTrainer(settings: settings).train(on: own, site: "s")
    #expect(moved.record.evaluation.scores.balancedAccuracy > before.balancedAccuracy)
    // A line that was moved leaves the ranking as it was; its scores are no log-odds any more.
    let (auroc, same) = (moved.record.evaluation.scores.auroc ?? 0, before.auroc ?? 1)
    #expect(abs(auroc - same) < 1e-3, "but for ties by rounding")
    #expect(moved.record.evaluation.scores.calibrationError == nil)
  }

  @Test func aNaNNamesItsDocument() throws {
    var own = source(labels(40, yesEvery: 2))
    own.values["s"]?.elements[(7 * 3 + 2) * 6 + 5] = .nan
    let found = fault { _ = try ProbeTrainer(settings: quick()).train(on: own, site: "s") }
    #expect(found?.name == "probe.notFinite")
    #expect(found?.place == "s, column 5, document d7")
  }

  @Test func labelsOfAnotherStoreAreRefused() throws {
    let own = source(labels(80, yesEvery: 2))
    let probe = try ProbeTrainer(settings: quick()).train(on: own, site: "s")
    let other = source((0..<80).map { .text($0 % 2 == 0 ? "maybe" : "no") })
    #expect(fault { _ = try probe.evaluate(on: other) }?.name == "probe.unknownLabel")
  }

  @Test func offsetsOfAnotherTokenizerAreRefused() throws {
    let lengths = [Int](repeating: 6, count: 60)
    var own = MemorySource.documents(lengths, labels: lengths.map { _ in nil }, sites: ["s": 3]) {
      _, document, token, column in
      Float((document * 7 + token * 3 + column) % 11) / 11
    }
    // Tokens cover the scalars 0 ..< 5; the text has 5.
    own.texts = lengths.map { _ in "abcde" }
    func train(_ spans: [SpanRow]) -> Fault? {
      own.spans = SpanTable(spans)
      return fault {
        _ = try ProbeTrainer(settings: quick(ProbeSettings(concept: Concept(level: .token)))).train(on: own, site: "s")
      }
    }
    func spans(_ start: Int32, _ end: Int32) -> [SpanRow] {
      stride(from: 0, to: 60, by: 2).map { SpanRow(document: $0, start: start, end: end, label: .text("name")) }
    }
    #expect(train(spans(1, 3)) == nil)
    // Counted in bytes: behind the text's end.
    let behind = train(spans(3, 9))
    #expect(behind?.name == "probe.labelsDoNotMatch")
    #expect(behind?.place == "document d0, span 3–9 (name)")
    // Between tokens: empty spans lie under none.
    #expect(train(spans(2, 2))?.name == "probe.labelsDoNotMatch")
    #expect(train(spans(40, 44))?.name == "probe.labelsDoNotMatch")
    // Behind where the document was cut off: left out.
    own.texts = lengths.map { _ in "abcde and more that was cut" }
    #expect(train(spans(1, 3) + [SpanRow(document: 58, start: 20, end: 24, label: .text("name"))]) == nil)
  }

  @Test func numbersAreRegressedOrRefused() throws {
    var generator = SeededGenerator(seed: 2)
    let years = (0..<200).map { 1700 + 300 * Double($0 * 37 % 200) / 200 }
    var own = MemorySource.documents(
      [Int](repeating: 2, count: 200), labels: years.map { .number($0) }, sites: ["s": 5]
    ) { _, document, _, column in
      Float(generator.normal()) * 0.2 + (column == 1 ? Float(years[document] - 1850) / 80 : 0)
    }
    var settings = quick(ProbeSettings(method: .ridge))
    settings.ridge.penalties = [0.1, 1, 10]
    settings.bootstrap.resamples = 50
    let probe = try ProbeTrainer(settings: settings).train(on: own, site: "s")
    let regression = try #require(probe.record.regression)
    #expect(regression.scores.r2 > 0.9 && regression.scores.spearman > 0.9 && regression.baseline.r2 <= 0)
    #expect(try #require(regression.intervals).r2.low < regression.scores.r2)
    #expect(try #require(probe.record.validation) > 0.9)
    #expect(probe.record.classes.count == 2 && probe.record.evaluation.scores.accuracy > 0.85)
    // What it says of a row is the number itself.
    let scores = try probe.apply(to: own).elements
    #expect(abs(scores.reduce(0, +) / Float(scores.count) - 1850) < 30)
    #expect(try probe.evaluate(on: own).scores.accuracy > 0.85)
    let folder = try TemporaryFolder()
    let url = folder.file("probe.safetensors")
    try probe.write(to: url)
    #expect(try Probe(contentsOf: url).record == probe.record)

    settings.outerFolds = 4
    let nested = try ProbeSweep(settings: settings).run(on: own)
    let chosen = try #require(nested.chosenRegression)
    #expect(chosen.examples == 200 && chosen.scores.r2 > 0.9 && chosen.baseline.r2 <= 0)
    settings.outerFolds = 0

    #expect(
      fault { _ = try ProbeTrainer(settings: settings).train(on: source(labels(40, yesEvery: 2)), site: "s") }?.name
        == "probe.notNumeric")
    own.documents.labels["label"]?[7] = .number(.infinity)
    let infinite = fault { _ = try ProbeTrainer(settings: settings).train(on: own, site: "s") }
    #expect(infinite?.name == "probe.labelNaN" && infinite?.place?.contains("d7") == true)
    own.documents.labels["label"] = years.map { _ in .number(3) }
    #expect(
      fault { _ = try ProbeTrainer(settings: settings).train(on: own, site: "s") }?.name == "probe.constantTarget")
    #expect(
      fault { _ = try ProbeSweep(methods: [.ridge, .lda]).run(on: own) }?.name == "probe.mixedMethods")
  }

  @Test func nestedFoldsJudgeEveryExampleAndTheChoiceItself() throws {
    // "b" knows the concept, "a" doesn't.
    let own = ProbeTrainerTests.labelled()
    var settings = quick()
    settings.outerFolds = 4
    let table = try ProbeSweep(settings: settings, methods: [.massMean, .lda]).run(on: own)
    #expect(table.rows.map(\.method) == [.massMean, .lda, .massMean, .lda])
    #expect(table.best == "b" && table.earliest == "b")
    #expect(table.testExamples == 120 && table.trainingExamples == 120)
    let chosen = try #require(table.chosen)
    #expect(chosen.examples == 120 && chosen.scores.accuracy > 0.85)
    // The folds agree on one method, so that the scores are its own: margins of mass-mean are no log-odds.
    #expect(chosen.scores.auroc.map { $0 > 0.9 } == true)
    let probe = try ProbeTrainer(settings: settings).train(on: own, site: "b")
    // The sums of outer folds are judged by examples that taught none of them.
    let kept = try #require(try probe.signedSums(on: own).first?.kept)
    #expect(kept.allSatisfy { ($0.auroc ?? 0) > 0.6 && ($0.auroc ?? 2) <= 1 })
    #expect(probe.record.foldScores?.count == 4 && probe.record.evaluation.examples == 120)
    #expect(try #require(Scores.mean(of: probe.record.foldScores ?? [])).accuracy > 0.85)
  }

  @Test func aSpecificationComparesMethodsAndFollowsUp() throws {
    let own = ProbeTrainerTests.labelled()
    var specification = ProbeSpecification(concept: "c", dataset: ["none"])
    specification.classifiers = [.massMean, .logistic, .sparse]
    specification.columns = [1, 2]
    specification.outerFolds = 3
    specification.resamples = 20
    specification.controls = [.majority, .controlTask]
    var best: Probe?
    var seen = 0
    let result = try specification.run(
      name: "c", on: own, sites: ["a", "b"], model: .absent("none"),
      followUps: ProbeFollowUps(repeats: 2, learningCurve: true), each: { _ in seen += 1 }, best: { best = $0 })
    #expect(seen == 6 && result.table.methods == [.massMean, .logistic, .sparse])
    let probe = try #require(best)
    #expect(probe.record.site.name == result.table.best && probe.record.settings.method == result.table.bestMethod)
    #expect(result.score?.value == result.table.chosen?.scores.balancedAccuracy)
    #expect(result.controls?.score == result.best?.heldOutScore)
    #expect(probe.record.stability?.repeats == 2)
    // Every number of columns is judged on what each outer fold holds back.
    var sparse: [SizeScore]?
    for row in result.table.rows where row.method == .sparse && row.site == "b" { sparse = row.sizes }
    #expect(try #require(sparse).map(\.size) == [1, 2])
    #expect(try #require(sparse).allSatisfy { ($0.test?.accuracy ?? 0) > 0.8 })
    let curve = try #require(probe.record.learningCurve)
    #expect(curve.site == "b" && curve.points.count >= 2 && curve.testExamples > 0)
    let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: url) }
    try probe.write(to: url)
    #expect(try Probe(contentsOf: url).record == probe.record)
  }

  @Test func aLearningCurveRises() throws {
    let own = source(labels(600, yesEvery: 2), width: 40, lean: 1.5)
    let curve = try LearningCurve(on: own, site: "s", settings: quick(), sizes: [20, 100, 5000], repeats: 4)
    #expect(curve.points.map(\.repeats) == [4, 4, 1])
    #expect(curve.points[2].examples == 480 && curve.testExamples == 120)
    #expect(curve.points[2].scores.balancedAccuracy > curve.points[0].scores.balancedAccuracy)
    #expect(curve.points[0].deviation > 0)
    #expect(fault { _ = try LearningCurve(on: own, site: "s", sizes: [1]) }?.name == "probe.learningCurve")
  }
}
