/// The function that makes a neuron of its input.
public enum Activation: String, Sendable, Codable, CaseIterable {
  /// x · Φ(x), Φ the normal distribution's cumulative function (arXiv 1606.08415).
  case gelu
  /// GELU by its approximation with tanh.
  case geluTanh
  /// x · sigmoid(1.702 x).
  case quickGELU
  case relu
  /// relu(x)².
  case squaredReLU
  /// x · sigmoid(x), also called swish.
  case silu
  case tanh

  /// The names of config.json (those of Hugging Face's activations).
  static let names: [(String, Activation)] = [
    ("gelu", .gelu), ("gelu_python", .gelu), ("gelu_new", .geluTanh), ("gelu_pytorch_tanh", .geluTanh),
    ("gelu_python_tanh", .geluTanh), ("gelu_fast", .geluTanh), ("gelu_accurate", .geluTanh),
    ("quick_gelu", .quickGELU), ("relu", .relu), ("relu2", .squaredReLU), ("silu", .silu), ("swish", .silu),
    ("tanh", .tanh),
  ]
}
