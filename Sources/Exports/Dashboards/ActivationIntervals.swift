import Dictionaries
import LinearAlgebra

/// How each latent's values spread from 0 to its largest, and places drawn from each interval.
///
/// Memory: for each latent a count a bar and 16 bytes a place.
struct ActivationIntervals {
  let bars: Int
  let intervals: Int
  let places: Int
  private let largest: [Float]
  private let seed: UInt64
  private(set) var counts: [Int]
  private(set) var intervalCounts: [Int]
  /// [latents, intervals, places]: the rows whose priorities are the lowest; −1 is a free place.
  private var rows: [Int]
  private var priorities: [UInt64]

  /// - Parameter largest: each latent's largest value.
  init(largest: [Float], bars: Int, intervals: Int, places: Int, seed: UInt64) {
    self.largest = largest
    self.bars = bars
    self.intervals = intervals
    self.places = places
    self.seed = SeededGenerator.mix(seed)
    counts = [Int](repeating: 0, count: largest.count * bars)
    intervalCounts = [Int](repeating: 0, count: largest.count * intervals)
    rows = [Int](repeating: -1, count: largest.count * intervals * places)
    priorities = [UInt64](repeating: .max, count: rows.count)
  }

  /// The interval of [0, largest] that a value lies in, of `parts` equal ones.
  private func part(_ value: Float, of latent: Int, parts: Int) -> Int {
    min(max(Int(value / largest[latent] * Float(parts)), 0), parts - 1)
  }

  mutating func add(_ active: SparseLatents, rows numbers: [Int]) {
    for (offset, row) in numbers.enumerated() {
      for place in active.range(ofRow: offset) {
        let (latent, value) = (Int(active.indices[place]), active.values[place])
        guard largest[latent] > 0 else { continue }
        counts[latent * bars + part(value, of: latent, parts: bars)] += 1
        guard intervals > 0 else { continue }
        let interval = latent * intervals + part(value, of: latent, parts: intervals)
        intervalCounts[interval] += 1
        insert(row, latent: latent, into: interval)
      }
    }
  }

  /// A row's priority depends on seed, latent and row alone, so that the choice is uniform and the same every time.
  private mutating func insert(_ row: Int, latent: Int, into interval: Int) {
    let priority = SeededGenerator.mix(seed ^ SeededGenerator.mix(UInt64(latent) << 40 ^ UInt64(row)))
    let first = interval * places
    guard places > 0, priority < priorities[first + places - 1] else { return }
    var place = first + places - 1
    while place > first, priority < priorities[place - 1] {
      priorities[place] = priorities[place - 1]
      rows[place] = rows[place - 1]
      place -= 1
    }
    priorities[place] = priority
    rows[place] = row
  }

  func bars(of latent: Int) -> LatentDashboard.Bars {
    guard largest[latent] > 0 else { return LatentDashboard.Bars() }
    let width = largest[latent] / Float(bars)
    return LatentDashboard.Bars(
      values: (0..<bars).map { (Float($0) + 0.5) * width }, heights: Array(counts[latent * bars..<(latent + 1) * bars]))
  }

  /// The rows drawn from an interval, and the interval.
  func drawn(_ latent: Int, interval: Int) -> (rows: [Int], minimum: Float, maximum: Float, count: Int) {
    let number = latent * intervals + interval
    let width = largest[latent] / Float(intervals)
    return (
      rows[number * places..<(number + 1) * places].filter { $0 >= 0 }, Float(interval) * width,
      Float(interval + 1) * width, intervalCounts[number]
    )
  }
}
