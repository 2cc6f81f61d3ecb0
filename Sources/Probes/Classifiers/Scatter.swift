import LinearAlgebra

/// Sums of outer products of standardised rows: what covariances, ridge regression and erasure are made of.
enum Scatter {
  /// Σ z zᵀ over some rows, z = (x − mean) / scale: [width, width].
  ///
  /// Products in float32 over blocks of rows, which standardised values keep to about 1e−6 of the largest.
  ///
  /// - Parameter rows: rows of the matrix.
  /// - Complexity: rows · width² multiplications; memory for the result and 2048 rows.
  static func sum(_ matrix: ExampleMatrix, rows: [Int], standardization: Standardization) -> [Float] {
    let width = matrix.columns
    var result = [Float](repeating: 0, count: width * width)
    let means = standardization.means.map { Float($0) }
    // The rest of the mean that float32 leaves, so that distant columns stay centred.
    let rests = zip(standardization.means, means).map { Float($0 - Double($1)) }
    let factors = standardization.scales.map { Float(1 / $0) }
    let blockRows = 2048
    var block = [Float](repeating: 0, count: min(blockRows, max(rows.count, 1)) * width)
    let tile = 512
    let tiles = (width + tile - 1) / tile
    let pairs = (0..<tiles).flatMap { i in (0...i).map { (i, $0) } }
    matrix.withUnsafeElements { elements in
      block.withUnsafeMutableBufferPointer { block in
        result.withUnsafeMutableBufferPointer { result in
          guard let base = block.baseAddress, let target = result.baseAddress else { return }
          for start in stride(from: 0, to: rows.count, by: blockRows) {
            let count = min(blockRows, rows.count - start)
            Threads.forRanges(0..<count, grain: 64) { some in
              for row in some {
                let source = rows[start + row] * width
                for column in 0..<width {
                  block[row * width + column] =
                    ((elements[source + column] - means[column]) - rests[column]) * factors[column]
                }
              }
            }
            Threads.forEach(pairs.count) { number in
              let (i, j) = (pairs[number].0 * tile, pairs[number].1 * tile)
              gemm(
                m: min(tile, width - i), n: min(tile, width - j), k: count, a: base + i, aStride: width,
                transposeA: true, b: base + j, bStride: width, beta: 1, c: target + i * width + j, cStride: width)
            }
          }
          for row in 0..<width {
            for column in row + 1..<max(width, row + 1) { result[row * width + column] = result[column * width + row] }
          }
        }
      }
    }
    return result
  }

  /// Σ u uᵀ over columns: the products of rows with rows, u_ij = (x_ij − means[part of i][j]) · factors[part of i][j],
  /// [rows, rows].
  ///
  /// Products in float32 over strips of 256 columns, added up in float64.
  ///
  /// - Parameters:
  ///   - rows: rows of the matrix.
  ///   - parts: each of those rows' part; empty where all are of one.
  /// - Complexity: rows² · width multiplications; memory for the result and 256 columns.
  static func products(
    ofRows rows: [Int], in matrix: ExampleMatrix, parts: [Int32] = [], means: [[Double]], factors: [[Double]]
  ) -> [Double] {
    let width = matrix.columns
    let count = rows.count
    let strip = min(256, max(width, 1))
    var result = [Double](repeating: 0, count: count * count)
    var block = [Float](repeating: 0, count: count * strip)
    var products = [Float](repeating: 0, count: count * count)
    matrix.withUnsafeElements { elements in
      block.withUnsafeMutableBufferPointer { block in
        products.withUnsafeMutableBufferPointer { products in
          result.withUnsafeMutableBufferPointer { result in
            guard let base = block.baseAddress, let target = products.baseAddress else { return }
            nonisolated(unsafe) let (block, products, result) = (block, products, result)
            for start in stride(from: 0, to: width, by: strip) {
              let columns = min(strip, width - start)
              Threads.forRanges(0..<count, grain: 64) { some in
                for row in some {
                  let part = parts.isEmpty ? 0 : Int(parts[row])
                  let source = rows[row] * width + start
                  for column in 0..<columns {
                    block[row * strip + column] = Float(
                      (Double(elements[source + column]) - means[part][start + column])
                        * factors[part][start + column])
                  }
                }
              }
              gemm(
                m: count, n: count, k: columns, a: base, aStride: strip, b: base, bStride: strip, transposeB: true,
                c: target, cStride: count)
              Threads.forRanges(0..<count, grain: 64) { some in
                for index in some.lowerBound * count..<some.upperBound * count {
                  result[index] += Double(products[index])
                }
              }
            }
          }
        }
      }
    }
    return result
  }

  /// x with A·x = b for a symmetric A that is positive, or positive save for directions without any spread, which get
  /// none of x.
  ///
  /// - Parameter right: columns of b one after another.
  static func solve(_ matrix: [Double], size n: Int, right: [Double]) -> [Double] {
    // A factor that rounding alone keeps from failing would blow the solution up.
    if let solution = solveSymmetric(matrix, size: n, right: right), solution.allSatisfy(\.isFinite),
      solution.allSatisfy({ abs($0) < 1e12 })
    {
      return solution
    }
    guard let eigen = symmetricEigen(matrix, size: n) else { return [Double](repeating: 0, count: right.count) }
    let least = (eigen.values.last ?? 0) * 1e-7
    var result = [Double](repeating: 0, count: right.count)
    for column in 0..<right.count / n {
      for index in 0..<n where eigen.values[index] > least {
        var product = 0.0
        for k in 0..<n { product += eigen.vectors[index * n + k] * right[column * n + k] }
        product /= eigen.values[index]
        for k in 0..<n { result[column * n + k] += product * eigen.vectors[index * n + k] }
      }
    }
    return result
  }
}
