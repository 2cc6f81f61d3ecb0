import Activations

extension SparseAutoencoder {
  /// How a latent's pre-activation p becomes its value.
  public enum Architecture: String, Codable, Sendable, CaseIterable {
    /// max(p, 0), trained with an L1 penalty.
    case standard
    /// One product decides which latents are active, the same product, scaled and shifted, gives their values
    /// (Rajamanoharan et al., arXiv 2404.16014).
    case gated
    /// The k largest pre-activations of a row, those above zero (Gao et al., arXiv 2406.04093).
    case topK = "topk"
    /// Trained on the k·rows largest of a batch; used with a constant threshold (Bussmann et al., arXiv 2412.06410).
    case batchTopK = "batchtopk"
    /// p where p > threshold and p > 0, else 0 (Rajamanoharan et al., arXiv 2407.14435).
    case jumpReLU = "jumprelu"
    /// Trained on the errors of nested prefixes of the latents; used with a constant threshold (Bussmann et al., arXiv
    /// 2503.17547).
    case matryoshka

    /// Whether a latent is active above a threshold of its own.
    public var usesThreshold: Bool { self == .jumpReLU || self == .batchTopK || self == .matryoshka }
  }

  /// What is done to an activation before it is encoded; the names in files are SAELens's.
  public enum Normalization: String, Codable, Sendable, CaseIterable {
    case none
    /// Divided in training by a constant that brings the mean norm to √n; the constant is folded into the weights when
    /// training ends, so nothing is done to an activation.
    case expectedAverageOnlyIn = "expected_average_only_in"
    /// Each row is scaled to the norm √n, and the reconstruction scaled back.
    case constantNormRescale = "constant_norm_rescale"
    /// Each row is centred and divided by its standard deviation (over n − 1) + 10⁻⁵, and the reconstruction
    /// multiplied by the deviation and shifted back.
    case layerNorm = "layer_norm"

    /// Whether an autoencoder's reconstruction is brought back to the scale of the row that was encoded. A transcoder's
    /// prediction is not.
    public var isUndoneAtOutput: Bool { self == .constantNormRescale || self == .layerNorm }
  }

  /// What a dictionary is, its weights aside.
  public struct Configuration: Codable, Sendable, Equatable {
    public var architecture: Architecture
    /// The width of the activations that are read.
    public var inputWidth: Int
    /// The width of the activations that are rebuilt or predicted.
    public var outputWidth: Int
    /// The number of latents.
    public var latents: Int
    /// The number of active latents of a row: of `topK` the rule; of `batchTopK` and `matryoshka` the mean in training.
    public var k: Int?
    /// The full name of the site that is read, such as `blocks.4.hook_resid_post`; empty where it is not known.
    public var hookIn: String
    /// The full name of the site that is rebuilt; differs from `hookIn` in a transcoder.
    public var hookOut: String
    public var normalization: Normalization
    /// Whether the decoder's bias is taken off the input.
    public var applyDecoderBiasToInput: Bool
    /// Whether a latent's pre-activation counts times its decoder's norm, and its direction with norm 1.
    public var rescaleByDecoderNorm: Bool
    /// Whether rows were [heads, d_head] before they were laid flat, as those of `attn.hook_z`.
    public var flattensHeads: Bool
    /// Whether the dictionary was trained to predict another site than the one it reads.
    public var isTranscoder: Bool
    /// Of a crosscoder, the sites whose columns make up a row; `hookIn` and `hookOut` then join their names.
    public var crosscoder: [CrosscoderSite]?
    /// The model's name as the file gives it.
    public var modelName: String?
    /// The tokens of a training context.
    public var contextSize: Int?
    /// Whether training contexts began with the token for the beginning of a sequence.
    public var prependsBeginToken: Bool?
    /// Model, tokenizer and corpus that the training's activations came from; nil in files of others.
    public var origin: Origin?

    public init(
      architecture: Architecture, inputWidth: Int, outputWidth: Int? = nil, latents: Int, k: Int? = nil,
      hookIn: String = "", hookOut: String? = nil, normalization: Normalization = .none,
      applyDecoderBiasToInput: Bool = false, rescaleByDecoderNorm: Bool = false, flattensHeads: Bool = false,
      isTranscoder: Bool? = nil, modelName: String? = nil, contextSize: Int? = nil, prependsBeginToken: Bool? = nil,
      origin: Origin? = nil
    ) {
      self.architecture = architecture
      self.inputWidth = inputWidth
      self.outputWidth = outputWidth ?? inputWidth
      self.latents = latents
      self.k = k
      self.hookIn = hookIn
      self.hookOut = hookOut ?? hookIn
      self.normalization = normalization
      self.applyDecoderBiasToInput = applyDecoderBiasToInput
      self.rescaleByDecoderNorm = rescaleByDecoderNorm
      self.flattensHeads = flattensHeads
      self.isTranscoder = isTranscoder ?? (self.hookOut != hookIn)
      self.modelName = modelName ?? origin?.model
      self.contextSize = contextSize
      self.prependsBeginToken = prependsBeginToken
      self.origin = origin
    }
  }
}
