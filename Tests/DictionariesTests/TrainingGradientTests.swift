import Dictionaries
import Foundation
import LinearAlgebra
import Testing

/// Losses, gradients and three steps of Adam against PyTorch (`Scripts/references/dictionary_training.py`, float64).
struct TrainingGradientTests {
  struct Case: Decodable {
    var name: String
    var width: Int
    var outputWidth: Int
    var latents: Int
    var rows: Int
    var rate: Float
    var architecture: String
    var transcoder: Bool
    var unit: Bool
    var skip: Bool
    var k: Int?
    var sparsity: Float?
    var penalty: String?
    var bandwidth: Float?
    var prefixes: [Int]?
    var dead: [Int]?
    var auxiliaryK: Int?
    var auxiliaryWeight: Float?
    var x: [Float]
    var y: [Float]?
    var start: [String: [Float]]
    var loss: [Double]
    var gradients: [String: [Float]]
    var after: [String: [Float]]
  }

  static let cases: [Case] = Fixtures.cases("training")

  @Test func allCasesAreThere() { #expect(Self.cases.count == 12) }

  /// By sums over the active latents, and by products over all of them.
  @Test(arguments: 0..<12, [0.0, 1.0])
  func agreesWithAutograd(index: Int, density: Double) throws {
    let reference = Self.cases[index]
    var settings = DictionarySettings(
      architecture: try #require(.init(rawValue: reference.architecture)), latents: reference.latents,
      k: reference.k ?? 1)
    settings.normalization = .none
    settings.unitNormDecoder = reference.unit
    settings.sparsity = reference.sparsity ?? 0
    settings.skip = reference.skip
    settings.prefixes = reference.prefixes
    settings.jumpReLU.bandwidth = reference.bandwidth ?? 1
    if let penalty = reference.penalty { settings.jumpReLU.penalty = try #require(.init(rawValue: penalty)) }
    settings.auxiliaryWeight = reference.auxiliaryWeight ?? 0
    settings.auxiliaryK = reference.auxiliaryK
    settings.deadAfterTokens = 1000
    settings.learningRate = reference.rate
    (settings.warmUp, settings.decay) = (0, 0)
    let trainer = try DictionaryTrainer(
      settings: settings, inputWidth: reference.width,
      outputWidth: reference.transcoder ? reference.outputWidth : nil, steps: 3, batch: reference.rows)
    for (name, values) in reference.start { trainer.setValues(of: name, values) }
    for step in 0..<3 {
      trainer.expectDensity(density)
      trainer.setTokensSinceFiring((0..<reference.latents).map { reference.dead?.contains($0) == true ? 1000 : 0 })
      let metrics = try reference.x.withUnsafeBufferPointer { x in
        try (reference.y ?? []).withUnsafeBufferPointer { y in
          try trainer.train(
            input: #require(x.baseAddress), target: reference.transcoder ? y.baseAddress : nil, rows: reference.rows)
        }
      }
      guard step == 0 else { continue }
      for (ours, theirs) in zip([metrics.reconstruction, metrics.sparsity, metrics.auxiliary], reference.loss) {
        #expect(abs(ours - theirs) <= 2e-5 * max(abs(theirs), 1), "\(reference.name): \(ours) for \(theirs)")
      }
      for (name, theirs) in reference.gradients {
        expectNear(try #require(trainer.gradient(of: name)), theirs, 2e-5, "\(reference.name): gradient of \(name)")
      }
    }
    // Adam divides small gradients by themselves, so that their rounding grows.
    for (name, theirs) in reference.after {
      expectNear(try #require(trainer.values(of: name)), theirs, 2e-4, "\(reference.name): \(name) after 3 steps")
    }
  }

  /// Selecting by products of integers changes nothing but the last bits of the products.
  ///
  /// With one latent a token and tied, unit weights every gradient is a rounding error, so that k begins at 2.
  @Test(arguments: [(64, 2), (50, 3), (33, 40)], [true, false])
  func screeningSelectsTheSame(size: (width: Int, k: Int), unitNorm: Bool) throws {
    let (width, k) = size
    var generator = SeededGenerator(seed: 3)
    let rows = 100
    let x = (0..<rows * width).map { _ in Float(generator.normal()) }
    var settings = DictionarySettings(latents: 2111, k: k)
    settings.normalization = .none
    settings.unitNormDecoder = unitNorm
    (settings.warmUp, settings.decay) = (0, 0)
    let trainers = try (0..<2).map { _ in
      try DictionaryTrainer(settings: settings, inputWidth: width, steps: 4, batch: rows)
    }
    trainers[1].selectInSinglePrecision()
    // Rows of very unequal norms, and a row of zeros.
    for trainer in trainers {
      var encoder = try #require(trainer.values(of: "encoder"))
      for column in 0..<width {
        encoder[column] *= 1000
        encoder[5 * width + column] = 0
      }
      trainer.setValues(of: "encoder", encoder)
    }
    for _ in 0..<3 {
      let metrics = try trainers.map { trainer in
        try x.withUnsafeBufferPointer { try trainer.train(input: #require($0.baseAddress), rows: rows) }
      }
      #expect(metrics[0].l0 == metrics[1].l0)
      #expect(abs(metrics[0].loss - metrics[1].loss) < 1e-4 * metrics[1].loss)
      let gradients = try trainers.map { try #require($0.gradient(of: "encoder")) }
      // A latent that was selected has a gradient.
      let selected = gradients.map { gradient in (0..<2111).map { gradient[$0 * width] != 0 } }
      #expect(selected[0] == selected[1])
    }
  }
}
