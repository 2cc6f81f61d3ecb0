import LinearAlgebra
import Testing

@Suite("Factorizations")
struct FactorizationTests {
  /// Xᵀ·X / m + 0.1·I of random X [m, n]: symmetric positive definite.
  func positive(_ n: Int) -> [Double] {
    let m = 2 * n
    let x = normals(m * n).map(Double.init)
    return (0..<n * n).map { index in
      let (i, j) = (index / n, index % n)
      let sum = (0..<m).reduce(0.0) { $0 + x[$1 * n + i] * x[$1 * n + j] }
      return sum / Double(m) + (i == j ? 0.1 : 0)
    }
  }

  @Test("Cholesky's solution solves", arguments: [1, 2, 7, 60])
  func solve(_ n: Int) throws {
    let matrix = positive(n)
    let right = normals(2 * n, seed: 9).map(Double.init)
    let solution = try #require(solveSymmetric(matrix, size: n, right: right))
    for column in 0..<2 {
      for i in 0..<n {
        let sum = (0..<n).reduce(0.0) { $0 + matrix[i * n + $1] * solution[column * n + $1] }
        #expect(abs(sum - right[column * n + i]) < 1e-9)
      }
    }
    #expect(solveSymmetric(matrix.map { -$0 }, size: n, right: right) == nil)
  }

  @Test("Eigenvectors", arguments: [1, 2, 40])
  func eigen(_ n: Int) throws {
    let matrix = positive(n)
    let (values, vectors) = try #require(symmetricEigen(matrix, size: n))
    #expect(values == values.sorted())
    for e in 0..<n {
      for i in 0..<n {
        let sum = (0..<n).reduce(0.0) { $0 + matrix[i * n + $1] * vectors[e * n + $1] }
        #expect(abs(sum - values[e] * vectors[e * n + i]) < 1e-9)
      }
    }
    #expect(symmetricEigen([.nan], size: 1) == nil)
  }

  @Test("Eigenvalues of matrices that are not symmetric") func generalEigen() throws {
    // A turn by a quarter, stretched by 2: ±2i.
    let turn = try #require(eigenvalues([0, -2, 2, 0], size: 2))
    #expect(turn.map { abs($0.real) }.allSatisfy { $0 < 1e-12 })
    #expect(turn.map(\.imaginary).sorted().map { ($0 * 1e9).rounded() / 1e9 } == [-2, 2])
    // The companion of (x − 1)(x − 2)(x + 3) = x³ − 7x + 6.
    let companion: [Double] = [0, 7, -6, 1, 0, 0, 0, 1, 0]
    let roots = try #require(eigenvalues(companion, size: 3)).map(\.real).sorted()
    for (root, expected) in zip(roots, [-3.0, 1, 2]) { #expect(abs(root - expected) < 1e-9) }
    // The trace is their sum.
    let matrix = normals(64, seed: 3).map(Double.init)
    let values = try #require(eigenvalues(matrix, size: 8))
    #expect(abs(values.reduce(0) { $0 + $1.real } - (0..<8).reduce(0) { $0 + matrix[9 * $1] }) < 1e-9)
    #expect(eigenvalues([.nan], size: 1) == nil && eigenvalues([], size: 0)?.isEmpty == true)
  }
}
