import CHDF5
import Diagnostics

extension H5Dataset {
  /// Reads a block of elements into memory, in the dataset's own type: HDF5 converts nothing.
  public func read(into bytes: UnsafeMutableRawBufferPointer, at offset: [Int]? = nil, shape: [Int]? = nil) throws {
    try read(into: bytes, elementType, at: offset, shape: shape)
  }

  /// Reads a block of numbers, which HDF5 converts where the dataset has another type (slowly: 25 million a second).
  public func read<Element: H5Element>(
    as: Element.Type, at offset: [Int]? = nil, shape: [Int]? = nil
  ) throws -> [Element] {
    let blockShape = try shape ?? self.shape
    var elements = [Element](repeating: .zero, count: try Self.product(blockShape, file, path))
    try elements.withUnsafeMutableBytes { try read(into: $0, Element.elementType, at: offset, shape: blockShape) }
    return elements
  }

  private func read(
    into bytes: UnsafeMutableRawBufferPointer, _ memoryType: H5ElementType, at offset: [Int]?, shape: [Int]?
  ) throws {
    switch elementType {
    case .string, .fixedString, .other: throw unexpected("numbers")
    default: break
    }
    try H5Library.locked {
      let blockShape = try shape ?? self.shape
      let elements = try Self.product(blockShape, file, path)
      precondition(
        bytes.count == elements * memoryType.size, "\(path): \(bytes.count) bytes for \(blockShape) of \(memoryType)")
      try check(offset, blockShape)
      if elements == 0 { return }
      let type = try memoryType.makeDatatype()
      let selection = try Selection(of: self, at: offset, shape: blockShape, writing: false)
      try H5Library.check(
        H5Dread(handle, type.raw, selection.memory.raw, selection.file.raw, unfold_h5p_default(), bytes.baseAddress),
        "reading \(path)" + (offset.map { ", row \($0[0])" } ?? ""), file: file)
    }
  }

  /// Reads texts from a one-dimensional dataset of strings, all of them or a run of rows.
  public func readTexts(_ rows: Range<Int>? = nil) throws -> [String] {
    try H5Library.locked {
      guard try shape.count == 1 else { throw unexpected("a list of texts") }
      let rows = try rows ?? 0..<shape[0]
      try check([rows.lowerBound], [rows.count])
      if rows.isEmpty { return [] }
      let selection = try Selection(of: self, at: [rows.lowerBound], shape: [rows.count], writing: false)
      switch elementType {
      case .string:
        let type = try H5ElementType.makeReferenceDatatype()
        var references = [UInt8](
          repeating: 0, count: try Self.product([rows.count, GlobalHeap.referenceSize], file, path))
        try H5Library.check(
          H5Dread(handle, type.raw, selection.memory.raw, selection.file.raw, unfold_h5p_default(), &references),
          "reading \(path)", file: file)
        return try GlobalHeap(FileBytes(file)).texts(references[...], path)
      case .fixedString(let length):
        let type = try H5Identifier(H5Dget_type(handle), .datatype, "reading \(path)", file: file)
        var bytes = [UInt8](repeating: 0, count: try Self.product([rows.count, length], file, path))
        try H5Library.check(
          H5Dread(handle, type.raw, selection.memory.raw, selection.file.raw, unfold_h5p_default(), &bytes),
          "reading \(path)", file: file)
        return stride(from: 0, to: bytes.count, by: max(1, length)).map { start in
          String(decoding: bytes[start..<start + length].prefix { $0 != 0 }, as: UTF8.self)
        }
      default: throw unexpected("texts")
      }
    }
  }

  /// Refuses a block that reaches beyond the dataset.
  private func check(_ offset: [Int]?, _ blockShape: [Int]) throws {
    let whole = try shape
    let start = offset ?? whole.map { _ in 0 }
    let fits =
      whole.count == blockShape.count && whole.count == start.count
      && whole.indices.allSatisfy { start[$0] >= 0 && blockShape[$0] >= 0 && start[$0] <= whole[$0] - blockShape[$0] }
    guard fits else {
      throw Fault(
        .badData, "hdf5.shape", "A dataset is not of the shape it must have", file: file, place: path,
        expected: "at least \(blockShape) from \(start)", found: "\(whole)",
        advice: "restore the file from a copy, or make it again")
    }
  }

  private func unexpected(_ expected: String) -> Fault {
    Fault(
      .badData, "hdf5.type", "A dataset does not hold what it must", file: file, place: path, expected: expected,
      found: "\(elementType)", advice: "restore the file from a copy, or make it again")
  }

  private static func product(_ shape: [Int], _ file: String, _ path: String) throws -> Int {
    var product = 1
    for length in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: length)
      guard !overflow, next <= 1 << 46 else {
        throw Fault(
          .badData, "hdf5.shape", "A dataset is too large to read at once", file: file, place: path, found: "\(shape)")
      }
      product = next
    }
    return product
  }
}
