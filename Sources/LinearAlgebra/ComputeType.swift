/// The type in which a model's matrix products take their factors; sums are always kept in float32.
public enum ComputeType: String, Codable, Sendable, CaseIterable {
  case float32
  case bfloat16
}
