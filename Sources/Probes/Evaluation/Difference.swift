import LinearAlgebra

/// How far two measures of the same examples lie apart, with an interval over resamples of the same groups.
public struct Difference: Codable, Sendable, Equatable {
  public var value: Double
  /// Nil where no resamples were asked for, or most of them lack a class.
  public var interval: Interval?

  public init(value: Double, interval: Interval?) {
    self.value = value
    self.interval = interval
  }

  /// Whether the interval leaves 0 out: what a sentence about the difference needs.
  public var isShown: Bool { interval.map { $0.low > 0 || $0.high < 0 } ?? false }

  /// What is measured on some examples less the mean of the same on others, over resamples of the same groups.
  ///
  /// - Parameters:
  ///   - others: none for the measure itself.
  ///   - groups: each example's group, numbered from 0.
  ///   - count: how many groups there are.
  ///   - least: how many groups the measures rest on, of the class that has fewest.
  ///   - bounds: what the difference cannot leave.
  ///   - measure: takes how often each example counts; nil for once each.
  /// - Complexity: a measure of each for a resample, on all threads.
  package init?<Measured: Sendable>(
    _ own: Measured, less others: [Measured] = [], groups: [Int32], count: Int, least: Int,
    within bounds: ClosedRange<Double>, _ bootstrap: GroupBootstrap,
    measure: @Sendable (Measured, [Int32]?) -> Double?
  ) {
    @Sendable func difference(_ weights: [Int32]?) -> Double? {
      guard let value = measure(own, weights) else { return nil }
      var sum = 0.0
      for other in others {
        guard let value = measure(other, weights) else { return nil }
        sum += value
      }
      return value - sum / Double(max(others.count, 1))
    }
    guard let value = difference(nil) else { return nil }
    self.value = value
    interval =
      bootstrap.resamples == 0
      ? nil
      : bootstrap.interval(
        of: bootstrap.resample(groups, count: count) { difference($0) }, about: value,
        groups: least, within: bounds)
  }
}
