import Activations

/// What a dashboard shows of one latent: what Neuronpedia and SAEDashboard keep.
public struct LatentDashboard: Sendable {
  /// Numbers of other things, with a figure each.
  public struct Related: Sendable, Equatable {
    public var indices: [Int] = []
    public var values: [Float] = []
  }

  /// A stretch of text in which the latent was active.
  public struct Sequence: Sendable, Equatable {
    /// The interval of activations that it was chosen from; −1 and the largest value for those of the strongest.
    public var binMinimum: Float
    public var binMaximum: Float
    /// The share of the active tokens that lie in the interval; −1 for the strongest.
    public var binShare: Float
    public var tokens: [String]
    /// The latent's value at each token.
    public var values: [Float]
    /// The token that the stretch was chosen for.
    public var marked: Int
    public var document: String
    /// The source's row of the marked token.
    public var row: Int
  }

  public var index: Int
  /// The share of tokens at which it is active.
  public var density: Double
  public var largest: Float
  /// Its direction.
  public var vector: [Float]
  /// Coordinates of the direction by magnitude: the value, and its share |v_j| / ‖v‖₁.
  public var alignment: Related
  public var alignmentShares: [Float]
  public var neurons: Related
  public var neuronCosines: [Float]
  public var latents: Related
  public var latentCosines: [Float]
  /// Latents with the most similar directions.
  public var nearest: Related
  public var suppressed: (tokens: [String], values: [Float])
  public var promoted: (tokens: [String], values: [Float])
  /// Its values where it is active; nil where it never was.
  public var activations: ValueHistogram?
  /// Its effect on all logits; nil where no model was given.
  public var logits: ValueHistogram?
  public var sequences: [Sequence]
}
