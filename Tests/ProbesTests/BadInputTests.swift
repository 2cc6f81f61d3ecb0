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

  @Test func oneExampleAFoldIsTooFew() {
    // Three positives: two to learn from, one to judge by; no five folds, and none at all with one group.
    var own = ProbeSettings.quick()
    own.strengths = [0.1, 1]
    var one = source(labels(40, yesEvery: 4))
    for document in 0..<40 where document % 4 == 0 { one.documents.groups[document] = document < 36 ? "a" : "b" }
    let found = fault { _ = try trained(own, on: one) }
    #expect(found?.name == "probe.tooFewExamples")
    #expect(found?.advice != nil && found?.expected != nil)
    #expect(
      fault { _ = try trained(.quick(), on: source(labels(20, yesEvery: 20))) }?.name
        == "probe.tooFewExamples")
    var nested = ProbeSettings.quick()
    nested.outerFolds = 12
    #expect(
      fault { _ = try trained(nested, on: source(labels(40, yesEvery: 8))) }?.name
        == "probe.tooFewExamples")
    nested.outerFolds = 1
    #expect(
      fault { _ = try trained(nested, on: source(labels(40, yesEvery: 2))) }?.name
        == "probe.folds")
  }

  @Test func fewGroupsMakeFewerFoldsAndSaySo() throws {
    let probe = try trained(.quick(), on: source(labels(40, yesEvery: 10)))
    #expect(probe.record.warnings?.contains { $0.name == "probe.fewerFolds" } == true)
    #expect(probe.record.warnings?.contains { $0.name == "probe.fewToJudge" } == true)
  }

  @Test(arguments: ProbeSettings.Method.classifiers)
  func constantColumnsAreSaidAndHarmless(method: ProbeSettings.Method) throws {
    var own = source(labels(120, yesEvery: 2))
    var rows = try #require(own.values["s"])
    for row in 0..<rows.rows {
      rows.elements[row * 6 + 2] = 1e4
      rows.elements[row * 6 + 4] = 0
    }
    own.values["s"] = rows
    let probe = try trained(.quick(classifiers: [method]), on: own)
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
    #expect(fault { _ = try trained(.quick(), on: own) }?.name == "probe.constantRows")
    try expectChance(atFirstOf: beside(own))
  }

  /// The source with another site, which tells the labels.
  private func beside(_ own: MemorySource) -> MemorySource {
    var both = own
    both.sites.append(StoredSite(name: "t", layer: 1, axes: ["d"], shape: [6]))
    both.values["t"] = source(labels(60, yesEvery: 2)).values["s"]
    return both
  }

  private func expectChance(atFirstOf source: MemorySource) throws {
    let result = try Study(settings: .quick()).run(on: source).result
    #expect(result.rows[0].warnings.contains { $0.name == "probe.constantRows" })
    #expect(result.rows[0].evaluation.scores.balancedAccuracy == 0.5)
    #expect(result.best == "t" && result.score > 0.6)
  }

  /// The same text in other batches differs in the last bits, and what a batch holds may go with the label.
  @Test func roundingIsNoVariation() throws {
    var own = source(labels(60, yesEvery: 2))
    var rows = try #require(own.values["s"])
    for index in rows.elements.indices {
      rows.elements[index] = Float(index % 6 + 1) * (1 + (index / 18 % 2 == 0 ? 1e-7 : -1e-7))
    }
    own.values["s"] = rows
    #expect(fault { _ = try trained(.quick(), on: own) }?.name == "probe.constantRows")
    try expectChance(atFirstOf: beside(own))
  }

  @Test func aFieldThatNoDocumentHasIsNamed() {
    var own = source(labels(40, yesEvery: 2))
    own.documents.labels["mood"] = (0..<40).map { _ in nil }
    let found = fault {
      _ = try trained(.quick(concept: Concept(column: "mood")), on: own)
    }
    #expect(found?.name == "probe.noLabels" && found?.expected == "one of label")
  }

  @Test(arguments: ProbeSettings.Method.classifiers)
  func moreColumnsThanRowsIsSaid(method: ProbeSettings.Method) throws {
    let own = source(labels(60, yesEvery: 2), width: 150, lean: 6)
    let probe = try trained(.quick(classifiers: [method]), on: own)
    #expect(probe.record.warnings?.contains { $0.name == "probe.moreColumnsThanRows" } == true)
    #expect(probe.classifier.weights.elements.allSatisfy { $0.isFinite })
    let scores = probe.record.evaluation.scores
    if method != .components { #expect(scores.balancedAccuracy > 0.6, "\(method)") }
    #expect((scores.calibrationError == nil) == [.massMean, .svm].contains(method))
  }

  @Test func ninetyNineToOneIsSaidAndCanBeMet() throws {
    let own = source(labels(4000, yesEvery: 100), lean: 1)
    var settings = ProbeSettings.quick()
    let plain = try trained(settings, on: own)
    #expect(plain.record.warnings?.contains { $0.name == "probe.imbalanced" } == true)
    #expect(plain.record.evaluation.scores.accuracy > 0.97)
    #expect(plain.record.evaluation.majority.prAUC.map { abs($0 - 0.01) < 1e-9 } == true)
    settings.classWeights = .balanced
    let weighted = try trained(settings, on: own)
    let (before, after) = (plain.record.evaluation.scores, weighted.record.evaluation.scores)
    #expect(after.balancedAccuracy > before.balancedAccuracy)
    settings.classWeights = .none
    settings.threshold = .training
    let moved = try trained(settings, on: own)
    #expect(moved.record.evaluation.scores.balancedAccuracy > before.balancedAccuracy)
    // A line that was moved leaves the ranking as it was; its scores are no log-odds any more.
    let (auroc, same) = (moved.record.evaluation.scores.auroc ?? 0, before.auroc ?? 1)
    #expect(abs(auroc - same) < 1e-3, "but for ties by rounding")
    #expect(moved.record.evaluation.scores.calibrationError == nil)
  }

  @Test func aNaNNamesItsDocument() throws {
    var own = source(labels(40, yesEvery: 2))
    own.values["s"]?.elements[(7 * 3 + 2) * 6 + 5] = .nan
    let found = fault { _ = try trained(.quick(), on: own) }
    #expect(found?.name == "probe.notFinite")
    #expect(found?.place == "s, column 5, document d7")
  }

  @Test func labelsOfAnotherStoreAreRefused() throws {
    let own = source(labels(80, yesEvery: 2))
    let probe = try trained(.quick(), on: own)
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
        _ = try trained(.quick(concept: Concept(level: .token)), on: own)
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
    var settings = ProbeSettings.quick(target: .number, resamples: 50)
    settings.strengths = [10, 1, 0.1]
    let probe = try trained(settings, on: own)
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
    let nested = try Study(settings: settings).run(on: own).result
    let chosen = try #require(nested.regression)
    #expect(nested.score == chosen.scores.r2 && nested.chance == 0)
    #expect(chosen.examples == 200 && chosen.scores.r2 > 0.9 && chosen.baseline.r2 <= 0)
    settings.outerFolds = 0

    #expect(
      fault { _ = try trained(settings, on: source(labels(40, yesEvery: 2))) }?.name
        == "probe.notNumeric")
    own.documents.labels["label"]?[7] = .number(.infinity)
    let infinite = fault { _ = try trained(settings, on: own) }
    #expect(infinite?.name == "probe.labelNaN" && infinite?.place?.contains("d7") == true)
    own.documents.labels["label"] = years.map { _ in .number(3) }
    #expect(
      fault { _ = try trained(settings, on: own) }?.name == "probe.constantTarget")
    // Texts that are numbers are predicted too; what a 32-bit float cannot hold is refused at once.
    own.documents.labels["label"] = years.map { .text("\($0)0e0") }
    #expect(try #require(try trained(settings, on: own).record.regression).scores.r2 > 0.9)
    for (large, name) in [(1e50, "probe.targetRange"), (1e-17, "probe.targetRange"), (1e15, nil)] {
      own.documents.labels["label"] = years.indices.map { .number($0.isMultiple(of: 2) ? large : -large) }
      let found = fault { _ = try trained(settings, on: own) }
      #expect(found?.name == name && (name == nil) == (found?.advice == nil))
    }
    own.documents.labels["label"] = years.indices.map { .text($0 == 7 ? "0x1A" : "\($0)") }
    let hexadecimal = fault { _ = try trained(settings, on: own) }
    #expect(hexadecimal?.name == "probe.notNumeric" && hexadecimal?.advice != nil)
    // Ridge regression has no classes to tell apart.
    #expect(
      fault { _ = try trained(.quick(classifiers: [.ridge, .lda]), on: source(labels(40, yesEvery: 2))) }?.name
        == "probe.method")
  }

  @Test func nestedFoldsJudgeEveryExampleAndTheChoiceItself() throws {
    // "b" knows the concept, "a" doesn't.
    let own = StudyTests.labelled()
    var settings = ProbeSettings.quick(classifiers: [.massMean, .lda])
    settings.outerFolds = 4
    let result = try Study(settings: settings).run(on: own).result
    #expect(result.rows.map(\.method) == [.massMean, .lda, .massMean, .lda])
    #expect(result.best == "b" && result.choices.map(\.site) == ["b", "b", "b", "b"])
    #expect(result.judged == 120 && result.examples == 120)
    #expect(result.evaluation.examples == 120 && result.evaluation.scores.accuracy > 0.85)
    #expect(result.evaluation.scores.auroc.map { $0 > 0.9 } == true)
    settings.classifiers = [.logistic]
    let probe = try trained(settings, on: own, site: "b")
    #expect(probe.record.trainingExamples == 120)
    // The sums of outer folds are judged by examples that taught none of them.
    let kept = try #require(probe.record.sums?.first?.kept)
    #expect(kept.allSatisfy { ($0.auroc ?? 0) > 0.6 && ($0.auroc ?? 2) <= 1 })
    #expect(probe.record.foldScores?.count == 4 && probe.record.evaluation.examples == 120)
    #expect(try #require(Scores.mean(of: probe.record.foldScores ?? [])).accuracy > 0.85)
  }

  @Test func aStudyComparesMethodsAndFollowsUp() throws {
    let own = StudyTests.labelled()
    var settings = ProbeSettings.quick(classifiers: [.massMean, .logistic, .sparse], resamples: 20)
    settings.columns = [1, 2]
    settings.outerFolds = 3
    settings.controls = [.majority, .controlTask]
    var study = Study(settings: settings)
    study.repeats = 2
    study.hasLearningCurve = true
    var seen = 0
    let (result, probe) = try study.run(on: own, sites: ["a", "b"], each: { _ in seen += 1 })
    #expect(seen == 6 && result.methods == [.massMean, .logistic, .sparse])
    #expect(probe.record.site.name == result.best && probe.record.settings.method == result.bestMethod)
    #expect(result.score == result.evaluation.scores.balancedAccuracy)
    // The control task is compared by accuracy with the very score that the table has.
    let task = try #require(result.controls?[.controlTask])
    #expect(task.reference.map { abs($0 - result.evaluation.scores.accuracy) < 1e-12 } == true)
    #expect(probe.record.stability?.repeats == 2)
    // Every number of columns is judged on what each outer fold holds back.
    var sparse: [SizeScore]?
    for row in result.rows where row.method == .sparse && row.site == "b" { sparse = row.sizes }
    #expect(try #require(sparse).map(\.size) == [1, 2])
    #expect(try #require(sparse).allSatisfy { ($0.test?.accuracy ?? 0) > 0.8 })
    let curve = try #require(probe.record.learningCurve)
    #expect(curve.points.count >= 2 && curve.testExamples == 120)
    #expect(curve.points.last?.score == result.score)
    let folder = try TemporaryFolder()
    let url = folder.file("probe.safetensors")
    try probe.write(to: url)
    #expect(try Probe(contentsOf: url).record == probe.record)
  }

  @Test func aLearningCurveRises() throws {
    var study = Study(settings: .quick())
    study.hasLearningCurve = true
    let (result, probe) = try study.run(on: source(labels(600, yesEvery: 2), width: 40, lean: 1.5))
    let curve = try #require(probe.record.learningCurve)
    #expect(curve.points.map(\.repeats) == [3, 3, 3, 3, 1])
    let (first, last) = (try #require(curve.points.first), try #require(curve.points.last))
    #expect(last.examples == 480 && curve.testExamples == 120 && last.deviation == 0)
    #expect(first.score < last.score && first.deviation > 0 && first.examples < 40)
    // All examples are the study itself.
    #expect(last.score == result.score)
  }
}
