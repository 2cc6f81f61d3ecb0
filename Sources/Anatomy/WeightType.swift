/// A kind of number that weights are kept in.
public enum WeightType: String, Sendable, Codable, CaseIterable {
  case float32, bfloat16, int8, int4

  /// The bits of one number, without the scales that quantized formats keep beside them.
  public var bits: Int {
    switch self {
    case .float32: 32
    case .bfloat16: 16
    case .int8: 8
    case .int4: 4
    }
  }

  /// The bytes of `count` numbers.
  public func bytes(_ count: Int) -> Int { bits >= 8 ? count * (bits / 8) : (count + 1) / 2 }
}
