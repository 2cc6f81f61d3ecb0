import LinearAlgebra

/// One translator while it is trained: A and b in units of the site's own scale, with Adam's moments (arXiv 1412.6980).
///
/// The map is h + A·h + σ·b, σ the root mean square of the site's values: so one learning rate suits sites of any scale.
struct TranslatorOptimizer {
  private(set) var translator: TunedLens.Translator
  private let scale: Float
  private var first: [Float]
  private var second: [Float]
  private var step = 0

  init(site: String, width: Int, scale: Float) {
    translator = TunedLens.Translator(site: site, width: width)
    self.scale = scale
    first = Array(repeating: 0, count: width * width + width)
    second = first
  }

  /// What a training takes for each site: the map, its gradient and two moments, in bytes.
  static func bytes(width: Int) -> Int { 4 * 4 * (width * width + width) }

  /// One step down a gradient by A and b.
  mutating func descend(_ gradient: TranslatorGradient, rate: Double) {
    let (beta1, beta2, epsilon): (Float, Float, Float) = (0.9, 0.999, 1e-8)
    step += 1
    var correction = (first: Float(1), second: Float(1))
    for _ in 0..<step { correction = (correction.first * beta1, correction.second * beta2) }
    let size = Float(rate) / (1 - correction.first)
    let root = 1 / (1 - correction.second)
    func update(_ value: inout Float, _ mean: inout Float, _ square: inout Float, _ slope: Float, _ unit: Float) {
      mean = beta1 * mean + (1 - beta1) * slope
      square = beta2 * square + (1 - beta2) * slope * slope
      value -= unit * size * mean / ((square * root).squareRoot() + epsilon)
    }
    let count = gradient.weights.count
    for index in 0..<count {
      update(&translator.weights.elements[index], &first[index], &second[index], gradient.weights[index], 1)
    }
    for index in gradient.bias.indices {
      update(
        &translator.bias[index], &first[count + index], &second[count + index], gradient.bias[index] * scale, scale)
    }
  }
}

/// The gradient of a loss by a translator's A and b.
struct TranslatorGradient {
  /// Shape: [d_model, d_model].
  var weights: [Float]
  /// Shape: [d_model].
  var bias: [Float]

  init(width: Int) {
    weights = Array(repeating: 0, count: width * width)
    bias = Array(repeating: 0, count: width)
  }

  /// Adds what rows give: with g the gradient by the translated streams, A's is gᵀ·h and b's the sum of g.
  mutating func add(_ gradient: [Float], of stream: ArraySlice<Float>) {
    let width = bias.count
    let rows = gradient.count / width
    gradient.withUnsafeBufferPointer { gradient in
      for row in 0..<rows { for column in 0..<width { bias[column] += gradient[row * width + column] } }
      stream.withUnsafeBufferPointer { stream in
        weights.withUnsafeMutableBufferPointer { weights in
          guard let a = gradient.baseAddress, let b = stream.baseAddress, let c = weights.baseAddress else { return }
          gemm(
            m: width, n: width, k: rows, a: a, aStride: width, transposeA: true, b: b, bStride: width, beta: 1, c: c,
            cStride: width)
        }
      }
    }
  }
}
