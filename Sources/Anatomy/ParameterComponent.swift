/// A named set of parameters: one matrix or vector of the model, over all layers that have it.
public struct ParameterComponent: Sendable, Hashable, Codable {
  /// The part of the model that it belongs to.
  public enum Part: String, Sendable, Codable, CaseIterable {
    case embedding, attention, mlp, norm, head
  }
  /// What a token does with it.
  public enum Use: String, Sendable, Codable {
    /// A row is looked up: no arithmetic.
    case lookup
    /// A matrix product: two operations a weight.
    case product
    /// A few operations an element, which counts of FLOPs leave out.
    case elementwise
  }

  /// TransformerLens's name where it has one, such as `W_Q`.
  public var name: String
  /// What it is, in words.
  public var title: String
  public var part: Part
  public var use: Use
  /// The number of layers that have it; nil: it stands outside the blocks.
  public var layers: Int?
  /// One copy's shape, inputs first; a vector has one number.
  public var shape: [Int]
  /// The shape in letters, such as `D × H·d_head`.
  public var letters: String
  /// The elements of one copy's bias; 0 for none.
  public var bias: Int
  /// Copies in a layer: experts, or norms of a block that are alike.
  public var copies: Int
  /// How many of the copies a token uses.
  public var activeCopies: Int
  /// Whether it is the token embedding once more and so adds no parameters.
  public var isTied: Bool

  /// The weights of all copies in all layers.
  public var weights: Int { isTied ? 0 : elements * copies * (layers ?? 1) }
  /// The biases of all copies in all layers.
  public var biases: Int { bias * copies * (layers ?? 1) }
  /// Weights and biases of all copies in all layers.
  public var parameters: Int { weights + biases }
  /// Those of `parameters` that a token uses: all but those of experts that stay asleep.
  public var activeParameters: Int { parameters / copies * activeCopies }
  /// Floating-point operations a token: 2 for each weight of a matrix product that the token uses.
  public var flops: Int { use == .product ? 2 * elements * activeCopies * (layers ?? 1) : 0 }

  /// The elements of one copy.
  public var elements: Int { shape.reduce(1, *) }

  init(
    _ name: String, _ title: String, _ part: Part, _ use: Use = .product, layers: Int? = nil, shape: [Int],
    _ letters: String, bias: Int = 0, copies: Int = 1, activeCopies: Int? = nil, isTied: Bool = false
  ) {
    self.name = name
    self.title = title
    self.part = part
    self.use = use
    self.layers = layers
    self.shape = shape
    self.letters = letters
    self.bias = bias
    self.copies = copies
    self.activeCopies = activeCopies ?? copies
    self.isTied = isTied
  }
}
