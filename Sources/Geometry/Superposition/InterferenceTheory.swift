import Foundation
import LinearAlgebra

/// What geometry and chance say about n unit vectors in d dimensions.
///
/// The interference of two unit vectors is |cos| of their angle: how much of one is read along the other.
public struct InterferenceTheory: Codable, Sendable, Equatable {
  public var vectors: Int
  public var dimensions: Int
  /// No n vectors have a smaller largest interference, nor a smaller root of the mean square: √((n−d)/(d·(n−1))), 0 up to
  /// n = d (Welch 1974). Beyond n = d·(d+1)/2 the largest is at least 1/√d (Rankin 1955), and that is given here.
  public var lowestLargest: Double
  /// The Welch bound itself, reached by the root mean square of every tight frame.
  public var welchBound: Double
  /// Of random directions: the mean of |cos|, Γ(d/2) / (√π·Γ((d+1)/2)), about √(2/(π·d)).
  public var randomMean: Double
  /// Of random directions: 1/√d.
  public var randomRootMeanSquare: Double
  /// Of random directions: the median of the largest of all n·(n−1)/2, from the exact distribution of cos² (a beta with
  /// ½ and (d−1)/2), the pairs taken as independent; about √(2·ln(n²/2)/d).
  public var randomLargest: Double

  /// - Parameters:
  ///   - n: How many, at least 2.
  ///   - d: Of how many dimensions, at least 1.
  public init(vectors n: Int, dimensions d: Int) {
    precondition(n >= 2 && d >= 1, "\(n) vectors in \(d) dimensions")
    vectors = n
    dimensions = d
    let (count, width) = (Double(n), Double(d))
    welchBound = n > d ? ((count - width) / (width * (count - 1))).squareRoot() : 0
    lowestLargest = count > width * (width + 1) / 2 ? max(welchBound, 1 / width.squareRoot()) : welchBound
    randomMean = d == 1 ? 1 : exp(lgamma(width / 2) - lgamma((width + 1) / 2)) / Double.pi.squareRoot()
    randomRootMeanSquare = 1 / width.squareRoot()
    randomLargest = Self.threshold(
      logarithm: log(log(2)) - log(count) - log(count - 1) + log(2), dimensions: d)
  }

  /// ln P(|cos| > t) for two random directions in d dimensions.
  public static func logarithmOfTail(above t: Double, dimensions d: Int) -> Double {
    precondition(d >= 1, "\(d) dimensions")
    if t <= 0 { return 0 }
    if t >= 1 { return d == 1 && t == 1 ? 0 : -.infinity }
    if d == 1 { return 0 }
    return IncompleteBeta.logarithm(x: 1 - t * t, complement: t * t, a: Double(d - 1) / 2, b: 0.5)
  }

  /// The decimal logarithm of how many random directions fit into d dimensions before the largest interference is more
  /// likely than not above `tolerance`: n with n²/2 · P(|cos| > tolerance) = ln 2.
  public static func decimalLogarithmOfRandomCapacity(dimensions d: Int, tolerance: Double) -> Double {
    let tail = logarithmOfTail(above: tolerance, dimensions: d)
    return (log(2 * log(2)) - tail) / 2 / log(10)
  }

  /// The t with ln P(|cos| > t) = `logarithm`, by bisection.
  private static func threshold(logarithm: Double, dimensions d: Int) -> Double {
    if d == 1 { return 1 }
    var (low, high) = (0.0, 1.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if logarithmOfTail(above: middle, dimensions: d) > logarithm { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
