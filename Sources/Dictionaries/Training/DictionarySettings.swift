import Diagnostics
import Foundation

/// What one dictionary learns and how: its architecture, size, losses and optimizer.
///
/// Learning rates and coefficients are meant for activations of mean norm √width, which
/// `normalization: .expectedAverageOnlyIn` brings about; losses are sums over columns and means over tokens.
public struct DictionarySettings: Codable, Sendable, Equatable {
  public typealias Architecture = SparseAutoencoder.Architecture
  public typealias Normalization = SparseAutoencoder.Normalization

  public var architecture: Architecture
  /// F, the number of latents.
  public var latents: Int
  /// The active latents of a token: of TopK all, of BatchTopK and Matryoshka on average over a batch. Others ignore it.
  public var k: Int
  /// The seed of the initial weights and of resampling; what the data's order follows from is the run's own seed.
  public var seed: UInt64 = 0

  /// What is done to activations before training. With `expectedAverageOnlyIn` the factor is folded into the weights at
  /// the end.
  public var normalization: Normalization = .expectedAverageOnlyIn
  /// Whether the encoder reads x − b_dec. Not in transcoders.
  public var subtractsDecoderBias = true
  /// Whether b_dec starts at the geometric median of the first tokens; otherwise at 0.
  public var startsAtGeometricMedian = true
  /// Whether decoder rows are kept at norm 1, the gradient's part along each row removed; default: for the TopK family.
  /// Where they are free there, the largest products times norms are selected, and the norms are folded at the end.
  public var unitNormDecoder: Bool
  /// The norm that decoder rows start with, where they are free; an autoencoder's encoder rows start with it too.
  public var initialDecoderNorm: Float = 0.1

  /// λ of Σ fᵢ·‖Wᵢ‖ (standard, gated) or of the number of active latents (JumpReLU).
  public var sparsity: Float
  /// Steps over which λ rises linearly from 0.
  public var sparsityWarmUp: Int = 0
  /// JumpReLU: what is penalised.
  public var jumpReLU = JumpReLUSettings()
  /// Matryoshka: the ends of the nested prefixes, rising; the last is `latents`. Default: 1/16, 1/8, 1/4, 1/2, 1.
  public var prefixes: [Int]?

  /// TopK family: the weight of the auxiliary loss, 0 for none.
  public var auxiliaryWeight: Float = 1 / 32
  /// Whether the auxiliary loss counts relative to the residual's variance (Gao et al.); otherwise in the units of the loss
  /// itself, as in SAELens.
  public var auxiliaryIsRelative = true
  /// Matryoshka: whether dead latents rebuild what their own prefix leaves, not what the whole dictionary does.
  public var auxiliaryByPrefix = false
  /// How many dead latents rebuild a token's residual; default: half of the input's width.
  public var auxiliaryK: Int?
  /// A latent is dead when it has not fired for so many tokens; default: 10 million or a tenth of the run.
  public var deadAfterTokens: Int?
  /// Steps at which dead latents are given new directions (Bricken et al. 2023); empty for never.
  public var resampleSteps: [Int] = []

  /// Default: 2·10⁻⁴ / √(F / 2¹⁴).
  public var learningRate: Float?
  public var beta1: Float = 0.9
  public var beta2: Float = 0.999
  public var epsilon: Float = 1e-8
  /// Steps over which the learning rate rises linearly; default: 1,000 or a twentieth of the run.
  public var warmUp: Int?
  /// The share of the run's end over which the learning rate falls linearly to 0.
  public var decay: Double = 0.2
  /// The largest norm of all gradients together; nil for no limit.
  public var gradientLimit: Float?

  /// Whether a transcoder has a linear path past its latents. Without effect in an autoencoder.
  public var skip = false

  public init(architecture: Architecture = .topK, latents: Int, k: Int = 32) {
    self.architecture = architecture
    self.latents = latents
    self.k = k
    let selects = architecture == .topK || architecture == .batchTopK || architecture == .matryoshka
    unitNormDecoder = selects
    switch architecture {
    case .standard, .gated: sparsity = 5
    case .jumpReLU: sparsity = 1
    default: sparsity = 0
    }
  }

  /// What JumpReLU's threshold learns from (Rajamanoharan et al., arXiv 2407.14435; tanh: Anthropic, January 2025).
  public struct JumpReLUSettings: Codable, Sendable, Equatable {
    public enum Penalty: String, Codable, Sendable, CaseIterable {
      /// λ · the number of active latents.
      case step
      /// λ · Σ tanh(scale · fᵢ · ‖Wᵢ‖).
      case tanh
    }

    public var penalty = Penalty.step
    public var initialThreshold: Float = 0.01
    /// The width ε of the rectangle that stands for the derivative of the step.
    public var bandwidth: Float = 0.05
    /// The factor within the tanh.
    public var tanhScale: Float = 4

    public init() {}
  }

  /// The learning rate before warm-up and decay.
  public var resolvedLearningRate: Float {
    learningRate ?? 2e-4 / (Float(latents) / 16384).squareRoot()
  }

  var selectsLargest: Bool { architecture == .topK || architecture == .batchTopK || architecture == .matryoshka }

  /// The ends of the nested prefixes; one, `latents`, unless this is Matryoshka.
  var resolvedPrefixes: [Int] {
    guard architecture == .matryoshka else { return [latents] }
    if let prefixes { return prefixes }
    return [16, 8, 4, 2, 1].map { max(1, latents / $0) }.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }

  /// Refuses what cannot be trained.
  func check(inputWidth: Int, outputWidth: Int) throws {
    func refuse(_ name: String, _ problem: String, expected: String, found: String) -> Fault {
      Fault(.usage, "dictionary.\(name)", problem, expected: expected, found: found)
    }
    if latents < 1 || latents > 1 << 26 {
      throw refuse("latents", "This number of latents cannot be trained", expected: "1 … 2²⁶", found: "\(latents)")
    }
    if selectsLargest, k < 1 || k > latents {
      throw refuse("k", "k must not exceed the dictionary's width", expected: "1 … \(latents)", found: "\(k)")
    }
    let rates = [
      ("learning rate", resolvedLearningRate), ("sparsity", sparsity), ("auxiliary weight", auxiliaryWeight),
      ("bandwidth", jumpReLU.bandwidth), ("beta1", beta1), ("beta2", beta2),
      ("epsilon", epsilon), ("gradient limit", gradientLimit ?? 1), ("initial decoder norm", initialDecoderNorm),
    ]
    for (name, value) in rates where !value.isFinite || value < 0 {
      throw refuse("setting", "The \(name) cannot be used", expected: "a number of at least 0", found: "\(value)")
    }
    if jumpReLU.bandwidth == 0 || beta1 >= 1 || beta2 >= 1 || !(0...1 ~= decay) {
      throw refuse(
        "setting", "A setting is out of its range", expected: "bandwidth > 0, betas below 1, decay of 0 … 1",
        found: "bandwidth \(jumpReLU.bandwidth), betas \(beta1) and \(beta2), decay \(decay)")
    }
    let ends = resolvedPrefixes
    if zip(ends, ends.dropFirst()).contains(where: { $0 >= $1 }) || ends.first ?? 0 < 1 || ends.last != latents {
      throw refuse(
        "prefixes", "The nested prefixes must rise to the dictionary's width", expected: "… < \(latents) as the last",
        found: "\(ends)")
    }
    if normalization.isUndoneAtOutput, inputWidth != outputWidth {
      throw refuse(
        "normalization", "A transcoder between sites of unequal widths cannot scale its output back by its input",
        expected: "none or expected_average_only_in", found: normalization.rawValue)
    }
  }
}
