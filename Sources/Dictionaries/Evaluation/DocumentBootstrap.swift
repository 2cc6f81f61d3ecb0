import LinearAlgebra
import Probes

/// Resamples of documents: how far a figure would move with other documents of the same kind.
///
/// Figures are functions of sums, which every resample adds up anew.
struct DocumentBootstrap {
  /// [resamples, units]: how often each unit was drawn.
  let times: Matrix
  private let units: Int
  private let bootstrap: GroupBootstrap

  init(units: Int, seed: UInt64) {
    let bootstrap = GroupBootstrap(resamples: units > 1 ? 1000 : 0, seed: seed)
    self.units = units
    self.bootstrap = bootstrap
    times = Matrix(rows: bootstrap.resamples, columns: units) { times in
      for resample in 0..<bootstrap.resamples {
        for (unit, count) in bootstrap.times(resample, groups: units).enumerated() {
          times[resample * units + unit] = Float(count)
        }
      }
    }
  }

  /// The sums of each resample, from those of each unit.
  func sums(_ units: [[Double]]) -> [[Double]] {
    (0..<times.rows).map { resample in
      var sums = [Double](repeating: 0, count: units.first?.count ?? 0)
      times.withUnsafeRow(resample) { times in
        for (unit, values) in units.enumerated() where times[unit] > 0 {
          for (place, value) in values.enumerated() { sums[place] += Double(times[unit]) * value }
        }
      }
      return sums
    }
  }

  /// The 95 % interval of a figure from its values over the resamples; nil where there were too few documents to draw from.
  func interval(_ values: [Double], about figure: Double) -> Interval? {
    bootstrap.interval(
      of: values.filter(\.isFinite), about: figure, groups: units, within: -.infinity...(.infinity))
  }
}
