import Activations
import Dictionaries
import LinearAlgebra
import TestSupport
import Testing

/// Dictionaries that hold the number of active latents that they promise, on rows that nothing was set on.
struct ThresholdTests {
  /// Two steps, which learn nothing, and two hundred; several seeds.
  @Test(arguments: [SparseAutoencoder.Architecture.batchTopK, .matryoshka], [2, 200])
  func l0IsK(architecture: SparseAutoencoder.Architecture, steps: Int) throws {
    for seed in UInt64(0)..<4 {
      func features(rows: Int) -> SyntheticFeatures {
        SyntheticFeatures(features: 64, width: 16, meanActive: 6, rows: rows, seed: seed)
      }
      let source = features(rows: 120_000)
      var settings = TrainingSettings(site: SyntheticFeatures.siteName)
      (settings.batch, settings.tokens, settings.seed) = (256, 256 * steps, seed)
      var dictionary = DictionarySettings(architecture: architecture, latents: 96, k: 6)
      (dictionary.learningRate, dictionary.seed) = (2e-3, seed)
      let run = try TrainingRun(source: source, settings: settings, dictionaries: [dictionary])
      let summary = try run.train()
      let others = run.dictionaries[0].encode(features(rows: 0).activations(120_000..<160_000))
      let l0 = Double(others.count) / Double(others.rows)
      #expect(abs(l0 - 6) < 0.12, "\(architecture), \(steps) steps, seed \(seed): L0 \(l0)")
      let held = try #require(summary.heldOut[0])
      #expect(abs(held.l0 - 6) < 0.18 && held.rows == 6000 && held.thresholdRows == 18_000, "\(held)")
      #expect(summary.warnings.contains { $0.contains("fewer than a warm-up of 1000") })
    }
  }

  /// The summary's figures are those of the dictionary that is saved, on the rows that it names.
  @Test(arguments: SparseAutoencoder.Architecture.allCases)
  func judgesWhatIsSaved(architecture: SparseAutoencoder.Architecture) throws {
    let source = TrainingRunTests.source()
    let run = try TrainingRun(
      source: source, settings: TrainingRunTests.settings(tokens: 64 * 40),
      dictionaries: [DictionarySettings(architecture: architecture, latents: 48, k: 3)])
    let held = try #require(try run.train().heldOut[0])
    let rule = HeldOutRule(rows: source.rowCount, tokens: 64 * 40, width: 12, seed: 0)
    let rows = (0..<source.rowCount).filter {
      rule.part(ofRow: $0) == .judged && source.tokenTable.special[$0] == 0
    }
    let x = try #require(source.values[TrainingRunTests.site]).selectingRows(rows)
    let dictionary = run.dictionaries[0]
    let latents = dictionary.encode(x)
    let errors = zip(x.elements, dictionary.decode(latents, input: x).elements).reduce(0.0) {
      $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
    }
    var variation = 0.0
    for column in 0..<x.columns {
      let values = x.column(column).map { Double($0) }
      let mean = values.reduce(0, +) / Double(values.count)
      variation += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    }
    #expect(held.rows == rows.count)
    #expect(abs(held.l0 - Double(latents.count) / Double(rows.count)) < 1e-9)
    #expect(abs(held.fvu - errors / variation) < 1e-5 * (1 + held.fvu))
  }

  /// What lies in rows that are held out has no effect on the weights.
  @Test func heldOutRowsTeachNothing() throws {
    let source = TrainingRunTests.source()
    let settings = TrainingRunTests.settings(tokens: 64 * 40)
    var other = source
    let rule = HeldOutRule(rows: source.rowCount, tokens: settings.tokens, width: 12, seed: settings.seed)
    let rows = (0..<source.rowCount).filter { rule.part(ofRow: $0) != nil }
    #expect(rows.count == source.rowCount / 5)
    for row in rows { for column in 0..<12 { other.values[TrainingRunTests.site]?[row, column] *= -3 } }
    let dictionaries = try [source, other].map { source in
      let run = try TrainingRun(
        source: source, settings: settings,
        dictionaries: [DictionarySettings(architecture: .batchTopK, latents: 48, k: 3)])
      _ = try run.train()
      return run.dictionaries[0]
    }
    #expect(dictionaries[0].encoder == dictionaries[1].encoder && dictionaries[0].decoder == dictionaries[1].decoder)
    #expect(dictionaries[0].threshold != dictionaries[1].threshold)
  }

  /// The bound lets exactly the wanted number through, and 0 where fewer products are above 0.
  @Test func theBoundCounts() throws {
    let source = SyntheticFeatures(features: 40, width: 10, meanActive: 3, rows: 3000)
    let rows = source.activations(0..<3000)
    for k in [1, 3, 40] {
      let trainer = try DictionaryTrainer(
        settings: DictionarySettings(architecture: .batchTopK, latents: 64, k: k), inputWidth: 10, steps: 1, batch: 64)
      trainer.setThreshold(on: rows)
      let made = trainer.dictionary(site: "x")
      let count = made.encode(rows).count
      var free = made
      free.threshold = made.threshold?.map { _ in 0 }
      #expect(count == min(k * 3000, free.encode(rows).count), "k \(k): \(count)")
    }
  }
}
