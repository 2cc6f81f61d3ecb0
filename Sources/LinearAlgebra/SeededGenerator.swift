import Foundation

/// A random generator whose numbers follow from a seed alone, the same on every platform and in every release.
///
/// xoshiro256** of Blackman and Vigna (2018, https://prng.di.unimi.it), its state filled by SplitMix64 from the seed.
/// Not for secrets. `Codable`: a generator that was stored goes on where it stood.
public struct SeededGenerator: RandomNumberGenerator, Sendable, Codable, Equatable {
  private var state: [UInt64]
  /// The second of a pair of normal numbers, which come by twos.
  private var spare: Double?

  public init(seed: UInt64) {
    state = (0..<UInt64(4)).map { Self.mix(seed &+ $0 &* 0x9e37_79b9_7f4a_7c15) }
  }

  /// SplitMix64's first number from a seed: a hash that spreads neighbouring numbers over all of 64 bits.
  public static func mix(_ seed: UInt64) -> UInt64 {
    var z = seed &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A generator of its own for a named part of the work, so that parts do not shift each other's numbers: the seed is
  /// mixed with the name's FNV-1a hash.
  public init(seed: UInt64, stream name: String) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    self.init(seed: seed ^ hash)
  }

  public mutating func next() -> UInt64 {
    func rotate(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
    let result = rotate(state[1] &* 5, 7) &* 9
    let t = state[1] << 17
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= t
    state[3] = rotate(state[3], 45)
    return result
  }

  /// A number in 0..<1, uniformly, a multiple of 2⁻⁵³.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A whole number in 0..<bound, uniformly, by Lemire's multiplication with rejection.
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "a number below \(bound)")
    let bound = UInt64(bound)
    while true {
      let product = next().multipliedFullWidth(by: bound)
      if product.low >= bound || product.low >= (0 &- bound) % bound { return Int(product.high) }
    }
  }

  /// A number of the normal distribution with mean 0 and variance 1, by Marsaglia's polar method. The
  /// platform's logarithm enters, which may differ in the last bit.
  public mutating func normal() -> Double {
    if let value = spare {
      spare = nil
      return value
    }
    while true {
      let (u, v) = (2 * uniform() - 1, 2 * uniform() - 1)
      let s = u * u + v * v
      guard s > 0 && s < 1 else { continue }
      let factor = (-2 * log(s) / s).squareRoot()
      spare = v * factor
      return u * factor
    }
  }

  /// Puts the values into random order, by Fisher and Yates.
  public mutating func shuffle<Element>(_ values: inout [Element]) {
    guard values.count > 1 else { return }
    for last in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(last, integer(below: last + 1)) }
  }

  /// The numbers 0..<count in random order.
  public mutating func permutation(_ count: Int) -> [Int] {
    var numbers = Array(0..<count)
    shuffle(&numbers)
    return numbers
  }

  /// `count` different numbers of 0..<population in rising order, every choice equally likely. O(population).
  public mutating func choice(_ count: Int, of population: Int) -> [Int] {
    precondition(count >= 0 && count <= population, "\(count) of \(population)")
    var chosen: [Int] = []
    chosen.reserveCapacity(count)
    for number in 0..<population where chosen.count < count {
      if integer(below: population - number) < count - chosen.count { chosen.append(number) }
    }
    return chosen
  }

  /// Where a reservoir sample of `capacity` puts the item that comes after `seen` others, or nil if it is left out.
  ///
  /// Vitter's algorithm R: after any number of items each is in the sample with the same probability.
  public mutating func reservoirSlot(seen: Int, capacity: Int) -> Int? {
    if seen < capacity { return seen }
    let slot = integer(below: seen + 1)
    return slot < capacity ? slot : nil
  }
}
