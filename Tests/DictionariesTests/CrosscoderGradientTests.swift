import Dictionaries
import Foundation
import LinearAlgebra
import TestSupport
import Testing

/// Losses, gradients, three steps of Adam and what the finished crosscoder makes of raw activations, against PyTorch
/// (`Scripts/references/crosscoders.py`, float64, each site with arrays of its own).
struct CrosscoderGradientTests {
  struct Case: Decodable {
    var name: String
    var widths: [Int]
    var latents: Int
    var rows: Int
    var rate: Float
    var architecture: String
    var centred: Bool
    var k: Int?
    var sparsity: Float?
    var bandwidth: Float?
    var dead: [Int]?
    var auxiliaryK: Int?
    var auxiliaryWeight: Float?
    var x: [Float]
    var scales: [Float]
    var start: [String: [Float]]
    var loss: [Double]
    var gradients: [String: [Float]]
    var after: [String: [Float]]
    var rebuilt: [Float]?
    var norms: [Float]?
    var fvu: [Double]?
    var fvuOfAll: Double?
  }

  static let cases: [Case] = Fixtures.cases("crosscoders")

  @Test func allCasesAreThere() { #expect(Self.cases.count == 6) }

  @Test(arguments: 0..<6, [0.0, 1.0])
  func agreesWithAutograd(index: Int, density: Double) throws {
    let reference = Self.cases[index]
    var settings = DictionarySettings(
      architecture: try #require(.init(rawValue: reference.architecture)), latents: reference.latents,
      k: reference.k ?? 1)
    settings.unitNormDecoder = false
    settings.startsAtGeometricMedian = false
    settings.subtractsDecoderBias = reference.centred
    settings.sparsity = reference.sparsity ?? 0
    settings.jumpReLU.bandwidth = reference.bandwidth ?? 1
    settings.jumpReLU.penalty = .tanh
    settings.auxiliaryWeight = reference.auxiliaryWeight ?? 0
    settings.auxiliaryK = reference.auxiliaryK
    settings.deadAfterTokens = 1000
    settings.learningRate = reference.rate
    (settings.warmUp, settings.decay) = (0, 0)
    let width = reference.widths.reduce(0, +)
    let sites = reference.widths.indices.map { CrosscoderSite(site: "site \($0)", width: reference.widths[$0]) }
    let trainer = try DictionaryTrainer(
      settings: settings, inputWidth: width, crosscoder: sites, steps: 3, batch: reference.rows)
    let x = Matrix(rows: reference.rows, columns: width, elements: reference.x)
    trainer.prepare(input: x)
    for (name, values) in reference.start { trainer.setValues(of: name, values) }
    for step in 0..<3 {
      trainer.expectDensity(density)
      trainer.setTokensSinceFiring((0..<reference.latents).map { reference.dead?.contains($0) == true ? 1000 : 0 })
      let metrics = try reference.x.withUnsafeBufferPointer {
        try trainer.train(input: #require($0.baseAddress), rows: reference.rows)
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
    guard let rebuilt = reference.rebuilt, let norms = reference.norms else { return }
    let made = trainer.dictionary(site: JoinedSites.name(of: sites.map(\.site)))
    expectNear(try #require(made.configuration.crosscoder).map(\.scale), reference.scales, 1e-5, "scales")
    expectNear(made.reconstruct(x).elements, rebuilt, 5e-4, "\(reference.name): reconstruction of raw rows")
    // TopK's directions are divided by what their values are multiplied by: the shares stay.
    let shares = Matrix(rows: reference.latents, columns: sites.count, elements: norms)
    for latent in 0..<reference.latents {
      func share(_ row: [Float]) -> [Float] { row.map { $0 / row.reduce(0, +) } }
      expectNear(share(made.siteNorms.row(latent)), share(shares.row(latent)), 5e-4, "\(reference.name): shares")
      if reference.architecture == "topk" { #expect(abs(made.siteNorms.row(latent).reduce(0, +) - 1) < 1e-5) }
    }
    try judges(made, x, reference)
  }

  /// FVU of each site and of all.
  private func judges(_ made: SparseAutoencoder, _ x: Matrix, _ reference: Case) throws {
    let names = try #require(made.configuration.crosscoder).map(\.site)
    let starts = reference.widths.indices.map { reference.widths[..<$0].reduce(0, +) }
    let source = MemorySource.documents(
      [reference.rows], labels: [nil], sites: Dictionary(uniqueKeysWithValues: zip(names, reference.widths))
    ) { site, _, row, column in x[row, starts[names.firstIndex(of: site) ?? 0] + column] }
    let measures = try made.reconstruction(of: source, specialTokens: true)
    for (ours, theirs) in zip(
      try #require(measures.sites).map(\.fvu) + [measures.fvu], (reference.fvu ?? []) + [reference.fvuOfAll ?? 0])
    {
      #expect(abs(ours - theirs) < 1e-3 * theirs, "\(reference.name): FVU \(ours) for \(theirs)")
    }
  }
}
