import Foundation
import Probes

/// The calibration as a Markdown page.
struct CalibrationPage {
  let runs: Int
  private var lines: [String] = []

  init(runs: Int) { self.runs = runs }

  var text: String { lines.joined(separator: "\n") + "\n" }

  /// Labels of chance.
  static let chance: [Calibration] = [
    Calibration(name: "two classes, one site, logistic", methods: [.logistic]),
    Calibration(name: "two classes, three sites, logistic", sites: 3, methods: [.logistic]),
    Calibration(
      name: "two classes, three sites, logistic, mass-mean and LDA", examples: 120, width: 16, sites: 3,
      methods: [.logistic, .massMean, .lda]),
    Calibration(name: "two classes, groups of four, three sites", examples: 240, groupSize: 4, sites: 3),
    Calibration(name: "two classes 9:1, one site, logistic", share: 0.9, examples: 200, methods: [.logistic]),
    Calibration(name: "two classes 9:1, groups of two, three sites", share: 0.9, examples: 400, groupSize: 2, sites: 3),
    Calibration(name: "two classes, three sites, one part held back", examples: 240, sites: 3, outerFolds: 0),
    Calibration(name: "two classes, more columns than rows", examples: 80, width: 120, sites: 2),
    Calibration(name: "four classes, one site, LDA", classes: 4, width: 16, methods: [.lda]),
    Calibration(name: "four classes, groups of two, three sites", classes: 4, examples: 240, groupSize: 2, sites: 3),
    Calibration(name: "numbers, one site", classes: 0, times: 5),
    Calibration(
      name: "numbers, groups of two, three sites", classes: 0, examples: 240, groupSize: 2, sites: 3, times: 5),
  ]

  static let power: [Calibration] = [0.25, 0.5, 0.75, 1, 1.5].map {
    Calibration(name: "effect \($0)", sites: 3, effect: $0)
  }

  static let paired: [Calibration] = [
    Calibration(name: "equal: no signal at either", effect: 0, embeddingEffect: 0),
    Calibration(name: "equal: a weak one at both", effect: 0.8, embeddingEffect: 0.8),
    Calibration(name: "equal: a clear one at both", effect: 2, embeddingEffect: 2),
    Calibration(name: "equal, groups of four", examples: 240, groupSize: 4, effect: 1.5, embeddingEffect: 1.5),
    Calibration(name: "equal, 9:1", share: 0.9, examples: 240, effect: 1.5, embeddingEffect: 1.5),
    Calibration(name: "equal, one part held back", examples: 240, outerFolds: 0, effect: 1.5, embeddingEffect: 1.5),
    Calibration(name: "the site knows more", effect: 2, embeddingEffect: 1),
    Calibration(name: "numbers, the site knows more", classes: 0, effect: 1, embeddingEffect: 0.5),
  ]

  private static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
  private static func number(_ value: Double) -> String {
    String(format: "%.3f", value).replacing("-", with: "−")
  }

  /// - Parameter runs: fewer where a table asks less of them.
  private func tally(_ condition: Calibration, runs: Int) throws -> CalibrationTally {
    var tally = CalibrationTally()
    let start = Date()
    for seed in 0..<runs {
      do { try tally.add(condition, seed: UInt64(seed)) } catch {
        print("\(condition.name), seed \(seed): \(error)")
      }
      if (seed + 1) % 50 == 0 {
        print("\(condition.name): \(seed + 1) of \(runs), \(Int(Date().timeIntervalSince(start))) s")
        fflush(nil)
      }
    }
    return tally
  }

  private mutating func add(_ line: String) {
    print(line)
    fflush(nil)
    lines.append(line)
  }

  mutating func run() throws {
    lines += [
      "# Calibration", "",
      "**What to do.** Before you quote an interval or a p-value, find the row that is most like your study: it says how often they are",
      "right where the truth is known. The tables are made by `make calibration`, the remarks on them by hand; a smaller version is",
      "among the tests.", "",
      "Activations: five strong directions shared by all columns, columns of different sizes, noise; members of a group",
      "have half of their activations and the label in common. Folds 3, outer folds 5 unless one part is held back, C of",
      "0.01 and 1, 400 resamples, 199 shuffles, at most 99 by the procedure itself. Where no method is named, mass-mean;",
      "numbers by ridge regression.", "",
      "## Labels of chance", "",
      "The score is the balanced accuracy (of numbers R²); covers chance: how often its 95 % interval holds that; truth: what",
      "the fits would score on endlessly many examples, the mean; covers it: how often the interval holds that of its own",
      "fits; exact: how often p was taken from the procedure itself. Aims: the mean at chance, covers 93–97 %, p ≤ 0.05 in",
      "3–7 %.", "",
      "| Labels | Data sets | Examples | Mean score ± its error | Chance | Covers chance | Truth | Covers it | "
        + "p ≤ 0.05 = found | Exact |",
      "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for condition in Self.chance {
      let own = try tally(condition, runs: runs * condition.times)
      add(
        "| \(condition.name) | \(own.count) | \(condition.examples) | \(Self.number(own.mean)) ± "
          + "\(Self.number(own.standardError)) | \(Self.number(condition.chance)) | "
          + "\(Self.percent(own.share(own.covers))) | \(Self.number(CalibrationTally.mean(own.truths))) | "
          + "\(Self.percent(own.share(own.coversTruth))) | \(Self.percent(own.share(own.found))) | "
          + "\(Self.percent(own.share(own.exact))) |")
    }
    lines += [
      "", "## Power", "",
      "Two classes whose means lie so many standard deviations apart along one direction; three sites, 160 examples.",
      "",
      "| Effect | Data sets | Mean score | Found |", "|---|---|---|---|",
    ]
    for condition in Self.power {
      let own = try tally(condition, runs: runs / 2)
      add(
        "| \(condition.effect) | \(own.count) | \(Self.number(own.mean)) | \(Self.percent(own.share(own.found))) |")
    }
    lines += [
      "", "## Differences", "",
      "A site against the embeddings, by the paired interval that the report prints, and how often it holds: the true",
      "difference of these fits, on endlessly many examples; the mean of the same over fits to 20 other sets of examples of",
      "the kind (the same directions); the mean difference over all data sets, each of which has directions of its own, where",
      "both know the same 0. Not 0: how often it leaves 0 out; sentence: how often the report says something about the",
      "embeddings, which it does not where nothing is found.", "",
      "| Data | Data sets | Mean difference | Covers that of these fits | Of fits to other examples | Of all data sets | "
        + "Not 0 | Sentence |", "|---|---|---|---|---|---|---|---|",
    ]
    for condition in Self.paired {
      let own = try tally(condition, runs: runs)
      let mean = CalibrationTally.mean(own.differences.map(\.printed.value))
      let truth = condition.effect == condition.embeddingEffect ? 0 : mean
      let columns = [
        own.differences.count { $0.covers($0.fits) }, own.differences.count { $0.covers($0.kind) },
        own.differences.count { $0.covers(truth) }, own.differences.count(where: \.printed.isShown), own.sentences,
      ].map { Self.percent(own.share($0)) }
      add("| \(condition.name) | \(own.count) | \(Self.number(mean)) | \(columns.joined(separator: " | ")) |")
    }
  }
}
