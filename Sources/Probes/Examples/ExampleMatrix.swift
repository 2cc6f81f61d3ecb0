import Diagnostics
import LinearAlgebra

/// Rows of activations to learn from: in memory, or in a scratch file where they would take more memory than they may.
///
/// What lies in the file is mapped, so that it is read as memory is; how much of it is resident is the system's choice,
/// which gives its pages back when others need them.
package struct ExampleMatrix: Sendable {
  package let rows: Int
  package let columns: Int
  private enum Storage: Sendable {
    case memory(Matrix)
    case file(ScratchFile)
  }
  private var storage: Storage

  package init(_ matrix: Matrix) {
    rows = matrix.rows
    columns = matrix.columns
    storage = .memory(matrix)
  }

  /// Zeros.
  ///
  /// - Parameter most: how many bytes may lie in memory; more lie in a file.
  /// - Throws: `probe.scratch`.
  package init(zeros rows: Int, columns: Int, most: Int) throws {
    self.rows = rows
    self.columns = columns
    let bytes = rows * columns * MemoryLayout<Float>.size
    storage =
      bytes <= most
      ? .memory(Matrix(zeros: rows, columns: columns))
      : .file(try ScratchFile(count: rows * columns))
  }

  package var isInMemory: Bool {
    if case .memory = storage { true } else { false }
  }

  /// Lends all values, row after row.
  package func withUnsafeElements<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    switch storage {
    case .memory(let matrix): try matrix.elements.withUnsafeBufferPointer(body)
    case .file(let file): try file.withUnsafeElements { try body(UnsafeBufferPointer($0)) }
    }
  }

  /// Lends all values for writing. Those in a file are shared by all copies: write before there are any.
  package mutating func withUnsafeMutableElements<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    switch storage {
    case .memory(var matrix):
      // The one owner, so that nothing is copied.
      storage = .memory(Matrix(zeros: 0, columns: 0))
      defer { storage = .memory(matrix) }
      return try matrix.withUnsafeMutableElements(body)
    case .file(let file): return try file.withUnsafeElements(body)
    }
  }

  /// All rows, in memory.
  package func matrix() -> Matrix {
    if case .memory(let matrix) = storage { matrix } else { matrix(ofRows: 0..<rows) }
  }

  /// A copy of one row.
  package func row(_ row: Int) -> [Float] {
    withUnsafeElements { Array($0[row * columns..<(row + 1) * columns]) }
  }

  /// Some rows, in memory.
  package func matrix(ofRows numbers: some Collection<Int>) -> Matrix {
    Matrix(rows: numbers.count, columns: columns) { target in gather(numbers, into: target) }
  }

  /// Some rows, where these are: in memory or in another file.
  package func selectingRows(_ numbers: some Collection<Int>) throws -> ExampleMatrix {
    guard !isInMemory else { return ExampleMatrix(matrix(ofRows: numbers)) }
    var result = try ExampleMatrix(zeros: numbers.count, columns: columns, most: 0)
    result.withUnsafeMutableElements { gather(numbers, into: $0) }
    return result
  }

  private func gather(
    _ numbers: some Collection<Int>, into target: UnsafeMutableBufferPointer<Float>
  ) {
    withUnsafeElements { values in
      for (place, number) in numbers.enumerated() {
        _ = target[(place * columns)...].update(
          fromContentsOf: values[number * columns..<(number + 1) * columns])
      }
    }
  }
}
