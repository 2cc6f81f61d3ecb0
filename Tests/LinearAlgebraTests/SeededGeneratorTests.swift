import Foundation
import LinearAlgebra
import Testing

@Suite("Seeded random numbers")
struct SeededGeneratorTests {
  // SplitMix64 of 0 begins e220a8397b1dcdaf, 6e789e6aa1b965f4, 06c45d188009454f, f88bb8a8724c81ec; xoshiro256**'s first
  // numbers from that state follow by hand from its definition.
  @Test("The numbers are those of the published algorithm")
  func published() {
    func rotate(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
    var s: [UInt64] = [
      0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f, 0xf88b_b8a8_724c_81ec,
    ]
    var generator = SeededGenerator(seed: 0)
    for _ in 0..<100 {
      #expect(generator.next() == rotate(s[1] &* 5, 7) &* 9)
      s = [
        s[0] ^ s[3] ^ s[1], s[1] ^ s[2] ^ s[0], s[2] ^ s[0] ^ (s[1] << 17), rotate(s[3] ^ s[1], 45),
      ]
    }
  }

  @Test("A stored generator goes on where it stood")
  func coding() throws {
    var generator = SeededGenerator(seed: 42)
    _ = (0..<7).map { _ in generator.normal() }
    var again = try JSONDecoder().decode(SeededGenerator.self, from: JSONEncoder().encode(generator))
    #expect(again == generator)
    #expect((0..<20).map { _ in again.normal() } == (0..<20).map { _ in generator.normal() })
    var other = SeededGenerator(seed: 42, stream: "reservoir")
    #expect(other.next() != SeededGenerator(seed: 42).first)
  }

  @Test("Uniform, whole and normal numbers have the moments they should")
  func moments() {
    var generator = SeededGenerator(seed: 3)
    let n = 100_000
    let uniform = (0..<n).map { _ in generator.uniform() }
    #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(uniform.reduce(0, +) / Double(n) - 0.5) < 0.004)
    let normal = (0..<n).map { _ in generator.normal() }
    #expect(abs(normal.reduce(0, +) / Double(n)) < 0.013)
    #expect(abs(normal.reduce(0) { $0 + $1 * $1 } / Double(n) - 1) < 0.02)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[generator.integer(below: 7)] += 1 }
    #expect(counts.allSatisfy { abs($0 - 10_000) < 400 })
  }

  @Test("Shuffles, choices and reservoirs are fair")
  func sampling() {
    var generator = SeededGenerator(seed: 4)
    #expect(generator.permutation(50).sorted() == Array(0..<50))
    var chosen = [Int](repeating: 0, count: 10)
    var kept = [Int](repeating: 0, count: 10)
    for _ in 0..<10_000 {
      let some = generator.choice(3, of: 10)
      #expect(some.count == 3 && some == some.sorted() && Set(some).count == 3)
      for number in some { chosen[number] += 1 }
      var reservoir: [Int] = []
      for item in 0..<10 {
        guard let slot = generator.reservoirSlot(seen: item, capacity: 3) else { continue }
        if slot < reservoir.count { reservoir[slot] = item } else { reservoir.append(item) }
      }
      for item in reservoir { kept[item] += 1 }
    }
    #expect(chosen.allSatisfy { abs($0 - 3_000) < 250 } && kept.allSatisfy { abs($0 - 3_000) < 250 })
  }
}

extension SeededGenerator {
  /// The first number of a fresh copy.
  var first: UInt64 {
    var copy = self
    return copy.next()
  }
}
