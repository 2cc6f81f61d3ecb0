import LinearAlgebra
import Testing

@Suite("Norms")
struct NormTests {
  struct Expected {
    var scale: [Double] = []
    var normalized: [Double] = []
    var output: [Double] = []
  }

  func reference(
    _ x: [Float], _ rows: Int, _ columns: Int, centred: Bool, _ epsilon: Double, _ weight: [Float], _ bias: [Float]
  ) -> Expected {
    var result = Expected()
    for r in 0..<rows {
      let row = x[r * columns..<(r + 1) * columns].map(Double.init)
      let mean = centred ? row.reduce(0, +) / Double(columns) : 0
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
      let scale = (variance + epsilon).squareRoot()
      result.scale.append(scale)
      for c in 0..<columns {
        let value = (row[c] - mean) / scale
        result.normalized.append(value)
        result.output.append(value * Double(weight[c]) + Double(bias[c]))
      }
    }
    return result
  }

  @Test(
    "LayerNorm and RMSNorm, whole and in steps", arguments: [(1, 1), (3, 7), (5, 64), (40, 129), (70, 768)],
    [true, false])
  func norms(_ size: (Int, Int), _ centred: Bool) {
    let (rows, columns) = size
    let count = rows * columns
    // A mean far from zero beside a small spread: what a careless variance gets wrong.
    let input = normals(count, seed: 1).map { centred ? $0 * 0.5 + 30 : $0 }
    let (weight, bias) = (normals(columns, seed: 2), normals(columns, seed: 3))
    let expected = reference(input, rows, columns, centred: centred, 1e-5, weight, bias)
    var scale = [Float](repeating: 0, count: rows)
    var normalized = [Float](repeating: 0, count: count)
    var output = normalized
    let norm = centred ? Kernels.layerNorm : Kernels.rmsNorm
    norm(input, rows, columns, 1e-5, weight, bias, 0, &scale, &normalized, &output)
    // An input near 30 is known to 30 · 2⁻²⁴, which a spread of 0.5 magnifies.
    #expect(relativeError(scale, expected.scale) < 5e-6)
    #expect(relativeError(normalized, expected.normalized) < 5e-6 || columns == 1)
    #expect(relativeError(output, expected.output) < 5e-6 || columns == 1)

    var alone = [Float](repeating: 0, count: count)
    norm(input, rows, columns, 1e-5, weight, bias, 0, nil, nil, &alone)
    #expect(alone == output)

    var mean = [Float](repeating: 0, count: rows)
    var steps = [Float](repeating: 0, count: count)
    var stepScale = scale
    mean.withUnsafeMutableBufferPointer { mean in
      Kernels.normScale(
        input, rows: rows, columns: columns, epsilon: 1e-5, mean: centred ? mean.baseAddress : nil, scale: &stepScale)
      Kernels.normalize(
        input, rows: rows, columns: columns, mean: centred ? mean.baseAddress.map { UnsafePointer($0) } : nil,
        scale: stepScale, into: &steps)
    }
    #expect(stepScale == scale)
    #expect(steps == normalized)
    Kernels.affine(steps, rows: rows, columns: columns, weight: weight, bias: bias, into: &steps)
    #expect(steps == output)
  }

  @Test("A weight that is stored less one")
  func offset() {
    let input = normals(2 * 32)
    let weight = normals(32, seed: 2)
    var (a, b) = (input, input)
    Kernels.rmsNorm(input, rows: 2, columns: 32, epsilon: 1e-6, weight: weight, weightOffset: 1, into: &a)
    Kernels.rmsNorm(input, rows: 2, columns: 32, epsilon: 1e-6, weight: weight.map { $0 + 1 }, into: &b)
    #expect(a == b)
  }
}
