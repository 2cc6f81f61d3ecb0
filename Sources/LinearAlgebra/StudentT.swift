import Foundation

/// Student's t distribution.
package enum StudentT {
  /// The value that |t| exceeds with a chance of `tail`, for any degrees of freedom above 0.
  package static func critical(tail: Double, degrees: Double) -> Double {
    var (low, high) = (0.0, 1.0)
    while chance(high, degrees) > tail, high < 1e12 { high *= 2 }
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if chance(middle, degrees) > tail { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The chance that t exceeds a value.
  package static func chance(above value: Double, degrees: Double) -> Double {
    let both = chance(abs(value), degrees)
    return value >= 0 ? both / 2 : 1 - both / 2
  }

  /// P(|t| > x) = I_{ν/(ν+x²)}(ν/2, 1/2), which falls with x.
  private static func chance(_ x: Double, _ degrees: Double) -> Double {
    let whole = degrees + x * x
    guard x > 0, whole.isFinite else { return x > 0 ? 0 : 1 }
    return exp(IncompleteBeta.logarithm(x: degrees / whole, complement: x * x / whole, a: degrees / 2, b: 0.5))
  }
}
