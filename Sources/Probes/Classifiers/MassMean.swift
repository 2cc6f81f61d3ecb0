import Diagnostics
import LinearAlgebra

/// The mass-mean probe: the direction from one class's mean to the other's (Marks & Tegmark, arXiv 2310.06824).
///
/// Nothing is fitted but the means, so it generalises where logistic regression follows noise, and its direction is
/// the one that steering uses. With more than two classes, the nearest class mean wins.
public enum MassMean {
  /// Where the line between two classes lies along the direction.
  public enum Threshold: String, Codable, Sendable, CaseIterable {
    /// Halfway between the means.
    case midpoint
    /// Where the balanced accuracy on the training rows is greatest; of equal places, the one nearest the midpoint.
    case training
  }

  public struct Fit: Sendable, Equatable {
    public var classifier: LinearClassifier
    /// Each class's mean, [classes, width].
    public var means: Matrix
    public var standardization: Standardization
  }

  /// Computes the means of rows and the classifier between them.
  ///
  /// - Throws: `probe.notFinite`, `probe.singleClass`.
  /// - Complexity: one pass over the rows, a second for a threshold by training.
  public static func fit(
    _ matrix: Matrix, labels: [Int32], classes: Int, threshold: Threshold = .midpoint
  ) throws -> Fit {
    precondition(labels.count == matrix.rows, "\(labels.count) labels for \(matrix.rows) rows")
    try LogisticRegression.requireEveryClass(labels, classes: classes)
    let moments = ColumnSums.byPart(ExampleMatrix(matrix), parts: labels, count: classes)
    let all = moments.dropFirst().reduce(moments[0], +)
    try all.requireFinite()
    let means = means(moments)
    var classifier = classifier(moments)
    if classes == 2, threshold == .training {
      classifier.bias[0] -= bestThreshold(classifier.scores(of: matrix).elements, labels: labels)
    }
    return Fit(classifier: classifier, means: means, standardization: all.standardization())
  }

  /// The classes' means from their sums.
  private static func means(_ moments: [ColumnSums]) -> Matrix {
    Matrix(rows: moments.count, columns: moments[0].sums.count) { means in
      var index = 0
      for moment in moments {
        for sum in moment.sums {
          means[index] = Float(sum / Double(moment.count))
          index += 1
        }
      }
    }
  }

  /// The classifier between the classes' means, its threshold midway.
  static func classifier(_ moments: [ColumnSums]) -> LinearClassifier {
    let width = moments[0].sums.count
    guard moments.count == 2 else {
      // ‖x − μ‖² is least where μ·x − ‖μ‖²/2 is greatest.
      let means = means(moments)
      let bias = moments.indices.map { c -> Float in
        var squares = 0.0
        for column in 0..<width {
          let mean = Double(means.elements[c * width + column])
          squares += mean * mean
        }
        return Float(-squares / 2)
      }
      return LinearClassifier(weights: means, bias: bias)
    }
    var direction = [Float](repeating: 0, count: width)
    var bias = 0.0
    for column in 0..<width {
      let low = moments[0].sums[column] / Double(moments[0].count)
      let high = moments[1].sums[column] / Double(moments[1].count)
      direction[column] = Float(high - low)
      bias -= Double(direction[column]) * (high + low) / 2
    }
    return LinearClassifier(weights: Matrix(rows: 1, columns: width, elements: direction), bias: [Float(bias)])
  }

  /// The score above which calling positive gives the greatest balanced accuracy, halfway between two examples.
  static func bestThreshold(_ scores: [Float], labels: [Int32]) -> Float {
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    let positives = Double(labels.count { $0 == 1 })
    let negatives = Double(labels.count) - positives
    var below = (positive: 0.0, negative: 0.0)
    var best = (accuracy: -1.0, threshold: Float(0))
    for place in 0..<max(order.count - 1, 0) {
      if labels[order[place]] == 1 { below.positive += 1 } else { below.negative += 1 }
      let low = scores[order[place]]
      let high = scores[order[place + 1]]
      guard low < high else { continue }
      let accuracy = ((positives - below.positive) / positives + below.negative / negatives) / 2
      let candidate = low + (high - low) / 2
      if accuracy > best.accuracy || (accuracy == best.accuracy && abs(candidate) < abs(best.threshold)) {
        best = (accuracy, candidate)
      }
    }
    return best.threshold
  }
}

extension ColumnSums {
  /// Refuses NaN and infinity.
  func requireFinite() throws {
    guard let column = squares.firstIndex(where: { !$0.isFinite }) else { return }
    throw Fault(
      .badData, "probe.notFinite", "An activation to learn from is NaN or infinite", place: "column \(column)",
      expected: "finite numbers", found: "NaN or infinity",
      advice: "see where it comes from with `unfold store verify`, or leave that site out")
  }
}
