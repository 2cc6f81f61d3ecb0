import LinearAlgebra

/// The active latents of some rows, row after row (compressed sparse rows).
public struct SparseLatents: Sendable, Equatable {
  /// The number of latents of the dictionary.
  public var latents: Int
  /// [rows + 1]: row r owns the places offsets[r]..<offsets[r + 1].
  public var offsets: [Int]
  /// The active latents, rising within a row.
  public var indices: [Int32]
  /// Their values, never 0.
  public var values: [Float]

  public init(latents: Int, offsets: [Int] = [0], indices: [Int32] = [], values: [Float] = []) {
    precondition(offsets.first == 0 && offsets.last == indices.count && indices.count == values.count)
    self.latents = latents
    self.offsets = offsets
    self.indices = indices
    self.values = values
  }

  public var rows: Int { offsets.count - 1 }
  /// The number of active latents of all rows.
  public var count: Int { indices.count }

  /// The places of a row in `indices` and `values`.
  public func range(ofRow row: Int) -> Range<Int> { offsets[row]..<offsets[row + 1] }

  /// The value of one latent in one row. O(log of the row's active latents).
  public subscript(row: Int, latent: Int) -> Float {
    var (low, high) = (offsets[row], offsets[row + 1])
    while low < high {
      let middle = (low + high) / 2
      if Int(indices[middle]) < latent { low = middle + 1 } else { high = middle }
    }
    return low < offsets[row + 1] && Int(indices[low]) == latent ? values[low] : 0
  }

  /// All values with their zeros, [rows, latents].
  public var dense: Matrix {
    var result = Matrix(zeros: rows, columns: latents)
    result.withUnsafeMutableElements { elements in
      for row in 0..<rows {
        for place in range(ofRow: row) { elements[row * latents + Int(indices[place])] = values[place] }
      }
    }
    return result
  }

  /// Appends the rows of another.
  public mutating func append(_ other: SparseLatents) {
    precondition(other.latents == latents, "\(other.latents) latents to \(latents)")
    let base = indices.count
    indices += other.indices
    values += other.values
    offsets.reserveCapacity(offsets.count + other.rows)
    for offset in other.offsets.dropFirst() { offsets.append(base + offset) }
  }
}
