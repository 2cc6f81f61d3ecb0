import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import Tokenization
import Transformer

/// Runs a model over a corpus and writes what it sees at chosen sites into a store, with statistics, top examples and a
/// random sample gathered in the same pass.
///
/// Memory: the model's weights, one batch, and what is gathered of each column; it does not grow with the corpus. The
/// store's files are written on a thread of their own while the next values are computed.
public struct Capture {
  public let model: Model
  public let corpus: Corpus
  public let settings: CaptureSettings
  /// The sites asked for, in the order of the forward pass.
  public let sites: [Site]
  /// What the store will say of the run.
  public let run: StoreRun
  /// The memory that the run will take.
  public let memory: CaptureMemory
  /// What the corpus holds, as far as it was read before the start.
  let survey: CorpusSurvey?
  let cutter: DocumentCutter
  private let context: Int
  private let keys: Int
  private let sampleCapacity: Int
  private let planner: CaptureMemoryPlanner
  /// So many top examples a column are no trouble for any corpus.
  private static let alwaysAllowedTop = 1000

  /// Prepares a capture: chooses the sites, checks the settings against the model, and looks through the corpus (all of
  /// it where it has at most 32 MiB), which finds its faults before anything is computed.
  ///
  /// - Parameters:
  ///   - tokenizer: nil where the corpus gives tokens.
  ///   - modelName: what the user called the model, for the record.
  ///   - version: the version of the program, for the record.
  /// - Throws: `Fault`: of the kind `usage` where a setting cannot be used (`capture.context`, `capture.pool`,
  ///   `capture.setting`, `transformer.unknownSite`); of the corpus.
  public init(
    model: Model, tokenizer: Tokenizer?, corpus: Corpus, settings: CaptureSettings, modelName: String? = nil,
    version: String = "0.1.0"
  ) throws {
    let architecture = model.architecture
    self.model = model
    self.corpus = corpus
    self.settings = settings
    let sites = try settings.chosenSites(of: architecture)
    self.sites = sites
    try Self.check(settings, sites: sites)
    try Self.check(corpus.options)
    context = try Self.context(settings, architecture)
    cutter = DocumentCutter(
      tokenizer: tokenizer, context: context, overflow: settings.overflow,
      addsSpecialTokens: settings.addsSpecialTokens, vocabularySize: architecture.vocabularySize,
      labelFields: corpus.options.labelFields)
    survey = try CorpusSurvey(of: corpus, cutter: cutter, share: settings.share)
    if let survey, survey.isComplete, settings.top > max(Self.alwaysAllowedTop, survey.tokens) {
      throw Fault(
        .usage, "capture.setting", "More top examples are asked for than the corpus has tokens", place: "top",
        expected: "at most \(max(Self.alwaysAllowedTop, survey.tokens))", found: "\(settings.top)",
        advice: "give a smaller --top")
    }
    // Rows of scores and patterns are as long as the longest document, where that is known.
    let keys = max(1, survey.flatMap { $0.isComplete ? $0.longest : nil } ?? context)
    self.keys = keys

    let stored = sites.map { Self.describe($0, architecture, settings, keys: keys) }
    let gathered = zip(sites, stored).filter { settings.statistics && Self.hasColumns($0.0) }.map(\.1)
    sampleCapacity =
      settings.sample ?? max(16, min(256, (128 << 20) / (4 * max(1, gathered.reduce(0) { $0 + $1.width }))))
    let origin = try Self.origin(model: model, tokenizer: tokenizer, corpus: corpus, modelName, version)
    var run = StoreRun(
      origin: origin, sites: settings.statisticsOnly ? [] : stored, statisticsSites: gathered,
      rowKind: settings.pool == nil ? .token : .document, labelColumns: cutter.labelColumns.sorted(),
      shardTokens: settings.shardTokens,
      shardBytes: settings.shardBytes, seed: settings.seed,
      settings: Self.record(
        settings, corpus.options, context: context, sample: sampleCapacity, model: model, sites: sites),
      expectedDocuments: survey.flatMap { $0.isComplete ? $0.pieces : nil })
    planner = CaptureMemoryPlanner(
      model, sites, settings, run: run, longest: survey.flatMap { $0.isComplete ? $0.longest : nil } ?? context,
      tokens: survey.flatMap { $0.isComplete ? $0.tokens : nil }, sample: sampleCapacity)
    memory = planner.plan(tokens: settings.batchTokens)
    run.settings[Self.batchTokensName] = String(memory.batchTokens)
    self.run = run
  }

  /// What model, tokenizer and corpus are, for the record.
  static func origin(
    model: Model, tokenizer: Tokenizer?, corpus: Corpus, _ modelName: String?, _ version: String
  ) throws -> Origin {
    Origin(
      model: modelName ?? model.folder.lastPathComponent, modelDigest: try model.checkpoint.digest(),
      tokenizerDigest: tokenizer == nil ? nil : try model.checkpoint.tokenizerDigest(),
      corpus: corpus.names.map { $0.split(separator: "/").last.map(String.init) ?? $0 },
      corpusDigest: try corpus.digest(), version: version)
  }

  /// The bytes of activations that the run will write, as far as the corpus was looked through; nil for a stream. Of a
  /// layer's experts, all together get exactly as many rows as its tokens wake; of one, its equal share is expected.
  public var expectedBytes: Int? {
    survey.map { survey in
      let rows = run.rowKind == .token ? survey.tokens : survey.pieces
      // Ids, offsets and positions: six 4-byte columns.
      return run.expectedBytes(rows: rows) + survey.tokens * 24
    }
  }

  /// Runs the capture into a store.
  ///
  /// - Parameters:
  ///   - url: The store's folder, or a name that ends in `.h5`.
  ///   - resume: Whether a run that was begun there is continued (and a complete one left alone).
  ///   - isCancelled: Asked after every batch; when it says so, the shard is closed and `Fault` of the kind
  ///     `interrupted` is thrown.
  ///   - progress: Called after every batch; what it throws ends the run.
  public func run(
    to url: URL, resume: Bool = false, isCancelled: () -> Bool = { false },
    progress: (CaptureProgress) throws -> Void = { _ in }
  ) throws -> CaptureSummary {
    // A run that goes on keeps its batches, whatever memory there is now, and its libraries, whichever is faster now.
    let begun = resume ? Self.settings(ofRunAt: url) : [:]
    var (run, memory) = (run, memory)
    if let text = begun[Self.productsName], let choices = ProductChoices(text), model.adopt(choices) {
      run.settings[Self.productsName] = text
      memory = planner.plan(tokens: memory.batchTokens)
    }
    if settings.batchTokens == nil, let tokens = begun[Self.batchTokensName].flatMap({ Int($0) }),
      tokens != memory.batchTokens
    {
      memory = planner.plan(tokens: tokens)
      run.settings[Self.batchTokensName] = String(tokens)
    }
    try model.reserve(bytes: memory.batch, beside: memory.beside)
    let writer = try StoreWriter(at: url, run: run, resume: resume, expectedBytes: expectedBytes)
    var state = CaptureState(
      sinks: sinks(), sampler: RowSampler(capacity: sampleCapacity, seed: settings.seed), writer: writer,
      batchTokens: memory.batchTokens, model: model)
    if writer.isComplete { return state.summary(wasComplete: true, reader: nil) }
    do {
      try proceed(&state, isCancelled, progress, store: url)
    } catch {
      writer.abandon()
      throw error
    }
    return state.summary(wasComplete: false, reader: state.pieces)
  }

  private func proceed(
    _ state: inout CaptureState, _ isCancelled: () -> Bool, _ progress: (CaptureProgress) throws -> Void, store: URL
  ) throws {
    let writer = state.writer
    let pieces = try PieceReader(corpus, cutter: cutter, share: settings.share, cursor: writer.cursor)
    state.pieces = pieces
    let batches = BatchReader(BatchMaker(pieces, batchTokens: state.batchTokens))
    while let some = try batches.next() {
      let batch = CaptureBatch(
        some.pieces, firstToken: writer.tokenCount, firstDocument: writer.documentCount,
        countsSpecialTokens: settings.countsSpecialTokens, rowKind: run.rowKind)
      try compute(batch, &state)
      let isFull = try writer.endBatch()
      state.computedTokens += batch.tokens.count
      try progress(state.progress(expectedTokens: survey?.tokens))
      let isCancelled = isCancelled() && !some.isLast
      if isFull || isCancelled {
        // A shard's statistics take its place.
        model.giveBackWorkingMemory()
        try writer.closeShard(cursor: some.cursor, statistics: state.takeStatistics())
        // Nothing of the next shard is computed before this one is safe: a kill costs one shard at most.
        try isCancelled ? writer.synchronize() : writer.waitForShards()
      }
      if isCancelled {
        throw Fault(
          .interrupted, "capture.interrupted", "The capture was stopped; nothing is lost", file: store.path,
          found: "\(writer.tokenCount) tokens of \(writer.documentCount) documents in the store",
          advice: "run the same command with --resume to go on")
      }
    }
    model.giveBackWorkingMemory()
    try writer.finish(cursor: batches.cursor, statistics: state.takeStatistics())
  }

  private func compute(_ batch: CaptureBatch, _ state: inout CaptureState) throws {
    let sampled = state.sampler.offer(batch)
    let writer = state.writer
    try writer.append(documents: batch.documentRows, tokens: batch.tokenTable, spans: batch.spanRows)
    let hooks = zip(sites, state.sinks).map { site, sink in
      Hook(site) { value in try sink.take(value, of: batch, sampled: sampled, into: writer) }
    }
    try model.run(batch.tokens, hooks: hooks)
  }

  private func sinks() -> [SiteSink] {
    let statistics = Set(run.statisticsSites.map(\.name))
    let stored = sites.map { Self.describe($0, model.architecture, settings, keys: keys) }
    return zip(sites, stored).enumerated().map { index, pair in
      let (site, stored) = pair
      return SiteSink(
        site, stored: stored, keys: Self.hasColumns(site) ? nil : keys, pool: settings.pool,
        storeIndex: settings.statisticsOnly ? nil : index, gathersStatistics: statistics.contains(stored.name),
        top: settings.top, sampleCapacity: sampleCapacity, seed: settings.seed)
    }
  }
}

/// What a running capture carries from batch to batch.
private struct CaptureState {
  let sinks: [SiteSink]
  var sampler: RowSampler
  let writer: StoreWriter
  let batchTokens: Int
  let model: Model
  /// What the model had waited for weights before.
  let waitedBefore: Double
  var pieces: PieceReader?
  var computedTokens = 0
  let start = ContinuousClock.now

  init(sinks: [SiteSink], sampler: RowSampler, writer: StoreWriter, batchTokens: Int, model: Model) {
    self.sinks = sinks
    self.sampler = sampler
    self.writer = writer
    self.batchTokens = batchTokens
    self.model = model
    waitedBefore = model.secondsWaitingForWeights
  }

  mutating func takeStatistics() -> [String: SiteStatistics] {
    let entries = sampler.entries
    sampler.reset()
    let found = Threads.map(sinks.count) { sinks[$0].takeStatistics(samples: entries) }
    return Dictionary(zip(sinks, found).compactMap { sink, found in found.map { (sink.stored.name, $0) } }) { $1 }
  }

  private var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

  func progress(expectedTokens: Int?) -> CaptureProgress {
    let rate = Double(computedTokens) / max(seconds, 1e-9)
    let tokens = Double(writer.tokenCount)
    return CaptureProgress(
      documents: writer.documentCount, tokens: writer.tokenCount, tokensPerSecond: rate,
      fraction: expectedTokens.flatMap { $0 > 0 ? min(1, tokens / Double($0)) : nil },
      secondsLeft: expectedTokens.flatMap { rate > 0 ? max(0, Double($0) - tokens) / rate : nil })
  }

  func summary(wasComplete: Bool, reader: PieceReader?) -> CaptureSummary {
    let counts = reader?.counts ?? PieceReader.Counts()
    return CaptureSummary(
      documents: writer.documentCount - counts.furtherPieces, pieces: writer.documentCount, tokens: writer.tokenCount,
      cutDocuments: counts.cutDocuments, cutTokens: counts.cutTokens, computedTokens: computedTokens, seconds: seconds,
      secondsWaitingForWeights: model.secondsWaitingForWeights - waitedBefore, batchTokens: batchTokens,
      emptyDocuments: (reader?.reader.emptyDocuments ?? 0) + (reader?.documentsWithoutTokens ?? 0),
      invalidDocuments: reader?.reader.invalidDocuments ?? 0,
      documentsWithNUL: reader?.reader.documentsWithNUL ?? 0, wasComplete: wasComplete)
  }
}
