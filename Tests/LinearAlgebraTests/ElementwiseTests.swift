import Foundation
import LinearAlgebra
import Testing

@Suite("Functions of every element")
struct ElementwiseTests {
  static func reference(_ function: ElementwiseFunction, _ x: Double) -> Double {
    switch function {
    case .identity: x
    case .relu: max(x, 0)
    case .reluSquared: max(x, 0) * max(x, 0)
    case .gelu: 0.5 * x * erfc(-x * 0.5.squareRoot())
    case .geluTanh: x / (1 + exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .quickGELU: x / (1 + exp(-1.702 * x))
    case .silu: x / (1 + exp(-x))
    case .sigmoid: 1 / (1 + exp(-x))
    case .tanh: tanh(x)
    case .erf: erf(x)
    case .exp: exp(x)
    }
  }

  func apply(_ function: ElementwiseFunction, _ input: [Float]) -> [Float] {
    var output = [Float](repeating: .nan, count: input.count)
    Kernels.apply(function, input, into: &output, count: input.count)
    return output
  }

  // Three units in the last place (2⁻²⁴ each) of the larger of the result and, where 1 + … cancels, of the input.
  @Test("Each function to a few units in the last place", arguments: ElementwiseFunction.allCases)
  func accuracy(_ function: ElementwiseFunction) {
    var inputs = normals(9_973, seed: 7, scale: 3)
    inputs += (-4000...4000).map { Float($0) / 40 }
    inputs += [
      0, -0.0, 0x1p-130, -0x1p-130, 1e-6, -1e-6, 0.625, 0.6249999, 1, 0.99999994, 1.0000001, 87.3, 88.7, -87.3, -103,
    ]
    let outputs = apply(function, inputs)
    for (x, y) in zip(inputs, outputs) {
      let exact = Self.reference(function, Double(x))
      // An exponential's argument is rounded: its rounding times its size comes in.
      let v = abs(Double(x))
      let exponent =
        function == .geluTanh ? 1 + 1.6 * (v + 0.045 * v * v * v) : function == .quickGELU ? 1 + 1.7 * v : 1
      let size = function == .gelu ? v : abs(exact) * exponent
      let bound = 3 * 0x1p-24 * size + 0x1p-120
      guard !(abs(Double(y) - exact) <= bound || Float(exact) == y) else { continue }
      Issue.record("\(function)(\(x)) = \(y), not \(exact)")
    }
  }

  @Test("Infinities and NaN come out as PyTorch has them")
  func edges() {
    let inputs: [Float] = [.infinity, -.infinity, .nan]
    let expected: [ElementwiseFunction: [Float]] = [
      .identity: [.infinity, -.infinity, .nan], .relu: [.infinity, 0, .nan], .reluSquared: [.infinity, 0, .nan],
      .gelu: [.infinity, .nan, .nan], .geluTanh: [.infinity, .nan, .nan], .silu: [.infinity, .nan, .nan],
      .quickGELU: [.infinity, .nan, .nan], .sigmoid: [1, 0, .nan], .tanh: [1, -1, .nan], .erf: [1, -1, .nan],
      .exp: [.infinity, 0, .nan],
    ]
    for (function, values) in expected {
      // Beside others, so that the vectorised body is tried too.
      let outputs = apply(function, [Float](repeating: 1, count: 29) + inputs + [Float](repeating: 1, count: 29))
      for (found, value) in zip(outputs[29..<32], values) {
        #expect(found == value || (found.isNaN && value.isNaN), "\(function): \(found), not \(value)")
      }
    }
  }

  @Test("A result does not depend on where the element stands or how many threads share")
  func position() {
    let inputs = normals(70_001, seed: 8)
    for function in ElementwiseFunction.allCases {
      let whole = apply(function, inputs)
      for start in [0, 1, 37, 69_990] {
        #expect(Array(whole[start...].prefix(50)) == apply(function, Array(inputs[start...].prefix(50))))
      }
    }
  }

  @Test("Gated products", arguments: ElementwiseFunction.allCases)
  func gated(_ function: ElementwiseFunction) {
    let (gate, up) = (normals(1_003, seed: 9), normals(1_003, seed: 10))
    var output = [Float](repeating: 0, count: 1_003)
    Kernels.applyGated(function, gate: gate, up: up, into: &output, count: output.count)
    #expect(output == zip(apply(function, gate), up).map { $0 * $1 })
  }

  @Test("Sums, scalings and products of vectors", arguments: [0, 1, 15, 16, 63, 64, 1_001, 100_003])
  func vectors(_ n: Int) {
    let (a, b) = (normals(n, seed: 11), normals(n, seed: 12))
    var y = [Float](repeating: 0, count: n)
    Kernels.add(a, b, into: &y, count: n)
    #expect(y == zip(a, b).map { $0 + $1 })
    Kernels.multiply(a, b, into: &y, count: n)
    #expect(y == zip(a, b).map { $0 * $1 })
    Kernels.scale(a, by: 2, offset: 0, into: &y, count: n)
    #expect(y == a.map { 2 * $0 })
    y = b
    Kernels.axpy(0.5, a, into: &y, count: n)
    #expect(relativeError(y, zip(a, b).map { 0.5 * Double($0) + Double($1) }) < 1e-6)
    let dot = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    #expect(abs(Double(Kernels.dot(a, b, count: n)) - dot) <= 1e-5 * Double(n).squareRoot())
    #expect(abs(Kernels.dotInDouble(a, b, count: n) - dot) <= 1e-10)
    #expect(abs(Kernels.sum(a, count: n) - a.reduce(0.0) { $0 + Double($1) }) <= 1e-10)
    #expect(Kernels.maximum(a, count: n) == (a.max() ?? -.infinity))
  }

  @Test("Values that are not finite are counted, and NaN is passed over by the maximum")
  func nonfinite() {
    var values = normals(10_000, seed: 13)
    #expect(Kernels.countNonfinite(values, count: values.count) == 0)
    values[0] = .nan
    values[5_000] = .infinity
    values[9_999] = -.infinity
    #expect(Kernels.countNonfinite(values, count: values.count) == 3)
    #expect(Kernels.maximum([.nan, 2, .nan], count: 3) == 2)
  }

  @Test("Transposing", arguments: [(1, 1), (3, 17), (33, 5), (200, 301)])
  func transpose(_ rows: Int, _ columns: Int) {
    let matrix = Matrix(rows: rows, columns: columns, elements: normals(rows * columns))
    let turned = matrix.transposed()
    for r in 0..<rows { #expect(turned.column(r) == matrix.row(r)) }
    #expect(turned.transposed() == matrix)
  }
}
