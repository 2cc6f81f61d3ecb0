import LinearAlgebra

/// Σ numerator / Σ denominator over units that are independent of each other, such as documents, with its standard error
/// (Cochran 1977, Sampling Techniques, 2.11) and Student's t of units − 1 degrees of freedom.
package struct RatioOfSums: Sendable {
  package let value: Double
  /// 0 of fewer than two units.
  package let standardError: Double
  package let units: Int

  /// - Parameter terms: Of each unit; the denominators' sum is not 0 unless there are none.
  package init(_ terms: [(numerator: Double, denominator: Double)]) {
    let whole = terms.reduce(0) { $0 + $1.denominator }
    let value = whole == 0 ? 0 : terms.reduce(0) { $0 + $1.numerator } / whole
    let squares = terms.reduce(0.0) { sum, term in
      let distance = term.numerator - value * term.denominator
      return sum + distance * distance
    }
    let n = Double(terms.count)
    self.value = value
    units = terms.count
    standardError = n > 1 && whole != 0 ? (squares * n / (n - 1)).squareRoot() / abs(whole) : 0
  }

  /// The 95 % interval; nil of fewer than two units.
  package var interval: Interval? { Self.interval(of: value, standardError: standardError, units: units) }

  /// The same of a ratio that is known with its standard error.
  package static func interval(of value: Double, standardError: Double, units: Int) -> Interval? {
    guard units > 1 else { return nil }
    let half = standardError * StudentT.critical(tail: 0.05, degrees: Double(units - 1))
    return Interval(low: value - half, high: value + half)
  }
}
