import Foundation

/// The regularised incomplete beta function, by Lentz's evaluation of its continued fraction (Abramowitz and Stegun
/// 26.5.8).
package enum IncompleteBeta {
  /// ln I_x(a, b); `complement` is 1 − x, given apart so that no digits are lost near 1.
  package static func logarithm(x: Double, complement: Double, a: Double, b: Double) -> Double {
    if x <= 0 { return -.infinity }
    if complement <= 0 { return 0 }
    let front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(complement)
    if x < (a + 1) / (a + b + 2) { return min(0, front + log(fraction(x, a, b)) - log(a)) }
    let other = exp(front + log(fraction(complement, b, a)) - log(b))
    return log1p(-min(1, other))
  }

  private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    func safe(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / safe(1 - (a + b) * x / (a + 1))
    var result = d
    for step in 1...10_000 {
      let m = Double(step)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / safe(1 + even * d)
      c = safe(1 + even / c)
      result *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / safe(1 + odd * d)
      c = safe(1 + odd / c)
      let change = d * c
      result *= change
      if abs(change - 1) < 1e-14 { break }
    }
    return result
  }
}
