import Diagnostics
import LinearAlgebra

/// Ridge regression of a number on activations, as scikit-learn's `Ridge` with `StandardScaler` before it.
///
/// Σ(y − w·z − b)² + α‖w‖² over columns standardised by the training rows, the intercept free (Hoerl & Kennard 1970).
/// Solved by Cholesky's factorization: of the columns' products, which all folds and penalties share, or where rows are
/// fewer than columns of the rows' products, which is the same solution (the dual form, w = Zᵀ(ZZᵀ + α)⁻¹(y − ȳ)).
public enum RidgeRegression {
  public struct Settings: Sendable, Equatable {
    /// scikit-learn's α: larger holds the weights back more. With several, the one with the least mean squared error on
    /// held-out folds of the training rows is taken, and of equal ones the largest.
    public var penalties: [Double]

    public init(penalties: [Double] = [1]) { self.penalties = penalties }

    func validate() throws {
      guard !penalties.isEmpty, penalties.allSatisfy({ $0.isFinite && $0 > 0 }) else {
        throw Fault(
          .usage, "probe.penalty", "The penalty of a ridge regression must be a number above 0",
          expected: "such as 1, or 1,10,100 to choose inside the training folds",
          found: penalties.map { "\($0)" }.joined(separator: ", "))
      }
    }
  }

  public struct Fit: Sendable, Equatable {
    /// One score a row: the number predicted, in its own units.
    public var classifier: LinearClassifier
    /// scikit-learn's `coef_` of the standardised columns.
    public var coefficients: [Double]
    public var standardization: Standardization
    /// The α used.
    public var penalty: Double
    /// The mean squared error on held-out folds for each α tried; empty where there were no folds.
    public var penaltyErrors: [LogisticRegression.StrengthLoss]
    /// The mean R² on held-out folds at that α; nil where there were none.
    public var validation: Double?
  }

  /// Fits the rows of a matrix.
  ///
  /// - Parameters:
  ///   - values: each row's number.
  ///   - folds: on how many held-out parts α is chosen and `validation` found; 0 for none where there is one α.
  /// - Throws: `probe.penalty`, `probe.constantTarget`, and what `LogisticRegression.fit` throws.
  /// - Complexity: rows · width² and folds · penalties · width³/3 operations; memory of 2 · folds · width² numbers. With
  ///   fewer rows than columns folds · (rows² · width + penalties · rows³/3); memory of 3 · rows² numbers.
  public static func fit(
    _ matrix: Matrix, values: [Double], groups: [Int]? = nil, settings: Settings = Settings(),
    folds: Int = 5, seed: UInt64 = 0
  ) throws -> Fit {
    try settings.validate()
    let halves = try Examples.halves(of: values)
    return fit(
      try TrainingRows(
        ExampleMatrix(matrix), labels: halves.labels, classes: 2, groups: groups, values: values, folds: folds,
        needsFolds: settings.penalties.count > 1, seed: seed), settings: settings)
  }

  static func fit(_ training: TrainingRows, settings: Settings) -> Fit {
    let penalties = settings.penalties.sorted(by: >)
    let solve = training.count < training.width ? dual(training) : primal(training)
    var errors = penalties.map { LogisticRegression.StrengthLoss(strength: $0, loss: 0) }
    var determination = [Double](repeating: 0, count: penalties.count)
    var solutions = [[Solution]](repeating: [], count: training.folds.count)
    solutions.withUnsafeMutableBufferPointer { solutions in
      nonisolated(unsafe) let solutions = solutions
      nonisolated(unsafe) let solve = solve
      Threads.forEach(training.folds.count) { fold in solutions[fold] = solve(fold, penalties) }
    }
    for (fold, split) in training.folds.enumerated() {
      let truth = split.test.map { training.values[$0] }
      for (place, solution) in solutions[fold].enumerated() {
        let scores = solution.classifier.scores(of: training.matrix).elements
        let own = RegressionScores(predictions: split.test.map { Double(scores[$0]) }, values: truth)
        errors[place].loss += own.rmse * own.rmse / Double(training.folds.count)
        determination[place] += own.r2 / Double(training.folds.count)
      }
    }
    var best = 0
    for place in errors.indices where errors[place].loss < errors[best].loss * (1 - 1e-9) { best = place }
    let solution = solve(nil, [penalties[best]])[0]
    return Fit(
      classifier: solution.classifier, coefficients: solution.coefficients,
      standardization: training.standardization(), penalty: penalties[best],
      penaltyErrors: training.folds.isEmpty ? [] : errors,
      validation: training.folds.isEmpty ? nil : determination[best])
  }

  private struct Solution {
    var classifier: LinearClassifier
    /// Of the columns standardised by the rows learnt from.
    var coefficients: [Double]
  }

  /// What solves for some penalties without the rows of a fold.
  private typealias Solver = (_ fold: Int?, _ penalties: [Double]) -> [Solution]

  /// Among the rows. A fold's standardisation is its own, and with it its products: found anew for each, which with few
  /// rows costs less than one factorization.
  private static func dual(_ training: TrainingRows) -> Solver {
    { fold, penalties in
      let rows = training.rows(without: fold)
      let mean = rows.reduce(0) { $0 + training.values[$1] } / Double(rows.count)
      let right = rows.map { training.values[$0] - mean }
      let own = training.standardization(without: fold)
      let products = Scatter.products(
        ofRows: rows, in: training.matrix, means: [own.means], factors: [own.scales.map { 1 / $0 }])
      return penalties.map { penalty in
        var system = products
        for row in rows.indices { system[row * rows.count + row] += penalty }
        let amounts = Scatter.solve(system, size: rows.count, right: right)
        let coefficients = own.sum(ofRows: rows, in: training.matrix, amounts: amounts)
        return Solution(classifier: own.classifier(weights: coefficients, bias: [mean]), coefficients: coefficients)
      }
    }
  }

  /// Among the columns.
  private static func primal(_ training: TrainingRows) -> Solver {
    let width = training.width
    let whole = training.standardization()
    let products = training.moments.indices.map { part in
      Scatter.sum(training.matrix, rows: training.rows(within: part), standardization: whole)
    }
    let crossed = crossProducts(training, whole)

    return { fold, penalties in
      let rows = training.rows(without: fold)
      let count = Double(rows.count)
      let mean = rows.reduce(0) { $0 + training.values[$1] } / count
      let sums = training.sums(without: fold)
      let center = sums.sums.indices.map { (sums.sums[$0] / count - whole.means[$0]) / whole.scales[$0] }
      let own = sums.standardization()
      let scales = own.scales.indices.map { own.scales[$0] / whole.scales[$0] }
      var right = [Double](repeating: 0, count: width)
      for part in products.indices where part != fold {
        for column in 0..<width { right[column] += crossed[part][column] }
      }
      for column in 0..<width { right[column] = (right[column] - mean * count * center[column]) / scales[column] }
      let gram = [Double](unsafeUninitializedCapacity: width * width) { gram, used in
        used = width * width
        gram.initialize(repeating: 0)
        for part in products.indices where part != fold {
          products[part].withUnsafeBufferPointer { product in
            for index in 0..<used { gram[index] += Double(product[index]) }
          }
        }
        center.withUnsafeBufferPointer { center in
          scales.withUnsafeBufferPointer { scales in
            for row in 0..<width {
              for column in 0..<width {
                gram[row * width + column] =
                  (gram[row * width + column] - count * center[row] * center[column]) / (scales[row] * scales[column])
              }
            }
          }
        }
      }
      return penalties.map { penalty in
        var system = gram
        for column in 0..<width { system[column * width + column] += penalty }
        let solution = Scatter.solve(system, size: width, right: right)
        let weights = solution.indices.map { solution[$0] / scales[$0] }
        return Solution(
          classifier: whole.classifier(weights: weights, bias: [mean - innerProduct(weights, center)]),
          coefficients: solution)
      }
    }
  }

  /// Σ z·y over each part's rows.
  private static func crossProducts(_ training: TrainingRows, _ whole: Standardization) -> [[Double]] {
    let width = training.width
    var result = [[Double]](repeating: [Double](repeating: 0, count: width), count: training.moments.count)
    training.matrix.withUnsafeElements { elements in
      for row in training.values.indices {
        let start = row * width
        let value = training.values[row]
        result[Int(training.parts[row])].withUnsafeMutableBufferPointer { sums in
          for column in 0..<width {
            sums[column] += value * (Double(elements[start + column]) - whole.means[column]) / whole.scales[column]
          }
        }
      }
    }
    return result
  }
}

extension Standardization {
  /// Σ amount · z over some rows of a matrix, z = (x − mean) / scale: [width].
  func sum(ofRows rows: [Int], in matrix: ExampleMatrix, amounts: [Double]) -> [Double] {
    let width = matrix.columns
    var result = [Double](repeating: 0, count: width)
    matrix.withUnsafeElements { elements in
      for (row, amount) in zip(rows, amounts) {
        for column in 0..<width { result[column] += amount * (Double(elements[row * width + column]) - means[column]) }
      }
    }
    for column in 0..<width { result[column] /= scales[column] }
    return result
  }
}
