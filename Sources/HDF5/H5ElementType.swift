import CFileDriver
import CHDF5

/// What an element of a dataset or attribute is.
public enum H5ElementType: Sendable, Hashable {
  case float16, float32, float64
  case uint8, uint16, uint64, int32, int64
  /// UTF-8 of any length.
  case string
  /// Strings of one fixed length in bytes, of which trailing zeros are not part; only read.
  case fixedString(length: Int)
  /// Anything else, with the bytes an element takes; only recognised, never read.
  case other(size: Int)

  /// The bytes of one element in memory; of a pointer for strings.
  public var size: Int {
    switch self {
    case .float16, .uint16: 2
    case .float32, .int32: 4
    case .float64, .int64, .uint64: 8
    case .uint8: 1
    case .string: MemoryLayout<UnsafePointer<CChar>>.size
    case .fixedString(let length): length
    case .other(let size): size
    }
  }

  /// The bytes of what a reader shall see where nothing was written: NaN, −1, the largest of the numbers that have no sign
  /// (which is NaN too where bfloat16 is kept so). Zeros would pass for values. Nil for texts, of which there are none then.
  var fill: [UInt8]? {
    switch self {
    case .float16: [0x00, 0x7E]
    case .float32: withUnsafeBytes(of: Float.nan) { Array($0) }
    case .float64: withUnsafeBytes(of: Double.nan) { Array($0) }
    case .uint8, .uint16, .uint64, .int32, .int64: [UInt8](repeating: 0xFF, count: size)
    case .string, .fixedString, .other: nil
    }
  }

  /// A datatype of the library for this element. Call inside `H5Library.locked`.
  func makeDatatype() throws -> H5Identifier {
    func copy(_ type: hid_t) throws -> H5Identifier {
      try H5Identifier(H5Tcopy(type), .datatype, "copying a datatype", file: nil)
    }
    switch self {
    case .float16:
      // In this order, or the fields do not fit at some step between. h5py then shows float16.
      let type = try copy(unfold_h5t_float32())
      try H5Library.check(H5Tset_fields(type.raw, 15, 10, 5, 0, 10), "making float16", file: nil)
      try H5Library.check(H5Tset_size(type.raw, 2), "making float16", file: nil)
      try H5Library.check(H5Tset_ebias(type.raw, 15), "making float16", file: nil)
      return type
    case .float32: return try copy(unfold_h5t_float32())
    case .float64: return try copy(unfold_h5t_float64())
    case .uint8: return try copy(unfold_h5t_uint8())
    case .uint16: return try copy(unfold_h5t_uint16())
    case .uint64: return try copy(unfold_h5t_uint64())
    case .int32: return try copy(unfold_h5t_int32())
    case .int64: return try copy(unfold_h5t_int64())
    case .string, .fixedString:
      let type = try copy(unfold_h5t_c_string())
      var size = unfold_h5t_variable()
      if case .fixedString(let length) = self { size = length }
      try H5Library.check(H5Tset_size(type.raw, size), "making a string type", file: nil)
      try H5Library.check(H5Tset_cset(type.raw, H5T_CSET_UTF8), "making a string type", file: nil)
      return type
    case .other(let size): preconditionFailure("no datatype for an unknown element of \(size) bytes")
    }
  }

  /// The datatype of a reference to a text, as `GlobalHeap` follows them. Call inside `H5Library.locked`.
  static func makeReferenceDatatype() throws -> H5Identifier {
    try H5Identifier(unfold_text_reference_type(), .datatype, "making a type of references", file: nil)
  }

  /// Recognises a datatype. Call inside `H5Library.locked`.
  init(recognising type: borrowing H5Identifier) throws {
    let size = Int(H5Tget_size(type.raw))
    self = .other(size: size)
    switch H5Tget_class(type.raw) {
    case H5T_STRING:
      self = H5Tis_variable_str(type.raw) > 0 ? .string : .fixedString(length: size)
    case H5T_FLOAT, H5T_INTEGER:
      for candidate in [Self.float32, .float16, .int32, .float64, .int64, .uint8, .uint16, .uint64] {
        guard candidate.size == size else { continue }
        let known = try candidate.makeDatatype()
        if H5Tequal(known.raw, type.raw) > 0 { self = candidate }
      }
    default: break
    }
  }
}

/// A Swift type that lies in memory as an element does.
public protocol H5Element: BitwiseCopyable, Sendable {
  static var elementType: H5ElementType { get }
  static var zero: Self { get }
}

extension Float: H5Element { public static var elementType: H5ElementType { .float32 } }
extension Double: H5Element { public static var elementType: H5ElementType { .float64 } }
extension UInt8: H5Element { public static var elementType: H5ElementType { .uint8 } }
extension UInt16: H5Element { public static var elementType: H5ElementType { .uint16 } }
extension UInt64: H5Element { public static var elementType: H5ElementType { .uint64 } }
extension Int32: H5Element { public static var elementType: H5ElementType { .int32 } }
extension Int64: H5Element { public static var elementType: H5ElementType { .int64 } }
