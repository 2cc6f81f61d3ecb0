import Activations
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import TestFiles
import TestSupport
import Testing

/// Whole runs: learning, resuming, metrics, and what is refused.
struct TrainingRunTests {
  static let site = "blocks.0.hook_resid_post"

  /// Rows that are sparse sums of fixed random directions.
  static func source(documents: Int = 40, width: Int = 12, features: Int = 24, seed: UInt64 = 1) -> MemorySource {
    var generator = SeededGenerator(seed: seed)
    let directions = (0..<features).map { _ in
      let row = (0..<width).map { _ in Float(generator.normal()) }
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return row.map { $0 / norm }
    }
    let length = 30
    let rows = (0..<documents * length).map { _ in
      var row = [Float](repeating: 0, count: width)
      for _ in 0..<2 {
        let direction = directions[generator.integer(below: features)]
        let factor = Float(1 + generator.uniform())
        for column in 0..<width { row[column] += factor * direction[column] }
      }
      return row
    }
    return MemorySource.documents(
      Array(repeating: length, count: documents), labels: Array(repeating: nil, count: documents),
      sites: [site: width, "blocks.0.mlp.hook_post": width]
    ) { _, document, token, column in rows[document * length + token][column] }
  }

  static func settings(tokens: Int? = nil) -> TrainingSettings {
    var settings = TrainingSettings(site: site)
    settings.batch = 64
    settings.tokens = tokens
    settings.shuffledTokens = 300
    settings.outlierNorm = nil
    settings.metricSteps = 5
    settings.checkpointSteps = 7
    return settings
  }

  static let architectures = SparseAutoencoder.Architecture.allCases

  @Test(arguments: architectures)
  func learns(architecture: SparseAutoencoder.Architecture) throws {
    var dictionary = DictionarySettings(architecture: architecture, latents: 48, k: 3)
    dictionary.learningRate = 5e-3
    dictionary.sparsity = architecture == .jumpReLU ? 0.05 : 0.3
    let run = try TrainingRun(
      source: Self.source(), settings: Self.settings(tokens: 64 * 400), dictionaries: [dictionary])
    var first: StepMetrics?
    let summary = try run.train(progress: { if first == nil { first = $0.metrics.first } })
    let last = try #require(summary.metrics.first)
    #expect(summary.steps == 400)
    #expect(last.fvu < 0.5 * (first?.fvu ?? 0), "\(architecture): \(first?.fvu ?? 0) → \(last.fvu)")
    #expect(last.fvu < 0.3, "\(architecture): \(last.fvu)")
    // The dictionary that is handed over, on rows as the model has them, explains what the trainer's metrics say.
    let made = run.dictionaries[0]
    try made.validate()
    let rows = try #require(Self.source().values[Self.site])
    let rebuilt = made.reconstruct(rows)
    let errors = zip(rows.elements, rebuilt.elements).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    let means = (0..<12).map { rows.column($0).reduce(0, +) / Float(rows.rows) }
    var variation = 0.0
    for row in 0..<rows.rows {
      for column in 0..<12 { variation += pow(Double(rows[row, column] - means[column]), 2) }
    }
    #expect(errors / variation < 2 * last.fvu + 0.05, "\(architecture): \(errors / variation) for \(last.fvu)")
  }

  /// Stopped at every kind of place and gone on with, the weights are those of an undisturbed run, byte for byte.
  @Test(arguments: [SparseAutoencoder.Architecture.topK, .batchTopK, .jumpReLU])
  func resumesBitForBit(architecture: SparseAutoencoder.Architecture) throws {
    var dictionaries = [DictionarySettings(architecture: architecture, latents: 32, k: 3)]
    dictionaries.append(dictionaries[0])
    dictionaries[1].seed = 5
    dictionaries[0].resampleSteps = [11]
    dictionaries[0].deadAfterTokens = 200
    let settings = Self.settings(tokens: 64 * 43)
    let whole = try TrainingRun(source: Self.source(), settings: settings, dictionaries: dictionaries)
    let temporary = try TemporaryFolder()
    let (wholeFolder, folder) = (temporary.file("whole"), temporary.file("interrupted"))
    _ = try whole.train(folder: wholeFolder)
    var (finished, rounds) = (false, 0)
    var result: [SparseAutoencoder] = []
    while !finished {
      rounds += 1
      let run = try TrainingRun(source: Self.source(), settings: settings, dictionaries: dictionaries)
      var steps = 0
      do {
        _ = try run.train(
          folder: folder, resume: true, isCancelled: { steps == 2 + rounds }, progress: { _ in steps += 1 })
        finished = true
        result = run.dictionaries
      } catch let fault as Fault {
        #expect(fault.name == "dictionary.interrupted" && fault.kind == .interrupted)
        if rounds == 3 { settingsAreRefused(folder, settings, dictionaries) }
      }
    }
    for (ours, other) in zip(result, whole.dictionaries) {
      #expect(ours.encoder.elements.map(\.bitPattern) == other.encoder.elements.map(\.bitPattern))
      #expect(ours.decoder.elements.map(\.bitPattern) == other.decoder.elements.map(\.bitPattern))
      #expect(ours == ours && ours.encoderBias == other.encoderBias && ours.decoderBias == other.decoderBias)
      #expect(ours.threshold == other.threshold)
    }
    let name = "metrics.jsonl"
    #expect(try Data(contentsOf: folder.appending(path: name)) == Data(contentsOf: wholeFolder.appending(path: name)))
    #expect(
      try Data(contentsOf: folder.appending(path: "checkpoint.safetensors")).count
        == Data(contentsOf: wholeFolder.appending(path: "checkpoint.safetensors")).count)
  }

  private func settingsAreRefused(_ folder: URL, _ settings: TrainingSettings, _ dictionaries: [DictionarySettings]) {
    var other = dictionaries
    other[0].k = 4
    expectFault("dictionary.checkpointDiffers") {
      _ = try TrainingRun(source: Self.source(), settings: settings, dictionaries: other).train(
        folder: folder, resume: true)
    }
    expectFault("dictionary.checkpointDiffers") {
      _ = try TrainingRun(source: Self.source(documents: 41), settings: settings, dictionaries: dictionaries).train(
        folder: folder, resume: true)
    }
  }

  @Test func anInterruptedRunKeepsItsLastCheckpoint() throws {
    struct Crash: Error {}
    let settings = Self.settings(tokens: 64 * 30)
    let dictionary = DictionarySettings(latents: 24, k: 2)
    let temporary = try TemporaryFolder()
    let folder = temporary.file("run")
    let whole = try TrainingRun(source: Self.source(), settings: settings, dictionaries: [dictionary])
    _ = try whole.train()
    // The source breaks off in the middle of the data, as a lost disk would.
    var broken = BrokenSource(Self.source(), after: 700)
    let run = try TrainingRun(source: broken, settings: settings, dictionaries: [dictionary])
    #expect(throws: BrokenSource.Failure.self) { try run.train(folder: folder) }
    broken.limit = .max
    let again = try TrainingRun(source: broken, settings: settings, dictionaries: [dictionary])
    let summary = try again.train(folder: folder, resume: true)
    #expect(summary.computedSteps < 30 && summary.steps == 30)
    #expect(again.dictionaries[0].encoder == whole.dictionaries[0].encoder)
  }

  @Test func badInputIsRefused() throws {
    let source = Self.source()
    func train(
      _ source: any ActivationSource, _ dictionary: DictionarySettings = DictionarySettings(latents: 24, k: 2),
      _ change: (inout TrainingSettings) -> Void = { _ in }
    ) throws {
      var settings = Self.settings(tokens: 64 * 5)
      change(&settings)
      _ = try TrainingRun(source: source, settings: settings, dictionaries: [dictionary]).train()
    }
    expectFault("activations.unknownSite") { try train(source) { $0.site = "blocks.9.hook_resid_post" } }
    expectFault("dictionary.tooFewTokens") { try train(source) { $0.batch = 5000 } }
    var experts = source
    let expert = "blocks.0.mlp.experts.1.hook_post"
    experts.sites.append(
      StoredSite(name: expert, axes: ["d"], shape: [12], routing: Routing(experts: 4, active: 2)))
    expectFault("dictionary.expertSite") { try train(experts) { $0.site = expert } }
    expectFault("dictionary.k") { try train(source, DictionarySettings(latents: 24, k: 25)) }
    expectFault("dictionary.latents") { try train(source, DictionarySettings(latents: 0, k: 0)) }
    expectFault("dictionary.batch") { try train(source) { $0.batch = 0 } }
    var constant = source
    constant.values[Self.site] = Matrix(
      rows: source.rowCount, columns: 12, elements: [Float](repeating: 0.5, count: source.rowCount * 12))
    expectFault("dictionary.constantActivations") { try train(constant) }
    var broken = source
    broken.values[Self.site]?[100, 3] = .nan
    expectFault("dictionary.activationNotFinite") { try train(broken) }
    var fast = DictionarySettings(latents: 24, k: 2)
    fast.learningRate = 1e30
    fast.unitNormDecoder = false
    expectFault("dictionary.lossNotFinite") { try train(source, fast) { $0.tokens = 64 * 50 } }
    var prefixes = DictionarySettings(architecture: .matryoshka, latents: 24, k: 2)
    prefixes.prefixes = [8, 4, 24]
    expectFault("dictionary.prefixes") { try train(source, prefixes) }
  }

  @Test func aTranscoderLearnsAnotherSite() throws {
    var settings = Self.settings(tokens: 64 * 300)
    settings.target = "blocks.0.mlp.hook_post"
    var dictionary = DictionarySettings(latents: 48, k: 3)
    dictionary.learningRate = 5e-3
    dictionary.skip = true
    let run = try TrainingRun(source: Self.source(), settings: settings, dictionaries: [dictionary])
    let summary = try run.train()
    #expect((summary.metrics.first?.fvu ?? 1) < 0.1)
    #expect(run.dictionaries[0].skip != nil && run.dictionaries[0].isTranscoder)
  }
}

/// A source that fails after so many rows.
private struct BrokenSource: ActivationSource {
  struct Failure: Error {}
  var base: MemorySource
  var limit: Int

  init(_ base: MemorySource, after limit: Int) {
    self.base = base
    self.limit = limit
  }

  var origin: Origin { base.origin }
  var sites: [StoredSite] { base.sites }
  var rowKind: RowKind { base.rowKind }
  var rowCount: Int { base.rowCount }
  var tokenCount: Int { base.tokenCount }
  var documents: DocumentTable { base.documents }
  var spans: SpanTable { base.spans }
  func tokens(in rows: Range<Int>) throws -> TokenTable { try base.tokens(in: rows) }
  func text(ofDocument document: Int) throws -> String? { try base.text(ofDocument: document) }
  func statistics(of site: String) throws -> SiteStatistics? { nil }

  func stream(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    try base.stream(sites, maximumRows: maximumRows) { block in
      if block.rows.lowerBound >= limit { throw Failure() }
      try body(block)
    }
  }
}
