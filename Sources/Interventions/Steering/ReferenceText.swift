import Activations
import Architectures
import Diagnostics
import LinearAlgebra
import Tokenization
import Transformer

/// Documents on which is measured what steering costs, and how long activations are.
public struct ReferenceText: Sendable, Equatable {
  /// What it is called.
  public var name: String
  /// Each at least two tokens.
  public var documents: [[Int32]]

  /// - Throws: `Fault` named `steer.noReference` where no document has two tokens.
  public init(_ documents: [[Int32]], name: String) throws {
    self.name = name
    self.documents = documents.filter { $0.count >= 2 }
    guard !self.documents.isEmpty else {
      throw Fault(
        .badData, "steer.noReference", "No document of the reference has two tokens, so nothing is predicted",
        file: name, expected: "a text of at least two tokens", found: "\(documents.count) documents")
    }
  }

  /// A seeded sample of a corpus's documents, each cut after so many tokens.
  ///
  /// At most `searched` documents are read.
  /// - Throws: `steer.noReference`, `session.noTokenizer`, those of reading the corpus.
  public init(
    _ corpus: Corpus, in session: Session, documents most: Int = 32, tokens length: Int = 128, seed: UInt64 = 0,
    searched: Int = 10_000
  ) throws {
    var generator = SeededGenerator(seed: seed, stream: "reference")
    var kept: [Document] = []
    let reader = try corpus.makeReader()
    var seen = 0
    while seen < searched, let document = try reader.next() {
      seen += 1
      if kept.count < most {
        kept.append(document)
      } else {
        let place = generator.integer(below: seen)
        if place < most { kept[place] = document }
      }
    }
    let limit = min(length, session.model.architecture.longestDocument ?? length)
    let documents = try kept.map { document -> [Int32] in
      let tokens = try document.tokens ?? session.tokens(of: document.text ?? "")
      return Array(tokens.prefix(limit))
    }
    try self.init(documents, name: corpus.names.joined(separator: ", "))
  }

  public var tokenCount: Int { documents.reduce(0) { $0 + $1.count } }

  /// Batches of at most 2,048 tokens, unless one document has more.
  private var batches: [[[Int32]]] { documents.batches(of: 2048, length: \.count).map { Array($0) } }

  /// The mean norm of the activations at some sites, of all tokens but each document's first, whose stream is many times
  /// as long in most models.
  ///
  /// One pass. Of a site inside an expert, over the tokens routed there; 0 where there are none.
  func meanNorms(at sites: [Site], in model: Model) throws -> [Double] {
    var sums = sites.map { _ in (norm: 0.0, count: 0) }
    for documents in batches {
      let batch = TokenBatch(documents: documents)
      let firsts = Set(batch.starts)
      let hooks = sites.indices.map { place in
        Hook(sites[place]) { value in
          let width = value.width
          let tokens = value.tokens ?? Array(value.rows)
          value.withUnsafeBuffer { buffer in
            guard let base = buffer.baseAddress else { return }
            for (row, token) in tokens.enumerated() where !firsts.contains(token) {
              let start = base + row * width
              sums[place].norm += Kernels.dotInDouble(start, start, count: width).squareRoot()
              sums[place].count += 1
            }
          }
        }
      }
      try model.run(batch, hooks: hooks)
    }
    return sums.map { $0.count > 0 ? $0.norm / Double($0.count) : 0 }
  }

  /// The loss of each document: nats summed over its predictions.
  func losses(in model: Model, hooks: (TokenBatch) -> [Hook]) throws -> [Loss] {
    try batches.flatMap { documents -> [Loss] in
      let batch = TokenBatch(documents: documents)
      let losses = try model.tokenLosses(batch, hooks: hooks(batch))
      return documents.indices.map { document in
        let own = losses[batch.rows(of: document)].compactMap { $0 }
        return Loss(total: own.reduce(0, +), predictions: own.count)
      }
    }
  }
}
