import LinearAlgebra
import Testing

/// The bits of a Float rounded to bfloat16 by the definition: the nearer of the two neighbours, the even one of equals.
private func bfloat(_ x: Float) -> UInt16 {
  if x.isNaN { return UInt16(x.bitPattern >> 16) | 0x0040 }
  let low = UInt16(x.bitPattern >> 16)
  let rest = x.bitPattern & 0xffff
  if rest > 0x8000 || (rest == 0x8000 && low & 1 == 1) { return low + 1 }
  return low
}

@Suite("Number formats")
struct FormatTests {
  static let edges: [Float] = [
    0, -0.0, 1, -1, 65504, 65519.996, 65520, -65520, 1e30, -1e30, .infinity, -.infinity, .nan, 0x1p-24, 0x1p-25,
    0x1.000002p-25, 0x1p-26, -0x1p-25, 0x1.8p-24, 0x1p-14, 0x1.ffcp-15, 0x1.ffep-15, 0x1.fffp-15,
    .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0x1.fep127, 0x1.ffp127, 0x1.fefffep127, .leastNormalMagnitude,
    2049, 2051, 2050, 4098, 4102,
  ]

  #if !arch(x86_64) || os(Linux)
    @Test("Every float16 pattern is read exactly and written back as it was")
    func halfPatterns() {
      let patterns = (0...UInt16.max).map { $0 }
      var values = [Float](repeating: 0, count: patterns.count)
      Kernels.fromFloat16(patterns, into: &values, count: patterns.count)
      let misread = zip(patterns, values).filter { bits, value in
        let exact = Float(Float16(bitPattern: bits))
        return !(value == exact && value.sign == exact.sign || value.isNaN && exact.isNaN)
      }
      #expect(misread.isEmpty)
      var back = [UInt16](repeating: 0, count: patterns.count)
      #expect(Kernels.toFloat16(values, into: &back, count: values.count) == nil)
      let changed = zip(patterns, back).filter { bits, again in
        bits != again && !(Float16(bitPattern: bits).isNaN && Float16(bitPattern: again).isNaN)
      }
      #expect(changed.isEmpty)
    }

    @Test("Rounding to float16 at, just below and just above the middle of every two neighbours")
    func halfTies() {
      var inputs: [Float] = Self.edges
      for bits in UInt16(0)..<0x7bff {
        let (low, high) = (Float(Float16(bitPattern: bits)), Float(Float16(bitPattern: bits + 1)))
        let middle = (low + high) / 2
        inputs += [middle, -middle, middle.nextDown, middle.nextUp]
      }
      inputs += normals(20_001, scale: 100)
      var outputs = [UInt16](repeating: 0, count: inputs.count)
      let overflow = Kernels.toFloat16(inputs, into: &outputs, count: inputs.count)
      #expect(overflow == inputs.firstIndex { $0.isFinite && abs($0) >= 65520 })
      let wrong = zip(inputs, outputs).filter { x, bits in
        bits != Float16(x).bitPattern && !(x.isNaN && Float16(bitPattern: bits).isNaN)
      }
      #expect(wrong.isEmpty)
    }
  #endif

  @Test("Rounding to bfloat16, and reading it")
  func bfloats() {
    var inputs = Self.edges + normals(10_001)
    for bits in stride(from: UInt32(0), to: 0x7f80_0000, by: 0x0003_1000) {
      for rest in [UInt32(0x7fff), 0x8000, 0x8001] {
        inputs.append(Float(bitPattern: bits & 0xffff_0000 | rest))
        inputs.append(-Float(bitPattern: (bits & 0xffff_0000 ^ 0x1_0000) | rest))
      }
    }
    var outputs = [UInt16](repeating: 0, count: inputs.count)
    let overflow = Kernels.toBFloat16(inputs, into: &outputs, count: inputs.count)
    #expect(overflow == inputs.firstIndex { $0.isFinite && bfloat($0) & 0x7fff == 0x7f80 })
    var rounded = [Float](repeating: 0, count: inputs.count)
    var read = rounded
    Kernels.roundToBFloat16(inputs, into: &rounded, count: inputs.count)
    Kernels.fromBFloat16(outputs, into: &read, count: inputs.count)
    #expect(outputs == inputs.map(bfloat))
    #expect(rounded.map(\.bitPattern) == outputs.map { UInt32($0) << 16 })
    #expect(read.map(\.bitPattern) == rounded.map(\.bitPattern))
  }

  @Test("The first of several overflows is named, in any piece", arguments: [0, 5, 4_095, 4_096, 300_001])
  func overflow(_ place: Int) {
    var values = normals(300_002)
    values[place] = -70_000
    values[300_001] = 70_000
    var bits = [UInt16](repeating: 0, count: values.count)
    #expect(Kernels.toFloat16(values, into: &bits, count: values.count) == place)
    #expect(Kernels.toBFloat16(values, into: &bits, count: values.count) == nil)
    values[place] = .infinity
    values[300_001] = .nan
    #expect(Kernels.toFloat16(values, into: &bits, count: values.count) == nil)
  }

  @Test("Doubles")
  func doubles() {
    let values: [Double] = [0, 1.1, 1e300, -1e-300, .nan, 1 + 0x1p-24]
    var floats = [Float](repeating: 0, count: values.count)
    Kernels.fromDouble(values, into: &floats, count: values.count)
    #expect(floats.map(\.bitPattern) == values.map { Float($0).bitPattern })
    var back = [Double](repeating: 0, count: values.count)
    Kernels.toDouble(floats, into: &back, count: values.count)
    #expect(back.map(\.bitPattern) == floats.map { Double($0).bitPattern })
  }
}
