import Diagnostics
import LinearAlgebra

/// A k-sparse probe: logistic regression on k columns alone, which a selector chooses (Gurnee et al., arXiv 2305.01610).
///
/// How soon the scores level off with k says over how many neurons a concept is spread.
public enum SparseProbe {
  public struct Settings: Codable, Sendable, Equatable {
    public var selector: ColumnSelector
    /// The numbers of columns to try, 1 to 256; the one with the least loss on held-out folds is taken. Those above the
    /// site's width are left out.
    public var counts: [Int]
    /// How much the examples of each class count: all classes the same, as in the paper's code, unless set. Those of the
    /// logistic settings have no part here.
    public var classWeights: ClassWeights

    public init(
      selector: ColumnSelector = .meanDifference, counts: [Int] = [1, 2, 4, 8, 16, 32, 64, 128, 256],
      classWeights: ClassWeights = .balanced
    ) {
      self.selector = selector
      self.counts = counts
      self.classWeights = classWeights
    }

    /// Files from before there were weights were learnt without them.
    public init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      self.init(
        selector: try values.decode(ColumnSelector.self, forKey: .selector),
        counts: try values.decode([Int].self, forKey: .counts),
        classWeights: try values.decodeIfPresent(ClassWeights.self, forKey: .classWeights) ?? .none)
    }

    func validate() throws {
      guard !counts.isEmpty, counts.allSatisfy({ (1...256).contains($0) }) else {
        throw Fault(
          .usage, "probe.columnCount", "A k-sparse probe reads 1 to 256 columns", expected: "such as 1,2,4,8,16",
          found: counts.map(String.init).joined(separator: ","))
      }
    }
  }

  /// Fits the rows of a matrix; parameters and faults are those of `LogisticRegression.fit`.
  ///
  /// - Parameter logistic: strengths, tolerance and folds of the regressions.
  public static func fit(
    _ matrix: Matrix, labels: [Int32], classes: Int, groups: [Int]? = nil,
    settings: Settings = Settings(), logistic: LogisticRegression.Settings = .init(), seed: UInt64 = 0
  ) throws -> ReducedFit {
    try settings.validate()
    return fit(
      try logistic.trainingRows(
        matrix, labels: labels, classes: classes, groups: groups, seed: seed),
      settings: settings, logistic: logistic)
  }

  static func fit(
    _ training: TrainingRows, settings: Settings, logistic: LogisticRegression.Settings
  ) -> ReducedFit {
    let sizes = ReducedFit.sizes(settings.counts, width: training.width)
    var logistic = logistic
    logistic.classWeights = settings.classWeights
    let rankings = settings.selector.rankings(training, most: sizes[sizes.count - 1], settings: logistic)
    let width = training.width
    var fit = ReducedFit.fit(training, sizes: sizes, settings: logistic) { fold, size in
      let columns = Array(rankings[fold ?? rankings.count - 1].prefix(size))
      return ReducedFit.Reduction(values: gather(columns, training)) { classifier in
        var weights = Matrix(zeros: classifier.bias.count, columns: width)
        for output in classifier.bias.indices {
          for (place, column) in columns.enumerated() {
            weights.elements[output * width + column] = classifier.weights.elements[output * size + place]
          }
        }
        return LinearClassifier(weights: weights, bias: classifier.bias)
      }
    }
    fit.columns = Array(rankings[rankings.count - 1].prefix(fit.size))
    return fit
  }

  /// Some columns of the training rows.
  private static func gather(_ columns: [Int], _ training: TrainingRows) -> Matrix {
    let width = training.width
    return Matrix(rows: training.count, columns: columns.count) { values in
      training.matrix.withUnsafeElements { elements in
        for row in 0..<training.count {
          let start = row * width
          for (place, column) in columns.enumerated() {
            values[row * columns.count + place] = elements[start + column]
          }
        }
      }
    }
  }
}

extension ReducedFit {
  /// Sizes in rising order, each once, none above the width; never none.
  static func sizes(_ wanted: [Int], width: Int) -> [Int] {
    let sizes = Set(wanted.filter { $0 <= width }).sorted()
    return sizes.isEmpty ? [width] : sizes
  }
}
