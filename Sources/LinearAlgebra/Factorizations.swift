import COpenBLAS

/// Solves A·X = B for a symmetric positive definite A by Cholesky's factorization, in double precision.
///
/// - Parameters:
///   - matrix: A, [n, n]; the lower triangle is read.
///   - right: The columns of B one after another, n values each.
/// - Returns: The columns of X likewise, or nil where A is not positive definite. n³/3 operations.
public func solveSymmetric(_ matrix: [Double], size n: Int, right: [Double]) -> [Double]? {
  precondition(matrix.count == n * n, "\(matrix.count) elements for \(n)×\(n)")
  precondition(n > 0 && right.count % n == 0, "\(right.count) values on the right of \(n)×\(n)")
  _ = OpenBLAS.coreName
  var factor = matrix
  var solution = right
  var size = Int32(n)
  var columns = Int32(right.count / n)
  var info: Int32 = 0
  // Row-major's lower triangle is column-major's upper one.
  var triangle = CChar(UInt8(ascii: "U"))
  dpotrf_(&triangle, &size, &factor, &size, &info)
  guard info == 0 else { return nil }
  dpotrs_(&triangle, &size, &columns, &factor, &size, &solution, &size, &info)
  return info == 0 ? solution : nil
}

/// Replaces a symmetric positive definite matrix by its inverse, in single precision, on the calling thread.
///
/// - Parameter matrix: [n, n]; the lower triangle is read, all is written.
/// - Returns: Whether the matrix is positive definite beyond rounding; if not, its values are lost. n³ operations.
package func invertSymmetric(_ matrix: inout [Float], size n: Int) -> Bool {
  precondition(matrix.count == n * n, "\(matrix.count) elements for \(n)×\(n)")
  guard n > 0 else { return true }
  _ = OpenBLAS.coreName
  var size = Int32(n)
  var info: Int32 = 0
  var triangle = CChar(UInt8(ascii: "U"))
  spotrf_(&triangle, &size, &matrix, &size, &info)
  guard info == 0 else { return false }
  spotri_(&triangle, &size, &matrix, &size, &info)
  guard info == 0 else { return false }
  matrix.withUnsafeMutableBufferPointer { matrix in
    for row in 0..<n {
      for column in 0..<row { matrix[column * n + row] = matrix[row * n + column] }
    }
  }
  return true
}

/// The eigenvalues of a symmetric matrix in rising order and, as rows, the eigenvectors of length 1 that belong to them.
///
/// - Parameter matrix: [n, n]; the lower triangle is read.
/// - Returns: nil where the iteration does not converge (NaN in the matrix). About 9·n³ operations.
public func symmetricEigen(_ matrix: [Double], size n: Int) -> (values: [Double], vectors: [Double])? {
  precondition(matrix.count == n * n, "\(matrix.count) elements for \(n)×\(n)")
  guard n > 0 else { return ([], []) }
  guard matrix.allSatisfy(\.isFinite) else { return nil }
  _ = OpenBLAS.coreName
  var vectors = matrix
  var values = [Double](repeating: 0, count: n)
  var job = CChar(UInt8(ascii: "V"))
  var triangle = CChar(UInt8(ascii: "U"))
  var size = Int32(n)
  var info: Int32 = 0
  // Beyond, the fast method's working memory of 2·n² is more than the library can count.
  guard n <= 32_760 else {
    var workSize = Int32(3 * n)
    var work = [Double](repeating: 0, count: Int(workSize))
    dsyev_(&job, &triangle, &size, &vectors, &size, &values, &work, &workSize, &info)
    return info == 0 ? (values, vectors) : nil
  }
  var workSize = Int32(1 + 6 * n + 2 * n * n)
  var integerSize = Int32(3 + 5 * n)
  var work = [Double](repeating: 0, count: Int(workSize))
  var integers = [Int32](repeating: 0, count: Int(integerSize))
  dsyevd_(
    &job, &triangle, &size, &vectors, &size, &values, &work, &workSize, &integers, &integerSize, &info)
  return info == 0 ? (values, vectors) : nil
}

/// The eigenvalues of a square matrix, those of a complex pair one after another, on the calling thread.
///
/// - Parameter matrix: [n, n].
/// - Returns: nil where the iteration does not converge (NaN in the matrix). About 10·n³ operations.
public func eigenvalues(_ matrix: [Double], size n: Int) -> [(real: Double, imaginary: Double)]? {
  precondition(matrix.count == n * n, "\(matrix.count) elements for \(n)×\(n)")
  guard n > 0 else { return [] }
  guard matrix.allSatisfy(\.isFinite) else { return nil }
  _ = OpenBLAS.coreName
  // A transposed matrix has the same eigenvalues: row-major may pass for column-major.
  var values = matrix
  var (real, imaginary) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: n))
  var (left, right) = ([0.0], [0.0])
  var job = CChar(UInt8(ascii: "N"))
  var otherJob = job
  var size = Int32(n)
  var (leading, one, otherOne) = (size, Int32(1), Int32(1))
  var info: Int32 = 0
  var workSize = Int32(8 * n)
  var work = [Double](repeating: 0, count: 8 * n)
  dgeev_(
    &job, &otherJob, &size, &values, &leading, &real, &imaginary, &left, &one, &right, &otherOne, &work, &workSize,
    &info)
  return info == 0 ? Array(zip(real, imaginary)).map { (real: $0, imaginary: $1) } : nil
}
