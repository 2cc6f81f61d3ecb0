import LinearAlgebra
import Probes
import Testing

/// The change of a mean between two runs over the same documents.
@Suite struct PairedChangeTests {
  private func change(_ generator: inout SeededGenerator, documents: Int, shift: Double) -> PairedChange {
    PairedChange(
      (0..<documents).map { _ in
        let count = 2 + generator.integer(below: 40)
        // A document's predictions move together, and some documents far.
        let own = generator.normal() * (generator.uniform() < 0.1 ? 5 : 1)
        let sum = (0..<count).reduce(0.0) { sum, _ in sum + own + generator.normal() + shift }
        return .init(before: 3 * Double(count), change: sum, predictions: count)
      })
  }

  /// scipy: ratio of sums, its standard error and t of 3 degrees of freedom, by hand.
  @Test func itIsARatioOfSums() {
    let found = PairedChange([
      .init(before: 6, change: 1, predictions: 3), .init(before: 8, change: 3, predictions: 4),
      .init(before: 0, change: 0, predictions: 0), .init(before: 2, change: -1, predictions: 1),
      .init(before: 4, change: 1, predictions: 2),
    ])
    #expect(found.documents == 4 && found.predictions == 10 && found.before == 2 && abs(found.change - 0.4) < 1e-12)
    // Σ (d − 0.4 n)² = 0.04 + 1.96 + 1.96 + 0.04, times 4/3, root, over 10.
    #expect(abs(found.standardError - (4.0 * 4 / 3).squareRoot() / 10) < 1e-12)
    #expect(abs(found.chance - StudentT.chance(above: 0.4 / found.standardError, degrees: 3)) < 1e-12)
    let half = found.standardError * 3.182446305
    #expect(found.interval.map { abs($0.low - 0.4 + half) < 1e-6 && abs($0.high - 0.4 - half) < 1e-6 } == true)
    #expect(abs(found.after - 2.4) < 1e-12)
    #expect(PairedChange([.init(before: 1, change: 1, predictions: 1)]).chance == 1)
    #expect(PairedChange([]).predictions == 0 && PairedChange([]).interval == nil)
  }

  /// Where nothing changes, anything is found in 5 % of the tries at most, and intervals hold 0 in 95 %.
  @Test func itHoldsWhereNothingIsThere() {
    var generator = SeededGenerator(seed: 20)
    var (found, covered) = (0, 0)
    for _ in 0..<400 {
      let changes = (0..<12).map { _ in change(&generator, documents: 24, shift: 0) }
      if HolmCorrection.corrected(changes.map(\.chance)).contains(where: { $0 <= HolmCorrection.level }) { found += 1 }
      covered += changes.count { $0.interval?.covers(0) == true }
    }
    // 20 expected of 400: 33 are three standard deviations more.
    #expect(found <= 33, "\(found) of 400")
    #expect(Double(covered) / 4800 > 0.93, "\(covered) of 4800")
    var seen = 0
    for _ in 0..<50 where change(&generator, documents: 24, shift: 1.5).chance < 0.05 { seen += 1 }
    #expect(seen > 40)
  }

  /// R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03, 0.06, 0.06, 0.02.
  @Test func holmsCorrection() {
    let found = HolmCorrection.corrected([0.01, 0.04, 0.03, 0.005])
    #expect(zip(found, [0.03, 0.06, 0.06, 0.02]).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(HolmCorrection.corrected([0.9, 0.8]) == [1, 1] && HolmCorrection.corrected([]).isEmpty)
    // scipy.stats.t.sf(2.0, 15) and of −1, 3.
    #expect(abs(StudentT.chance(above: 2, degrees: 15) - 0.031972504) < 1e-8)
    #expect(abs(StudentT.chance(above: -1, degrees: 3) - 0.804498891) < 1e-8)
  }
}
