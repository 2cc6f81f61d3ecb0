import Activations
import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import Transformer

/// Trains a tuned lens on the residual streams of a corpus.
///
/// Streams are computed anew for each step, so memory holds one step's alone; the corpus's tokens stay in memory up to a
/// bound. Documents of equal tokens stand on the same side of the split.
public struct TunedLensTraining: Sendable {
  public struct Settings: Sendable {
    /// Sites of the residual stream, as users type them; nil: the embeddings, and what each layer hands to the next.
    public var sites: String?
    public var steps: Int
    /// Tokens that a step sees.
    public var batchTokens: Int
    /// Adam's; falls to 0 in a straight line.
    public var learningRate: Double
    /// The longest document, in tokens; nil: the model's context.
    public var context: Int?
    /// The share of documents that no step sees, and how many of their tokens are judged by.
    public var heldOutShare: Double
    public var heldOutTokens: Int
    /// The most tokens that are read of the corpus.
    public var corpusTokens: Int
    public var seed: UInt64

    public init(
      sites: String? = nil, steps: Int = 250, batchTokens: Int = 512, learningRate: Double = 1e-3, context: Int? = nil,
      heldOutShare: Double = 0.1, heldOutTokens: Int = 8192, corpusTokens: Int = 2_000_000, seed: UInt64 = 0
    ) {
      self.sites = sites
      self.steps = steps
      self.batchTokens = batchTokens
      self.learningRate = learningRate
      self.context = context
      self.heldOutShare = heldOutShare
      self.heldOutTokens = heldOutTokens
      self.corpusTokens = corpusTokens
      self.seed = seed
    }
  }

  public struct Progress: Sendable {
    public var step: Int
    public var steps: Int
    /// The mean over sites of the step's divergence, in nats.
    public var loss: Double
    public var secondsLeft: Double
  }

  let session: Session
  let settings: Settings
  let sites: LensSites
  let training: [CorpusDocuments.Document]
  let heldOut: [CorpusDocuments.Document]
  private let corpora: [String]
  /// Whether the corpus went on behind the tokens that were read.
  public let isCut: Bool

  /// Reads the corpus and splits its documents; nothing is computed yet.
  ///
  /// - Throws: `lens.settings`, `lens.oneDocument`, `lens.site`, `transformer.noHeadGradient`, and what reading and
  ///   tokenizing the corpus throws.
  public init(of session: Session, on corpus: Corpus, _ settings: Settings = Settings()) throws {
    try Self.check(settings, session.model.architecture)
    try session.model.requireHeadGradient()
    self.session = session
    self.settings = settings
    sites = try LensSites(session.model.architecture, named: settings.sites, addsEmbeddings: settings.sites == nil)
    corpora = corpus.names
    let read = try CorpusDocuments(corpus, in: session, tokens: settings.corpusTokens, context: settings.context)
    isCut = read.isCut
    // A text's pieces have its first one's key.
    var keys: [UInt64] = []
    for document in read.documents {
      if document.number == read.documents[max(0, keys.count - 1)].number, let last = keys.last {
        keys.append(last)
      } else {
        keys.append(
          document.ids.reduce(SeededGenerator.mix(settings.seed)) {
            SeededGenerator.mix($0 ^ UInt64(UInt32(bitPattern: $1)))
          })
      }
    }
    let different = Set(keys).sorted()
    guard different.count > 1 else {
      throw Fault(
        .badData, "lens.oneDocument", "A lens needs documents to learn from and others to be judged by",
        file: corpora.joined(separator: ", "), expected: "at least two different documents", found: "one")
    }
    let kept = min(different.count - 1, max(1, Int(settings.heldOutShare * Double(different.count))))
    let bound = different[kept]
    training = zip(read.documents, keys).filter { $0.1 >= bound }.map(\.0)
    heldOut = zip(read.documents, keys).filter { $0.1 < bound }.map(\.0)
  }

  private static func check(_ settings: Settings, _ architecture: Architecture) throws {
    func require(_ isGood: Bool, _ name: String, _ expected: String, _ found: String) throws {
      guard !isGood else { return }
      throw Fault(
        .usage, "lens.settings", "A lens cannot be trained with this setting", place: name, expected: expected,
        found: found)
    }
    try require((1...1_000_000).contains(settings.steps), "steps", "1 to 1,000,000", "\(settings.steps)")
    try require(
      (2...65_536).contains(settings.batchTokens), "batch tokens", "2 to 65,536", "\(settings.batchTokens)")
    try require(
      settings.learningRate > 0 && settings.learningRate <= 1, "learning rate", "above 0, at most 1",
      "\(settings.learningRate)")
    try require(
      settings.heldOutShare > 0 && settings.heldOutShare < 1, "held-out share", "between 0 and 1",
      "\(settings.heldOutShare)")
    try require(
      (2...10_000_000).contains(settings.heldOutTokens), "held-out tokens", "2 to 10,000,000",
      "\(settings.heldOutTokens)")
    try require(settings.corpusTokens >= 4, "corpus tokens", "at least 4", "\(settings.corpusTokens)")
    let longest = architecture.longestDocument ?? Int(Int32.max)
    try require(
      settings.context.map { (2...longest).contains($0) } ?? true, "context", "2 to \(longest)",
      "\(settings.context ?? 0)")
  }

  /// Trains, then judges on the documents held out.
  ///
  /// - Parameter isCancelled: Asked before each step; training ends early where it says so, and what is reached is judged.
  /// - Throws: `lens.diverged`; `transformer.notEnoughMemory` and those of `Model.run`.
  public func run(
    isCancelled: () -> Bool = { false }, progress: (Progress) -> Void = { _ in }
  ) throws -> TunedLens {
    let model = session.model
    let width = model.architecture.width
    let unembeddingBytes = 4 * model.architecture.vocabularySize * width
    try model.reserve(
      bytes: settings.batchTokens * model.architecture.workingBytesPerToken,
      beside: unembeddingBytes + sites.read.count * TranslatorOptimizer.bytes(width: width))
    let unembedding = try model.unembedding()
    var generator = SeededGenerator(seed: settings.seed, stream: "tuned lens")
    var order: [CorpusDocuments.Document] = []
    var optimizers: [TranslatorOptimizer] = []
    var (step, seen) = (0, 0)
    let start = ContinuousClock.now
    while step < settings.steps, !isCancelled() {
      let batch = nextBatch(&order, &generator)
      let rows = Self.rows(batch[...])
      let streams = try sites.streams(of: TokenBatch(documents: batch.map(\.ids)), in: model, rows: rows)
      if optimizers.isEmpty {
        optimizers = zip(sites.read, streams.read).map { site, stream in
          let squares = stream.reduce(0.0) { $0 + Double($1) * Double($1) }
          return TranslatorOptimizer(
            site: site.name, width: width, scale: Float(max(1e-12, (squares / Double(stream.count)).squareRoot())))
        }
      }
      let (losses, gradients) = try Self.gradients(
        of: optimizers.map(\.translator), read: streams.read, output: streams.output, in: model,
        unembedding: unembedding)
      guard losses.allSatisfy(\.isFinite) else {
        throw Fault(
          .usage, "lens.diverged", "The training has left the range of numbers", place: "step \(step + 1)",
          expected: "a finite divergence", found: "\(losses)",
          advice: "take a smaller learning rate than \(settings.learningRate)")
      }
      let rate = settings.learningRate * (1 - Double(step) / Double(settings.steps))
      for number in optimizers.indices { optimizers[number].descend(gradients[number], rate: rate) }
      step += 1
      seen += rows.count
      let seconds = Double((ContinuousClock.now - start).components.seconds)
      progress(
        Progress(
          step: step, steps: settings.steps, loss: losses.reduce(0, +) / Double(losses.count),
          secondsLeft: seconds / Double(step) * Double(settings.steps - step)))
    }
    let translators =
      optimizers.isEmpty
      ? sites.read.map { TunedLens.Translator(site: $0.name, width: width) } : optimizers.map(\.translator)
    let judged = try judge(translators)
    return TunedLens(
      translators: translators,
      record: TunedLens.Record(
        model: session.name, modelDigest: try model.checkpoint.digest(), corpora: corpora, seed: settings.seed,
        steps: step, learningRate: settings.learningRate, tokens: seen,
        trainingDocuments: Set(training.map(\.number)).count, heldOutDocuments: judged.documents,
        heldOutTokens: judged.tokens, heldOut: judged.sites))
  }

  /// The next documents, in an order drawn anew whenever all were seen; at least one, at most `batchTokens` tokens where more
  /// than one.
  private func nextBatch(
    _ order: inout [CorpusDocuments.Document], _ generator: inout SeededGenerator
  ) -> [CorpusDocuments.Document] {
    var (batch, count) = ([CorpusDocuments.Document](), 0)
    while true {
      if order.isEmpty {
        order = training
        generator.shuffle(&order)
      }
      let next = order[order.count - 1].ids.count
      if !batch.isEmpty && count + next > settings.batchTokens || batch.count > training.count { return batch }
      count += next
      batch.append(order.removeLast())
    }
  }

  /// The rows of a batch that count: tokens that the tokenizer added are alike everywhere. Of documents that have no others,
  /// all.
  private static func rows(_ documents: ArraySlice<CorpusDocuments.Document>) -> [Int] {
    let special = documents.flatMap(\.special)
    let own = special.indices.filter { !special[$0] }
    return own.isEmpty ? Array(special.indices) : own
  }

  /// The mean divergence of each site's translated streams from the output, and its gradient by the translators.
  ///
  /// - Parameters:
  ///   - read: Shape: [sites][rows, d_model].
  ///   - output: Shape: [rows, d_model].
  static func gradients(
    of translators: [TunedLens.Translator], read: [[Float]], output: [Float], in model: Model, unembedding: Matrix
  ) throws -> (losses: [Double], gradients: [TranslatorGradient]) {
    let (width, vocabulary) = (model.architecture.width, model.architecture.vocabularySize)
    let rows = output.count / width
    var gradients = translators.map { _ in TranslatorGradient(width: width) }
    var losses = [Double](repeating: 0, count: translators.count)
    let piece = LensReader.pieceRows(model.architecture)
    for first in stride(from: 0, to: rows, by: piece) {
      let part = first * width..<min(first + piece, rows) * width
      var kept: KeptDistributions?
      try model.readLogits(of: Array(output[part])) { _, logits in
        kept = KeptDistributions(logits, columns: vocabulary)
      }
      guard let expected = kept?.rows else { continue }
      for number in translators.indices {
        let stream = read[number][part]
        let gradient = try model.streamGradient(
          of: translators[number].translate(Array(stream)), unembedding: unembedding
        ) { some, logits, gradient in
          losses[number] += Self.loss(some, logits, gradient, expected, share: 1 / Float(rows))
        }
        gradients[number].add(gradient, of: stream)
      }
    }
    return (losses, gradients)
  }

  /// The summed divergence of some rows times their share, and its gradient by the logits: (p − q) · share.
  private static func loss(
    _ rows: Range<Int>, _ logits: UnsafeBufferPointer<Float>, _ gradient: UnsafeMutableBufferPointer<Float>,
    _ expected: [Distribution], share: Float
  ) -> Double {
    let vocabulary = logits.count / max(rows.count, 1)
    guard let start = logits.baseAddress, let target = gradient.baseAddress else { return 0 }
    var losses = [Double](repeating: 0, count: rows.count)
    losses.withUnsafeMutableBufferPointer { losses in
      nonisolated(unsafe) let losses = losses  // Each row writes its own place.
      Threads.forRanges(0..<rows.count, grain: 1) { some in
        for row in some {
          let place = target + row * vocabulary
          let own = Distribution(start + row * vocabulary, count: vocabulary, weights: place)
          let other = expected[rows.lowerBound + row]
          losses[row] = own.divergence(from: other)
          Kernels.scale(place, by: share / Float(own.total), into: place, count: vocabulary)
          Kernels.axpy(-share / Float(other.total), other.weights, into: place, count: vocabulary)
        }
      }
    }
    return losses.reduce(0, +) * Double(share)
  }

  /// The divergence on the documents held out, plain and translated.
  private func judge(
    _ translators: [TunedLens.Translator]
  ) throws -> (sites: [TunedLens.HeldOut], documents: Int, tokens: Int) {
    let model = session.model
    let count = translators.count
    // Sums over each text's tokens: plain, then tuned, of each site.
    var sums: [Int: (tokens: Int, divergences: [Double])] = [:]
    var tokens = 0
    for batch in heldOut.batches(of: settings.batchTokens, length: \.ids.count) where tokens < settings.heldOutTokens {
      let rows = Self.rows(batch)
      tokens += rows.count
      let numbers = batch.flatMap { document in document.ids.map { _ in document.number } }
      let streams = try sites.streams(of: TokenBatch(documents: batch.map(\.ids)), in: model, rows: rows)
      let tuned = zip(translators, streams.read).map { $0.translate($1) }
      var found = [Double](repeating: 0, count: 2 * count * rows.count)
      try found.withUnsafeMutableBufferPointer { found in
        nonisolated(unsafe) let found = found  // Each row writes its own place.
        try LensReader(model: model).read(output: streams.output, streams: streams.read + tuned) {
          stream, row, own, output in
          if stream >= 0 { found[row * 2 * count + stream] = own.divergence(from: output) }
        }
      }
      for (place, row) in rows.enumerated() {
        var sum = sums[numbers[row]] ?? (0, Array(repeating: 0, count: 2 * count))
        sum.tokens += 1
        for stream in 0..<2 * count { sum.divergences[stream] += found[place * 2 * count + stream] }
        sums[numbers[row]] = sum
      }
    }
    let documents = sums.sorted { $0.key < $1.key }.map(\.value)
    let judged = sites.read.indices.map { number in
      let fall = PairedChange(
        documents.map { document in
          let (plain, tuned) = (document.divergences[number], document.divergences[count + number])
          return PairedChange.Document(before: tuned, change: plain - tuned, predictions: document.tokens)
        })
      return TunedLens.HeldOut(
        site: sites.read[number].name, title: LensSites.title(sites.read[number]), plain: fall.after,
        tuned: fall.before,
        standardError: fall.standardError)
    }
    return (judged, documents.count, tokens)
  }
}
