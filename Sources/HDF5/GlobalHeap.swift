import Diagnostics

/// The texts of any length in a file, followed from their references with every bound checked.
///
/// Format: https://docs.hdfgroup.org/hdf5/v1_14/_f_m_t3.html, III.E "Disk Format: Level 1E - Global Heap". Cost: each
/// collection is read once; together no more bytes than the file has, so that references that overlap cannot multiply it.
final class GlobalHeap {
  /// The bytes of a reference in a dataset or attribute.
  static let referenceSize = 16

  private let file: FileBytes
  /// For each collection read, by address: where its objects lie in the file.
  private var collections: [UInt64: [UInt64: Range<UInt64>]] = [:]
  /// The collection read last, whole: texts mostly follow one another.
  private var last: (start: UInt64, bytes: ArraySlice<UInt8>)?
  private var collectionBytes: UInt64 = 0
  private var textBytes: UInt64 = 0

  init(_ file: FileBytes) { self.file = file }

  /// The texts that references, as they lie in a file, speak of. A text ends at its first zero byte; what is not UTF-8 in
  /// it becomes U+FFFD.
  /// - Throws: `Fault` named `hdf5.damaged` where a reference leads to no text.
  func texts(_ references: ArraySlice<UInt8>, _ place: String) throws -> [String] {
    var references = references
    var texts: [String] = []
    texts.reserveCapacity(references.count / Self.referenceSize)
    while let length = references.takeNumber(4), let address = references.takeNumber(8),
      let number = references.takeNumber(4)
    {
      let text = length == 0 ? [] : try bytes(length, address, number, "\(place), text \(texts.count)")
      texts.append(String(decoding: text.prefix { $0 != 0 }, as: UTF8.self))
    }
    return texts
  }

  private func bytes(
    _ length: UInt64, _ address: UInt64, _ number: UInt64, _ place: String
  ) throws -> ArraySlice<UInt8> {
    let objects = try collections[address] ?? read(address, place)
    guard let range = objects[number], UInt64(range.count) == length else {
      throw damaged(
        place, "\(length) bytes, as its reference says",
        objects[number].map { "\($0.count) bytes" } ?? "no text of number \(number)")
    }
    textBytes += length
    guard textBytes <= file.size else {
      throw damaged(place, "texts that lie in the file once each", "more bytes of text than the file has")
    }
    if let last, range.lowerBound >= last.start, range.upperBound <= last.start + UInt64(last.bytes.count) {
      let start = last.bytes.startIndex + Int(range.lowerBound - last.start)
      return last.bytes[start..<start + range.count]
    }
    return try file.read(range.lowerBound, length, place)
  }

  private func damaged(_ place: String, _ expected: String, _ found: String) -> Fault {
    var fault = file.damaged(place, expected, found)
    fault.problem = "A text in the file is damaged"
    return fault
  }

  /// Reads where the objects of a collection lie.
  private func read(_ address: UInt64, _ place: String) throws -> [UInt64: Range<UInt64>] {
    var header = try file.read(address, 16, place)
    let signature = header.prefix(4)
    guard signature.elementsEqual("GCOL".utf8) else {
      throw damaged(place, "a heap of texts at byte \(address)", "something else")
    }
    header.skip(8)
    guard let size = header.takeNumber(8), size >= 16 else { throw damaged(place, "a heap's size", "less") }
    let bytes = try file.read(address, size, place)
    collectionBytes += size
    guard collectionBytes <= file.size else {
      throw damaged(place, "heaps beside each other", "heaps that overlap")
    }
    var objects: [UInt64: Range<UInt64>] = [:]
    var rest = bytes.dropFirst(16)
    while rest.count >= 16 {
      guard let number = rest.takeNumber(2) else { break }
      rest.skip(6)
      // Number 0 is the room that is left, to the end.
      guard let length = rest.takeNumber(8), number != 0 else { break }
      guard length <= UInt64(rest.count) else {
        throw damaged(place, "texts within their heap", "one of \(length) bytes in \(rest.count)")
      }
      let start = address + UInt64(rest.startIndex - bytes.startIndex)
      objects[number] = start..<start + length
      rest.skip(Int(length) + (8 - Int(length % 8)) % 8)
    }
    collections[address] = objects
    last = (address, bytes)
    return objects
  }
}
