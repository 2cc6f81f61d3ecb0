import Foundation
import LinearAlgebra

/// Linear discriminant analysis: the mass-mean direction tilted by the inverse of the classes' pooled covariance
/// (Fisher 1936), as scikit-learn's `LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")`.
///
/// w = Σ⁻¹(μ₁ − μ₀). Each class's covariance is shrunk towards its columns' variances by the intensity of Ledoit & Wolf
/// (2004), found on that class's standardised rows, and the covariances are added by the classes' shares. Without columns
/// to spare the sample covariance has no inverse; shrunk it has. Scores are log-odds.
public enum LinearDiscriminant {
  public struct Fit: Sendable, Equatable {
    public var classifier: LinearClassifier
    public var standardization: Standardization
    /// Each class's shrinkage.
    public var shrinkage: [Double]
    /// The mean balanced accuracy on held-out folds; nil where there were none.
    public var validation: Double?
    /// Each row's scores by the fit that had not seen it.
    public var heldOutScores: Matrix?

    /// - Parameter classifiers: one learnt without each fold and, last, that of all rows.
    init(_ training: TrainingRows, _ classifiers: [LinearClassifier], whole: Standardization, shrinkage: [Double]) {
      classifier = classifiers[classifiers.count - 1]
      standardization = whole
      self.shrinkage = shrinkage
      heldOutScores = training.heldOutScores(Array(classifiers.dropLast()))
      validation = heldOutScores.map { training.balancedAccuracy(ofHeldOut: $0) }
    }
  }

  /// Fits the rows of a matrix.
  ///
  /// - Parameter folds: on how many held-out parts `validation` is found; 0 for none.
  /// - Throws: what `LogisticRegression.fit` throws.
  /// - Complexity: rows · width² and folds · width³/3 operations; memory of (2 · folds + 1) · width² numbers. The products
  ///   of rows are computed once and shared by all folds. With fewer rows than columns folds · (rows² · width + rows³/3),
  ///   and memory of 3 · rows² numbers.
  public static func fit(
    _ matrix: Matrix, labels: [Int32], classes: Int, groups: [Int]? = nil,
    folds: Int = 0, seed: UInt64 = 0
  ) throws -> Fit {
    fit(
      try TrainingRows(
        ExampleMatrix(matrix), labels: labels, classes: classes, groups: groups, folds: folds, seed: seed))
  }

  static func fit(_ training: TrainingRows) -> Fit {
    // The fits wanted: without each fold, and of all rows.
    let left: [Int?] = training.folds.indices.map { $0 } + [nil]
    let whole = training.standardization()
    if training.count < training.width {
      let fits = left.compactMap { dual(training, without: $0, whole: whole) }
      if fits.count == left.count {
        return Fit(training, fits.map(\.classifier), whole: whole, shrinkage: fits[fits.count - 1].shrinkage)
      }
    }
    let width = training.width
    let size = width * width
    var pooled = [[Float]](repeating: [Float](repeating: 0, count: size), count: left.count)
    var means = left.map { _ in [[Double]](repeating: [], count: training.classes) }
    var priors = left.map { _ in [Double](repeating: 0, count: training.classes) }
    var shrinkages = [Double](repeating: 0, count: training.classes)
    for c in 0..<training.classes {
      let members = training.labels.indices.filter { training.labels[$0] == Int32(c) }
      let parts = training.moments.indices.map { part in
        Scatter.sum(
          training.matrix,
          rows: members.filter { training.parts[$0] == Int32(part) },
          standardization: whole)
      }
      for (number, fold) in left.enumerated() {
        let sums = training.classSums(without: fold)
        let own = sums[c]
        let count = Double(own.count)
        let mean = own.sums.indices.map { (own.sums[$0] / count - whole.means[$0]) / whole.scales[$0] }
        var covariance = [Float](repeating: 0, count: size)
        for part in parts.indices where part != fold {
          addVectors(parts[part], to: &covariance)
        }
        center(&covariance, count: count, mean: mean)
        let shrinkage = ledoitWolf(
          covariance, mean: mean, training: training, standardization: whole,
          members: members.filter { fold == nil || training.parts[$0] != Int32(fold ?? -1) })
        if fold == nil { shrinkages[c] = shrinkage }
        let prior = count / Double(sums.reduce(0) { $0 + $1.count })
        shrinkAndAdd(covariance, shrinkage: shrinkage, factor: prior, to: &pooled[number])
        means[number][c] = mean
        priors[number][c] = prior
      }
    }

    var solved = [LinearClassifier?](repeating: nil, count: left.count)
    solved.withUnsafeMutableBufferPointer { solved in
      Threads.forEach(left.count) { number in
        solved[number] = classifier(
          covariance: pooled[number], means: means[number], priors: priors[number], standardization: whole)
      }
    }
    return Fit(training, solved.compactMap(\.self), whole: whole, shrinkage: shrinkages)
  }

  private static func addVectors(_ values: [Float], to sums: inout [Float]) {
    values.withUnsafeBufferPointer { values in
      sums.withUnsafeMutableBufferPointer { sums in
        for index in sums.indices { sums[index] += values[index] }
      }
    }
  }

  /// From a sum of outer products to the covariance about the mean.
  private static func center(_ sums: inout [Float], count: Double, mean: [Double]) {
    let width = mean.count
    sums.withUnsafeMutableBufferPointer { sums in
      for row in 0..<width {
        for column in 0..<width {
          sums[row * width + column] = Float(Double(sums[row * width + column]) / count - mean[row] * mean[column])
        }
      }
    }
  }

  /// The square root of each variance; 1 where there is none.
  private static func scales(_ covariance: [Float], width: Int) -> [Double] {
    (0..<width).map { column in
      let variance = Double(covariance[column * width + column])
      return variance > 1e-10 ? variance.squareRoot() : 1
    }
  }

  /// The intensity of Ledoit & Wolf (A well-conditioned estimator for large-dimensional covariance matrices, 2004) for
  /// rows standardised by their own class.
  private static func ledoitWolf(
    _ covariance: [Float], mean: [Double], training: TrainingRows, standardization: Standardization, members: [Int]
  ) -> Double {
    let width = mean.count
    let count = Double(members.count)
    let scales = scales(covariance, width: width)
    var trace = 0.0
    var squares = 0.0
    for row in 0..<width {
      for column in 0..<width {
        let value = Double(covariance[row * width + column]) / (scales[row] * scales[column])
        squares += value * value
        if row == column { trace += value }
      }
    }
    // Each row's length to the fourth power.
    let centres = mean.indices.map { Float(mean[$0] * standardization.scales[$0] + standardization.means[$0]) }
    let factors = mean.indices.map { Float(1 / (standardization.scales[$0] * scales[$0])) }
    let chunks = RowChunks(count: members.count)
    var partial = [Double](repeating: 0, count: chunks.chunks)
    partial.withUnsafeMutableBufferPointer { partial in
      training.matrix.withUnsafeElements { elements in
        chunks.share { chunk, range in
          var sum = 0.0
          for member in range {
            let start = members[member] * width
            var length: Float = 0
            for column in 0..<width {
              let value = (elements[start + column] - centres[column]) * factors[column]
              length += value * value
            }
            sum += Double(length) * Double(length)
          }
          partial[chunk] = sum
        }
      }
    }
    let fourth = partial.reduce(0, +)
    return intensity(squares: squares, fourth: fourth, count: count, width: Double(width), trace: trace)
  }

  /// Ledoit & Wolf's intensity.
  ///
  /// - Parameters:
  ///   - squares: the sum of the covariance's squares.
  ///   - fourth: the sum over rows of their lengths to the fourth power.
  static func intensity(squares: Double, fourth: Double, count: Double, width p: Double, trace: Double) -> Double {
    let mu = trace / p
    let delta = (squares - 2 * mu * trace + p * mu * mu) / p
    let beta = min((fourth / count - squares) / (p * count), delta)
    return beta <= 0 || delta <= 0 ? 0 : beta / delta
  }

  /// pooled += factor · ((1 − s)·S + s·μ·D²), D² the variances and μ the mean of D⁻¹SD⁻¹'s diagonal.
  private static func shrinkAndAdd(
    _ covariance: [Float], shrinkage: Double, factor: Double, to pooled: inout [Float]
  ) {
    let width = Int(Double(pooled.count).squareRoot().rounded())
    let scales = scales(covariance, width: width)
    var mu = 0.0
    for column in 0..<width {
      mu += Double(covariance[column * width + column]) / (scales[column] * scales[column]) / Double(width)
    }
    let kept = Float(factor * (1 - shrinkage))
    covariance.withUnsafeBufferPointer { covariance in
      pooled.withUnsafeMutableBufferPointer { pooled in
        for index in pooled.indices { pooled[index] += kept * covariance[index] }
        for column in 0..<width {
          pooled[column * width + column] += Float(factor * shrinkage * mu * scales[column] * scales[column])
        }
      }
    }
  }

  private static func classifier(
    covariance: [Float], means: [[Double]], priors: [Double], standardization: Standardization
  ) -> LinearClassifier {
    let width = standardization.means.count
    let solution = Scatter.solve(covariance.map { Double($0) }, size: width, right: Array(means.joined()))
    return classifier(
      weights: means.indices.map { Array(solution[$0 * width..<($0 + 1) * width]) }, means: means, priors: priors,
      standardization: standardization)
  }

  /// - Parameter weights: Σ⁻¹ times each class's mean.
  static func classifier(
    weights: [[Double]], means: [[Double]], priors: [Double], standardization: Standardization
  ) -> LinearClassifier {
    var weights = weights
    var bias = means.indices.map { -0.5 * innerProduct(means[$0], weights[$0]) + log(priors[$0]) }
    if means.count == 2 {
      weights = [zip(weights[1], weights[0]).map { $0 - $1 }]
      bias = [bias[1] - bias[0]]
    }
    return standardization.classifier(weights: Array(weights.joined()), bias: bias)
  }
}
