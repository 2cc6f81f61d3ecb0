/// The number format in which activations lie in a store.
public enum StorageType: String, Codable, Sendable, CaseIterable {
  /// IEEE 754 half precision; h5py shows it as `float16`.
  case float16
  case float32
  /// The upper half of a float32. No HDF5 reader knows it: stored as `uint16` with the attribute `dtype = "bfloat16"`.
  case bfloat16
  /// One byte a value, `offset + scale · byte`, with a scale and an offset a column; only `store pack` makes it.
  case uint8

  /// The bytes of one value.
  public var size: Int {
    switch self {
    case .float16, .bfloat16: 2
    case .float32: 4
    case .uint8: 1
    }
  }
}
