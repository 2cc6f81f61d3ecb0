import Diagnostics
import Foundation
import LinearAlgebra
import TestFiles
import Testing

@testable import Dictionaries

/// A small synthetic model, what SAELens makes of the same settings, and what it measures.
struct SynthFixture: Decodable {
  struct Dictionary: Decodable {
    var weights: [Float]
    var encoderBias: Float
    var k: Int
    var latents: Int
  }

  struct Measures: Decodable {
    struct Classes: Decodable {
      var precision: Double
      var recall: Double
      var f1: Double

      enum CodingKeys: String, CodingKey {
        case precision, recall
        case f1 = "f1_score"
      }
    }
    var trueL0: Double
    var l0: Double
    var deadLatents: Int
    var shrinkage: Double
    var explainedVariance: Double
    var mcc: Double
    var uniqueness: Double
    var classification: Classes

    enum CodingKeys: String, CodingKey {
      case trueL0 = "true_l0"
      case l0 = "sae_l0"
      case deadLatents = "dead_latents"
      case shrinkage, mcc, uniqueness, classification
      case explainedVariance = "explained_variance"
    }
  }

  var config: SyntheticModelSettings
  var randn: [Float]
  var probabilities: [Float]
  var deviations: [Float]
  var means: [Float]
  var factors: [Float]
  var directions: [Float]
  var bias: [Float]
  var samples: Int
  var rates: [Double]
  var strengths: [Double]
  var dictionary: Dictionary
  var measures: Measures

  static func load() throws -> SynthFixture {
    let url = Fixtures.folder.appending(path: "synthetic.json")
    return try JSONDecoder().decode(SynthFixture.self, from: Data(contentsOf: url))
  }
}

private func expectClose(_ a: [Float], _ b: [Float], _ tolerance: Float, _ what: String) {
  #expect(a.count == b.count, "\(what)")
  for (index, (x, y)) in zip(a, b).enumerated() where !(abs(x - y) <= tolerance) {
    Issue.record("\(what), place \(index): \(x) and \(y)")
    return
  }
}

struct SynthModelTests {
  /// The reference is torch.randn of a seeded generator; its functions differ in the last bits.
  @Test func drawsPyTorchsNumbers() throws {
    var generator = TorchGenerator(seed: 42)
    expectClose(generator.normals(37), try SynthFixture.load().randn, 2e-6, "normals")
  }

  /// The same model as SAELens's to the six digits of the reference; 20 steps of Adam carry last bits to some 10⁻⁵.
  @Test func makesTheModelOfSAELens() throws {
    let fixture = try SynthFixture.load()
    let model = try SyntheticModel(fixture.config)
    expectClose(Array(model.probabilities.prefix(120)), fixture.probabilities, 3e-6, "probabilities")
    expectClose(Array(model.deviations.prefix(40)), fixture.deviations, 6e-6, "deviations")
    expectClose(Array(model.means.prefix(40)), fixture.means, 5e-6, "means")
    expectClose(Array(model.correlationFactors.elements.prefix(50)), fixture.factors, 1e-6, "factors")
    expectClose(model.bias, fixture.bias, 1e-6, "bias")
    expectClose([0, 1, 599].flatMap { model.directions.row($0) }, fixture.directions, 3e-5, "directions")
  }

  /// Rates and mean strengths against 400,000 samples of SAELens: within 5 standard errors, and their spread that of
  /// chance. No child without its parent, no two siblings.
  @Test func samplesAsSAELens() throws {
    let fixture = try SynthFixture.load()
    let model = try SyntheticModel(fixture.config)
    let count = 60_000
    let (_, active) = model.sample(0..<count, seed: 1)
    var counts = [Double](repeating: 0, count: model.features)
    var sums = counts
    var (orphans, siblings) = (0, 0)
    for row in 0..<count {
      let features = Set(active.range(ofRow: row).map { Int(active.indices[$0]) })
      let parents = features.map { model.tree.parents[$0] }.filter { $0 >= 0 }
      orphans += parents.count { !features.contains($0) }
      siblings += parents.count - Set(parents).count
      for place in active.range(ofRow: row) {
        counts[Int(active.indices[place])] += 1
        sums[Int(active.indices[place])] += Double(active.values[place])
      }
    }
    #expect(orphans == 0 && siblings == 0)
    var squares = 0.0
    for feature in 0..<model.features {
      let (own, other) = (counts[feature] / Double(count), fixture.rates[feature])
      let variance = other * (1 - other) * (1 / Double(count) + 1 / Double(fixture.samples))
      let score = (own - other) / variance.squareRoot()
      squares += score * score
      #expect(abs(score) < 5, "feature \(feature): \(own) and \(other)")
      guard counts[feature] > 200 else { continue }
      // A child's strength counts times its ancestors': at most some 1.5 of spread.
      #expect(
        abs(sums[feature] / counts[feature] - fixture.strengths[feature]) < 7 / counts[feature].squareRoot() * 1.5)
    }
    // χ² of 600 features, correlated a little: far from it only if rates differ.
    #expect(squares / Double(model.features) < 1.4, "\(squares)")
  }

  @Test func samplesFollowFromTheirNumbers() throws {
    let fixture = try SynthFixture.load()
    let model = try SyntheticModel(fixture.config)
    let (rows, active) = model.sample(5..<205, seed: 3)
    let part = model.sample(100..<123, seed: 3)
    #expect(part.rows.elements == Array(rows.elements[95 * 32..<118 * 32]))
    #expect(model.sample(5..<205, seed: 4).rows != rows)
    var written = [Float](repeating: 0, count: 200 * 32)
    written.withUnsafeMutableBufferPointer { model.write(5..<205, seed: 3, into: $0.baseAddress!) }
    #expect(written == rows.elements)
    for row in [0, 199] {
      var sum = model.bias
      for place in active.range(ofRow: row) {
        let direction = model.directions.row(Int(active.indices[place]))
        for column in 0..<32 { sum[column] += active.values[place] * direction[column] }
      }
      expectClose(rows.row(row), sum, 1e-4, "row \(row)")
    }
  }

  @Test func savesAndReads() throws {
    let fixture = try SynthFixture.load()
    let model = try SyntheticModel(fixture.config)
    let folder = try TemporaryFolder()
    try model.save(folder: folder.url)
    let read = try SyntheticModel(folder: folder.url)
    #expect(read.sample(0..<20, seed: 0).rows == model.sample(0..<20, seed: 0).rows)
    #expect(read.settings == model.settings)
    let hierarchy = try String(contentsOf: folder.file("hierarchy.json"), encoding: .utf8)
    #expect(hierarchy.contains("\"mutually_exclusive_children\":true"))
  }

  @Test func refusesWhatItCannotMake() {
    var settings = SyntheticModelSettings()
    settings.features = 3
    #expect(throws: Fault.self) { try settings.check() }
    settings = SyntheticModelSettings()
    settings.firing.minimum = 0.5
    #expect(throws: Fault.self) { try settings.check() }
  }
}
