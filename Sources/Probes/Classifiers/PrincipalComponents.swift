import Diagnostics
import LinearAlgebra

/// The directions along which standardised rows vary most, and a probe that reads only those: the baseline that learns
/// its directions without labels.
///
/// A concept that the first component separates is what the model does most; one that needs labels is finer.
public enum PrincipalComponents {
  public struct Settings: Sendable, Equatable {
    /// The numbers of components to try, 1 to 256; the one with the least loss on held-out folds is taken.
    public var counts: [Int]

    public init(counts: [Int] = [1, 2, 4, 8, 16]) { self.counts = counts }

    func validate() throws {
      guard !counts.isEmpty, counts.allSatisfy({ (1...256).contains($0) }) else {
        throw Fault(
          .usage, "probe.componentCount", "A probe on principal components reads 1 to 256 of them",
          expected: "such as 1,2,4,8,16", found: counts.map(String.init).joined(separator: ","))
      }
    }
  }

  /// Components and the variance along each.
  public struct Components: Sendable, Equatable {
    /// [count, width], of length 1, of the standardised columns; each one's largest entry is positive.
    public var directions: Matrix
    /// The variance of the rows along each, in falling order; all columns together have as many as there are columns
    /// that vary.
    public var variances: [Double]
    public var standardization: Standardization
  }

  /// The first components of the rows of a matrix.
  ///
  /// Subspace iteration with Rayleigh–Ritz projection (Halko, Martinsson & Tropp 2011): as many passes over the rows as
  /// the variances need to settle to 1e−6.
  ///
  /// - Throws: `probe.notFinite`.
  /// - Complexity: 4 · rows · width · (count + 8) operations a pass.
  public static func of(_ matrix: Matrix, count: Int, seed: UInt64 = 0) throws -> Components {
    let matrix = ExampleMatrix(matrix)
    let sums = ColumnSums(of: matrix)
    try sums.requireFinite()
    return find(
      matrix, rows: Array(0..<matrix.rows), standardization: sums.standardization(), count: count, seed: seed)
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
    let most = sizes[sizes.count - 1]
    var known: [Int: (components: Components, values: Matrix)] = [:]
    func components(_ fold: Int?) -> (components: Components, values: Matrix) {
      if let found = known[fold ?? -1] { return found }
      let standardization = training.standardization(without: fold)
      let own = find(
        training.matrix, rows: training.rows(without: fold), standardization: standardization, count: most,
        seed: training.seed)
      let reader = standardization.classifier(
        weights: own.directions.elements.map { Double($0) },
        bias: [Double](repeating: 0, count: own.directions.rows))
      let found = (own, reader.scores(of: training.matrix))
      known[fold ?? -1] = found
      return found
    }
    return ReducedFit.fit(training, sizes: sizes, settings: logistic) { fold, size in
      let (own, values) = components(fold)
      return ReducedFit.Reduction(values: values.selectingColumns(0..<size)) { classifier in
        let width = own.directions.columns
        var weights = [Double](repeating: 0, count: classifier.bias.count * width)
        for output in classifier.bias.indices {
          for component in 0..<size {
            let factor = Double(classifier.weights.elements[output * size + component])
            for column in 0..<width {
              weights[output * width + column] += factor * Double(own.directions.elements[component * width + column])
            }
          }
        }
        return own.standardization.classifier(weights: weights, bias: classifier.bias.map { Double($0) })
      }
    }
  }

  /// The components of some rows of a matrix.
  private static func find(
    _ matrix: ExampleMatrix, rows: [Int], standardization: Standardization, count: Int, seed: UInt64
  ) -> Components {
    let width = matrix.columns
    let wanted = min(count, width)
    let size = min(width, wanted + 8)
    var generator = SeededGenerator(seed: seed, stream: "components")
    var basis = (0..<size).map { _ in (0..<width).map { _ in generator.normal() } }
    orthonormalize(&basis, &generator)
    var mask = [Bool](repeating: false, count: matrix.rows)
    for row in rows { mask[row] = true }
    var variances = [Double](repeating: 0, count: wanted)
    for pass in 0..<200 {
      let reader = standardization.classifier(
        weights: Array(basis.joined()), bias: [Double](repeating: 0, count: size))
      var scores = Matrix(zeros: matrix.rows, columns: size)
      // scores[rows, size] = x · weightsᵀ, then the biases; unused rows count 0.
      matrix.withUnsafeElements { x in
        reader.weights.elements.withUnsafeBufferPointer { w in
          scores.elements.withUnsafeMutableBufferPointer { y in
            guard let x = x.baseAddress, let w = w.baseAddress, let y = y.baseAddress else { return }
            gemm(
              m: matrix.rows, n: size, k: width, a: x, aStride: width, b: w, bStride: width,
              transposeB: true, c: y, cStride: size)
          }
        }
      }
      scores.elements.withUnsafeMutableBufferPointer { y in
        for row in 0..<matrix.rows {
          for k in 0..<size { y[row * size + k] = mask[row] ? y[row * size + k] + reader.bias[k] : 0 }
        }
      }
      // The covariance within the subspace, and its own components.
      var inner = [Double](repeating: 0, count: size * size)
      var sums = [Double](repeating: 0, count: size)
      let products = scores.transposed().multiplied(by: scores)
      for index in inner.indices { inner[index] = Double(products.elements[index]) / Double(max(rows.count, 1)) }
      for row in 0..<matrix.rows {
        for k in 0..<size { sums[k] += Double(scores.elements[row * size + k]) }
      }
      guard let eigen = symmetricEigen(inner, size: size) else { break }
      let own = (0..<wanted).map { max(eigen.values[size - 1 - $0], 0) }
      let settled = zip(own, variances).allSatisfy { abs($0 - $1) <= 1e-6 * max(own[0], 1e-30) }
      variances = own
      func rotated(_ vectors: [[Double]]) -> [[Double]] {
        (0..<size).map { k in
          var result = [Double](repeating: 0, count: width)
          for j in 0..<size { addScaled(eigen.vectors[(size - 1 - k) * size + j], vectors[j], to: &result) }
          return result
        }
      }
      if settled || pass == 199 || size == width {
        basis = rotated(basis)
        if settled || pass == 199 || pass > 0 { break }
        continue
      }
      // basis · covariance: scoresᵀ · x in the standardised columns.
      var moved = Matrix(zeros: size, columns: width)
      matrix.withUnsafeElements { x in
        scores.elements.withUnsafeBufferPointer { y in
          moved.elements.withUnsafeMutableBufferPointer { m in
            guard let x = x.baseAddress, let y = y.baseAddress, let m = m.baseAddress else { return }
            gemm(
              m: size, n: width, k: matrix.rows, a: y, aStride: size, transposeA: true,
              b: x, bStride: width, c: m, cStride: width)
          }
        }
      }
      basis = rotated(
        (0..<size).map { k in
          (0..<width).map { column in
            (Double(moved.elements[k * width + column]) - sums[k] * standardization.means[column])
              / standardization.scales[column]
          }
        })
      orthonormalize(&basis, &generator)
    }
    var directions = Matrix(zeros: wanted, columns: width)
    for k in 0..<wanted {
      let largest = basis[k].max { abs($0) < abs($1) } ?? 1
      for column in 0..<width {
        directions.elements[k * width + column] = Float(largest < 0 ? -basis[k][column] : basis[k][column])
      }
    }
    return Components(directions: directions, variances: variances, standardization: standardization)
  }

  /// Gram–Schmidt, twice for accuracy; a vector that the others span is drawn anew.
  private static func orthonormalize(_ vectors: inout [[Double]], _ generator: inout SeededGenerator) {
    for k in vectors.indices {
      for attempt in 0..<3 {
        let before = innerProduct(vectors[k], vectors[k]).squareRoot()
        for _ in 0..<2 {
          for j in 0..<k { addScaled(-innerProduct(vectors[j], vectors[k]), vectors[j], to: &vectors[k]) }
        }
        let length = innerProduct(vectors[k], vectors[k]).squareRoot()
        if length > 1e-9 * before && length > 1e-150 || attempt == 2 {
          let factor = 1 / max(length, 1e-300)
          for index in vectors[k].indices { vectors[k][index] *= factor }
          break
        }
        for index in vectors[k].indices { vectors[k][index] = generator.normal() }
      }
    }
  }
}
