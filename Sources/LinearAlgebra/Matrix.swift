/// A matrix of single-precision numbers that owns them, row after row.
public struct Matrix: Sendable, Equatable {
  public let rows: Int
  public let columns: Int
  /// rows · columns values; row r begins at r · columns.
  public var elements: [Float] {
    get { storage }
    // An observer would have every assignment to one element copy them all.
    _modify {
      defer { precondition(storage.count == rows * columns, "\(storage.count) elements in \(rows)×\(columns)") }
      yield &storage
    }
  }
  private var storage: [Float]

  public init(rows: Int, columns: Int, elements: [Float]) {
    precondition(rows >= 0 && columns >= 0, "a matrix of \(rows)×\(columns)")
    precondition(elements.count == rows * columns, "\(elements.count) elements for \(rows)×\(columns)")
    self.rows = rows
    self.columns = columns
    storage = elements
  }

  public init(zeros rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, elements: [Float](repeating: 0, count: rows * columns))
  }

  /// A matrix whose values the closure writes; what it leaves is undefined.
  public init(
    rows: Int, columns: Int, initializingWith body: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    let elements = try [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
      try body(buffer)
      count = rows * columns
    }
    self.init(rows: rows, columns: columns, elements: elements)
  }

  public subscript(row: Int, column: Int) -> Float {
    get {
      precondition(column >= 0 && column < columns, "column \(column) of \(columns)")
      return elements[row * columns + column]
    }
    set {
      precondition(column >= 0 && column < columns, "column \(column) of \(columns)")
      elements[row * columns + column] = newValue
    }
  }

  /// A copy of one row.
  public func row(_ row: Int) -> [Float] { Array(elements[row * columns..<(row + 1) * columns]) }

  /// A copy of one column.
  public func column(_ column: Int) -> [Float] { (0..<rows).map { self[$0, column] } }

  /// The rows of the given numbers, in that order; a number may repeat.
  public func selectingRows(_ numbers: some Collection<Int>) -> Matrix {
    Matrix(rows: numbers.count, columns: columns) { buffer in
      for (target, source) in numbers.enumerated() {
        withUnsafeRow(source) { row in
          _ = buffer[(target * columns)...].update(fromContentsOf: row)
        }
      }
    }
  }

  /// Lends the values of one row without a copy.
  public func withUnsafeRow<Result>(
    _ row: Int, _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
    return try elements.withUnsafeBufferPointer {
      try body(UnsafeBufferPointer(rebasing: $0[row * columns..<(row + 1) * columns]))
    }
  }

  /// Lends all values, row after row, for reading and writing.
  public mutating func withUnsafeMutableElements<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    try elements.withUnsafeMutableBufferPointer { try body($0) }
  }

  /// The matrix with rows and columns exchanged.
  public func transposed() -> Matrix {
    Matrix(rows: columns, columns: rows) { result in
      elements.withUnsafeBufferPointer { source in
        guard let from = source.baseAddress, let to = result.baseAddress else { return }
        Kernels.transpose(from, rows: rows, columns: columns, into: to)
      }
    }
  }

  /// self · other, or self · otherᵀ.
  public func multiplied(by other: Matrix, transposed: Bool = false) -> Matrix {
    let inner = transposed ? other.columns : other.rows
    let width = transposed ? other.rows : other.columns
    precondition(columns == inner, "\(rows)×\(columns) times \(other.rows)×\(other.columns), transposed: \(transposed)")
    var result = Matrix(zeros: rows, columns: width)
    let (m, k) = (rows, columns)
    elements.withUnsafeBufferPointer { a in
      other.elements.withUnsafeBufferPointer { b in
        result.elements.withUnsafeMutableBufferPointer { c in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          gemm(
            m: m, n: width, k: k, a: a, aStride: k, b: b, bStride: other.columns, transposeB: transposed, c: c,
            cStride: width)
        }
      }
    }
    return result
  }
}
