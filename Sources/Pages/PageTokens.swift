import Activations
import Neurons
import Reports

/// A token on a page.
public struct PageToken: Sendable {
  public var text: String
  public var id: Int32?
  /// Its place in the document, from 0.
  public var position: Int?
  public var value: Float?
  /// Nats that the model loses on this token.
  public var loss: Double?
  public var isMarked: Bool

  public init(
    _ text: String, id: Int32? = nil, position: Int? = nil, value: Float? = nil, loss: Double? = nil,
    isMarked: Bool = false
  ) {
    (self.text, self.id, self.position, self.value, self.loss, self.isMarked) = (
      text, id, position, value, loss, isMarked
    )
  }
}

/// Places of a corpus.
public struct PageExamples: Sendable {
  public struct Example: Sendable {
    public var value: Float
    /// The document's label, or what else the place is called.
    public var label: String?
    public var document: String
    public var tokens: [PageToken]

    public init(value: Float, label: String? = nil, document: String, tokens: [PageToken]) {
      (self.value, self.label, self.document, self.tokens) = (value, label, document, tokens)
    }
  }

  public var title: String
  public var note: String?
  /// The absolute value that has the full colour.
  public var scale: Float
  public var examples: [Example]

  public init(_ title: String, note: String? = nil, scale: Float, _ examples: [Example]) {
    (self.title, self.note, self.scale, self.examples) = (title, note, scale, examples)
  }

  /// Examples of a neuron.
  public init(_ title: String, note: String? = nil, scale: Float, _ examples: [NeuronExample]) {
    self.init(title, note: note, scale: scale, examples.map { Example($0) })
  }
}

extension PageExamples.Example {
  /// An example of a neuron.
  public init(_ example: NeuronExample) {
    self.init(
      value: example.value, label: example.label, document: example.document,
      tokens: example.tokens.enumerated().map { place, token in
        PageToken(
          token.text, id: token.id, position: example.firstPosition.map { $0 + place }, value: token.value,
          loss: token.loss, isMarked: place == example.marked)
      })
  }
}

/// One text, coloured token by token.
public struct PagePassage: Sendable {
  public var title: String
  /// What a token's value is, such as "activation".
  public var measure: String
  public var scale: Float
  public var tokens: [PageToken]

  public init(_ title: String, measure: String, scale: Float, tokens: [PageToken]) {
    (self.title, self.measure, self.scale, self.tokens) = (title, measure, scale, tokens)
  }
}

/// The attention patterns of a text's heads.
public struct AttentionMaps: Sendable {
  /// The texts of the tokens.
  public var tokens: [String]
  public var layers: Int
  public var heads: Int
  /// [layers][heads] rows of the pattern one behind the other, of row i its first i + 1 weights (all of them where the
  /// model looks both ways), 0 to 255.
  public var weights: [UInt8]
  public var looksBothWays: Bool

  public init(tokens: [String], layers: Int, heads: Int, weights: [UInt8], looksBothWays: Bool) {
    (self.tokens, self.layers, self.heads, self.weights, self.looksBothWays) = (
      tokens, layers, heads, weights, looksBothWays
    )
  }
}
