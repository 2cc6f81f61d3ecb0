import Activations
import Architectures
import Diagnostics
import Foundation
import LinearAlgebra
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

  /// Tokens that were run, and how many of them were predicted.
  public var tokens: Int
  public var predictions: Int
  /// The cross-entropy of the untouched model.
  public var cleanLoss: Double
  /// With the dictionary's output.
  public var spliced: Run
  /// With zeros.
  public var zero: Run
  /// With the site's mean over the corpus.
  public var mean: Run

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
  /// run unless `specialTokens` is set, as they do in training. Four passes over the documents; memory for two batches'
  /// logits.
  ///
  /// - Parameters:
  ///   - source: where the documents' tokens come from.
  ///   - mean: the site's mean over the corpus, [m], as `ReconstructionMeasures.mean` has it.
  ///   - tokens: how many tokens at least, where not all; whole documents are run.
  ///   - site: as in `reconstruction`.
  /// - Throws: `dictionary.otherModel`, `dictionary.modelSite`, `transformer.noNextToken` where the model predicts no
  ///   next token.
  public func splice(
    into model: Model, source: any ActivationSource, mean: [Double], site: String? = nil,
    specialTokens: Bool = false, tokens most: Int = 8192, progress: (Int) -> Void = { _ in }
  ) throws -> SpliceMeasures {
    guard model.architecture.head.kind == .nextToken else {
      throw Fault(
        .usage, "transformer.noNextToken", "This model predicts no next tokens, so it has no such loss",
        file: model.folder.path, expected: "a causal language model", found: model.architecture.modelType)
    }
    let input = try self.site(site ?? configuration.hookIn, width: inputWidth, in: model)
    let output = isTranscoder ? try self.site(configuration.hookOut, width: outputWidth, in: model) : input
    let budget = max(64, min(2048, (24 << 20) / max(model.architecture.vocabularySize, 1)))
    var sums = SpliceSums()
    var batches = DocumentBatches(source: source, tokens: budget, most: most)
    while let (batch, special) = try batches.next() {
      let edited = specialTokens ? [Bool](repeating: true, count: batch.count) : special.map { !$0 }
      let clean = try model.run(batch, logits: .all) ?? Matrix(zeros: 0, columns: 0)
      let constant = mean.map { Float($0) }
      let zeros = [Float](repeating: 0, count: outputWidth)
      let hooks: [[Hook]] = [
        spliceHooks(input: input, output: output, edited: edited),
        [replacing(output, with: zeros, edited: edited)], [replacing(output, with: constant, edited: edited)],
      ]
      sums.add(clean: clean, batch: batch)
      for (run, hooks) in hooks.enumerated() {
        let logits = try model.run(batch, hooks: hooks, logits: .all) ?? clean
        sums.add(run: run, logits: logits, clean: clean, batch: batch)
      }
      progress(sums.tokens)
    }
    return try sums.measures()
  }

  /// Hooks that put the dictionary's output in the place of the activation, for the rows that are marked.
  func spliceHooks(input: Site, output: Site, edited: [Bool]) -> [Hook] {
    func put(_ values: Matrix, into value: inout HookedValue) {
      value.withUnsafeMutableBuffer { buffer in
        for row in 0..<values.rows where edited[row] {
          values.withUnsafeRow(row) { _ = buffer[(row * values.columns)...].update(fromContentsOf: $0) }
        }
      }
    }
    func matrix(_ value: borrowing HookedValue) -> Matrix {
      Matrix(rows: value.rows.count, columns: value.width, elements: value.copy())
    }
    guard isTranscoder else {
      return [Hook(input) { value in put(reconstruct(matrix(value)), into: &value) }]
    }
    var prediction = Matrix(zeros: 0, columns: outputWidth)
    return [
      Hook(input) { value in prediction = reconstruct(matrix(value)) },
      Hook(output) { value in put(prediction, into: &value) },
    ]
  }

  private func replacing(_ site: Site, with row: [Float], edited: [Bool]) -> Hook {
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

/// A source's documents as batches of tokens.
struct DocumentBatches {
  let source: any ActivationSource
  /// Tokens of a batch at most, unless one document is longer.
  let tokens: Int
  /// Tokens of all batches together, to the next whole document.
  let most: Int
  private var document = 0
  private var done = 0
  private var table: DocumentTable?

  init(source: any ActivationSource, tokens: Int, most: Int) {
    self.source = source
    self.tokens = tokens
    self.most = most
  }

  /// The next batch and which of its tokens the tokenizer added.
  mutating func next() throws -> (batch: TokenBatch, special: [Bool])? {
    let documents = try table ?? source.documents
    table = documents
    var ids: [Int32] = []
    var special: [Bool] = []
    var lengths: [Int] = []
    while document < documents.count, done < most {
      let range = documents.tokens(of: document)
      if !lengths.isEmpty, ids.count + range.count > tokens { break }
      document += 1
      guard !range.isEmpty else { continue }
      let rows = try source.tokens(in: range)
      ids += rows.ids
      special += rows.special.map { $0 != 0 }
      lengths.append(range.count)
      done += range.count
    }
    return lengths.isEmpty ? nil : (TokenBatch(ids: ids, lengths: lengths), special)
  }
}

/// Losses and divergences of the clean run and of three edited ones.
private struct SpliceSums {
  var tokens = 0
  private var predictions = 0
  private var cleanLoss = 0.0
  private var losses = [0.0, 0.0, 0.0]
  private var divergences = [0.0, 0.0, 0.0]

  mutating func add(clean: Matrix, batch: TokenBatch) {
    let rows = Self.compare(clean, clean: nil, batch: batch)
    tokens += batch.count
    predictions += batch.count - batch.lengths.count
    cleanLoss += rows.reduce(0) { $0 + $1.loss }
  }

  mutating func add(run: Int, logits: Matrix, clean: Matrix, batch: TokenBatch) {
    for row in Self.compare(logits, clean: clean, batch: batch) {
      losses[run] += row.loss
      divergences[run] += row.divergence
    }
  }

  /// Of each token the loss of predicting the next one (0 for a document's last) and the divergence from the clean run.
  private static func compare(
    _ logits: Matrix, clean: Matrix?, batch: TokenBatch
  ) -> [(loss: Double, divergence: Double)] {
    var rows = [(loss: Double, divergence: Double)](repeating: (0, 0), count: batch.count)
    let ends = Set(batch.starts)
    rows.withUnsafeMutableBufferPointer { rows in
      Threads.forRanges(0..<batch.count, grain: 8) { some in
        for row in some {
          logits.withUnsafeRow(row) { q in
            let logSum = logSumExp(q)
            if !ends.contains(row + 1) { rows[row].loss = logSum - Double(q[Int(batch.ids[row + 1])]) }
            clean?.withUnsafeRow(row) { p in
              let cleanSum = logSumExp(p)
              var divergence = 0.0
              for token in p.indices {
                let logP = Double(p[token]) - cleanSum
                divergence += exp(logP) * (logP - (Double(q[token]) - logSum))
              }
              rows[row].divergence = divergence
            }
          }
        }
      }
    }
    return rows
  }

  private static func logSumExp(_ values: UnsafeBufferPointer<Float>) -> Double {
    let largest = Double(values.max() ?? 0)
    return largest + log(values.reduce(0.0) { $0 + exp(Double($1) - largest) })
  }

  func measures() throws -> SpliceMeasures {
    guard predictions > 0 else {
      throw Fault(
        .badData, "dictionary.noPredictions", "The documents are too short to predict a next token",
        expected: "documents of two tokens and more", found: "\(tokens) tokens in documents of one")
    }
    func run(_ index: Int) -> SpliceMeasures.Run {
      SpliceMeasures.Run(
        loss: losses[index] / Double(predictions), divergence: divergences[index] / Double(tokens))
    }
    return SpliceMeasures(
      tokens: tokens, predictions: predictions, cleanLoss: cleanLoss / Double(predictions), spliced: run(0),
      zero: run(1), mean: run(2))
  }
}
