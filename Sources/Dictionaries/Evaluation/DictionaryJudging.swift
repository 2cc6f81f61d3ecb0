import Activations
import Architectures
import Diagnostics
import Transformer

/// How a dictionary is judged: what is measured, and on how much.
public struct DictionaryJudging: Sendable {
  /// Whether tokens that the tokenizer added count.
  public var specialTokens = false
  /// Rows to judge by at least; nil: all.
  public var rows: Int?
  /// Tokens to run with the dictionary spliced in; 0 leaves that out.
  public var spliceTokens = 8192
  /// Labelled sets whose labels latents, neurons and residual stream are probed for, and by how many columns.
  public var datasets: [String] = []
  public var ks = [1, 2, 5]
  /// Whether feature absorption is measured.
  public var absorption = false
  public var seed: UInt64 = 0

  public init() {}

  /// Measures a dictionary on a source's activations and, with a model, on what it predicts.
  ///
  /// - Parameters:
  ///   - session: The source's model; nil leaves out what needs it.
  ///   - options: How the labelled sets are read.
  ///   - progress: Called with what is being done.
  /// - Throws: `Fault` named `dictionary.noModel` where sets or absorption were asked for without a model, and those of
  ///   `reconstruction`, `splice`, `spliceSites`, `sparseProbing` and `FeatureAbsorption`.
  public func judge(
    _ dictionary: SparseAutoencoder, on source: any ActivationSource, session: Session?,
    options: CorpusOptions = CorpusOptions(), progress: (String) -> Void = { _ in }
  ) throws -> DictionaryEvaluation {
    guard session != nil || (datasets.isEmpty && !absorption) else {
      throw Fault(
        .usage, "dictionary.noModel", "The store's model is not here, which probing and absorption need",
        expected: source.origin.model, found: "no such model", advice: "name its folder with --model")
    }
    let all = source.rowCount
    let reconstruction = try dictionary.reconstruction(
      of: source, specialTokens: specialTokens, rows: rows, seed: seed
    ) { progress("judged \($0) of \(all) rows") }
    progress("comparing directions")
    let directions = dictionary.directionMeasures()
    var splice: SpliceMeasures?
    var siteSplices: [SpliceMeasures] = []
    var probing: [SparseProbing] = []
    var letters: FeatureAbsorption?
    if let session {
      let model = session.model
      let spliced = { (tokens: Int) in progress("spliced \(tokens) tokens") }
      if spliceTokens > 0, model.architecture.head.kind == .nextToken {
        if let sites = reconstruction.sites {
          (splice, siteSplices) = try dictionary.spliceSites(
            into: model, source: source, means: sites.map(\.mean), specialTokens: specialTokens, tokens: spliceTokens,
            seed: seed, progress: spliced)
        } else {
          splice = try dictionary.splice(
            into: model, source: source, mean: reconstruction.mean, specialTokens: specialTokens, tokens: spliceTokens,
            seed: seed, progress: spliced)
        }
      }
      let beside = dictionary.sitesBeside
      for name in datasets {
        progress("probing \(name)")
        let set = try dictionary.activations(in: session, of: Corpus([name], options: options), further: beside)
        probing += try dictionary.sparseProbing(of: set, dataset: name, ks: ks, sites: beside, seed: seed)
      }
      if absorption {
        letters = try FeatureAbsorption(
          of: dictionary, model: model, tokenizer: session.requireTokenizer(), seed: seed
        ) { progress("absorption: \($0)") }
      }
    }
    return DictionaryEvaluation(
      dictionary, reconstruction: reconstruction, directions: directions, splice: splice, probing: probing,
      absorption: letters,
      crosscoder: CrosscoderEvaluation(dictionary, reconstruction: reconstruction, splices: siteSplices))
  }
}
