import Diagnostics
import Foundation
import LinearAlgebra

/// What the smallest toy model does with its second feature: two features, one dimension, x̂ = ReLU(WᵀW·x + b).
///
/// The expected loss is integrated (Gauss and Legendre's rule over the features' uniform values), not sampled; each cell
/// is minimised from several starts, and the least loss decides.
public struct PhaseDiagram: Codable, Sendable, Equatable {
  public enum Phase: Int, Codable, Sendable, CaseIterable {
    /// The second feature is given up for the first.
    case ignored
    /// The second feature has the dimension, the first is given up.
    case dedicated
    /// Both share the dimension, in opposite directions.
    case superposition

    public var words: String {
      switch self {
      case .ignored: "not represented"
      case .dedicated: "has the dimension to itself"
      case .superposition: "shares it (superposition)"
      }
    }
  }

  public struct Cell: Codable, Sendable, Equatable {
    /// w₁ and w₂.
    public var weights: [Double]
    public var bias: [Double]
    public var loss: Double
    public var phase: Phase
  }

  /// 1 − S: the probability that a feature is not 0. Evenly spaced logarithms.
  public var densities: [Double]
  /// I₂ / I₁. Evenly spaced logarithms.
  public var relativeImportances: [Double]
  /// By importance, then by density.
  public var cells: [[Cell]]

  /// - Parameters:
  ///   - side: Cells along each axis, 2 to 200.
  /// - Throws: `superposition.cells`.
  public static func run(
    side: Int = 24, densities: ClosedRange<Double> = 0.01...1, importances: ClosedRange<Double> = 0.1...10,
    progress: @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws -> PhaseDiagram {
    guard (2...200).contains(side) else {
      throw Fault(
        .usage, "superposition.cells", "A phase diagram needs several cells along each axis", expected: "2 to 200",
        found: "\(side)")
    }
    func spaced(_ range: ClosedRange<Double>) -> [Double] {
      // The middles of the cells.
      let (low, high) = (log(range.lowerBound), log(range.upperBound))
      return (0..<side).map { exp(low + (high - low) * (Double($0) + 0.5) / Double(side)) }
    }
    let (columns, rows) = (spaced(densities), spaced(importances))
    var cells = [[Cell]](repeating: [], count: side)
    let finished = Counter()
    cells.withUnsafeMutableBufferPointer { cells in
      // Each call writes its own element alone.
      nonisolated(unsafe) let cells = cells
      Threads.forEach(side) { row in
        cells[row] = columns.map { PairModel(density: $0, importance: rows[row]).minimised() }
        progress(finished.increment(), side)
      }
    }
    return PhaseDiagram(densities: columns, relativeImportances: rows, cells: cells)
  }
}

/// The toy model of two features in one dimension, and its expected loss.
struct PairModel {
  /// p: the probability that a feature is not 0.
  let density: Double
  /// I₂, beside I₁ = 1.
  let importance: Double

  private struct Example {
    var x: (Double, Double)
    var probability: Double
  }

  private let examples: [Example]

  init(density: Double, importance: Double) {
    self.density = density
    self.importance = importance
    let rule = Self.gaussLegendre(16)
    var examples = [Example(x: (0, 0), probability: (1 - density) * (1 - density))]
    for (place, weight) in rule {
      examples.append(Example(x: (place, 0), probability: weight * density * (1 - density)))
      examples.append(Example(x: (0, place), probability: weight * density * (1 - density)))
      for (other, otherWeight) in rule {
        examples.append(Example(x: (place, other), probability: weight * otherWeight * density * density))
      }
    }
    self.examples = examples.filter { $0.probability > 0 }
  }

  /// The expected loss and its derivatives at w₁, w₂, b₁, b₂.
  func lossAndGradient(_ p: [Double]) -> (loss: Double, gradient: [Double]) {
    let (w1, w2, b1, b2) = (p[0], p[1], p[2], p[3])
    var (loss, g1, g2, h1, h2) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for example in examples {
      let code = w1 * example.x.0 + w2 * example.x.1
      let (before1, before2) = (w1 * code + b1, w2 * code + b2)
      let (error1, error2) = (max(before1, 0) - example.x.0, max(before2, 0) - example.x.1)
      loss += example.probability * (error1 * error1 + importance * error2 * error2)
      let d1 = before1 > 0 ? 2 * example.probability * error1 : 0
      let d2 = before2 > 0 ? 2 * example.probability * importance * error2 : 0
      let codeGradient = d1 * w1 + d2 * w2
      g1 += d1 * code + codeGradient * example.x.0
      g2 += d2 * code + codeGradient * example.x.1
      h1 += d1
      h2 += d2
    }
    return (loss, [g1, g2, h1, h2])
  }

  /// The best of the starts "first alone", "second alone" and "both, opposite".
  func minimised() -> PhaseDiagram.Cell {
    var best: (loss: Double, parameters: [Double])?
    // What an ignored feature's bias can best be: its mean.
    let mean = density / 2
    for start in [[1, 0.05, 0, mean], [0.05, 1, mean, 0], [1, -1, 0, 0], [0.9, 0.9, 0, 0]] {
      var parameters = start
      var adam = Adam(count: 4)
      let steps = 400
      for step in 0..<steps {
        adam.update(
          &parameters, gradient: lossAndGradient(parameters).gradient, rate: Adam.rate(0.03, step: step, of: steps))
      }
      let loss = lossAndGradient(parameters).loss
      if loss < best?.loss ?? .infinity { best = (loss, parameters) }
    }
    let parameters = best?.parameters ?? [0, 0, 0, 0]
    let (first, second) = (abs(parameters[0]) > 0.5, abs(parameters[1]) > 0.5)
    return PhaseDiagram.Cell(
      weights: Array(parameters[..<2]), bias: Array(parameters[2...]), loss: best?.loss ?? .nan,
      phase: !second ? .ignored : first ? .superposition : .dedicated)
  }

  /// Places and weights of Gauss and Legendre's rule on 0 … 1, by Newton's method on the polynomial.
  static func gaussLegendre(_ count: Int) -> [(place: Double, weight: Double)] {
    (0..<count).map { index in
      var x = cos(.pi * (Double(index) + 0.75) / (Double(count) + 0.5))
      var slope = 1.0
      for _ in 0..<100 {
        var (p, previous) = (1.0, 0.0)
        for degree in 1...count {
          let k = Double(degree)
          (p, previous) = (((2 * k - 1) * x * p - (k - 1) * previous) / k, p)
        }
        slope = Double(count) * (x * p - previous) / (x * x - 1)
        let change = p / slope
        x -= change
        if abs(change) < 1e-15 { break }
      }
      return ((x + 1) / 2, 1 / ((1 - x * x) * slope * slope))
    }
  }
}
