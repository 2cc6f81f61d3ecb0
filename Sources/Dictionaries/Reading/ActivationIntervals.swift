import Activations
import LinearAlgebra

/// Some of a dictionary's latents, each with a place of its own among them.
struct ChosenLatents {
  let count: Int
  /// The place of each latent; −1 for one that was not chosen.
  private let places: [Int32]

  init(_ chosen: [Int], of latents: Int) {
    var places = [Int32](repeating: -1, count: latents)
    for (place, latent) in chosen.enumerated() { places[latent] = Int32(place) }
    self.places = places
    count = chosen.count
  }

  /// The latent's place; nil where it was not chosen.
  func place(of latent: Int) -> Int? { places[latent] >= 0 ? Int(places[latent]) : nil }
}

/// How some latents' values spread from 0 to the largest of each, and places drawn from equal parts of that range.
///
/// Memory: for each latent a count a bar and 16 bytes a place.
package struct ActivationIntervals {
  private let chosen: ChosenLatents
  private let bars: Int
  private let intervals: Int
  private let places: Int
  /// By place.
  private let largest: [Float]
  private let seed: UInt64
  private var counts: [Int]
  private var intervalCounts: [Int]
  /// [chosen, intervals, places]: the rows whose priorities are the lowest; −1 is a free place.
  private var rows: [Int]
  private var priorities: [UInt64]

  /// - Parameters:
  ///   - latents: The latents' numbers.
  ///   - count: How many the dictionary has.
  ///   - largest: The largest value of each of `latents`.
  init(
    _ latents: [Int], of count: Int, largest: [Float], bars: Int, intervals: Int, places: Int, seed: UInt64
  ) {
    chosen = ChosenLatents(latents, of: count)
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

  /// The part of [0, largest] that a value lies in, of `parts` equal ones.
  private func part(_ value: Float, of largest: Float, parts: Int) -> Int {
    let place = value / largest * Float(parts)
    return place < Float(parts) ? max(Int(place), 0) : parts - 1
  }

  mutating func add(_ active: SparseLatents, rows numbers: [Int]) {
    for (offset, row) in numbers.enumerated() {
      for entry in active.range(ofRow: offset) {
        let (latent, value) = (Int(active.indices[entry]), active.values[entry])
        guard let place = chosen.place(of: latent), largest[place] > 0 else { continue }
        counts[place * bars + part(value, of: largest[place], parts: bars)] += 1
        guard intervals > 0 else { continue }
        let interval = place * intervals + part(value, of: largest[place], parts: intervals)
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

  /// The values of a chosen latent where it is active; nil where it never was.
  package func histogram(of latent: Int) -> ValueHistogram? {
    guard let place = chosen.place(of: latent), largest[place] > 0, largest[place].isFinite else { return nil }
    return ValueHistogram(
      edges: (0...bars).map { largest[place] * (Float($0) / Float(bars)) },
      counts: Array(counts[place * bars..<(place + 1) * bars]))
  }

  /// The rows drawn from an interval of a chosen latent, in random order, and the interval.
  package func drawn(
    _ latent: Int, interval: Int
  ) -> (rows: [Int], minimum: Float, maximum: Float, count: Int) {
    guard let place = chosen.place(of: latent) else { return ([], 0, 0, 0) }
    let number = place * intervals + interval
    let width = largest[place] / Float(intervals)
    return (
      rows[number * places..<(number + 1) * places].filter { $0 >= 0 }, Float(interval) * width,
      Float(interval + 1) * width, intervalCounts[number]
    )
  }
}
