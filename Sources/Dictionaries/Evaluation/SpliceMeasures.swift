import Activations
import Architectures
import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import Transformer

/// What the model loses when a dictionary's output stands in the place of the real activation.
public struct SpliceMeasures: Codable, Sendable, Equatable {
  /// One way of running the model.
  public struct Run: Codable, Sendable, Equatable {
    /// Cross-entropy of the next token, nats a prediction.
    public var loss: Double
    /// Kullback–Leibler divergence of the clean prediction from this one, nats a token.
    public var divergence: Double
  }

  /// Documents and tokens that were run; tokens whose predictions were compared, and those of them that have a next one.
  public var documents: Int
  public var tokens: Int
  public var compared: Int
  public var predictions: Int
  /// The cross-entropy of the untouched model.
  public var cleanLoss: Double
  /// With the dictionary's output.
  public var spliced: Run
  /// With zeros.
  public var zero: Run
  /// With the site's mean over the corpus.
  public var mean: Run
  /// The 95 % intervals over documents; nil in those of a resample.
  public var intervals: Intervals?

  /// 95 % intervals of the figures of the same names, from resampled documents.
  public struct Intervals: Codable, Sendable, Equatable {
    public struct Run: Codable, Sendable, Equatable {
      public var loss: Interval?
      public var divergence: Interval?
    }
    public var cleanLoss: Interval?
    public var spliced: Run
    public var zero: Run
    public var mean: Run
    public var lossRecoveredFromZero: Interval?
    public var lossRecoveredFromMean: Interval?
    public var divergenceRecoveredFromZero: Interval?
    public var divergenceRecoveredFromMean: Interval?
  }

  /// (CE_zero − CE_spliced) / (CE_zero − CE_clean): 1 loses nothing, 0 is as bad as zeros.
  public var lossRecoveredFromZero: Double { (zero.loss - spliced.loss) / (zero.loss - cleanLoss) }
  /// The same against the mean, the harder baseline.
  public var lossRecoveredFromMean: Double { (mean.loss - spliced.loss) / (mean.loss - cleanLoss) }
  /// 1 − KL_spliced / KL_zero.
  public var divergenceRecoveredFromZero: Double { 1 - spliced.divergence / zero.divergence }
  /// 1 − KL_spliced / KL_mean.
  public var divergenceRecoveredFromMean: Double { 1 - spliced.divergence / mean.divergence }
}

extension SparseAutoencoder {
  /// Runs a model over a source's documents as it is, with the dictionary spliced in, with zeros and with the mean.
  ///
  /// Hooks edit the activations in place. The activations of tokens that the tokenizer added stay as they are in every
  /// run unless `specialTokens` is set, as they do in training, and what the model predicts at them is not counted. The
  /// documents are a seeded sample of all, whatever their order. Four passes over them; memory for the logits of one batch,
  /// about 200 MB, or of the longest document.
  ///
  /// - Parameters:
  ///   - source: where the documents' tokens come from.
  ///   - mean: the site's mean over the corpus, [m], as `ReconstructionMeasures.mean` has it.
  ///   - most: how many tokens at least, where not all; whole documents are run.
  ///   - seed: decides the sample and the resamples of documents that intervals come from.
  ///   - site: as in `reconstruction`.
  /// - Throws: `dictionary.otherModel`, `dictionary.modelSite`, `transformer.noNextToken` where the model predicts no
  ///   next token.
  public func splice(
    into model: Model, source: any ActivationSource, mean: [Double], site: String? = nil,
    specialTokens: Bool = false, tokens most: Int = 8192, seed: UInt64 = 0, progress: (Int) -> Void = { _ in }
  ) throws -> SpliceMeasures {
    if isCrosscoder {
      throw Fault(
        .usage, "dictionary.crosscoder", "A crosscoder is spliced in at each of its sites", found: configuration.hookIn,
        advice: "use spliceSites")
    }
    let input = try self.site(site ?? configuration.hookIn, width: inputWidth, in: model)
    let output = isTranscoder ? try self.site(configuration.hookOut, width: outputWidth, in: model) : input
    let constant = mean.map { Float($0) }
    let zeros = [Float](repeating: 0, count: outputWidth)
    return try splice(
      into: model, source: source, ways: 1, specialTokens: specialTokens, tokens: most, seed: seed, progress: progress
    ) { edited in
      [
        [
          spliceHooks(input: input, output: output, edited: edited), [replacing(output, with: zeros, edited: edited)],
          [replacing(output, with: constant, edited: edited)],
        ]
      ]
    }[0]
  }

  /// Runs a sample of documents as they are, and in several ways of three edited runs each.
  ///
  /// - Parameters:
  ///   - reading: hooks of the untouched run.
  ///   - edits: asked after the untouched run of each batch; told which tokens are edited.
  func splice(
    into model: Model, source: any ActivationSource, ways: Int, specialTokens: Bool, tokens most: Int, seed: UInt64,
    progress: (Int) -> Void, reading: [Hook] = [], edits: ([Bool]) -> [[[Hook]]]
  ) throws -> [SpliceMeasures] {
    guard model.architecture.head.kind == .nextToken else {
      throw Fault(
        .usage, "transformer.noNextToken", "This model predicts no next tokens, so it has no such loss",
        file: model.folder.path, expected: "a causal language model", found: model.architecture.modelType)
    }
    let vocabulary = model.architecture.vocabularySize
    let budget = max(64, min(2048, (48 << 20) / max(vocabulary, 1)))
    var storage = FloatBuffer(unset: 0)
    let sample = try DocumentSample(of: source, seed: seed, most: most, specialTokens: true)
    var sums = [SpliceSums](repeating: SpliceSums(units: sample.units), count: ways)
    var batches = try DocumentBatches(source: source, sample: sample, tokens: budget)
    while let documents = try batches.next() {
      let edited = documents.special.map { specialTokens || !$0 }
      let count = documents.units.count * vocabulary
      if storage.count < count {
        let size = max(count, budget * vocabulary)
        try model.reserve(
          bytes: size / vocabulary * model.architecture.workingBytesPerToken + 64 << 20, beside: 4 * size)
        storage = FloatBuffer(unset: size)
      }
      var clean = CleanPredictions(of: documents, counted: edited, vocabulary: vocabulary, storage: storage)
      try model.run(documents.tokens, hooks: reading + [Self.logits { clean.read($0, rows: $1) }])
      for (way, runs) in edits(edited).enumerated() {
        sums[way].add(clean)
        for (run, hooks) in runs.enumerated() {
          let compared = Self.logits { logits, rows in
            sums[way].add(run: run, clean.compare(logits, rows: rows), from: rows.lowerBound, clean: clean)
          }
          try model.run(documents.tokens, hooks: hooks + [compared])
        }
      }
      progress(sums[0].tokens)
    }
    return try sums.map { try $0.measures(documents: sample.documents.count, seed: seed) }
  }

  /// A hook that lends the logits of some rows after others.
  private static func logits(_ body: @escaping (UnsafePointer<Float>, Range<Int>) -> Void) -> Hook {
    Hook(Site(.unembedOut)) { value in
      let rows = value.rows
      value.withUnsafeBuffer { logits in if let logits = logits.baseAddress { body(logits, rows) } }
    }
  }

  /// Hooks that put the dictionary's output in the place of the activation, for the rows that are marked.
  func spliceHooks(input: Site, output: Site, edited: [Bool]) -> [Hook] {
    func matrix(_ value: borrowing HookedValue) -> Matrix {
      Matrix(rows: value.rows.count, columns: value.width, elements: value.copy())
    }
    guard isTranscoder else {
      return [Hook(input) { value in value.put(reconstruct(matrix(value)), where: edited) }]
    }
    var prediction = Matrix(zeros: 0, columns: outputWidth)
    return [
      Hook(input) { value in prediction = reconstruct(matrix(value)) },
      Hook(output) { value in value.put(prediction, where: edited) },
    ]
  }

  func replacing(_ site: Site, with row: [Float], edited: [Bool]) -> Hook {
    Hook(site) { value in
      value.withUnsafeMutableBuffer { buffer in
        for token in edited.indices where edited[token] {
          _ = buffer[(token * row.count)...].update(fromContentsOf: row)
        }
      }
    }
  }

  /// The model's site of a name, held against the dictionary's width.
  package func site(_ name: String, width: Int, in model: Model) throws -> Site {
    guard let site = model.architecture.sites.first(where: { $0.name == name }) else {
      throw Fault(
        .badData, "dictionary.modelSite",
        name.isEmpty ? "The dictionary does not say which site it reads" : "The model has not the dictionary's site",
        expected: name.isEmpty ? "the name of a site of width \(width)" : name,
        found: "a model of \(model.architecture.layers) layers",
        advice: nearestNames(to: name, among: model.architecture.sites.map(\.name)).first.map { "did you mean \($0)?" }
          ?? "name the site with --site")
    }
    let found = model.architecture.shape(of: site).width
    guard found == width else {
      throw Fault(
        .badData, "dictionary.width", "The model's activations have another width than the dictionary", place: name,
        expected: "\(width)", found: found.map(String.init) ?? "a width that the text decides",
        advice: "check that model and site are those that the dictionary was trained on")
    }
    return site
  }
}

extension HookedValue {
  /// Puts rows in the place of the activation, where they are marked.
  mutating func put(_ rows: Matrix, where edited: [Bool]) {
    withUnsafeMutableBuffer { buffer in
      for row in 0..<rows.rows where edited[row] {
        rows.withUnsafeRow(row) { _ = buffer[(row * rows.columns)...].update(fromContentsOf: $0) }
      }
    }
  }
}
