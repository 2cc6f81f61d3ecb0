import Foundation
import LinearAlgebra

/// The discriminant among the rows, where they are fewer than the columns.
///
/// The pooled covariance is Δ + UᵀU: Δ what shrinking puts on the diagonal, U the rows about their classes' means, each
/// times the root of its weight. By Woodbury's identity Σ⁻¹μ = Δ⁻¹μ − Δ⁻¹Uᵀ(1 + UΔ⁻¹Uᵀ)⁻¹UΔ⁻¹μ, which asks for products
/// of rows alone; so do Ledoit & Wolf's sums: ‖S‖² = ‖ZZᵀ‖² / n².
extension LinearDiscriminant {
  struct DualFit {
    var classifier: LinearClassifier
    /// Each class's.
    var shrinkage: [Double]
  }

  /// The fit of the rows outside a fold, or of all.
  ///
  /// - Returns: nil where nothing is shrunk, so that the covariance has no inverse by this way.
  /// - Complexity: rows² · width + rows³/3 operations; memory of 3 · rows² numbers.
  static func dual(
    _ training: TrainingRows, without fold: Int?, whole: Standardization
  ) -> DualFit? {
    let width = training.width
    let sums = training.classSums(without: fold)
    let total = Double(sums.reduce(0) { $0 + $1.count })
    let rows = training.rows(without: fold)
    var shrinkages: [Double] = []
    var diagonal = [Double](repeating: 0, count: width)
    var classMeans: [[Double]] = []  // in the rows' own units
    var means: [[Double]] = []  // in standardised columns
    var priors: [Double] = []
    var shares: [Double] = []
    for (c, own) in sums.enumerated() {
      let count = Double(own.count)
      let mean = own.sums.map { $0 / count }
      // Each column's variance within the class, in standardised columns; 1 where there is none.
      var scales = [Double](repeating: 1, count: width)
      var trace = 0.0
      for column in 0..<width {
        let variance =
          (own.squares[column] / count - mean[column] * mean[column]) / whole.scales[column]
          / whole.scales[column]
        if variance > 1e-10 {
          scales[column] = variance.squareRoot()
          trace += 1
        }
      }
      let shrinkage = ledoitWolf(
        products: Scatter.products(
          ofRows: rows.filter { training.labels[$0] == Int32(c) }, in: training.matrix, means: [mean],
          factors: [scales.indices.map { 1 / (whole.scales[$0] * scales[$0]) }]),
        count: count, width: Double(width), trace: trace)
      let prior = count / total
      let mu = trace / Double(width)
      for column in 0..<width { diagonal[column] += prior * shrinkage * mu * scales[column] * scales[column] }
      shrinkages.append(shrinkage)
      priors.append(prior)
      shares.append((prior * (1 - shrinkage) / count).squareRoot())
      classMeans.append(mean)
      means.append(mean.indices.map { (mean[$0] - whole.means[$0]) / whole.scales[$0] })
    }
    // Products in float32: what stands beside the rows on the diagonal must not drown in their rounding.
    guard shrinkages.allSatisfy({ $0 > 1e-3 }), diagonal.allSatisfy({ $0 > 0 }) else { return nil }

    let labels = rows.map { training.labels[$0] }
    let roots = diagonal.map { $0.squareRoot() }
    let factors = shares.map { share in roots.indices.map { share / (whole.scales[$0] * roots[$0]) } }
    var system = Scatter.products(
      ofRows: rows, in: training.matrix, parts: labels, means: classMeans, factors: factors)
    for row in rows.indices { system[row * rows.count + row] += 1 }
    // U Δ⁻½ times Δ⁻½ μ, for each class.
    let scaled = means.map { mean in mean.indices.map { mean[$0] / roots[$0] } }
    var right = [Double](repeating: 0, count: rows.count * means.count)
    forEachRow(rows, labels, training.matrix, means: classMeans, factors: factors) { place, row in
      for c in scaled.indices { right[c * rows.count + place] = innerProduct(row, scaled[c]) }
    }
    let amounts = Scatter.solve(system, size: rows.count, right: right)
    var taken = [[Double]](repeating: [Double](repeating: 0, count: width), count: means.count)
    forEachRow(rows, labels, training.matrix, means: classMeans, factors: factors) { place, row in
      for c in taken.indices { addScaled(amounts[c * rows.count + place], row, to: &taken[c]) }
    }
    let weights = taken.indices.map { c in roots.indices.map { (scaled[c][$0] - taken[c][$0]) / roots[$0] } }
    return DualFit(
      classifier: classifier(weights: weights, means: means, priors: priors, standardization: whole),
      shrinkage: shrinkages)
  }

  /// Ledoit & Wolf's intensity from the products of a class's standardised rows.
  private static func ledoitWolf(products: [Double], count: Double, width: Double, trace: Double) -> Double {
    var squares = 0.0
    for product in products { squares += product * product }
    squares /= count * count
    var fourth = 0.0
    let rows = Int(count)
    for row in 0..<rows { fourth += products[row * rows + row] * products[row * rows + row] }
    return intensity(squares: squares, fourth: fourth, count: count, width: width, trace: trace)
  }

  /// Lends each row, (x − mean of its class) · factor, one after another.
  private static func forEachRow(
    _ rows: [Int], _ labels: [Int32], _ matrix: ExampleMatrix, means: [[Double]], factors: [[Double]],
    _ body: (_ place: Int, _ row: [Double]) -> Void
  ) {
    var row = [Double](repeating: 0, count: matrix.columns)
    matrix.withUnsafeElements { elements in
      for (place, number) in rows.enumerated() {
        let (mean, factor) = (means[Int(labels[place])], factors[Int(labels[place])])
        for column in row.indices {
          row[column] = (Double(elements[number * matrix.columns + column]) - mean[column]) * factor[column]
        }
        body(place, row)
      }
    }
  }
}
