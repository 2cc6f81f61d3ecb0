import CHDF5
import CKernels
import Diagnostics

extension H5Dataset {
  /// Writes a block of elements, given in the dataset's own type.
  /// - Parameters:
  ///   - offset: the block's first element on each axis; nil for the whole dataset.
  ///   - shape: its lengths.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: [Int]? = nil, shape: [Int]? = nil) throws {
    try H5Library.locked {
      let blockShape = try shape ?? self.shape
      let elements = blockShape.reduce(1, *)
      precondition(
        bytes.count == elements * elementType.size, "\(path): \(bytes.count) bytes for \(blockShape) of \(elementType)")
      if elements == 0 { return }
      let type = try elementType.makeDatatype()
      let selection = try Selection(of: self, at: offset, shape: blockShape, writing: true)
      try H5Library.check(
        H5Dwrite(handle, type.raw, selection.memory.raw, selection.file.raw, unfold_h5p_default(), bytes.baseAddress),
        "writing \(path)", file: file, writing: true)
    }
  }

  /// Writes elements in row-major order.
  public func write<Element: H5Element>(_ elements: [Element], at offset: [Int]? = nil, shape: [Int]? = nil) throws {
    precondition(Element.elementType == elementType, "\(path) holds \(elementType), not \(Element.elementType)")
    try elements.withUnsafeBytes { try write($0, at: offset, shape: shape) }
  }

  /// Writes texts to a dataset of strings.
  public func write(_ texts: [String], at offset: [Int]? = nil) throws {
    precondition(elementType == .string, "\(path) holds \(elementType), not texts")
    if texts.isEmpty { return }
    try H5Library.locked {
      let type = try elementType.makeDatatype()
      let selection = try Selection(of: self, at: offset, shape: [texts.count], writing: true)
      _ = try withCStrings(texts) { pointers in
        try H5Library.check(
          H5Dwrite(handle, type.raw, selection.memory.raw, selection.file.raw, unfold_h5p_default(), pointers),
          "writing \(path)", file: file, writing: true)
      }
    }
  }

  /// Sets the length of the first axis.
  public func setLength(_ rows: Int) throws {
    try H5Library.locked {
      var lengths = try shape.map { hsize_t($0) }
      lengths[0] = hsize_t(rows)
      try H5Library.check(
        H5Dset_extent(handle, lengths), "lengthening \(path) to \(rows) rows", file: file, writing: true)
    }
  }

  /// Writes one whole chunk straight to the file, past HDF5's cache and filters, with its Fletcher-32 checksum.
  ///
  /// - Parameters:
  ///   - bytes: the chunk's elements and four bytes more, into which the checksum is put.
  ///   - row: the chunk's first row; the other axes' chunks span the dataset.
  public func writeChunk(_ bytes: UnsafeMutableRawBufferPointer, row: Int) throws {
    guard let chunk, let base = bytes.baseAddress else { preconditionFailure("\(path) has no chunks") }
    let size = chunk.reduce(1, *) * elementType.size
    precondition(bytes.count == size + 4 && row % chunk[0] == 0, "\(path): \(bytes.count) bytes for a chunk of \(size)")
    bytes.storeBytes(of: unfold_fletcher32(base, size).littleEndian, toByteOffset: size, as: UInt32.self)
    try H5Library.locked {
      var offset = [hsize_t](repeating: 0, count: chunk.count)
      offset[0] = hsize_t(row)
      try H5Library.check(
        H5Dwrite_chunk(handle, unfold_h5p_default(), 0, offset, bytes.count, base), "writing \(path), row \(row)",
        file: file, writing: true)
    }
  }

  /// A block of a dataset and the memory of the same shape.
  struct Selection: ~Copyable {
    let file: H5Identifier
    let memory: H5Identifier

    init(of dataset: borrowing H5Dataset, at offset: [Int]?, shape: [Int], writing: Bool) throws {
      let (name, place) = (dataset.file, dataset.path)
      let space = try H5Identifier(H5Dget_space(dataset.handle), .dataspace, "selecting in \(place)", file: name)
      let memory = try Self.memory(shape, place, name)
      if !shape.isEmpty {
        let start = (offset ?? shape.map { _ in 0 }).map { hsize_t($0) }
        let count = shape.map { hsize_t($0) }
        try H5Library.check(
          H5Sselect_hyperslab(space.raw, H5S_SELECT_SET, start, nil, count, nil), "selecting in \(place)", file: name,
          writing: writing)
      }
      self.file = space
      self.memory = memory
    }

    private static func memory(_ shape: [Int], _ place: String, _ file: String) throws -> H5Identifier {
      if !shape.isEmpty { return try H5Identifier.dataspace(shape, file: file) }
      return try H5Identifier(H5Screate(H5S_SCALAR), .dataspace, "selecting in \(place)", file: file)
    }
  }
}
