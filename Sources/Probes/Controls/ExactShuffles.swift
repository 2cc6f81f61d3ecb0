import Diagnostics
import LinearAlgebra

/// A permutation test of a study by the procedure itself: every shuffle of the labels goes through choice, fit and
/// judgement as the true ones did; the division into folds, which gives each its share of every class, is made anew from
/// the shuffled labels, so that nothing sets the true ones apart.
struct ExactShuffles {
  private(set) var tries = 0
  private(set) var pValue = 1.0

  /// Where so many shuffles do as well, more would tell nothing new (Besag & Clifford 1991).
  private static let enough = 10

  /// - Parameters:
  ///   - most: how many shuffles at most.
  ///   - progress: told how many are done.
  /// - Complexity: a study's fits for each shuffle.
  init(_ study: FittedStudy, most: Int, generator: inout SeededGenerator, progress: (Int) -> Void) throws {
    let examples = study.examples
    let blocks = ExchangeableBlocks(study.targets, groups: examples.groups)
    let observed = study.judged.statistic
    var reached = 0
    var refused = 0
    while tries < most, reached < Self.enough, refused <= most {
      progress(tries)
      let targets = study.targets.selecting(blocks.shuffled(count: examples.count, generator: &generator))
      do {
        var own = examples.examples
        own.labels = targets.labels
        let splits = try own.splits(study.settings)
        let judged = try study.procedure.judge(
          study.candidates, targets, groups: examples.groups, splits: splits
        ).judged
        if judged.statistic >= observed - 1e-12 { reached += 1 }
        tries += 1
      } catch let fault as Fault where ["probe.singleClass", "probe.tooFewExamples"].contains(fault.name) {
        // A shuffle that leaves a fold without a class cannot be learnt from; the true labels could.
        refused += 1
      }
    }
    guard tries > 0 else { return }
    pValue =
      reached == Self.enough ? Double(reached) / Double(tries) : Double(1 + reached) / Double(1 + tries)
  }
}

extension Judged {
  /// What labels are shuffled against: the mean over folds of AUROC, or of the correlation with the numbers.
  var statistic: Double {
    guard isRegression else { return sample.auroc(weights: nil) ?? 0.5 }
    let parts =
      folds.isEmpty ? [Array(places.indices)] : Dictionary(grouping: places.indices) { folds[$0] }.map(\.value)
    return parts.reduce(0) { sum, part in
      sum + correlation(part.map { Double(scores.elements[$0]) }, part.map { targets.numbers[$0] })
        / Double(parts.count)
    }
  }
}
