import Foundation
import LinearAlgebra

/// Student's t distribution.
package enum StudentT {
  /// The value that |t| exceeds with a chance of `tail`, for any degrees of freedom above 0.
  package static func critical(tail: Double, degrees: Double) -> Double {
    // P(|t| > x) = I_{ν/(ν+x²)}(ν/2, 1/2), which falls with x.
    func chance(_ x: Double) -> Double {
      let whole = degrees + x * x
      return exp(
        IncompleteBeta.logarithm(x: degrees / whole, complement: x * x / whole, a: degrees / 2, b: 0.5))
    }
    var (low, high) = (0.0, 1.0)
    while chance(high) > tail, high < 1e12 { high *= 2 }
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if chance(middle) > tail { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
