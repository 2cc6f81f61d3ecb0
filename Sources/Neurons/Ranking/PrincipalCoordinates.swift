import LinearAlgebra

/// The leading principal coordinates of some points, from their inner products alone (classical scaling).
enum PrincipalCoordinates {
  /// Coordinates [points, count], each scaled by the square root of its own standard deviation, then every point at unit
  /// length: large components lead, but do not drown the small ones that tell similar kinds apart.
  ///
  /// Subspace iteration with a Rayleigh–Ritz step on the doubly centred inner products.
  ///
  /// - Parameter gram: the points' inner products, [points, points].
  /// - Returns: fewer columns where the points do not have so many.
  /// - Complexity: O(points² · count), 12 times.
  static func halfWhitened(_ gram: Matrix, count: Int, seed: UInt64) -> Matrix {
    let points = gram.rows
    let block = min(count + 8, points)
    let centred = centred(gram)
    var generator = SeededGenerator(seed: seed, stream: "principal coordinates")
    var basis = Matrix(
      rows: points, columns: block, elements: (0..<points * block).map { _ in Float(generator.normal()) })
    for _ in 0..<12 { basis = orthonormal(centred.multiplied(by: basis)) }
    let image = centred.multiplied(by: basis)
    let small = basis.transposed().multiplied(by: image)
    let symmetric = (0..<block * block).map { index in
      (Double(small[index / block, index % block]) + Double(small[index % block, index / block])) / 2
    }
    guard let (values, vectors) = symmetricEigen(symmetric, size: block) else {
      return Matrix(zeros: points, columns: 1)
    }
    let most = values.last ?? 0
    let kept = (0..<block).reversed().prefix(count).filter { values[$0] > max(most, 0) * 1e-6 }
    guard !kept.isEmpty else { return Matrix(zeros: points, columns: 1) }
    let rotation = Matrix(
      rows: kept.count, columns: block,
      elements: kept.flatMap { index in
        // The eigenvalue is a squared standard deviation.
        (0..<block).map { Float(vectors[index * block + $0] * values[index].squareRoot().squareRoot()) }
      })
    return basis.multiplied(by: rotation, transposed: true).withUnitRows
  }

  private static func centred(_ gram: Matrix) -> Matrix {
    let n = gram.rows
    let means = (0..<n).map { row in gram.withUnsafeRow(row) { $0.reduce(0.0) { $0 + Double($1) } } / Double(n) }
    let all = means.reduce(0, +) / Double(n)
    var result = gram
    result.withUnsafeMutableElements { elements in
      for row in 0..<n {
        for column in 0..<n { elements[row * n + column] += Float(all - means[row] - means[column]) }
      }
    }
    return result
  }

  /// Gram and Schmidt, twice for each column, in double precision.
  private static func orthonormal(_ matrix: Matrix) -> Matrix {
    let transposed = matrix.transposed()
    var columns = (0..<transposed.rows).map { transposed.row($0).map { Double($0) } }
    for index in columns.indices {
      for _ in 0..<2 {
        for earlier in 0..<index {
          let product = zip(columns[index], columns[earlier]).reduce(0) { $0 + $1.0 * $1.1 }
          for row in columns[index].indices { columns[index][row] -= product * columns[earlier][row] }
        }
      }
      let norm = columns[index].reduce(0) { $0 + $1 * $1 }.squareRoot()
      for row in columns[index].indices { columns[index][row] = norm > 1e-20 ? columns[index][row] / norm : 0 }
    }
    return Matrix(
      rows: matrix.columns, columns: matrix.rows, elements: columns.flatMap { $0.map { Float($0) } }
    ).transposed()
  }
}
