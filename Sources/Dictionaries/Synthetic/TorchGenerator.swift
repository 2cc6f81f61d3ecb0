import Foundation

/// PyTorch's generator of the processor and its normal numbers, so that a model that PyTorch makes from a seed can be made
/// here: the Mersenne Twister of Matsumoto and Nishimura (1998), whose uniform numbers become normal ones by Box and
/// Muller, sixteen at a time.
struct TorchGenerator {
  private var words: [UInt32]
  private var next = 624

  init(seed: UInt64) {
    words = [UInt32(truncatingIfNeeded: seed)]
    for index in 1..<624 {
      let last = words[index - 1]
      words.append(1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(index))
    }
  }

  private mutating func word() -> UInt32 {
    if next == 624 {
      for index in 0..<624 {
        let joined = (words[index] & 0x8000_0000) | (words[(index + 1) % 624] & 0x7fff_ffff)
        words[index] = words[(index + 397) % 624] ^ (joined >> 1) ^ (joined & 1 == 0 ? 0 : 0x9908_b0df)
      }
      next = 0
    }
    var y = words[next]
    next += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9d2c_5680
    y ^= (y << 15) & 0xefc6_0000
    return y ^ (y >> 18)
  }

  private mutating func uniform() -> Float { Float(word() & 0xff_ffff) * 0x1p-24 }

  /// As `torch.randn(count, generator=…)` for float32 and a count of at least 16. The platform's logarithm and cosine
  /// enter, which may differ in the last bit.
  mutating func normals(_ count: Int) -> [Float] {
    precondition(count >= 16, "fewer than 16 numbers are drawn in another way")
    var values = [Float](repeating: 0, count: count)
    for index in 0..<count { values[index] = uniform() }
    func transform(_ start: Int) {
      for index in start..<start + 8 {
        let radius = (-2 * log(1 - values[index])).squareRoot()
        let angle = 2 * Float.pi * values[index + 8]
        (values[index], values[index + 8]) = (radius * cos(angle), radius * sin(angle))
      }
    }
    for start in stride(from: 0, through: count - 16, by: 16) { transform(start) }
    if count % 16 != 0 {
      for index in count - 16..<count { values[index] = uniform() }
      transform(count - 16)
    }
    return values
  }
}
