import Diagnostics
import StrictJSON

extension GGUFHeader {
  /// What a header says of a tensor, before it is known where the data begins.
  struct Declaration {
    let name: String
    let type: ElementType
    let shape: [Int]
    let byteCount: Int
    let offset: UInt64
    /// Where the entry lies.
    let place: Int
  }

  static let maximumNameLength = 63
  static let maximumAxes = 4

  static func declarations(_ cursor: inout GGUFCursor, count: Int) throws -> [Declaration] {
    var result: [Declaration] = []
    var seen = Set<ExactString>(minimumCapacity: count)
    result.reserveCapacity(count)
    for index in 0..<count {
      cursor.subject = "tensor \(index + 1) of \(count)"
      let place = cursor.position
      let name = try cursor.text("a tensor's name", limit: maximumNameLength)
      cursor.subject = "tensor \(name)"
      guard seen.insert(ExactString(name)).inserted else {
        throw cursor.invalid("each tensor once", found: "this name twice", at: place)
      }
      let lengths = try lengths(&cursor)
      let type = try elementType(&cursor)
      let byteCount = try byteCount(lengths, type, cursor, place: place)
      result.append(
        Declaration(
          name: name, type: type, shape: lengths.reversed(), byteCount: byteCount,
          offset: try cursor.integer(UInt64.self, "a tensor's offset"), place: place))
    }
    return result
  }

  /// The lengths of a tensor's axes in the file's order, innermost first.
  private static func lengths(_ cursor: inout GGUFCursor) throws -> [Int] {
    let place = cursor.position
    let axes = try cursor.integer(UInt32.self, "a tensor's number of axes")
    guard axes <= maximumAxes else {
      throw cursor.invalid("at most \(maximumAxes) axes", found: "\(axes)", at: place)
    }
    return try (0..<axes).map { _ in
      let place = cursor.position
      let length = try cursor.integer(UInt64.self, "the length of an axis")
      guard let length = Int(exactly: length) else {
        throw cursor.invalid("a length of 0 or more", found: "\(Int64(bitPattern: length))", at: place)
      }
      return length
    }
  }

  private static func elementType(_ cursor: inout GGUFCursor) throws -> ElementType {
    let place = cursor.position
    let number = try cursor.integer(UInt32.self, "a tensor's type")
    if let type = ElementType(ggml: number) { return type }
    let name = unreadTypes[number]
    throw Fault(
      .badData, "checkpoints.elementType",
      name == nil ? "The tensor's element type is not known" : "Tensors of this type cannot be read",
      file: cursor.file, place: "byte \(place), \(cursor.subject)",
      expected: ElementType.allCases.filter { $0.ggml != nil }.map(\.rawValue).joined(separator: ", "),
      found: name ?? "type \(number)",
      advice: name == nil ? "download the file again" : "get the model in another quantization, such as Q4_K_M or Q8_0")
  }

  private static func byteCount(
    _ lengths: [Int], _ type: ElementType, _ cursor: GGUFCursor, place: Int
  ) throws -> Int {
    guard (lengths.first ?? 1).isMultiple(of: type.blockLength) else {
      throw cursor.invalid(
        "a first axis that is a multiple of \(type.blockLength), the length of a block of \(type.rawValue)",
        found: "\(lengths.first ?? 1)", at: place)
    }
    // Lengths of zero do not hide others that no memory could hold.
    var elements = 1
    for length in lengths where length > 0 {
      let (product, overflows) = elements.multipliedReportingOverflow(by: length)
      elements = product
      if overflows { elements = 0 }
      guard elements > 0 else { break }
    }
    guard elements > 0, let byteCount = type.byteCount(shape: lengths.reversed()) else {
      throw Fault(
        .badData, "checkpoints.shapeOverflow", "The tensor's shape is larger than any memory", file: cursor.file,
        place: "byte \(place), \(cursor.subject)", expected: "a tensor within a file of \(cursor.bytes.count) bytes",
        found: "lengths \(lengths) of \(type.rawValue)", advice: "download the file again")
    }
    return byteCount
  }

  /// Holds every offset against the padded sum of the tensors before it, and the sum against the file.
  static func layOut(_ declared: [Declaration], alignment: Int, cursor: GGUFCursor) throws -> [Entry] {
    // Without tensors there may be no padding either.
    func padded(_ position: Int) -> Int? {
      let (sum, overflows) = position.addingReportingOverflow(alignment - 1)
      return overflows ? nil : sum / alignment * alignment
    }
    var cursor = cursor
    let size = cursor.bytes.count
    guard let dataStart = padded(cursor.position) else { throw cursor.cutOff("the tensors", at: size) }
    var end = declared.isEmpty ? cursor.position : dataStart
    var entries: [Entry] = []
    entries.reserveCapacity(declared.count)
    for tensor in declared {
      cursor.subject = "tensor \(tensor.name)"
      guard let start = padded(end) else { throw cursor.cutOff("the tensor's data", at: size) }
      guard tensor.offset == UInt64(start - dataStart) else {
        throw Fault(
          .badData, "checkpoints.tensorRange",
          tensor.offset < UInt64(start - dataStart)
            ? "Two tensors overlap" : "Bytes between two tensors belong to none",
          file: cursor.file, place: "byte \(tensor.place), \(cursor.subject)",
          expected: "offset \(start - dataStart), where the tensors before it end, padded to \(alignment)",
          found: "offset \(tensor.offset)", advice: "download the file again")
      }
      let (sum, overflows) = start.addingReportingOverflow(tensor.byteCount)
      guard !overflows, sum <= size else {
        throw cursor.cutOff("\(tensor.byteCount) bytes of data from byte \(start)", at: size)
      }
      end = sum
      entries.append(Entry(name: tensor.name, type: tensor.type, shape: tensor.shape, range: start..<end))
    }
    // The last tensor may be padded as the others are, or not.
    let limit = padded(end) ?? end
    guard size <= limit else {
      throw Fault(
        .badData, "checkpoints.trailingBytes", "Bytes follow the last tensor", file: cursor.file,
        place: "byte \(limit)", expected: "at most \(limit) bytes, as the header says", found: "\(size) bytes",
        advice: "download the file again")
    }
    return entries
  }

  /// Types of ggml that are not read.
  private static let unreadTypes: [UInt32: String] = [
    9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S", 22: "IQ2_S",
    29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 40: "NVFP4", 41: "Q1_0",
  ]
}

extension ElementType {
  /// ggml's number for the type, or nil where it has none.
  var ggml: UInt32? {
    switch self {
    case .float32: 0
    case .float16: 1
    case .q40: 2
    case .q41: 3
    case .q50: 6
    case .q51: 7
    case .q80: 8
    case .q2K: 10
    case .q3K: 11
    case .q4K: 12
    case .q5K: 13
    case .q6K: 14
    case .iq4NL: 20
    case .iq4XS: 23
    case .int8: 24
    case .int16: 25
    case .int32: 26
    case .int64: 27
    case .float64: 28
    case .bfloat16: 30
    case .mxfp4: 39
    case .float8e5m2, .float8e4m3, .float8e8m0, .complex64, .uint64, .uint32, .uint16, .uint8, .boolean: nil
    }
  }

  private static let byNumber = Dictionary(
    uniqueKeysWithValues: allCases.compactMap { type in type.ggml.map { ($0, type) } })

  init?(ggml number: UInt32) {
    guard let type = Self.byNumber[number] else { return nil }
    self = type
  }
}
