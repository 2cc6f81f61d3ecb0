import Activations
import Architectures
import Diagnostics
import Foundation
import LinearAlgebra
import Transformer

extension SparseAutoencoder {
  /// The rows that the dictionary reads in a run of the model, [tokens, inputWidth], and the logits where they are wanted.
  ///
  /// - Parameter site: as in `reconstruction`.
  /// - Throws: `dictionary.modelSite`, `dictionary.width`, `dictionary.crosscoder`.
  func rows(
    of batch: TokenBatch, in model: Model, site name: String? = nil, logits: Model.LogitRows = .none
  ) throws -> (values: Matrix, logits: Matrix?) {
    if isCrosscoder, let name, name != configuration.hookIn {
      throw Fault(
        .usage, "dictionary.crosscoder", "A crosscoder reads its own sites", expected: configuration.hookIn,
        found: name, advice: "leave --site out")
    }
    let sites =
      try configuration.crosscoder.map { try $0.map { try site($0.site, width: $0.width, in: model) } }
      ?? [site(name ?? configuration.hookIn, width: inputWidth, in: model)]
    var parts = sites.map { _ in Matrix(zeros: 0, columns: 0) }
    let hooks = sites.enumerated().map { place, site in
      Hook(site) { value in
        parts[place] = Matrix(rows: value.rows.count, columns: value.width, elements: value.copy())
      }
    }
    let result = try model.run(batch, hooks: hooks, logits: logits)
    return (parts.count == 1 ? parts[0] : Matrix(sideBySide: parts), result)
  }

  /// Splices a crosscoder's reconstructions into the model: at all sites at once, and at each alone.
  ///
  /// The reconstructions are those of the untouched run's activations. A site that a splice before it reaches gets its
  /// own reconstruction all the same: of residual streams spliced at once, the last decides nearly all. Everything else as
  /// in `splice`; three passes for each of the sites and for all together, and one for the untouched model.
  ///
  /// - Parameter means: each site's mean over the corpus.
  public func spliceSites(
    into model: Model, source: any ActivationSource, means: [[Double]], specialTokens: Bool = false,
    tokens most: Int = 8192, seed: UInt64 = 0, progress: (Int) -> Void = { _ in }
  ) throws -> (all: SpliceMeasures, sites: [SpliceMeasures]) {
    guard let crosscoder = configuration.crosscoder, model.architecture.head.kind == .nextToken else {
      throw Fault(
        .usage, "transformer.noNextToken", "This model predicts no next tokens, or the dictionary is no crosscoder",
        file: model.folder.path, expected: "a causal language model and a crosscoder",
        found: model.architecture.modelType)
    }
    let sites = try crosscoder.map { try site($0.site, width: $0.width, in: model) }
    let widths = crosscoder.map(\.width)
    let sets = [Array(sites.indices)] + sites.indices.map { [$0] }
    let budget = max(64, min(2048, (24 << 20) / max(model.architecture.vocabularySize, 1)))
    let sample = try DocumentSample(of: source, seed: seed, most: most, specialTokens: true)
    var sums = sets.map { _ in SpliceSums(units: sample.units) }
    var batches = try DocumentBatches(source: source, sample: sample, tokens: budget)
    while let documents = try batches.next() {
      let edited = documents.special.map { specialTokens || !$0 }
      let run = try rows(of: documents.tokens, in: model, logits: .all)
      let clean = run.logits ?? Matrix(zeros: 0, columns: 0)
      let rebuilt = reconstruct(run.values).splitColumns(widths)
      for (place, set) in sets.enumerated() {
        sums[place].add(clean: clean, batch: documents, counted: edited)
        let hooks: [[Hook]] = [
          set.map { putting(rebuilt[$0], at: sites[$0], edited: edited) },
          set.map { replacing(sites[$0], with: [Float](repeating: 0, count: widths[$0]), edited: edited) },
          set.map { replacing(sites[$0], with: means[$0].map { Float($0) }, edited: edited) },
        ]
        for (run, hooks) in hooks.enumerated() {
          let logits = try model.run(documents.tokens, hooks: hooks, logits: .all) ?? clean
          sums[place].add(run: run, logits: logits, clean: clean, batch: documents, counted: edited)
        }
      }
      progress(sums[0].tokens)
    }
    let measures = try sums.map { try $0.measures(documents: sample.documents.count, seed: seed) }
    return (measures[0], Array(measures.dropFirst()))
  }

  /// A hook that puts rows in the place of the activation, where they are marked.
  private func putting(_ rows: Matrix, at site: Site, edited: [Bool]) -> Hook {
    Hook(site) { value in
      value.withUnsafeMutableBuffer { buffer in
        for row in 0..<rows.rows where edited[row] {
          rows.withUnsafeRow(row) { _ = buffer[(row * rows.columns)...].update(fromContentsOf: $0) }
        }
      }
    }
  }
}
