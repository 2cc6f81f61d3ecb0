import Foundation
import LinearAlgebra

/// The range that a bootstrap leaves for a measure.
public struct Interval: Codable, Sendable, Equatable {
  public var low: Double
  public var high: Double

  public init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  /// Whether a value lies inside.
  public func covers(_ value: Double) -> Bool { low <= value && value <= high }
}

/// How intervals are found: percentiles over resamples of whole groups, widened for what resampling cannot see.
///
/// Groups are drawn and not examples, so that the tokens of one document, which resemble each other, don't make an
/// interval look narrower than it is. Predictions stay as they are: the interval is about the true score of these fits,
/// not of fits to other examples. For that it leaves two things out:
///
/// - **Few groups.** Percentiles of m groups are too narrow by √((m − 1)/m), and by the difference of a normal from
///   Student's distribution (Hesterberg, arXiv 1411.5279, the expanded percentile interval).
/// - **Cross-validation.** Example i teaches the fit that judges j, and j the one that judges i, so that their errors vary
///   together. On labels of chance, where i agrees with its neighbours by luck, a share of correct predictions has
///   1 + 2/π times the variance of independent ones: by the arcsine law the sign of a sum keeps 2/π of the
///   covariance that its terms have. What that leaves too narrow is tried in the calibration (docs/calibration.md).
public struct GroupBootstrap: Codable, Sendable, Equatable {
  /// How often the groups are drawn again; 0 leaves the intervals out.
  public var resamples: Int
  /// The share of resamples inside an interval.
  public var level: Double
  public var seed: UInt64
  /// Whether the examples judged also taught the fits that judged others.
  public var isCrossValidated: Bool

  public init(resamples: Int = 1000, level: Double = 0.95, seed: UInt64 = 0, isCrossValidated: Bool = false) {
    self.resamples = resamples
    self.level = level
    self.seed = seed
    self.isCrossValidated = isCrossValidated
  }
}

extension GroupBootstrap {
  /// How often each group is drawn in a resample. Each has its own generator, so that their number doesn't change the
  /// first ones.
  package func times(_ resample: Int, groups: Int) -> [Int32] {
    var generator = SeededGenerator(seed: seed &+ UInt64(resample) &* 0x9E37_79B9_7F4A_7C15)
    var times = [Int32](repeating: 0, count: groups)
    for _ in 0..<groups { times[generator.integer(below: groups)] += 1 }
    return times
  }

  /// What a measure comes to in every resample, on all threads.
  ///
  /// - Parameters:
  ///   - groups: each example's group, numbered from 0.
  ///   - measure: takes how often each example was drawn.
  package func resample<Value: Sendable>(
    _ groups: [Int32], count: Int, _ measure: @Sendable ([Int32]) -> Value?
  ) -> [Value] {
    var drawn = [Value?](repeating: nil, count: resamples)
    drawn.withUnsafeMutableBufferPointer { drawn in
      nonisolated(unsafe) let drawn = drawn
      withoutActuallyEscaping(measure) { measure in
        Threads.forEach(resamples) { resample in
          let times = times(resample, groups: count)
          drawn[resample] = measure(groups.map { times[Int($0)] })
        }
      }
    }
    return drawn.compactMap(\.self)
  }

  /// The interval of a measure.
  ///
  /// - Parameters:
  ///   - drawn: its values over the resamples, those without one left out.
  ///   - value: what it is without resampling.
  ///   - groups: how many it rests on, of the class that has fewest.
  ///   - bounds: what the measure cannot leave.
  /// - Returns: nil where more than a tenth of the resamples have no value, for want of a class.
  package func interval(of drawn: [Double], about value: Double, groups: Int, within bounds: ClosedRange<Double>)
    -> Interval?
  {
    guard drawn.count * 10 >= resamples * 9, !drawn.isEmpty else { return nil }
    let sorted = drawn.sorted()
    let tail = (1 - level) / 2
    func interval(_ low: Double, _ high: Double) -> Interval {
      Interval(low: max(low, bounds.lowerBound), high: min(high, bounds.upperBound))
    }
    if sorted[0] == sorted[sorted.count - 1], bounds.upperBound.isFinite {
      // All groups alike, such as all of them right: what m of them leave open is 1 − tail^(1/m) (Clopper & Pearson).
      let open = 1 - pow(tail, 1 / Double(max(groups, 1)))
      return interval(value - open, value + open)
    }
    let factor = widening(groups: groups)
    return interval(
      value + factor * (quantile(sorted, tail) - value), value + factor * (quantile(sorted, 1 - tail) - value))
  }

  /// By how much percentiles are widened.
  package func widening(groups: Int) -> Double {
    let dependence = isCrossValidated ? (1 + 2 / Double.pi).squareRoot() : 1
    let degrees = Double(max(groups - 1, 1))
    let normal = StudentT.critical(tail: 1 - level, degrees: 1e7)
    return dependence * ((degrees + 1) / degrees).squareRoot()
      * StudentT.critical(tail: 1 - level, degrees: degrees) / normal
  }

  /// Groups by numbers from 0 in order of appearance.
  static func dense(_ groups: [Int]) -> (numbers: [Int32], count: Int) {
    var known: [Int: Int32] = [:]
    let numbers = groups.map { group -> Int32 in
      if let number = known[group] { return number }
      known[group] = Int32(known.count)
      return Int32(known.count - 1)
    }
    return (numbers, known.count)
  }

  /// The examples of each group, groups in order of appearance.
  static func members(of groups: [Int]) -> [[Int]] {
    let (numbers, count) = dense(groups)
    var members = [[Int]](repeating: [], count: count)
    for (example, group) in numbers.enumerated() { members[Int(group)].append(example) }
    return members
  }
}

extension [Double] {
  /// 0 of none.
  var mean: Double { reduce(0, +) / Double(Swift.max(count, 1)) }

  /// The standard deviation of a sample; 0 of fewer than two.
  var deviation: Double {
    let mean = mean
    return count > 1 ? (reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)).squareRoot() : 0
  }
}

/// The quantile of sorted values by linear interpolation, as numpy's default.
package func quantile(_ sorted: [Double], _ share: Double) -> Double {
  let place = share * Double(sorted.count - 1)
  let below = Int(place)
  guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
  return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
}
