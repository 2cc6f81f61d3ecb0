import Activations
import Architectures
import Diagnostics
import LinearAlgebra
import Tokenization
import Transformer

/// A vector for each of many tokens, to measure and add up: the model's embeddings, or the tokens' activations at a hook
/// point averaged over the contexts of a corpus.
public struct TokenVectors: Sendable {
  /// Where the vectors come from, such as `input embedding` or `blocks.3.hook_resid_post over 1,024 contexts`.
  public let space: String
  /// The tokens, ascending.
  public let ids: [Int32]
  /// What each token stands for, as text.
  public let texts: [String]
  /// In how many places of the corpus each token was seen; empty for the model's own embeddings.
  public let occurrences: [Int]
  /// Unit vectors: [tokens, width].
  let units: Matrix
  /// The row of a token.
  private let rowOfID: [Int32: Int]

  /// The number of tokens.
  public var count: Int { ids.count }
  /// The number of dimensions.
  public var width: Int { units.columns }

  /// - Parameters:
  ///   - vectors: [tokens, width], a row for each of `ids`.
  ///   - centred: Whether the mean vector is taken away first. Embeddings and activations share a large common part,
  ///     which makes everything alike (Mu and Viswanath, arXiv 1702.01417).
  public init(
    space: String, ids: [Int32], texts: [String], occurrences: [Int] = [], vectors: Matrix, centred: Bool = true
  ) {
    precondition(ids.count == vectors.rows && texts.count == ids.count, "\(ids.count) tokens, \(vectors.rows) vectors")
    self.space = space
    self.ids = ids
    self.texts = texts
    self.occurrences = occurrences
    rowOfID = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, $0) })
    units = (centred ? vectors.centred : vectors).withUnitRows
  }

  /// The row of a token, or nil where it has no vector here.
  func row(of id: Int32) -> Int? { rowOfID[id] }
}

extension TokenVectors {
  /// The model's input embeddings (W_E) of every token that the tokenizer knows, special tokens left out.
  public init(embeddingsOf model: Model, tokenizer: Tokenizer, centred: Bool = true) throws {
    let ids = Self.ordinaryTokens(tokenizer, below: model.architecture.vocabularySize)
    self.init(
      space: "input embedding", ids: ids, texts: ids.map { tokenizer.text(of: $0) ?? "" },
      vectors: try model.embeddings(of: ids), centred: centred)
  }

  /// The rows of the model's unembedding (W_U), special tokens left out.
  public init(unembeddingsOf model: Model, tokenizer: Tokenizer, centred: Bool = true) throws {
    let ids = Self.ordinaryTokens(tokenizer, below: model.architecture.vocabularySize)
    self.init(
      space: "unembedding", ids: ids, texts: ids.map { tokenizer.text(of: $0) ?? "" },
      vectors: try model.unembeddings(of: ids), centred: centred)
  }

  private static func ordinaryTokens(_ tokenizer: Tokenizer, below rows: Int) -> [Int32] {
    (0..<Int32(min(tokenizer.vocabularySize, rows))).filter { tokenizer.piece($0) != nil && !tokenizer.isSpecial($0) }
  }

  /// The mean activation of each token at a hook point, over all places of a source where it stands.
  ///
  /// - Parameters:
  ///   - least: A token seen in fewer places has no vector.
  /// - Throws: `geometry.pooledSource` where rows are whole documents, `geometry.noTokens` where no token is seen often
  ///   enough, and those of the source.
  /// - Complexity: one pass over the source; memory for one vector of doubles a distinct token.
  public init(
    averagesAt site: StoredSite, of source: some ActivationSource, tokenizer: Tokenizer?, least: Int = 1,
    centred: Bool = true
  ) throws {
    guard source.rowKind == .token else {
      throw Fault(
        .badData, "geometry.pooledSource", "The rows are whole documents, so their tokens cannot be told apart",
        expected: "a store captured with --pool none", found: "a pooled store", advice: "capture again without pooling")
    }
    let tokens = try source.tokens(in: 0..<source.tokenCount)
    var slots: [Int32: Int] = [:]
    var counts: [Int] = []
    var ids: [Int32] = []
    var slotOfRow = [Int32](repeating: -1, count: tokens.count)
    for row in tokens.fromText {
      let slot = slots[tokens.ids[row]] ?? ids.count
      if slot == ids.count {
        slots[tokens.ids[row]] = slot
        ids.append(tokens.ids[row])
        counts.append(0)
      }
      counts[slot] += 1
      slotOfRow[row] = Int32(slot)
    }
    let width = site.width
    var sums = [Double](repeating: 0, count: ids.count * width)
    try source.stream([site.name], maximumRows: 4096) { block in
      block.values[0].elements.withUnsafeBufferPointer { values in
        sums.withUnsafeMutableBufferPointer { sums in
          for (offset, row) in block.rows.enumerated() where slotOfRow[row] >= 0 {
            let start = Int(slotOfRow[row]) * width
            for column in 0..<width { sums[start + column] += Double(values[offset * width + column]) }
          }
        }
      }
    }
    let kept = ids.indices.filter { counts[$0] >= least }.sorted { ids[$0] < ids[$1] }
    guard !kept.isEmpty else {
      throw Fault(
        .badData, "geometry.noTokens", "No token is seen often enough", expected: "tokens in at least \(least) places",
        found: "\(counts.max() ?? 0) places at most", advice: "give more text, or lower --least")
    }
    let vectors = Matrix(rows: kept.count, columns: width) { buffer in
      for (row, slot) in kept.enumerated() {
        let factor = 1 / Double(counts[slot])
        for column in 0..<width { buffer[row * width + column] = Float(sums[slot * width + column] * factor) }
      }
    }
    if let bad = vectors.elements.firstIndex(where: { !$0.isFinite }) {
      throw Fault(
        .badData, "geometry.notFinite", "An average is NaN or infinite", place: "\(site.name), column \(bad % width)",
        expected: "finite numbers", found: "\(vectors.elements[bad])",
        advice: "see where it comes from with `unfold store verify`")
    }
    self.init(
      space: "\(site.name), averaged over \(slotOfRow.count { $0 >= 0 }) places", ids: kept.map { ids[$0] },
      texts: kept.map { tokenizer?.text(of: ids[$0]) ?? "\(ids[$0])" }, occurrences: kept.map { counts[$0] },
      vectors: vectors, centred: centred)
  }
}
