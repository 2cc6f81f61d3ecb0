import Diagnostics
import StrictJSON

/// A safetensors header that has passed every check.
struct SafetensorsHeader {
  struct Entry {
    let name: String
    let type: ElementType
    let shape: [Int]
    /// Where the tensor lies in the file.
    let range: Range<Int>
  }

  /// The tensors, sorted by where they lie.
  let entries: [Entry]
  let metadata: [(key: String, value: String)]
  /// Where the JSON lies in the file.
  let range: Range<Int>

  init(checking bytes: UnsafeRawBufferPointer, file: String) throws {
    try refuseOtherFormats(bytes, file: file)
    guard bytes.count >= 8 else {
      throw Fault(
        .badData, "checkpoints.truncated", "This safetensors file is cut off", file: file, place: "byte \(bytes.count)",
        expected: "8 bytes that give the header's length", found: "a file of \(bytes.count) bytes",
        advice: "download the file again")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(SafetensorsFile.maximumHeaderLength) else {
      throw Fault(
        .badData, "checkpoints.header", "This is not a safetensors file, or its first bytes are damaged", file: file,
        place: "byte 0", expected: "a header of at most \(SafetensorsFile.maximumHeaderLength) bytes",
        found: "a length of \(length)", advice: "download the file again")
    }
    let start = 8 + Int(length)
    guard start <= bytes.count else {
      throw Fault(
        .badData, "checkpoints.truncated", "This safetensors file is cut off within its header", file: file,
        place: "byte \(bytes.count)", expected: "at least \(start) bytes", found: "\(bytes.count) bytes",
        advice: "download the file again")
    }
    range = 8..<start
    let json = try JSONValue(parsing: UnsafeRawBufferPointer(rebasing: bytes[range]), file: "\(file) (header)")
    guard case .object(let object) = json else {
      throw Fault(
        .badData, "checkpoints.header", "The header is not a table of tensors", file: file, place: "byte 8",
        expected: "a JSON object", found: json.kind)
    }
    var metadata: [(key: String, value: String)] = []
    var entries: [Entry] = []
    entries.reserveCapacity(object.members.count)
    for member in object.members {
      let reader = JSONReader(member.value, file: file, path: member.key)
      if ExactString(member.key) == "__metadata__" {
        metadata = try reader.members().map { ($0.key, try $0.value.string()) }
      } else {
        entries.append(try Self.entry(member.key, reader, dataStart: start, file: file))
      }
    }
    entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
    try Self.checkTiling(entries, dataStart: start, size: bytes.count, file: file)
    self.entries = entries
    self.metadata = metadata
  }

  /// Reads one tensor's entry and holds its byte range against its shape.
  private static func entry(_ name: String, _ reader: JSONReader, dataStart: Int, file: String) throws -> Entry {
    let typeReader = try reader.required("dtype")
    let typeName = try typeReader.string()
    guard let type = ElementType(rawValue: typeName), !type.isQuantized else {
      throw Fault(
        .badData, "checkpoints.elementType", "The tensor's element type is not known", file: file,
        place: "tensor \(name)", expected: ElementType.ofSafetensors.map(\.rawValue).joined(separator: ", "),
        found: "\"\(typeName.prefix(40))\"")
    }
    let shape = try reader.required("shape").array().map { try natural($0) }
    let offsets = try reader.required("data_offsets").array().map { try natural($0) }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw Fault(
        .badData, "checkpoints.tensorRange", "The tensor's byte range is not a range", file: file,
        place: "tensor \(name)", expected: "[start, end] with start ≤ end", found: "\(offsets)")
    }
    guard let size = type.byteCount(shape: shape) else {
      throw Fault(
        .badData, "checkpoints.shapeOverflow", "The tensor's shape is larger than any memory", file: file,
        place: "tensor \(name)", expected: "\(offsets[1] - offsets[0]) bytes", found: "shape \(shape) of \(typeName)")
    }
    guard size == offsets[1] - offsets[0] else {
      throw Fault(
        .badData, "checkpoints.tensorRange", "The tensor's byte range does not fit its shape", file: file,
        place: "tensor \(name)", expected: "\(size) bytes for shape \(shape) of \(typeName)",
        found: "\(offsets[1] - offsets[0]) bytes")
    }
    let end = offsets[1].addingReportingOverflow(dataStart)
    guard !end.overflow else {
      throw Fault(
        .badData, "checkpoints.tensorRange", "The tensor's byte range lies beyond any file", file: file,
        place: "tensor \(name)", found: "\(offsets)")
    }
    return Entry(name: name, type: type, shape: shape, range: dataStart + offsets[0]..<end.partialValue)
  }

  private static func natural(_ reader: JSONReader) throws -> Int {
    guard case .integer(let value) = reader.value, value >= 0 else {
      throw reader.unexpected("an integer from 0 to \(Int.max)")
    }
    return value
  }

  /// The sorted ranges must cover the data exactly: no holes, no overlaps, nothing behind the last one.
  private static func checkTiling(_ entries: [Entry], dataStart: Int, size: Int, file: String) throws {
    var covered = dataStart
    for (index, entry) in entries.enumerated() {
      if entry.range.lowerBound != covered {
        let before = index == 0 ? "the header" : "tensor \(entries[index - 1].name)"
        throw Fault(
          .badData, "checkpoints.tensorRange",
          entry.range.lowerBound < covered ? "Two tensors overlap" : "Bytes between two tensors belong to none",
          file: file, place: "tensor \(entry.name)",
          expected: "a start at byte \(covered - dataStart) of the data, where \(before) ends",
          found: "\(entry.range.lowerBound - dataStart)")
      }
      covered = entry.range.upperBound
    }
    if covered > size {
      throw Fault(
        .badData, "checkpoints.truncated", "This safetensors file is cut off", file: file, place: "byte \(size)",
        expected: "\(covered) bytes, as its header says", found: "\(size) bytes", advice: "download the file again")
    }
    if covered < size {
      throw Fault(
        .badData, "checkpoints.trailingBytes", "Bytes follow the last tensor", file: file, place: "byte \(covered)",
        expected: "\(covered) bytes, as its header says", found: "\(size) bytes", advice: "download the file again")
    }
  }
}

/// Names the formats that are often found in the place of safetensors.
private func refuseOtherFormats(_ bytes: UnsafeRawBufferPointer, file: String) throws {
  if let pointer = Fault.pointerOfGitLFS(bytes.prefix(32), file: file) { throw pointer }
  if bytes.starts(with: "GGUF".utf8) {
    throw Fault(
      .badData, "checkpoints.gguf", "This is a GGUF file under another name", file: file,
      expected: "a safetensors file", found: "GGUF", advice: "rename it to end in .gguf, and name the file itself")
  }
  // A pickle of protocol 2 to 5 begins with 0x80 and the protocol; PyTorch wraps it into a zip archive. A safetensors
  // header whose length begins with those bytes is told apart by the zeros that end its length.
  let isZip = bytes.starts(with: [0x50, 0x4B, 0x03, 0x04])
  let isPickle = bytes.count >= 2 && bytes[0] == 0x80 && 2...5 ~= bytes[1]
  if isZip || isPickle, bytes.count >= 8, bytes[4..<8].contains(where: { $0 != 0 }) { throw pickleFault(file) }
}

/// Why a pickle is refused, and what to do with it.
func pickleFault(_ file: String) -> Fault {
  Fault(
    .badData, "checkpoints.pickle", "These weights are a Python pickle, which can run any code when it is opened",
    file: file, expected: "model.safetensors",
    advice:
      "convert it once in Python: AutoModel.from_pretrained(folder).save_pretrained(folder, safe_serialization=True)")
}
