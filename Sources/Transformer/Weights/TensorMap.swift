/// What a family's checkpoints call the weights.
struct TensorMap: Sendable {
  /// Prefixes that all names may have, depending on which class saved the checkpoint.
  var prefixes: [String]
  var tensors: [Weight: TensorSource]
  /// Names, `*` for any run of characters, of tensors that may be there and are knowingly not read.
  var ignored: [String]
}

/// Where a weight lies in a checkpoint.
struct TensorSource: Sendable, ExpressibleByStringLiteral {
  /// The name without `.weight`, `{i}` for the layer.
  var name: String
  /// The bias's whole name, where it is not the name with `.bias`.
  var bias: String?
  /// Whether it is stored as [inputs, outputs].
  var transposed: Bool
  /// The weights whose outputs lie one after another in the same tensor, in this order; empty where it is alone.
  var joined: [Weight]

  init(_ name: String, bias: String? = nil, transposed: Bool = false, joined: [Weight] = []) {
    self.name = name
    self.bias = bias
    self.transposed = transposed
    self.joined = joined
  }

  init(stringLiteral value: String) { self.init(value) }
}
