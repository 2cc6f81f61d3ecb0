import Diagnostics
import HDF5

/// A dataset of numbers that grows row by row while a shard is written, in whole chunks that go straight to the file.
///
/// The dataset is made when its first chunk is full, or at the end with one chunk of just the rows there are, so that a
/// small store is a small file. Holds one chunk of memory.
final class ShardColumn {
  let name: String
  let type: H5ElementType
  let rowShape: [Int]
  let rowBytes: Int
  private let chunkRows: Int
  private let buffer: UnsafeMutableRawBufferPointer
  /// Rows in `buffer`, and those already in the file.
  private var pending = 0
  private var written = 0
  private var dataset: H5Dataset?

  /// A chunk and its checksum stay just within 2 MiB, to which the file aligns it. A row that is longer is a chunk.
  static let chunkBytes = 2 << 20

  init(_ name: String, _ type: H5ElementType, rowShape: [Int], chunkBytes: Int = ShardColumn.chunkBytes) {
    self.name = name
    self.type = type
    self.rowShape = rowShape
    rowBytes = rowShape.reduce(type.size, *)
    precondition(rowBytes > 0, "\(name): rows of \(rowShape)")
    chunkRows = max(1, (chunkBytes - 4) / rowBytes)
    buffer = .allocate(byteCount: chunkRows * rowBytes + 4, alignment: 4096)
  }

  deinit { buffer.deallocate() }

  var rows: Int { written + pending }

  /// Appends rows. Whole chunks among them are written from where they are.
  ///
  /// - Parameter bytes: rows · rowBytes, and four bytes more of memory that may be written and are left as they were.
  func append(_ bytes: UnsafeMutableRawBufferPointer, rows: Int, in group: borrowing H5Group) throws {
    precondition(bytes.count >= rows * rowBytes + 4, "\(name): \(bytes.count) bytes for \(rows) rows of \(rowBytes)")
    var row = 0
    while row < rows {
      if pending == 0 && rows - row >= chunkRows {
        let size = chunkRows * rowBytes
        let chunk = UnsafeMutableRawBufferPointer(rebasing: bytes[row * rowBytes..<row * rowBytes + size + 4])
        let borrowed = chunk.loadUnaligned(fromByteOffset: size, as: UInt32.self)
        defer { chunk.storeBytes(of: borrowed, toByteOffset: size, as: UInt32.self) }
        try write(chunk, in: group)
        row += chunkRows
      } else {
        let some = min(chunkRows - pending, rows - row)
        copy(UnsafeRawBufferPointer(rebasing: bytes[row * rowBytes..<(row + some) * rowBytes]), rows: some)
        row += some
        if pending == chunkRows { try writeBuffer(in: group) }
      }
    }
  }

  /// Appends rows of a table's column.
  func append<Element: H5Element>(_ elements: [Element], in group: borrowing H5Group) throws {
    precondition(Element.elementType == type && rowShape.isEmpty, "\(name) holds \(type)")
    try elements.withUnsafeBytes { bytes in
      var row = 0
      while row < elements.count {
        let some = min(chunkRows - pending, elements.count - row)
        copy(UnsafeRawBufferPointer(rebasing: bytes[row * rowBytes..<(row + some) * rowBytes]), rows: some)
        row += some
        if pending == chunkRows { try writeBuffer(in: group) }
      }
    }
  }

  private func copy(_ bytes: UnsafeRawBufferPointer, rows: Int) {
    UnsafeMutableRawBufferPointer(rebasing: buffer[(pending * rowBytes)...]).copyMemory(from: bytes)
    pending += rows
  }

  private func writeBuffer(in group: borrowing H5Group) throws {
    try write(buffer, in: group)
    pending = 0
  }

  private func write(_ chunk: UnsafeMutableRawBufferPointer, in group: borrowing H5Group) throws {
    if dataset == nil {
      dataset = try group.makeDataset(
        name, type, shape: [chunkRows] + rowShape, chunk: [chunkRows] + rowShape, growing: true)
    } else {
      try dataset?.setLength(written + chunkRows)
    }
    try dataset?.writeChunk(chunk, row: written)
    written += chunkRows
  }

  /// Writes what is left, gives the dataset its attributes and closes it.
  func close(in group: borrowing H5Group, attributes: (borrowing H5Dataset) throws -> Void = { _ in }) throws {
    if let dataset = dataset.take() {
      if pending > 0 {
        // The last chunk is a whole one in the file; what lies beyond the last row is zero.
        UnsafeMutableRawBufferPointer(rebasing: buffer[(pending * rowBytes)...]).initializeMemory(
          as: UInt8.self, repeating: 0)
        try dataset.setLength(written + pending)
        try dataset.writeChunk(buffer, row: written)
      }
      try attributes(dataset)
      try dataset.close()
    } else {
      let rows = pending
      let dataset = try group.makeDataset(
        name, type, shape: [rows] + rowShape, chunk: rows > 0 ? [rows] + rowShape : nil)
      if rows > 0 {
        try dataset.writeChunk(UnsafeMutableRawBufferPointer(rebasing: buffer[..<(rows * rowBytes + 4)]), row: 0)
      }
      try attributes(dataset)
      try dataset.close()
    }
    written += pending
    pending = 0
  }
}
