/// What is known of one latent.
public struct LatentFeature: Codable, Sendable, Equatable {
  /// A token and how much a unit of the latent raises its logit, before the final norm's scaling.
  public struct TokenEffect: Codable, Sendable, Equatable {
    public var id: Int32
    public var text: String
    public var effect: Float
  }

  /// Another thing with a number, and how much it has to do with the latent.
  public struct Related: Codable, Sendable, Equatable {
    public var index: Int
    public var value: Float
  }

  public var latent: Int
  /// The share of rows where it is active.
  public var density: Double
  /// Its largest value.
  public var largest: Float
  /// Its mean where it is active.
  public var mean: Double
  /// Where it is largest, at most once a document, first the strongest.
  public var examples: [LatentExample]
  /// The tokens that its direction promotes and suppresses; empty where no model was given.
  public var promoted: [TokenEffect]
  public var suppressed: [TokenEffect]
  /// The coordinates of its direction with the largest share: |v_j| / ‖v‖₁. In a dictionary of neurons these are neurons.
  public var aligned: [Related]
  /// The neurons whose activation is most correlated with the latent's (Pearson); empty where none were read.
  public var correlated: [Related]
  /// The latents with the most similar directions (cosine).
  public var nearest: [Related]
  /// The labels that it separates best, among those for which it is one of the best latents.
  public var concepts: [ConceptLatent]
  /// Of a crosscoder, the share of each site in Σ_l ‖d_l‖, in units in which all sites count alike: where the latent lives.
  public var sites: [SiteShare]?

  /// A site's share of a latent.
  public struct SiteShare: Codable, Sendable, Equatable {
    public var site: String
    public var share: Float
  }
}

/// A dictionary's latents, read on a source.
public struct DictionaryFeatures: Codable, Sendable, Equatable {
  /// The site that was read.
  public var site: String
  /// The site of the neurons that latents were correlated with.
  public var neuronSite: String?
  public var rows: Int
  public var latents: Int
  public var deadLatents: Int
  /// The mean number of active latents of a row.
  public var l0: Double
  /// The latents that were asked for.
  public var features: [LatentFeature]
  /// For each label the latents that separate it best.
  public var concepts: [ConceptLatent]
}
