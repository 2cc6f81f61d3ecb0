import LinearAlgebra

/// An approximate inverse of what a linear classifier's objective curves like, for many classifiers on the same rows.
///
/// Before any weight is learnt the Hessian of the mean loss and its penalty λ‖w‖²/2 is H = a·G + λ·1, G the correlations
/// of the columns and a the loss's second derivative at score 0. H⁻¹ in front of the gradient takes away what makes
/// activations slow to minimise on, columns that vary together; what is left the minimisation's own memory learns. It is
/// used for direction only: where a minimisation ends doesn't depend on it, so that one for all folds, of
/// all rows, serves each of them.
///
/// Where there are fewer rows than columns, H⁻¹ = (1 − Zᵀ(λn/a·1 + ZZᵀ)⁻¹Z)/λ is found among the rows, Z being the
/// standardised rows.
struct Preconditioner {
  let matrix: ExampleMatrix
  /// Of all rows.
  let standardization: Standardization
  /// a.
  let curvature: Double
  private var inverses: [(penalty: Double, values: Matrix)] = []
  private var products: [Float] = []
  private var hasFailed = false

  init(matrix: ExampleMatrix, standardization: Standardization, curvature: Double) {
    self.matrix = matrix
    self.standardization = standardization
    self.curvature = curvature
  }

  private var isDual: Bool { matrix.rows < matrix.columns }
  private var size: Int { min(matrix.rows, matrix.columns) }
  /// Beyond, an inverse takes more memory than the rows.
  private static let largest = 4096
  var isPossible: Bool { !hasFailed && size > 0 && size <= Self.largest }

  /// The penalties, of which near ones share an inverse, that none is there for.
  private func missing(_ penalties: [Double]) -> [Double] {
    var missing: [Double] = []
    for penalty in penalties.sorted() where place(of: penalty) == nil {
      if let last = missing.last, penalty <= 1.3 * last { continue }
      missing.append(penalty)
    }
    return missing
  }

  private func place(of penalty: Double) -> Int? {
    inverses.firstIndex { max(penalty, $0.penalty) <= 1.31 * min(penalty, $0.penalty) }
  }

  /// Operations to get ready for some penalties, LAPACK's counted more for they are slower.
  func cost(_ penalties: [Double]) -> Double {
    let (n, d, size) = (Double(matrix.rows), Double(matrix.columns), Double(size))
    return (products.isEmpty ? min(n, d) * n * d : 0) + 1.5 * Double(missing(penalties).count) * size * size * size
  }

  /// Finds the inverses for some penalties. Where one fails for rounding, none is used.
  mutating func prepare(_ penalties: [Double]) {
    let missing = missing(penalties)
    guard isPossible, !missing.isEmpty else { return }
    if products.isEmpty { products = isDual ? rowProducts() : columnProducts() }
    let (size, isDual) = (size, isDual)
    let factor = isDual ? 1 : Float(curvature)
    var found = [Matrix?](repeating: nil, count: missing.count)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      Threads.forEach(missing.count) { number in
        var ridge = isDual ? missing[number] * Double(matrix.rows) / curvature : missing[number]
        for _ in 0..<4 {
          var system = products
          for index in system.indices { system[index] *= factor }
          for index in 0..<size { system[index * size + index] += Float(ridge) }
          if invertSymmetric(&system, size: size) {
            found[number] = Matrix(rows: size, columns: size, elements: system)
            return
          }
          // Single precision ends where the largest eigenvalue is ten million times the ridge.
          ridge *= 10
        }
      }
    }
    for (penalty, inverse) in zip(missing, found) {
      guard let inverse else {
        hasFailed = true
        inverses = []
        return
      }
      inverses.append((penalty, inverse))
    }
  }

  /// H⁻¹ times some gradients: the weights' part of each output, then the intercepts'.
  ///
  /// - Parameter penalties: each gradient's λ, for which `prepare` was called.
  func applied(to gradients: [[Double]], penalties: [Double]) -> [[Double]] {
    let width = matrix.columns
    var results = gradients
    var groups: [Int: [Int]] = [:]
    for (number, penalty) in penalties.enumerated() {
      if let place = place(of: penalty) { groups[place, default: []].append(number) }
    }
    for (place, members) in groups.sorted(by: { $0.key < $1.key }) {
      // The weights of all members, a row an output.
      let outputs = members.map { gradients[$0].count / (width + 1) }
      var next = 0
      let starts = outputs.map { count in
        defer { next += count }
        return next
      }
      let all = Matrix(rows: next, columns: width) { buffer in
        for (member, start) in zip(members, starts) {
          gradients[member].withUnsafeBufferPointer { gradient in
            let count = gradient.count / (width + 1) * width
            for index in 0..<count { buffer[start * width + index] = Float(gradient[index]) }
          }
        }
      }
      let turned = isDual ? projected(all, inverses[place].values) : all.multiplied(by: inverses[place].values)
      results.withUnsafeMutableBufferPointer { results in
        nonisolated(unsafe) let results = results
        Threads.forEach(members.count) { number in
          let count = outputs[number] * width
          let penalty = penalties[members[number]]
          turned.elements.withUnsafeBufferPointer { turned in
            results[members[number]].withUnsafeMutableBufferPointer { result in
              let own = starts[number] * width
              if isDual {
                for index in 0..<count { result[index] = (result[index] - Double(turned[own + index])) / penalty }
              } else {
                for index in 0..<count { result[index] = Double(turned[own + index]) }
              }
              for index in count..<result.count { result[index] /= curvature }
            }
          }
        }
      }
    }
    return results
  }

  /// Zᵀ·inverse·Z of some vectors, a row each; standardisation is folded in.
  private func projected(_ vectors: Matrix, _ inverse: Matrix) -> Matrix {
    let width = matrix.columns
    let readers = standardization.classifier(
      weights: vectors.elements.map { Double($0) }, bias: [Double](repeating: 0, count: vectors.rows))
    // [vectors, rows], then turned by the inverse.
    var scores = Matrix(zeros: vectors.rows, columns: matrix.rows)
    product(readers.weights, with: matrix.rows, transposed: true, into: &scores)
    scores.withUnsafeMutableElements { scores in
      for row in 0..<vectors.rows {
        for column in 0..<matrix.rows { scores[row * matrix.rows + column] += readers.bias[row] }
      }
    }
    let turned = scores.multiplied(by: inverse)
    var result = Matrix(zeros: vectors.rows, columns: width)
    product(turned, with: width, transposed: false, into: &result)
    let factors = standardization.scales.map { Float(1 / $0) }
    let means = standardization.means.map { Float($0) }
    result.withUnsafeMutableElements { result in
      for row in 0..<vectors.rows {
        let sum = Float(turned.row(row).reduce(0) { $0 + Double($1) })
        for column in 0..<width {
          let index = row * width + column
          result[index] = (result[index] - means[column] * sum) * factors[column]
        }
      }
    }
    return result
  }

  /// left · x or left · xᵀ, x the rows as they are.
  private func product(_ left: Matrix, with columns: Int, transposed: Bool, into result: inout Matrix) {
    let width = matrix.columns
    result.withUnsafeMutableElements { result in
      left.elements.withUnsafeBufferPointer { left in
        matrix.withUnsafeElements { x in
          guard let c = result.baseAddress, let a = left.baseAddress, let x = x.baseAddress else { return }
          gemm(
            m: left.count / (transposed ? width : matrix.rows), n: columns, k: transposed ? width : matrix.rows, a: a,
            aStride: transposed ? width : matrix.rows, b: x, bStride: width,
            transposeB: transposed, c: c, cStride: columns)
        }
      }
    }
  }

  /// G: [width, width]. Sixteen rows a column say enough.
  private func columnProducts() -> [Float] {
    let used = min(matrix.rows, 16 * matrix.columns)
    let chosen = (0..<used).map { $0 * matrix.rows / used }
    var sums = Scatter.sum(matrix, rows: chosen, standardization: standardization)
    let factor = 1 / Float(max(used, 1))
    for index in sums.indices { sums[index] *= factor }
    for column in 0..<matrix.columns where sums[column * matrix.columns + column] < 0.5 {
      // A constant column: nothing curves along it but the penalty, and rounding would be blown up.
      sums[column * matrix.columns + column] = 1
    }
    return sums
  }

  /// ZZᵀ: [rows, rows].
  private func rowProducts() -> [Float] {
    let scaled = standardization.applied(to: matrix.matrix())
    return scaled.multiplied(by: scaled, transposed: true).elements
  }
}
