import Foundation
import LinearAlgebra
import Testing

@Suite("Attention's kernels")
struct AttentionKernelTests {
  @Test("Softmax within limits", arguments: [1, 2, 15, 33, 64, 500])
  func softmax(_ columns: Int) {
    let rows = 70
    let input = normals(rows * columns, seed: 1, scale: 4)
    func valid(_ row: Int) -> Range<Int> {
      let end = min(row + 1, columns)
      return max(0, end - 40)..<end
    }
    var output = [Float](repeating: .nan, count: input.count)
    Kernels.softmaxRows(input, into: &output, rows: rows, columns: columns, valid: valid)
    var expected: [Double] = []
    for r in 0..<rows {
      let row = input[r * columns..<(r + 1) * columns].map(Double.init)
      let powers = (0..<columns).map { valid(r).contains($0) ? Foundation.exp(row[$0]) : 0 }
      let sum = powers.reduce(0, +)
      expected += powers.map { $0 / sum }
    }
    #expect(relativeError(output, expected) < 1e-6)
    for (value, exact) in zip(output, expected) where exact == 0 { #expect(value == 0) }
  }

  @Test("Softmax of extreme values")
  func extremes() {
    func of(_ input: [Float]) -> [Float] {
      var output = input
      Kernels.softmax(input, into: &output, count: input.count)
      return output
    }
    #expect(of([1e30, 1e30]) == [0.5, 0.5])
    #expect(of([-.infinity, 3, -.infinity]) == [0, 1, 0])
    #expect(of([-1e30, 0]) == [0, 1])
    #expect(of([-.infinity, -.infinity]).allSatisfy { $0.isNaN })
    #expect(of([0, .nan, 0]).allSatisfy { $0.isNaN })
    var none: [Float] = [5, 5]
    Kernels.softmax([1, 2], into: &none, count: 2, valid: 1..<1)
    #expect(none == [0, 0])
  }

  @Test("Rotary positions", arguments: [RotaryPairs.halves, .neighbours], [(8, 8), (8, 4), (6, 6), (80, 32)])
  func rotary(_ pairs: RotaryPairs, _ size: (Int, Int)) {
    let (headSize, rotated) = size
    let (rows, heads, longest) = (9, 3, 20)
    let half = rotated / 2
    let angles = (0..<longest * half).map {
      Double($0 / half) * pow(10000, -2 * Double($0 % half) / Double(rotated))
    }
    let (cosine, sine) = (angles.map { Float(cos($0)) }, angles.map { Float(sin($0)) })
    let positions = (0..<rows).map { Int32(($0 * 7) % longest) }
    let input = normals(rows * heads * headSize)
    var expected = input.map(Double.init)
    for r in 0..<rows {
      for h in 0..<heads {
        let base = (r * heads + h) * headSize
        for i in 0..<half {
          let (p, q) = pairs == .halves ? (base + i, base + i + half) : (base + 2 * i, base + 2 * i + 1)
          let angle = angles[Int(positions[r]) * half + i]
          expected[p] = Double(input[p]) * cos(angle) - Double(input[q]) * sin(angle)
          expected[q] = Double(input[q]) * cos(angle) + Double(input[p]) * sin(angle)
        }
      }
    }
    var (output, inPlace) = (input, input)
    func turn(_ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>) {
      Kernels.rotary(
        from, into: to, rows: rows, heads: heads, headSize: headSize, rotated: rotated, pairs: pairs,
        positions: positions, cosine: cosine, sine: sine)
    }
    output = [Float](repeating: .nan, count: input.count)
    turn(input, &output)
    inPlace.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { turn(base, base) }
    }
    #expect(relativeError(output, expected) < 1e-6)
    #expect(inPlace == output)
  }
}
