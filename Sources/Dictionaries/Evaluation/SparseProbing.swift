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
          let order = try Self.byMeanDifference(matrix, rows: split.train, labels: labels)
          return try ks.map { k in
            let columns = Array(order.prefix(k))
            return try Self.probe(matrix, columns: columns, labels: labels, split: split, basis: basis, seed: seed)
          }
        })
    }
  }

  /// Columns by the absolute difference of the classes' means, largest first.
  static func byMeanDifference(_ matrix: Matrix, rows: [Int], labels: [Int32]) throws -> [Int] {
    var sums = [[Double]](repeating: [Double](repeating: 0, count: matrix.columns), count: 2)
    var counts = [0.0, 0.0]
    for row in rows {
      let label = Int(labels[row])
      counts[label] += 1
      matrix.withUnsafeRow(row) { values in
        for (column, value) in values.enumerated() { sums[label][column] += Double(value) }
      }
    }
    guard counts[0] > 0, counts[1] > 0 else {
      throw Fault(
        .badData, "probe.tooFewExamples", "A class has no example to learn from", expected: "at least one of each",
        found: "\(Int(counts[1])) of the concept, \(Int(counts[0])) others")
    }
    let difference = (0..<matrix.columns).map { abs(sums[1][$0] / counts[1] - sums[0][$0] / counts[0]) }
    return difference.indices.sorted { difference[$0] != difference[$1] ? difference[$0] > difference[$1] : $0 < $1 }
  }

  private static func probe(
    _ matrix: Matrix, columns: [Int], labels: [Int32], split: (train: [Int], test: [Int]), basis: String, seed: UInt64
  ) throws -> SparseProbing.Score {
    func part(_ rows: [Int]) -> Matrix {
      Matrix(
        rows: rows.count, columns: columns.count,
        elements: rows.flatMap { row in columns.map { matrix[row, $0] } })
    }
    let fit = try LogisticRegression.fit(
      part(split.train), labels: split.train.map { labels[$0] }, classes: 2,
      settings: LogisticRegression.Settings(folds: 0), seed: seed)
    let scores = fit.classifier.scores(of: part(split.test)).elements
    let truth = split.test.map { labels[$0] == 1 }
    let hits = zip(scores, truth).count { ($0 > 0) == $1 }
    return SparseProbing.Score(
      basis: basis, k: columns.count, accuracy: Double(hits) / Double(max(truth.count, 1)),
      auroc: AUROC.area(scores: scores, positive: truth), columns: columns)
  }
}
