import Diagnostics
import Foundation
import LinearAlgebra
import TestFiles
import Testing

@testable import Dictionaries

struct SynthMeasureTests {
  /// The best of all assignments, tried one by one.
  private func best(_ rows: Int, _ columns: Int, _ values: [Float]) -> Double {
    func search(_ row: Int, _ taken: Set<Int>) -> Double {
      guard row < rows else { return 0 }
      return (0..<columns).filter { !taken.contains($0) }.map {
        Double(values[row * columns + $0]) + search(row + 1, taken.union([$0]))
      }.max() ?? 0
    }
    return search(0, [])
  }

  @Test func assignmentIsTheBest() {
    for seed in 0..<150 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let rows = 1 + generator.integer(below: 5)
      let columns = rows + generator.integer(below: 3)
      // Few different values in half of the cases: ties.
      let values = (0..<rows * columns).map { _ in
        seed % 2 == 0 ? Float(generator.normal()) : Float(generator.integer(below: 3))
      }
      let found = values.withUnsafeBufferPointer { largestAssignment(rows: rows, columns: columns, $0.baseAddress!) }
      #expect(Set(found).count == rows)
      let total = found.indices.reduce(0.0) { $0 + Double(values[$1 * columns + found[$1]]) }
      #expect(abs(total - best(rows, columns, values)) < 1e-5, "seed \(seed)")
    }
  }

  /// SAELens's evaluator on the same dictionary and, but for last bits, the same samples: a value at a bound may fall to
  /// either side, some in 16,384.
  @Test func measuresAreThoseOfSAELens() throws {
    let fixture = try SynthFixture.load()
    let model = try SyntheticModel(fixture.config)
    let (latents, k) = (fixture.dictionary.latents, fixture.dictionary.k)
    let weights = Matrix(rows: latents, columns: 32, elements: fixture.dictionary.weights)
    let dictionary = SparseAutoencoder(
      configuration: .init(
        architecture: .batchTopK, inputWidth: 32, outputWidth: 32, latents: latents, k: k,
        applyDecoderBiasToInput: true),
      encoder: weights, encoderBias: [Float](repeating: fixture.dictionary.encoderBias, count: latents),
      decoder: weights, decoderBias: model.bias, threshold: [Float](repeating: 3, count: latents))
    let ours = SyntheticMeasures(of: dictionary, on: model, samples: 4096, seed: 9, selection: .batch)
    let theirs = fixture.measures
    #expect(ours.samples == 4096 && ours.deadLatents == theirs.deadLatents)
    for (name, a, b, tolerance) in [
      ("true L0", ours.trueL0, theirs.trueL0, 1e-3), ("L0", ours.l0, theirs.l0, 1e-9),
      ("shrinkage", ours.shrinkage, theirs.shrinkage, 1e-3),
      ("explained variance", ours.explainedVariance, theirs.explainedVariance, 1e-3),
      ("MCC", ours.mcc, theirs.mcc, 1e-5), ("uniqueness", ours.uniqueness, theirs.uniqueness, 1e-9),
      ("precision", ours.precision, theirs.classification.precision, 1e-3),
      ("recall", ours.recall, theirs.classification.recall, 1e-3),
      ("F1", ours.f1, theirs.classification.f1, 1e-3),
    ] { #expect(abs(a - b) < tolerance, "\(name): \(a) and \(b)") }
    let byThreshold = SyntheticMeasures(of: dictionary, on: model, samples: 4096, seed: 9, selection: .threshold)
    #expect(byThreshold.mcc == ours.mcc && byThreshold.l0 > 0 && byThreshold.smallestSelected == 0)
  }

  private func settings(_ model: SyntheticModel) -> DictionarySettings {
    var settings = DictionarySettings(architecture: .batchTopK, latents: 64, k: 4)
    settings.normalization = .none
    settings.unitNormDecoder = false
    settings.learningRate = 3e-3
    settings.warmUp = 0
    settings.deadAfterTokens = 256
    settings.auxiliaryIsRelative = false
    return settings
  }

  @Test func aStoppedRunGoesOnBitForBit() throws {
    let model = try SyntheticModel(SynthFixture.load().config)
    let settings = settings(model)
    func run() throws -> SyntheticRun {
      try SyntheticRun(model: model, settings: settings, samples: 30 * 64, batch: 64, seed: 5)
    }
    let whole = try run()
    try whole.train()
    let folder = try TemporaryFolder()
    let url = folder.file("checkpoint.safetensors")
    let first = try run()
    #expect(throws: Fault.self) { try first.train(checkpoint: url, isCancelled: { first.trainer.step == 11 }) }
    let second = try run()
    var firstStep: Int?
    try second.train(checkpoint: url, progress: { firstStep = firstStep ?? $0.step })
    #expect(firstStep == 12)
    #expect(second.trainer.dictionary(site: "s") == whole.trainer.dictionary(site: "s"))
    let other = try SyntheticRun(model: model, settings: settings, samples: 31 * 64, batch: 64, seed: 5)
    #expect(throws: Fault.self) { try other.train(checkpoint: url) }
  }

  /// A free decoder's norms are in the values of the dictionary that is saved, whose rows have norm 1.
  @Test func freeDecodersLearn() throws {
    let model = try SyntheticModel(SynthFixture.load().config)
    let run = try SyntheticRun(model: model, settings: settings(model), samples: 1500 * 256, batch: 256, seed: 2)
    try run.train()
    let made = run.trainer.dictionary(site: "s")
    for latent in 0..<64 {
      #expect(abs(made.decoder.row(latent).reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
    }
    let measures = SyntheticMeasures(of: made, on: model, samples: 4096, seed: 1 << 40, selection: .batch)
    #expect(measures.explainedVariance > 0.5 && measures.mcc > 0.5, "\(measures)")
    let metrics = try #require(run.metrics)
    #expect(abs(1 - metrics.fvu - measures.explainedVariance) < 0.05)
  }

  /// Where the second prefix's latents are silent, the first prefix is a BatchTopK dictionary of its own, and so is its
  /// auxiliary loss.
  @Test func deadLatentsRebuildTheirPrefix() throws {
    let model = try SyntheticModel(SynthFixture.load().config)
    func auxiliary(_ architecture: SparseAutoencoder.Architecture, _ latents: Int, byPrefix: Bool) throws -> StepMetrics
    {
      var settings = settings(model)
      settings.architecture = architecture
      settings.latents = latents
      settings.prefixes = architecture == .matryoshka ? [64, 96] : nil
      settings.auxiliaryByPrefix = byPrefix
      let trainer = try DictionaryTrainer(settings: settings, inputWidth: 32, steps: 10, batch: 64)
      trainer.setValues(of: "encoderBias", (0..<latents).map { $0 < 64 ? 0 : -100 })
      trainer.setTokensSinceFiring((0..<latents).map { $0 % 5 == 0 || $0 >= 64 ? 1000 : 0 })
      return try trainer.train(input: model.sample(0..<64, seed: 1).rows.elements, rows: 64)
    }
    let alone = try auxiliary(.batchTopK, 64, byPrefix: false)
    let nested = try auxiliary(.matryoshka, 96, byPrefix: true)
    #expect(alone.auxiliary > 0 && alone.l0 == nested.l0)
    // The second prefix adds its own: silent latents rebuild nothing, so that it is the residual's mean square times the
    // weight.
    let rest = nested.auxiliary - alone.auxiliary
    #expect(abs(32 * rest - alone.reconstruction) < 1e-3 * alone.reconstruction, "\(rest), \(alone.reconstruction)")
  }
}
