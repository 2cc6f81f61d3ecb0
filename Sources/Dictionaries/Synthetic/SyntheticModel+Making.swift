import CKernels
import Diagnostics
import Foundation
import LinearAlgebra

/// Which feature is whose child. Children of one parent follow each other.
struct SyntheticTree {
  /// −1 for a feature without one.
  var parents: [Int]
  var firstChildren: [Int]
  var childCounts: [Int]

  /// Level after level: the roots are the first features, then come the children of the first root, of the second, and
  /// so on to the depth, as far as there are features; the rest stand alone.
  init(_ settings: SyntheticModelSettings) {
    let count = settings.features
    parents = [Int](repeating: -1, count: count)
    firstChildren = [Int](repeating: 0, count: count)
    childCounts = firstChildren
    var level = 0..<min(settings.hierarchy.roots, count)
    var next = level.upperBound
    for _ in 0..<settings.hierarchy.depth {
      let start = next
      for parent in level {
        let end = min(next + settings.hierarchy.branching, count)
        firstChildren[parent] = next
        childCounts[parent] = end - next
        for child in next..<end { parents[child] = parent }
        next = end
      }
      level = start..<next
    }
  }
}

extension SyntheticModel {
  /// Makes the model that SAELens makes from these settings on a processor, but for the last bits of functions.
  ///
  /// 4·features·width² operations for each step that drives directions apart: a minute on two cores at the benchmark's
  /// size. A model whose directions SAELens drew on a GPU is another draw from the same distribution.
  public convenience init(_ settings: SyntheticModelSettings = .init(), progress: (Int, Int) -> Void = { _, _ in })
    throws
  {
    try settings.check()
    var generator = TorchGenerator(seed: settings.seed)
    var directions = Matrix(
      rows: settings.features, columns: settings.width, elements: generator.normals(settings.features * settings.width)
    ).withUnitRows
    var bias = Matrix(rows: 1, columns: settings.width, elements: generator.normals(settings.width)).withUnitRows
    bias.elements = bias.elements.map { $0 * settings.bias }
    if let steps = settings.orthogonalization { directions.driveApart(steps, progress) }
    var correlations = TorchGenerator(seed: settings.seed + 4)
    let rank = settings.correlation.rank
    var factors = Matrix(
      rows: settings.features, columns: rank,
      elements: correlations.normals(settings.features * rank).map { $0 * settings.correlation.scale })
    factors.limitRows(to: 0.99)
    self.init(settings, directions: directions, bias: bias.elements, factors: factors)
  }

  /// A model with directions and correlations that are there; the rest follows from the settings.
  convenience init(_ settings: SyntheticModelSettings, directions: Matrix, bias: [Float], factors: Matrix) {
    let count = settings.features
    let tree = SyntheticTree(settings)
    var generator = TorchGenerator(seed: settings.seed + 1)
    let deviations = generator.normals(count).map {
      abs(settings.deviations.mean + $0 * settings.deviations.deviation)
    }
    let step = (settings.means.end - settings.means.start) / Float(max(count - 1, 1))
    self.init(
      settings: settings, tree: tree, directions: directions, bias: bias, factors: factors,
      probabilities: Self.probabilities(settings, tree),
      means: (0..<count).map { settings.means.start + step * Float($0) }, deviations: deviations)
  }

  /// Of each feature the probability by Zipf's law; of a child, what it must be where the parent is active for that rate
  /// to come about, with an approximate allowance for siblings that it loses to.
  private static func probabilities(_ settings: SyntheticModelSettings, _ tree: SyntheticTree) -> [Float] {
    let count = settings.features
    let shares = (1...count).map { 1 / pow(Float($0), settings.firing.exponent) }
    let (largest, least) = (shares[0], shares[count - 1])
    let range = settings.firing.maximum - settings.firing.minimum
    let plain = shares.map {
      settings.firing.minimum + range * ($0 - least) / max(largest - least, .leastNormalMagnitude)
    }
    guard settings.hierarchy.compensates else { return plain }
    return plain.indices.map { feature in
      let parent = tree.parents[feature]
      guard parent >= 0 else { return plain[feature] }
      var factor = 1 / plain[parent]
      let siblings = tree.firstChildren[parent]..<tree.firstChildren[parent] + tree.childCounts[parent]
      if siblings.count > 1 {
        let others = siblings.reduce(0) { $0 + plain[$1] } - plain[feature]
        factor *= 1 + max(0, others) / plain[parent]
      }
      return min(plain[feature] * factor, 1)
    }
  }

  /// The normal number that is exceeded with a probability, by bisection to the last bit of a Float.
  static func threshold(of probability: Float) -> Float {
    guard probability < 1 else { return -.infinity }
    guard probability > 0 else { return .infinity }
    var (low, high) = (-40.0, 40.0)
    for _ in 0..<64 {
      let middle = (low + high) / 2
      if 0.5 * erfc(middle / 2.0.squareRoot()) > Double(probability) { low = middle } else { high = middle }
    }
    return Float(low)
  }
}

extension SyntheticModelSettings {
  /// Refuses what cannot be made here.
  func check() throws {
    func refuse(_ what: String, _ expected: String, _ found: String) -> Fault {
      Fault(
        .badData, "synthetic.setting", "A synthetic model with this \(what) cannot be made", expected: expected,
        found: found)
    }
    if !(16...1 << 24 ~= features) || !(16...1 << 16 ~= width) || features * width > 1 << 32 {
      throw refuse("size", "16 … 2²⁴ features in 16 … 2¹⁶ dimensions", "\(features) in \(width)")
    }
    if firing.name != "zipfian" || means.name != "linear" || deviations.name != "folded_normal" || type != "float32" {
      throw refuse(
        "distribution", "zipfian, linear, folded_normal, float32",
        "\(firing.name), \(means.name), \(deviations.name), \(type)")
    }
    if !(firing.minimum > 0 && firing.minimum < firing.maximum && firing.maximum <= 1 && firing.exponent > 0) {
      throw refuse("law of firing", "0 < p_min < p_max ≤ 1", "\(firing.minimum) … \(firing.maximum)")
    }
    if hierarchy.roots < 1 || hierarchy.branching < 2 || !(1...64 ~= hierarchy.depth) {
      throw refuse(
        "hierarchy", "at least 1 root, 2 branches, depth 1 … 64",
        "\(hierarchy.roots) roots, \(hierarchy.branching) branches, depth \(hierarchy.depth)")
    }
    if hierarchy.exclusiveShare != 1 || hierarchy.exclusiveFrom != 0 || hierarchy.exclusiveTo != nil {
      throw refuse("exclusion", "all siblings exclude one another", "a share of \(hierarchy.exclusiveShare)")
    }
    if !(1...4096 ~= correlation.rank) || !(correlation.scale >= 0) || !bias.isFinite {
      throw refuse("correlation", "a rank of 1 … 4096", "rank \(correlation.rank), scale \(correlation.scale)")
    }
    if !(means.start > 0 && means.end > 0) || !(deviations.deviation >= 0) || !deviations.mean.isFinite {
      throw refuse("strength", "means above 0", "\(means.start) … \(means.end)")
    }
    if let steps = orthogonalization, !(0...100_000 ~= steps.steps) || !(steps.learningRate > 0) {
      throw refuse("orthogonalization", "0 … 100,000 steps", "\(steps.steps)")
    }
  }
}

extension Matrix {
  /// Adam on Σ_{i≠j} (eᵢ·eⱼ)² + n·Σ (‖eᵢ‖² − 1)², then rows of norm 1.
  ///
  /// The gradient of all pairs is 4·E·EᵀE: a product of the width's square, not of the number of rows.
  mutating func driveApart(_ settings: SyntheticModelSettings.Orthogonalization, _ progress: (Int, Int) -> Void) {
    let (rows, width) = (rows, columns)
    let weights = Parameter("directions", rows: rows, columns: width)
    _ = weights.values.buffer.update(fromContentsOf: elements)
    let square = FloatBuffer(zeros: width * width)
    for step in 1...max(settings.steps, 1) where step <= settings.steps {
      gemm(
        m: width, n: width, k: rows, a: weights.values.base, aStride: width, transposeA: true, b: weights.values.base,
        bStride: width, c: square.base, cStride: width)
      gemm(
        m: rows, n: width, k: width, a: weights.values.base, aStride: width, b: square.base, bStride: width,
        c: weights.gradient.base, cStride: width)
      let adam = unfold_adam_step(
        beta1: 0.9, beta2: 0.999, rate: Float(Double(settings.learningRate) / (1 - pow(0.9, Double(step)))),
        scale: Float(1 / (1 - pow(0.999, Double(step))).squareRoot()), epsilon: 1e-8, factor: 1)
      Threads.forRanges(0..<rows, grain: 64) { some in
        var adam = adam
        for row in some {
          let (own, gradient) = (weights.row(row), weights.gradientRow(row))
          let length = unfold_dot(own, own, width)
          unfold_scale(4, 0, gradient, gradient, width)
          unfold_axpy(4 * (Float(rows) * (length - 1) - length), own, gradient, width)
          let place = row * width
          unfold_adam(&adam, gradient, own, weights.first.base + place, weights.second.base + place, width)
        }
      }
      progress(step, settings.steps)
    }
    elements = weights.values.array
    self = withUnitRows
  }

  /// Scales rows whose squared norm exceeds the limit down to it.
  fileprivate mutating func limitRows(to limit: Float) {
    let width = columns
    for row in 0..<rows {
      let square = self.row(row).reduce(0) { $0 + $1 * $1 }
      guard square > limit else { continue }
      for place in row * width..<(row + 1) * width { elements[place] *= (limit / square).squareRoot() }
    }
  }
}
