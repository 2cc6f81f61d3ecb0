import CHDF5
import Diagnostics

/// Anything in a file that can carry attributes: the file itself (its root group), groups and datasets.
public protocol H5Object: ~Copyable {
  /// The library's own id, valid while this value lives.
  var handle: Int64 { get }
  /// The file's path, for messages.
  var file: String { get }
  /// The path inside the file, such as `/activations/ln_final.hook_scale`.
  var path: String { get }
}

extension H5Object where Self: ~Copyable {
  /// Writes a text attribute.
  public func setAttribute(_ name: String, _ text: String) throws {
    try H5Library.locked {
      let type = try H5ElementType.string.makeDatatype()
      let attribute = try makeAttribute(name, type: type)
      try text.withCString { pointer in
        var pointer: UnsafePointer<CChar>? = pointer
        try check(H5Awrite(attribute.raw, type.raw, &pointer), name)
      }
      try attribute.close("closing the attribute \(name) of \(path)", file: file, writing: true)
    }
  }

  /// Writes a number as an attribute.
  public func setAttribute<Element: H5Element>(_ name: String, _ number: Element) throws {
    try H5Library.locked {
      let type = try Element.elementType.makeDatatype()
      let attribute = try makeAttribute(name, type: type)
      var number = number
      try check(H5Awrite(attribute.raw, type.raw, &number), name)
      try attribute.close("closing the attribute \(name) of \(path)", file: file, writing: true)
    }
  }

  /// Writes a list of texts as an attribute of one axis.
  public func setAttribute(_ name: String, _ texts: [String]) throws {
    try H5Library.locked {
      let type = try H5ElementType.string.makeDatatype()
      let attribute = try makeAttribute(name, type: type, count: texts.count)
      try withCStrings(texts) { pointers in
        try check(H5Awrite(attribute.raw, type.raw, pointers), name)
      }
      try attribute.close("closing the attribute \(name) of \(path)", file: file, writing: true)
    }
  }

  public func hasAttribute(_ name: String) -> Bool {
    H5Library.locked { H5Aexists(handle, name) > 0 }
  }

  /// A text attribute, or nil where there is none of that name or it is no single text.
  public func textAttribute(_ name: String) throws -> String? {
    try H5Library.locked {
      guard H5Aexists(handle, name) > 0 else { return nil }
      let attribute = try open(attribute: name)
      let type = try H5Identifier(H5Aget_type(attribute.raw), .datatype, "reading the attribute \(name)", file: file)
      let space = try H5Identifier(H5Aget_space(attribute.raw), .dataspace, "reading the attribute \(name)", file: file)
      guard H5Sget_simple_extent_npoints(space.raw) == 1 else { return nil }
      switch try H5ElementType(recognising: type) {
      case .string:
        let memory = try H5ElementType.makeReferenceDatatype()
        var reference = [UInt8](repeating: 0, count: GlobalHeap.referenceSize)
        try H5Library.check(H5Aread(attribute.raw, memory.raw, &reference), "reading the attribute \(name)", file: file)
        return try GlobalHeap(FileBytes(file)).texts(reference[...], "attribute \(name) of \(path)").first
      case .fixedString(let length):
        guard length <= 1 << 20 else { return nil }
        var bytes = [UInt8](repeating: 0, count: length)
        try H5Library.check(H5Aread(attribute.raw, type.raw, &bytes), "reading the attribute \(name)", file: file)
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      default: return nil
      }
    }
  }

  /// A number in an attribute, converted; or nil where there is none of that name or it is no single number of a type that
  /// datasets may have.
  public func numberAttribute<Element: H5Element>(_ name: String, as: Element.Type) throws -> Element? {
    try H5Library.locked {
      guard H5Aexists(handle, name) > 0 else { return nil }
      let attribute = try open(attribute: name)
      let type = try H5Identifier(H5Aget_type(attribute.raw), .datatype, "reading the attribute \(name)", file: file)
      let space = try H5Identifier(H5Aget_space(attribute.raw), .dataspace, "reading the attribute \(name)", file: file)
      guard H5Sget_simple_extent_npoints(space.raw) == 1 else { return nil }
      switch try H5ElementType(recognising: type) {
      case .string, .fixedString, .other: return nil
      default: break
      }
      let memory = try Element.elementType.makeDatatype()
      var number = Element.zero
      try H5Library.check(H5Aread(attribute.raw, memory.raw, &number), "reading the attribute \(name)", file: file)
      return number
    }
  }

  private func open(attribute name: String) throws -> H5Identifier {
    try H5Identifier(
      H5Aopen(handle, name, unfold_h5p_default()), .attribute, "opening the attribute \(name) of \(path)", file: file)
  }

  private func makeAttribute(
    _ name: String, type: borrowing H5Identifier, count: Int? = nil
  ) throws -> H5Identifier {
    let space: H5Identifier
    if let count {
      space = try H5Identifier.dataspace([count], file: file)
    } else {
      space = try H5Identifier(H5Screate(H5S_SCALAR), .dataspace, "making a dataspace", file: file, writing: true)
    }
    return try H5Identifier(
      H5Acreate2(handle, name, type.raw, space.raw, unfold_h5p_default(), unfold_h5p_default()), .attribute,
      "making the attribute \(name) of \(path)", file: file, writing: true)
  }

  private func check(_ status: herr_t, _ name: String) throws {
    try H5Library.check(status, "writing the attribute \(name) of \(path)", file: file, writing: true)
  }
}

extension H5Identifier {
  /// A dataspace of the shape; the first axis may grow to any length where `growing`.
  static func dataspace(_ shape: [Int], growing: Bool = false, file: String?) throws -> H5Identifier {
    let lengths = shape.map { hsize_t($0) }
    var limits = lengths
    if growing { limits[0] = unfold_h5s_unlimited() }
    return try H5Identifier(
      H5Screate_simple(Int32(shape.count), lengths, limits), .dataspace, "making a dataspace", file: file,
      writing: true)
  }
}

/// Gives `body` the texts as C strings that live for the call. A zero byte in a text ends it.
func withCStrings<Result>(
  _ texts: [String], _ body: (UnsafeMutablePointer<UnsafePointer<CChar>?>) throws -> Result
) rethrows -> Result {
  // One buffer for all: a document table has many thousand texts.
  var bytes: [CChar] = []
  var starts: [Int] = []
  starts.reserveCapacity(texts.count)
  for text in texts {
    starts.append(bytes.count)
    bytes.append(contentsOf: text.utf8.lazy.map { CChar(bitPattern: $0) })
    bytes.append(0)
  }
  return try bytes.withUnsafeBufferPointer { buffer in
    var pointers: [UnsafePointer<CChar>?] = starts.map { start in buffer.baseAddress.map { $0 + start } }
    return try pointers.withUnsafeMutableBufferPointer { pointers in
      guard let base = pointers.baseAddress else {
        var nothing: UnsafePointer<CChar>?
        return try body(&nothing)
      }
      return try body(base)
    }
  }
}
