import LinearAlgebra
import Synchronization

/// The mean ranks of values, from which the AUROC of any labelling follows in one pass.
struct Ranks {
  private let ranks: [Double]

  init(_ values: [Float]) {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var place = 0
    while place < order.count {
      var end = place
      while end < order.count, values[order[end]] == values[order[place]] { end += 1 }
      let rank = Double(place + end + 1) / 2
      for tied in place..<end { ranks[order[tied]] = rank }
      place = end
    }
    self.ranks = ranks
  }

  /// The chance that an example with the concept has the larger value, ties counted half; 0.5 where a class is absent.
  func area(positive: [Bool]) -> Double {
    var sum = 0.0
    var count = 0.0
    for index in ranks.indices where positive[index] {
      sum += ranks[index]
      count += 1
    }
    let others = Double(ranks.count) - count
    guard count > 0, others > 0 else { return 0.5 }
    return (sum - count * (count + 1) / 2) / (count * others)
  }
}

/// Means and the pooled standard deviation of two classes.
struct Moments {
  /// The difference of the means over the pooled standard deviation (Cohen's d); 0 where nothing varies.
  let effect: Double
  let deviation: Double

  init(_ values: [Float], positive: [Bool]) {
    var counts = [0.0, 0.0]
    var sums = [0.0, 0.0]
    for (value, isPositive) in zip(values, positive) {
      counts[isPositive ? 1 : 0] += 1
      sums[isPositive ? 1 : 0] += Double(value)
    }
    let means = zip(sums, counts).map { $1 > 0 ? $0 / $1 : 0 }
    var squares = 0.0
    for (value, isPositive) in zip(values, positive) {
      let offset = Double(value) - means[isPositive ? 1 : 0]
      squares += offset * offset
    }
    let freedom = counts[0] + counts[1] - 2
    deviation = freedom > 0 ? (squares / freedom).squareRoot() : 0
    effect = deviation > 0 && counts[0] > 0 && counts[1] > 0 ? (means[1] - means[0]) / deviation : 0
  }
}

/// The distinct tokens of some examples, each with one label, as examples of their own.
struct WordTypes {
  /// The label that each token has most often; of equal ones the smaller.
  let labels: [Int32]
  private let typeOfExample: [Int]
  private let counts: [Int]

  init(labels: [Int32], tokens: [Int32]) {
    var slots: [Int32: Int] = [:]
    var votes: [[Int32: Int]] = []
    var counts: [Int] = []
    typeOfExample = zip(labels, tokens).map { label, token in
      let slot = slots[token] ?? votes.count
      if slot == votes.count {
        slots[token] = slot
        votes.append([:])
        counts.append(0)
      }
      votes[slot][label, default: 0] += 1
      counts[slot] += 1
      return slot
    }
    self.counts = counts
    self.labels = votes.map { votes in
      votes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 0
    }
  }

  /// The mean of each token's rows.
  func averages(_ matrix: Matrix) -> Matrix {
    var result = Matrix(zeros: labels.count, columns: matrix.columns)
    let width = matrix.columns
    result.withUnsafeMutableElements { elements in
      for (example, type) in typeOfExample.enumerated() {
        matrix.withUnsafeRow(example) { values in
          for column in 0..<width { elements[type * width + column] += values[column] / Float(counts[type]) }
        }
      }
    }
    return result
  }
}

/// A value for each column, filled in from several threads.
final class Columns<Value: Sendable>: Sendable {
  private let stored: Mutex<[Value?]>

  init(count: Int) { stored = Mutex([Value?](repeating: nil, count: count)) }

  func set(_ column: Int, _ value: Value) { stored.withLock { $0[column] = value } }

  /// The values in the columns' order; those never set are left out.
  var values: [Value] { stored.withLock { $0.compactMap { $0 } } }
}
