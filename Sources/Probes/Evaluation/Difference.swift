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

  /// One measure less another, both of which take the weights of the examples.
  ///
  /// - Parameters:
  ///   - groups: each example's group, numbered from 0.
  ///   - least: how many groups the measures rest on, of the class that has fewest.
  ///   - bounds: what the difference cannot leave.
  /// - Complexity: two measures a resample, on all threads.
  package init?(
    _ measure: @Sendable ([Int32]?) -> Double?, less other: @Sendable ([Int32]?) -> Double?, groups: [Int32],
    groupCount: Int, least: Int, within bounds: ClosedRange<Double>, bootstrap: GroupBootstrap
  ) {
    guard let first = measure(nil), let second = other(nil) else { return nil }
    value = first - second
    guard bootstrap.resamples > 0 else {
      interval = nil
      return
    }
    var drawn = [Double?](repeating: nil, count: bootstrap.resamples)
    drawn.withUnsafeMutableBufferPointer { drawn in
      nonisolated(unsafe) let drawn = drawn
      withoutActuallyEscaping(measure) { measure in
        withoutActuallyEscaping(other) { other in
          Threads.forEach(bootstrap.resamples) { resample in
            let times = bootstrap.times(resample, groups: groupCount)
            let weights = groups.map { times[Int($0)] }
            guard let first = measure(weights), let second = other(weights) else { return }
            drawn[resample] = first - second
          }
        }
      }
    }
    interval = bootstrap.interval(of: drawn.compactMap(\.self), about: value, groups: least, within: bounds)
  }
}
