import LinearAlgebra
import Testing

@Suite("Matrix products")
struct GemmTests {
  /// A·Bᵀ + bias in double precision, a term at a time.
  func naive(_ a: [Float], _ b: [Float], _ bias: [Float]?, _ m: Int, _ n: Int, _ k: Int) -> [Double] {
    var result = [Double](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        var sum = bias.map { Double($0[j]) } ?? 0
        for l in 0..<k { sum += Double(a[i * k + l]) * Double(b[j * k + l]) }
        result[i * n + j] = sum
      }
    }
    return result
  }

  // Single precision sums of k products err by about √k half units; 2e-6 of the largest holds for these k.
  @Test(
    "Prepared weights multiply as a plain sum does",
    arguments: [
      (1, 1, 1), (1, 70, 33), (3, 5, 7), (17, 130, 65), (200, 64, 96), (391, 77, 129), (1, 300, 500), (1, 2_101, 203),
      (2, 1_300, 77), (3, 1_031, 129), (4, 1_031, 129),
    ])
  func prepared(_ m: Int, _ n: Int, _ k: Int) {
    let (a, b, bias) = (normals(m * k, seed: 1), normals(n * k, seed: 2), normals(n, seed: 3))
    let weights = PreparedWeights(outputs: n, inputs: k) { _ = $0.update(fromContentsOf: b) }
    for bias in [nil, bias] {
      var result = [Float](repeating: .nan, count: m * n)
      weights.multiply(a, rows: m, bias: bias, into: &result)
      #expect(relativeError(result, naive(a, b, bias, m, n, k)) < 2e-6)
    }
  }

  // Both libraries on every size, so that the one that is not preferred on this machine is tried too.
  @Test(
    "oneDNN multiplies as OpenBLAS does", .enabled(if: MatrixKernel.hasOneDNN),
    arguments: [
      (1, 70, 33), (3, 5, 7), (64, 64, 64), (65, 600, 48), (200, 64, 96), (1_100, 530, 40), (1, 2_101, 203),
      (2, 4_200, 75), (3, 1_031, 129),
    ])
  func libraries(_ m: Int, _ n: Int, _ k: Int) {
    let (a, b, bias) = (normals(m * k, seed: 1), normals(n * k, seed: 2), normals(n, seed: 3))
    for bias in [nil, bias] {
      let results = MatrixLibrary.allCases.map { library in
        let weights = PreparedWeights(outputs: n, inputs: k, type: .float32, library: library) {
          _ = $0.update(fromContentsOf: b)
        }
        var result = [Float](repeating: .nan, count: m * n)
        weights.multiply(a, rows: m, bias: bias, into: &result)
        return result
      }
      #expect(relativeError(results[1], results[0].map(Double.init)) < 2e-6)
    }
  }

  // Each factor of a product errs by at most 2⁻⁹ of itself; the sums are kept in single precision.
  @Test(
    "Bfloat16 products are exact sums of rounded factors",
    arguments: [(1, 300, 40), (130, 70, 65), (1, 2_101, 203), (2, 1_300, 77), (3, 1_031, 129), (90, 1_300, 77)])
  func bfloat16(_ m: Int, _ n: Int, _ k: Int) {
    let (a, b) = (normals(m * k, seed: 1), normals(n * k, seed: 2))
    let weights = PreparedWeights(outputs: n, inputs: k, type: .bfloat16) { _ = $0.update(fromContentsOf: b) }
    var result = [Float](repeating: .nan, count: m * n)
    weights.multiply(a, rows: m, into: &result)
    var (roundedA, roundedB) = (a, b)
    Kernels.roundToBFloat16(a, into: &roundedA, count: a.count)
    Kernels.roundToBFloat16(b, into: &roundedB, count: b.count)
    #expect(relativeError(result, naive(roundedA, roundedB, nil, m, n, k)) < 2e-6)
    let sizes = naive(a.map(abs), b.map(abs), nil, m, n, k)
    for ((found, exact), size) in zip(zip(result, naive(a, b, nil, m, n, k)), sizes) {
      #expect(abs(Double(found) - exact) <= 2.01 * 0x1p-9 * size)
    }
  }

  // A layer of more weights than one panel has, whose parts are multiplied into results of their own; and one panel whose
  // outputs are shared between threads.
  @Test(
    "Weights prepared for one product give the same bits as those that are kept",
    arguments: [(3, 4_200, 4_096), (70, 4_200, 4_096), (200, 1_100, 80)], ComputeType.allCases)
  func passing(_ size: (Int, Int, Int), _ type: ComputeType) {
    let (m, n, k) = size
    let (a, bias) = (normals(m * k, seed: 1), normals(n, seed: 3))
    let fill: (Range<Int>, UnsafeMutablePointer<Float>) -> Void = { rows, target in
      for (place, row) in rows.enumerated() {
        for column in 0..<k { target[place * k + column] = Float((row * 31 + column * 17) % 257 - 128) / 256 }
      }
    }
    var (kept, passing) = ([Float](repeating: .nan, count: m * n), [Float](repeating: .nan, count: m * n))
    PreparedWeights(outputs: n, inputs: k, type: type, rows: fill).multiply(a, rows: m, bias: bias, into: &kept)
    PreparedWeights.multiply(
      outputs: n, inputs: k, type: type, memory: PanelMemory(), a, rows: m, bias: bias, into: &passing, fill: fill)
    #expect(kept.map(\.bitPattern) == passing.map(\.bitPattern))
    let row = m / 2
    for output in stride(from: 0, to: n, by: 97) {
      var (sum, size) = (Double(bias[output]), abs(Double(bias[output])))
      for column in 0..<k {
        let product = Double((output * 31 + column * 17) % 257 - 128) / 256 * Double(a[row * k + column])
        (sum, size) = (sum + product, size + abs(product))
      }
      // The weights are exact in bfloat16; the input is rounded to it by at most 2⁻⁹ of itself.
      #expect(abs(Double(kept[row * n + output]) - sum) <= (type == .float32 ? 2e-6 : 0x1p-9 + 2e-6) * size)
    }
  }

  @Test("Every transposition of the general product", arguments: [false, true], [false, true])
  func general(_ transposeA: Bool, _ transposeB: Bool) {
    let (m, n, k) = (101, 67, 83)
    let (a, b) = (normals(m * k, seed: 4), normals(n * k, seed: 5))
    let left = Matrix(rows: m, columns: k, elements: a)
    let right = Matrix(rows: n, columns: k, elements: b)
    let inA = transposeA ? left.transposed().elements : a
    let inB = transposeB ? b : right.transposed().elements
    var c = normals(m * n, seed: 6)
    let expected = zip(naive(a, b, nil, m, n, k), c).map { 0.5 * $0 + 2 * Double($1) }
    gemm(
      m: m, n: n, k: k, alpha: 0.5, a: inA, aStride: transposeA ? m : k, transposeA: transposeA, b: inB,
      bStride: transposeB ? k : n, transposeB: transposeB, beta: 2, c: &c, cStride: n)
    #expect(relativeError(c, expected) < 2e-6)
    #expect(relativeError(left.multiplied(by: right, transposed: true).elements, naive(a, b, nil, m, n, k)) < 2e-6)
  }

  @Test("No rows, no outputs, no inputs")
  func empty() {
    let weights = PreparedWeights(outputs: 3, inputs: 2) { _ = $0.update(fromContentsOf: [1, 2, 3, 4, 5, 6]) }
    var result: [Float] = [7]
    weights.multiply([1], rows: 0, into: &result)
    #expect(result == [7])
    var some: [Float] = [1, 1]
    PreparedWeights(outputs: 2, inputs: 0) { _ in }.multiply([0], rows: 1, bias: [3, 4], into: &some)
    #expect(some == [3, 4])
  }
}
