import Activations
import Architectures
import Diagnostics
import LinearAlgebra
import Tokenization
import Transformer

/// Two sets of prompts whose difference is a direction.
public struct ContrastPrompts: Sendable, Equatable {
  public var positive: [String]
  public var negative: [String]
  public var pooling: Pooling

  /// Which activations stand for a prompt.
  public enum Pooling: String, Sendable, Codable, CaseIterable {
    /// That of its last token.
    case last
    /// The mean over its tokens, without those that the tokenizer adds.
    case mean
  }

  public init(positive: [String], negative: [String], pooling: Pooling = .last) {
    self.positive = positive
    self.negative = negative
    self.pooling = pooling
  }

  /// The prompts that a user names: a text, or `@CORPUS[:LABEL]` for a corpus's documents (of a label, those that bear it in
  /// the field `label`), at most 10,000 of each.
  ///
  /// - Throws: `Fault` named `direction.noPrompts` where a corpus has none of the label, and those of reading a corpus.
  public static func texts(named names: [String], options: CorpusOptions = CorpusOptions()) throws -> [String] {
    try names.flatMap { name -> [String] in
      guard name.hasPrefix("@") else { return [name] }
      let parts = name.dropFirst().split(separator: ":", maxSplits: 1).map(String.init)
      let label = parts.count == 2 ? parts[1] : nil
      let reader = try Corpus([parts.first ?? ""], options: options).makeReader()
      var texts: [String] = []
      var labels = Set<String>()
      while texts.count < 10_000, let document = try reader.next() {
        let own = document.labels.values.map(\.description)
        if let text = document.text, !text.isEmpty, label.map(own.contains) ?? true { texts.append(text) }
        if labels.count < 8 { labels.formUnion(own) }
      }
      guard !texts.isEmpty else {
        throw Fault(
          .usage, "direction.noPrompts", "The corpus has no such documents", file: parts.first,
          expected: label.map { "documents of the label \"\($0)\"" } ?? "documents with a text",
          found: labels.isEmpty ? "no labels" : "the labels " + labels.sorted().joined(separator: ", "))
      }
      return texts
    }
  }
}

extension Direction {
  /// The mean activation of the positive prompts less that of the negative ones, at each of some sites (difference of
  /// means; of one pair the activation addition of Turner et al., arXiv 2308.10248).
  ///
  /// One pass over all prompts; sums in double precision.
  /// - Throws: `Fault`: `direction.noPrompts`, `session.emptyText`, those of `Model.run` and `init`: `direction.zero` where
  ///   both sets have the same mean.
  public static func contrast(
    _ prompts: ContrastPrompts, at sites: [Site], in session: Session, name: String = "contrast",
    progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws -> [Direction] {
    for (set, which) in [(prompts.positive, "positive"), (prompts.negative, "negative")] where set.isEmpty {
      throw Fault(
        .usage, "direction.noPrompts", "A contrast needs prompts of both kinds",
        expected: "at least one \(which) prompt", found: "none")
    }
    let texts = prompts.positive + prompts.negative
    let model = session.model
    let widths = try sites.map { site in
      guard let width = model.architecture.shape(of: site).width, !site.kind.isInExpert else {
        throw Fault(
          .usage, "direction.otherSite", "There is no direction at this site", place: site.name,
          expected: "a site whose every row has the same axes", found: "one whose rows depend on the text")
      }
      return width
    }
    var sums = widths.map { [Double](repeating: 0, count: $0) }
    var next = 0
    while next < texts.count {
      var documents: [[Int32]] = []
      var pooled: [[Int]] = []
      var scales: [Double] = []
      var size = 0
      while next < texts.count, documents.isEmpty || size < 1024 {
        let tokens = try session.tokens(of: texts[next])
        let rows = try rows(of: texts[next], tokens, prompts.pooling, session)
        let isPositive = next < prompts.positive.count
        let count = isPositive ? prompts.positive.count : prompts.negative.count
        pooled.append(rows.map { $0 + size })
        scales.append((isPositive ? 1 : -1) / Double(count * rows.count))
        documents.append(tokens)
        size += tokens.count
        next += 1
      }
      let hooks = sites.enumerated().map { place, site in
        Hook(site) { value in
          value.withUnsafeBuffer { buffer in
            for (rows, scale) in zip(pooled, scales) {
              for row in rows {
                for column in 0..<widths[place] {
                  sums[place][column] += scale * Double(buffer[row * widths[place] + column])
                }
              }
            }
          }
        }
      }
      try model.run(TokenBatch(documents: documents), hooks: hooks)
      progress(next, texts.count)
    }
    return try zip(sites, sums).map { site, sum in
      try Direction(sum.map { Float($0) }, name: name, kind: .contrast, at: site, in: session.model)
    }
  }

  /// Which of a prompt's tokens count.
  private static func rows(
    of text: String, _ tokens: [Int32], _ pooling: ContrastPrompts.Pooling, _ session: Session
  ) throws -> [Int] {
    let special = try session.requireTokenizer().encode(text, addSpecialTokens: true).special
    let own = tokens.indices.filter { !special.indices.contains($0) || !special[$0] }
    let usable = own.isEmpty ? Array(tokens.indices) : own
    return pooling == .last ? [usable[usable.count - 1]] : usable
  }
}
