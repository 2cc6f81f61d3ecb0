/// The type of a tensor's elements; the raw value is the name that safetensors or ggml gives it.
///
/// A plain type has one size an element. A block type stores consecutive elements of a row together, with the scales
/// that they share.
public enum ElementType: String, Sendable, Codable, CaseIterable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case float8e5m2 = "F8_E5M2"
  case float8e4m3 = "F8_E4M3"
  case float8e8m0 = "F8_E8M0"
  case complex64 = "C64"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case boolean = "BOOL"

  // Block types: the number of bits an element, then the kind.
  case q40 = "Q4_0"
  case q41 = "Q4_1"
  case q50 = "Q5_0"
  case q51 = "Q5_1"
  case q80 = "Q8_0"
  case q2K = "Q2_K"
  case q3K = "Q3_K"
  case q4K = "Q4_K"
  case q5K = "Q5_K"
  case q6K = "Q6_K"
  case iq4NL = "IQ4_NL"
  case iq4XS = "IQ4_XS"
  case mxfp4 = "MXFP4"

  /// The size in bytes of one element; of a block type, of one block.
  public var size: Int {
    switch self {
    case .float64, .int64, .uint64, .complex64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float8e5m2, .float8e4m3, .float8e8m0, .int8, .uint8, .boolean: 1
    case .q40, .iq4NL: 18
    case .q41: 20
    case .q50: 22
    case .q51: 24
    case .q80: 34
    case .q2K: 84
    case .q3K: 110
    case .q4K: 144
    case .q5K: 176
    case .q6K: 210
    case .iq4XS: 136
    case .mxfp4: 17
    }
  }

  /// The number of elements that are stored together: 1 of a plain type, 32 or 256 of a block type.
  public var blockLength: Int {
    switch self {
    case .q40, .q41, .q50, .q51, .q80, .iq4NL, .mxfp4: 32
    case .q2K, .q3K, .q4K, .q5K, .q6K, .iq4XS: 256
    default: 1
    }
  }

  /// Whether elements are stored in blocks with scales of their own.
  public var isQuantized: Bool { blockLength > 1 }

  /// Whether the elements are real numbers that `TensorView.read(_:into:)` converts to float32: every floating-point
  /// and block type, save F8_E8M0, which holds scales.
  public var isFloatingPoint: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16, .float8e5m2, .float8e4m3: true
    default: isQuantized
    }
  }

  /// The types that a safetensors file may name.
  static let ofSafetensors = allCases.filter { !$0.isQuantized }

  /// The number of bytes of a tensor, or nil where that is beyond `Int`.
  ///
  /// - Parameter shape: Lengths of 0 or more, outermost first, the last one a multiple of `blockLength`.
  func byteCount(shape: [Int]) -> Int? {
    // A zero anywhere makes the product zero whatever the other lengths are.
    if shape.contains(0) { return 0 }
    var product = size
    for (axis, length) in shape.enumerated() {
      let factor = axis == shape.count - 1 ? length / blockLength : length
      let (next, overflows) = product.multipliedReportingOverflow(by: factor)
      if overflows { return nil }
      product = next
    }
    return product
  }
}
