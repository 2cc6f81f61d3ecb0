import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import TestSupport
import Testing

/// The procedure against one written out by hand, and which labels take part.
@Suite struct ProcedureTests {
  /// Documents in pairs that share a group; "b" leans a little towards the label, "a" less.
  private func source(_ names: [String] = ["no", "yes"], count: Int = 120) -> MemorySource {
    var generator = SeededGenerator(seed: 21)
    return .documents(
      [Int](repeating: 2, count: count), labels: (0..<count).map { .text(names[$0 % names.count]) },
      groups: (0..<count).map { "g\($0 / 2)" }, sites: ["a": 7, "b": 5]
    ) { site, document, _, column in
      Float(generator.normal()) + (column == 0 && document % names.count == 1 ? (site == "a" ? 0.7 : 0.9) : 0)
    }
  }

  /// The second row of every document: the one token that is not special.
  private func rows(_ source: MemorySource, _ site: String) throws -> Matrix {
    try #require(source.values[site]).selectingRows((0..<source.documents.count).map { 2 * $0 + 1 })
  }

  /// log(1 + e^−s), or of the other class with the sign turned.
  private func loss(_ score: Double, _ label: Int32) -> Double {
    let own = label == 1 ? -score : score
    return max(own, 0) + log1p(exp(-abs(own)))
  }

  private func balancedAccuracy(_ scores: [Float], _ labels: [Int32]) -> Double {
    (0...1).reduce(0.0) { sum, label in
      let own = labels.indices.filter { labels[$0] == Int32(label) }
      return sum + Double(own.count { (scores[$0] > 0) == (label == 1) }) / Double(own.count) / 2
    }
  }

  /// Nested cross-validation of two sites, two methods and two strengths, by fits to plain matrices.
  @Test func theScoreIsThatOfNestedCrossValidation() throws {
    let source = source()
    var settings = ProbeSettings.quick(classifiers: [.massMean, .logistic])
    (settings.strengths, settings.folds, settings.outerFolds, settings.seed) = ([0.01, 1], 3, 4, 6)
    let result = try Study(settings: settings).run(on: source).result

    let examples = try Examples(settings.concept, of: source, specialTokens: false, most: 1000, seed: 6)
    let (labels, groups) = (examples.labels, examples.groups)
    var predicted = [Float](repeating: 0, count: labels.count)
    var choices: [String] = []
    for split in try examples.splits(settings) {
      let own = split.train.map { labels[$0] }
      let folds = try Split.folds(3, labels: own, groups: split.train.map { groups[$0] }, seed: 6)
      func fitted(_ rows: Matrix, _ places: [Int], _ strength: Double?) throws -> LinearClassifier {
        let (rows, labels) = (rows.selectingRows(places), places.map { labels[$0] })
        guard let strength else { return try MassMean.fit(rows, labels: labels, classes: 2).classifier }
        return try LogisticRegression.fit(
          rows, labels: labels, classes: 2, settings: .init(strengths: [strength], folds: 0)
        ).classifier
      }
      var best = (validation: -1.0, choice: "", scores: [Float]())
      for site in ["a", "b"] {
        let rows = try rows(source, site)
        for strengths: [Double?] in [[nil], [0.01, 1]] {
          // Of a method's strengths the one with the least loss, then its balanced accuracy.
          var least = (loss: Double.infinity, strength: Double?.none, validation: 0.0)
          for strength in strengths {
            var (losses, validation) = (0.0, 0.0)
            for fold in folds {
              let test = fold.test.map { split.train[$0] }
              let scores = try fitted(rows, fold.train.map { split.train[$0] }, strength)
                .scores(of: rows.selectingRows(test)).elements
              let truth = test.map { labels[$0] }
              losses += zip(scores, truth).reduce(0) { $0 + loss(Double($1.0), $1.1) } / Double(test.count) / 3
              validation += balancedAccuracy(scores, truth) / 3
            }
            if losses < least.loss { least = (losses, strength, validation) }
          }
          if least.validation > best.validation + 1e-12 {
            best = (
              least.validation, "\(site) \(least.strength.map { "\($0)" } ?? "-")",
              try fitted(rows, split.train, least.strength).scores(of: rows.selectingRows(split.test)).elements
            )
          }
        }
      }
      choices.append(best.choice)
      for (place, row) in split.test.enumerated() { predicted[row] = best.scores[place] }
    }
    #expect(result.choices.map { "\($0.site) \($0.strength.map { "\($0)" } ?? "-")" } == choices)
    // A score at 0 may fall to either side by rounding.
    #expect(abs(result.score - balancedAccuracy(predicted, labels)) < 1.0 / 120)
    #expect(result.score > 0.55 && result.score < 0.85)
  }

  @Test func onlySomeLabelsTakePart() throws {
    let source = source(["a", "b", "c", "d"])
    let two = try trained(.quick(concept: Concept(only: ["b", "c"])), on: source, site: "a")
    #expect(two.record.classes == ["b", "c"])
    #expect(two.record.trainingExamples + two.record.evaluation.examples == 60)
    #expect(two.record.unlabelledDocuments == 60)
    let against = try trained(.quick(concept: Concept(positive: "b", negative: ["a", "d"])), on: source, site: "a")
    #expect(against.record.classes == ["not b", "b"])
    #expect(against.record.trainingExamples + against.record.evaluation.examples == 90)
    // Beside one other label the negative class keeps its name.
    let pair = try trained(.quick(concept: Concept(positive: "b", negative: ["d"])), on: source, site: "a")
    #expect(pair.record.classes == ["d", "b"])
    // One label among those that take part, against the rest of them.
    let rest = try trained(.quick(concept: Concept(positive: "b", only: ["a", "b", "c"])), on: source, site: "a")
    #expect(rest.record.classes == ["not b", "b"] && rest.record.unlabelledDocuments == 30)
    for concept in [Concept(only: ["a", "e"]), Concept(positive: "b", negative: ["e"])] {
      let fault = try #require(throws: Fault.self) {
        try trained(.quick(concept: concept), on: source, site: "a")
      }
      #expect(fault.name == "probe.unknownLabel" && fault.found == "e", "\(fault)")
    }
  }

  @Test func spansOfOtherLabelsTakeNoPart() throws {
    var source = MemorySource.documents(
      [Int](repeating: 5, count: 12), labels: [Label?](repeating: nil, count: 12), sites: ["s": 2]
    ) { _, document, token, column in Float(document + token * column) }
    source.spans = SpanTable(
      (0..<12).flatMap { document -> [SpanRow] in
        ["noun", "verb", "name"].enumerated().map { place, label in
          SpanRow(document: Int32(document), start: Int32(place), end: Int32(place + 1), label: .text(label))
        }
      })
    func examples(_ concept: Concept) throws -> Examples {
      try Examples(concept, of: source, specialTokens: false, most: 1000, seed: 0)
    }
    #expect(try examples(Concept(level: .token, positive: "noun", negative: ["verb"])).count == 24)
    // One label alone is told from tokens under no span, not from those under another.
    let alone = try examples(Concept(level: .token, only: ["noun"]))
    #expect(alone.classes == ["not noun", "noun"] && alone.count == 24)
  }

  /// The place where a concept arises is the first that no other is shown to be better than.
  @Test func theDepthSaysWhereAConceptArises() throws {
    var generator = SeededGenerator(seed: 5)
    let sites = Dictionary(uniqueKeysWithValues: (0..<4).map { ("blocks.\($0).hook_resid_post", 6) })
    let source = MemorySource.documents(
      [Int](repeating: 2, count: 200), labels: (0..<200).map { .number(Double($0 % 2)) }, sites: sites
    ) { site, document, _, column in
      let isDeep = site.hasPrefix("blocks.2") || site.hasPrefix("blocks.3")
      return Float(generator.normal()) + (isDeep && column == 1 ? 3 * Float(document % 2) : 0)
    }
    let depth = try #require(try Study(settings: .quick(resamples: 200)).run(on: source).result.depth)
    #expect(depth.places.map(\.layer) == [0, 1, 2, 3] && depth.kind == "hook_resid_post")
    #expect(depth.first.layer == 2)
    #expect(depth.places[0].missing?.isShown == true && depth.places[2].missing?.isShown != true)
  }
}
