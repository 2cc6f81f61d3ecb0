/// What one step of training measured, before its update.
public struct StepMetrics: Codable, Sendable, Equatable {
  /// Steps done, this one included.
  public var step: Int
  /// Tokens seen, this step's included.
  public var tokens: Int
  /// The sum of all parts of the loss.
  public var loss: Double
  /// The mean over tokens of the squared error, summed over columns.
  public var reconstruction: Double
  /// λ times what it weighs.
  public var sparsity: Double
  /// The weighted auxiliary loss of dead latents, or of a gate.
  public var auxiliary: Double
  /// Σ‖y − ŷ‖² / Σ‖y − ȳ‖² over the batch, ȳ its mean: the fraction of variance unexplained.
  public var fvu: Double
  /// Active latents of a token, on average.
  public var l0: Double
  /// The share of latents that have not fired for so long that they count as dead.
  public var deadFraction: Double
  public var learningRate: Double
  /// The norm of all gradients together, before any limit.
  public var gradientNorm: Double
}
