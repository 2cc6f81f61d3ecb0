import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import TestSupport
import Testing

@Suite struct DirectionTests {
  /// Documents whose class moves columns 1 (strongly) and 3 (weakly, the other way).
  private func source(_ labels: [String] = ["no", "yes"], seed: UInt64 = 3) -> MemorySource {
    var generator = SeededGenerator(seed: seed)
    let count = 160
    let noise = (0..<count * 3 * 6).map { _ in Float(generator.normal()) }
    return MemorySource.documents(
      [Int](repeating: 3, count: count), labels: (0..<count).map { .text(labels[$0 % labels.count]) },
      groups: (0..<count).map { "g\($0 / labels.count)" }, sites: ["a": 6, "b": 6]
    ) { _, document, token, column in
      let isPositive: Float = document % labels.count == 1 ? 1 : 0
      return noise[(document * 3 + token) * 6 + column] + isPositive * (column == 1 ? 2 : column == 3 ? -0.7 : 0)
    }
  }

  private func probe(_ source: MemorySource, site: String = "a", seed: UInt64 = 1) throws -> Probe {
    var settings = ProbeSettings.quick()
    settings.seed = seed
    return try trained(settings, on: source, site: site)
  }

  @Test func aDirectionIsASumOfItsLargestColumns() throws {
    let source = source()
    let probe = try probe(source)
    let sum = try #require(probe.record.sums?.first)
    #expect(sum.label == "yes")
    #expect(sum.terms[0].column == 1 && sum.terms[0].coefficient > 0)
    #expect(sum.terms[1].column == 3 && sum.terms[1].coefficient < 0)
    #expect(sum.kept.map(\.terms) == [1, 3, nil])
    // All terms rank as the probe does.
    let whole = try #require(sum.kept.last?.auroc)
    #expect(abs(whole - (probe.record.evaluation.scores.auroc ?? 0)) < 1e-6)
    #expect((sum.kept[0].auroc ?? 0) > 0.8)
    let length = sum.terms.reduce(0) { $0 + $1.coefficient * $1.coefficient }
    #expect(abs(length - 1) < 1e-9)
  }

  @Test func cosinesAndAnglesAreThoseOfTheDirections() throws {
    let source = source()
    var probe = try probe(source)
    var other = probe
    probe.classifier = LinearClassifier(weights: Matrix(rows: 1, columns: 6, elements: [1, 0, 0, 0, 0, 0]), bias: [0])
    other.classifier = LinearClassifier(weights: Matrix(rows: 1, columns: 6, elements: [1, 1, 0, 0, 0, 0]), bias: [0])
    let comparison = try DirectionComparison([("a", probe), ("b", other)])
    #expect(abs(comparison.cosines[0][1] - 0.5.squareRoot()) < 1e-6)
    #expect(abs(comparison.cosines[0][0] - 1) < 1e-9)
    #expect(abs(comparison.angles[0].degrees[0] - 45) < 1e-3)
    // Two planes that share an axis and stand at 60 degrees.
    let angles = try DirectionComparison.principalAngles(
      [[1, 0, 0], [0, 1, 0]], [[2, 0, 0], [1, 0.5, 3.0.squareRoot() / 2]])
    #expect(angles.count == 2 && abs(angles[0]) < 1e-4 && abs(angles[1] - 60) < 1e-6)
  }

  @Test func comparisonsRefuseWhatHasNoAngle() throws {
    let source = source()
    let probe = try probe(source)
    var elsewhere = probe
    elsewhere.record.origin.modelDigest = "another"
    #expect(throws: Fault.self) { try DirectionComparison([("a", probe)]) }
    #expect(throws: Fault.self) { try DirectionComparison([("a", probe), ("b", elsewhere)]) }
  }

  @Test func aProbeTransfersToOtherNamesAndModels() throws {
    let probe = try probe(source())
    var other = source(["0", "1"], seed: 9)
    other.origin.modelDigest = "another"
    #expect(throws: Fault.self) { try probe.transfer(to: other) }  // its labels have other names
    let renamed = try TargetSource(other, renaming: ["0": "no", "1": "yes"])
    let transfer = try probe.transfer(to: renamed, site: "b")
    #expect(transfer.isOtherModel && transfer.site == "b")
    #expect(transfer.away.examples == 160 && transfer.away.scores.accuracy > 0.8)
    let three = source(["no", "yes", "perhaps"])
    let known = try TargetSource(three, renaming: [:], keeping: ["no", "yes"])
    #expect(try probe.transfer(to: known).away.examples == 107)
  }

  @Test func aClearDirectionIsStable() throws {
    var study = Study(settings: .quick())
    study.repeats = 5
    let stability = try #require(try study.run(on: source(), sites: ["a"]).probe.record.stability)
    #expect(stability.cosines.count == 5 && stability.scores.count == 5)
    #expect(stability.meanCosine > 0.7 && stability.leastCosine <= stability.meanCosine)
    #expect(stability.sameSite == 1 && stability.scores.allSatisfy { $0 > 0.6 })
    #expect(try study.run(on: source(), sites: ["a"]).probe.record.stability == stability)
  }

  @Test func lengthsAndPositionsAreCounted() throws {
    let source = MemorySource.documents(
      [4, 3], labels: [nil, nil], sites: ["s": 1]
    ) { _, _, token, _ in Float(token) }
    let lengths = try TargetSource(source, target: .textLength)
    #expect(lengths.documents.labels["label"] == [.number(3), .number(2)])
    let positions = try TargetSource(source, target: .position)
    #expect(positions.spans.rows.map(\.label) == [0, 1, 2, 0, 1].map { .number($0) })
  }

  @Test func aNumberIsRegressedWithItsControls() throws {
    // The activation says the token's place, up to noise.
    var generator = SeededGenerator(seed: 2)
    let noise = (0..<60 * 9 * 4).map { _ in Float(generator.normal()) }
    let source = MemorySource.documents(
      [Int](repeating: 9, count: 60), labels: [Label?](repeating: nil, count: 60), sites: ["s": 4]
    ) { _, document, token, column in
      noise[(document * 9 + token) * 4 + column] + (column == 0 ? Float(token) : 0)
    }
    var settings = ProbeSettings.quick(concept: Concept(level: .token), target: .position, resamples: 20)
    settings.controls = [.majority, .randomDirections, .shuffledLabels, .controlTask]
    let result = try Study(settings: settings).run(on: source).result
    let controls = try #require(result.controls)
    #expect(result.measure == .r2 && result.score > 0.7 && result.chance == 0)
    #expect(controls[.randomDirections]?.reference.map { abs($0 - result.score) < 1e-9 } == true)
    #expect((controls[.majority]?.score ?? 1) <= 0)
    #expect((controls[.shuffledLabels]?.pValue ?? 1) < 0.01)
  }
}
