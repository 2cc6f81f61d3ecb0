import Activations
import Architectures
import Diagnostics
import Foundation
import LinearAlgebra
import Tokenization
import Transformer

/// What kind each attention head of a model is: where it looks, on repeated random tokens and on text, and what its weights
/// do to tokens and to other heads.
public struct HeadAnalysis: Sendable, Codable, Equatable {
  /// The texts that patterns were read on.
  public struct Texts: Sendable, Codable, Equatable {
    public var texts: Int
    public var tokens: Int
    /// The scores of a head that looks at everything it can see alike.
    public var chance: HeadScores
  }

  public struct Head: Sendable, Codable, Equatable {
    public var layer: Int
    public var head: Int
    public var repeated: HeadScores
    public var text: HeadScores?
    /// Whether the head's OV circuit raises the tokens that it reads: Σλ / Σ|λ| over the eigenvalues λ of the full circuit
    /// from token to logit (Elhage et al. 2021), from −1 to 1.
    public var copying: Double?
    /// The share of these eigenvalues whose real part is above 0.
    public var positiveEigenvalues: Double?
    /// The same measure of the full QK circuit: whether a token looks at its own copies.
    public var matching: Double?

    /// Such as `L2H3`.
    public var name: String { "L\(layer)H\(head)" }
  }

  public var model: String
  /// Sequences of random tokens, each said twice.
  public var repeated: Texts
  /// The length of the stretch that is said twice.
  public var period: Int
  public var text: Texts?
  public var heads: [Head]
  public var composition: HeadComposition?
  /// What was not computed for this model, and why.
  public var notes: [String]
}

extension HeadAnalysis {
  public struct Settings: Sendable {
    /// Sequences of random tokens, and how long the stretch is that each says twice.
    public var sequences: Int
    public var period: Int
    /// The most tokens that are read of the corpus.
    public var corpusTokens: Int
    /// The longest document of the corpus, in tokens; nil: the model's context.
    public var context: Int?
    /// Whether composition is computed; nil: where the heads are at most 512 and their weights fit 2 GiB.
    public var composes: Bool?
    public var seed: UInt64

    public init(
      sequences: Int = 20, period: Int = 50, corpusTokens: Int = 50_000, context: Int? = nil, composes: Bool? = nil,
      seed: UInt64 = 0
    ) {
      self.sequences = sequences
      self.period = period
      self.corpusTokens = corpusTokens
      self.context = context
      self.composes = composes
      self.seed = seed
    }
  }

  /// Runs the model on repeated random tokens, and on a corpus where one is given, and reads its weights.
  ///
  /// Memory: one text's patterns of one layer, and for compositions the attention's weights.
  /// - Parameter progress: Told what is being done.
  /// - Throws: `heads.settings`, `interventions.noDocuments`, and those of `Model.run`. What has no meaning in a model
  ///   is left out and noted.
  public init(
    of session: Session, on corpus: Corpus? = nil, _ settings: Settings = Settings(),
    progress: (String) -> Void = { _ in }
  ) throws {
    let architecture = session.model.architecture
    try Self.check(settings, architecture)
    model = session.name
    notes = []
    period = settings.period
    let random = Self.randomSequences(session, settings)
    let start = random[0].count - 2 * settings.period
    let reader = HeadPatternReader(model: session.model)
    progress("repeated random tokens")
    let first = try reader.scores(
      of: random, targets: { _ in PatternTargets(repeating: settings.period, from: start) })
    repeated = Texts(texts: random.count, tokens: random.joined().count, chance: first.chance)
    var second: HeadPatternReader.Scores?
    if let corpus {
      let read = try CorpusDocuments(
        corpus, in: session, tokens: settings.corpusTokens, context: settings.context ?? min(architecture.context, 1024)
      )
      if read.isCut { notes.append("of the corpus the first \(read.documents.count) documents were read") }
      let documents = read.documents.map(\.ids)
      second = try reader.scores(of: documents, targets: PatternTargets.init(of:)) {
        progress("document \($0) of \(documents.count)")
      }
      text = second.map { Texts(texts: documents.count, tokens: documents.joined().count, chance: $0.chance) }
    }
    progress("weights")
    let weights = try HeadWeightMeasures(of: session.model, composes: settings.composes)
    notes += weights.notes
    composition = weights.composition
    heads = first.heads.indices.flatMap { layer in
      first.heads[layer].indices.map { head in
        let circuit = weights.circuits[layer][head]
        return Head(
          layer: layer, head: head, repeated: first.heads[layer][head], text: second?.heads[layer][head],
          copying: circuit.copying, positiveEigenvalues: circuit.positiveEigenvalues, matching: circuit.matching)
      }
    }
  }

  private static func check(_ settings: Settings, _ architecture: Architecture) throws {
    func require(_ isGood: Bool, _ name: String, _ expected: String, _ found: Int) throws {
      guard !isGood else { return }
      throw Fault(
        .usage, "heads.settings", "Heads cannot be measured with this setting", place: name, expected: expected,
        found: "\(found)")
    }
    let longest = min(architecture.longestDocument ?? architecture.context, architecture.context)
    try require((1...100_000).contains(settings.sequences), "sequences", "1 to 100,000", settings.sequences)
    try require(
      settings.period >= 2 && 2 * settings.period + 1 <= longest, "period", "2 to \((longest - 1) / 2)", settings.period
    )
    try require(settings.corpusTokens >= 2, "corpus tokens", "at least 2", settings.corpusTokens)
    try require(
      settings.context.map { (2...(architecture.longestDocument ?? Int(Int32.max))).contains($0) } ?? true, "context",
      "at least 2 and what the model can hold", settings.context ?? 0)
  }

  /// The begin token where the model has one, then a stretch of random tokens twice. No token that the tokenizer reserves.
  private static func randomSequences(_ session: Session, _ settings: Settings) -> [[Int32]] {
    let (vocabulary, tokenizer) = (session.model.architecture.vocabularySize, session.tokenizer)
    var generator = SeededGenerator(seed: settings.seed, stream: "repeated tokens")
    let begin = (tokenizer?.beginID ?? tokenizer?.classificationID).map { [$0] } ?? []
    func token() -> Int32 {
      // A vocabulary of nothing but reserved tokens ends the search.
      for _ in 0..<100 {
        let token = Int32(generator.integer(below: vocabulary))
        guard let tokenizer else { return token }
        if !tokenizer.isSpecial(token), tokenizer.piece(token) != nil { return token }
      }
      return 0
    }
    return (0..<settings.sequences).map { _ in
      let stretch = (0..<settings.period).map { _ in token() }
      return begin + stretch + stretch
    }
  }
}

/// Reads the patterns of all heads on texts.
struct HeadPatternReader {
  let model: Model

  struct Scores {
    /// Shape: [layers][heads].
    var heads: [[HeadScores]]
    var chance: HeadScores
  }

  func scores(
    of texts: [[Int32]], targets: (_ tokens: [Int32]) -> PatternTargets, progress: (Int) -> Void = { _ in }
  ) throws -> Scores {
    let architecture = model.architecture
    var sums = architecture.blocks.map { Array(repeating: HeadSums(), count: $0.attention.heads) }
    var chance = HeadSums()
    let isCausal = architecture.blocks.contains { $0.attention.isCausal }
    for (number, tokens) in texts.enumerated() {
      progress(number + 1)
      let (wanted, detection) = (targets(tokens), PatternTargets(of: tokens))
      let hooks = architecture.blocks.indices.map { layer in
        Hook(Site(.pattern, layer: layer)) { value in
          let (heads, keys) = (value.axes[0], value.axes[1])
          value.withUnsafeBuffer { pattern in
            sums[layer].withUnsafeMutableBufferPointer { sums in
              nonisolated(unsafe) let sums = sums  // Each head writes its own place.
              nonisolated(unsafe) let pattern = pattern
              Threads.forRanges(0..<heads, grain: 1) { some in
                for head in some {
                  sums[head].add(
                    tokens: tokens.count, wanted, detection,
                    attention: { token in
                      UnsafeBufferPointer(
                        rebasing: pattern[(token * heads + head) * keys..<(token * heads + head + 1) * keys])
                    }, logarithm: { Double(log($0)) })
                }
              }
            }
          }
        }
      }
      try model.run(TokenBatch(documents: [tokens]), hooks: hooks)
      addUniform(tokens.count, isCausal: isCausal, wanted, detection, to: &chance)
    }
    return Scores(heads: sums.map { $0.map(\.scores) }, chance: chance.scores)
  }

  /// A pattern that looks at everything alike.
  private func addUniform(
    _ count: Int, isCausal: Bool, _ targets: PatternTargets, _ detection: PatternTargets, to sums: inout HeadSums
  ) {
    var row = [Float](repeating: 0, count: count)
    row.withUnsafeMutableBufferPointer { row in
      sums.add(
        tokens: count, targets, detection,
        attention: { token in
          let seen = isCausal ? token + 1 : count
          for key in 0..<count { row[key] = key < seen ? 1 / Float(seen) : 0 }
          return UnsafeBufferPointer(row)
        }, logarithm: { Double(log($0)) })
    }
  }
}
