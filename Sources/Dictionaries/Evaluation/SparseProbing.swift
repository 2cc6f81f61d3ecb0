import Activations
import Diagnostics
import LinearAlgebra
import Probes

/// How much a few latents, neurons or directions of the residual stream know of a concept (SAEBench's sparse probing,
/// after Gurnee et al., arXiv 2305.01610).
public struct SparseProbing: Codable, Sendable, Equatable {
  /// One basis and one k.
  public struct Score: Codable, Sendable, Equatable {
    /// What was probed: `latents`, or the name of a site.
    public var basis: String
    public var k: Int
    /// The share of held-out documents that were classified rightly.
    public var accuracy: Double
    public var auroc: Double?
    /// The columns that were chosen.
    public var columns: [Int]
  }

  public var concept: String
  public var dataset: String
  public var examples: Int
  public var scores: [Score]
}

extension SparseAutoencoder {
  /// Probes a labelled source on its k best latents, and on the k best columns of other sites.
  ///
  /// An example's row is the mean over its tokens. The k columns with the largest difference of means between the
  /// classes, taken on the training examples, go into a logistic regression; a fifth of the groups is held out. Of
  /// several labels each is told from the rest.
  ///
  /// - Parameters:
  ///   - ks: how many columns.
  ///   - sites: the sites to compare with, which the source must hold.
  /// - Throws: as `reconstruction`; `probe.noLabels`, `probe.tooFewExamples` and their like.
  public func sparseProbing(
    of source: any ActivationSource, dataset: String, concept: Concept = Concept(), ks: [Int] = [1, 2, 5],
    sites: [String] = [], site: String? = nil, seed: UInt64 = 0
  ) throws -> [SparseProbing] {
    try sparseProbing(
      of: source, dataset: dataset, concept: concept, ks: ks, sites: sites, site: site, seed: seed, split: nil)
  }

  /// The same with the documents divided as given.
  package func sparseProbing(
    of source: any ActivationSource, dataset: String, concept: Concept, ks: [Int], sites: [String], site: String?,
    seed: UInt64, split given: (train: [Int], test: [Int])?
  ) throws -> [SparseProbing] {
    let input = try DictionaryInput(self, source: source, site: site)
    let examples = try Examples(concept, of: source, specialTokens: false, most: 5000, seed: seed)
    var means = Matrix(zeros: examples.count, columns: latents)
    let others = sites.filter { name in source.sites.contains { $0.name == name } }
    try input.stream { block in
      let active = encode(block.input)
      means.withUnsafeMutableElements { elements in
        for (offset, row) in block.rows.enumerated() where examples.exampleOfRow[row] >= 0 {
          let example = Int(examples.exampleOfRow[row])
          let share = 1 / Float(examples.rowCounts[example])
          for place in active.range(ofRow: offset) {
            elements[example * latents + Int(active.indices[place])] += active.values[place] * share
          }
        }
      }
    }
    let matrices = try examples.activations(
      of: try others.map { try source.site(named: $0) }, in: source, order: Array(0..<examples.count), pooling: .mean)
    let bases = [("latents", means)] + Array(zip(others, matrices))
    let split: (train: [Int], test: [Int])
    if let given {
      split = given
    } else {
      let drawn = try Split.trainAndTest(labels: examples.labels, groups: examples.groups, seed: seed)
      split = (drawn.train, drawn.test)
    }
    let classes = examples.classes.indices
    return try (examples.classes.count == 2 ? 1..<2 : classes).map { c in
      let labels = examples.labels.map { $0 == Int32(c) ? Int32(1) : 0 }
      return SparseProbing(
        concept: examples.classes[c], dataset: dataset, examples: examples.count,
        scores: try bases.flatMap { basis, matrix in
          let train = matrix.selectingRows(split.train)
          let test = matrix.selectingRows(split.test)
          return try ks.map { k in
            try Self.probe(train, test, k: k, labels: labels, split: split, basis: basis, seed: seed)
          }
        })
    }
  }

  private static func probe(
    _ train: Matrix, _ test: Matrix, k: Int, labels: [Int32], split: (train: [Int], test: [Int]), basis: String,
    seed: UInt64
  ) throws -> SparseProbing.Score {
    let fit = try SparseProbe.fit(
      train, labels: split.train.map { labels[$0] }, classes: 2, settings: .init(counts: [k], classWeights: .none),
      logistic: LogisticRegression.Settings(folds: 0), seed: seed)
    let scores = fit.classifier.scores(of: test).elements
    let truth = split.test.map { labels[$0] == 1 }
    let hits = zip(scores, truth).count { ($0 > 0) == $1 }
    return SparseProbing.Score(
      basis: basis, k: fit.size, accuracy: Double(hits) / Double(max(truth.count, 1)),
      auroc: AUROC.area(scores: scores, positive: truth), columns: fit.columns)
  }
}
