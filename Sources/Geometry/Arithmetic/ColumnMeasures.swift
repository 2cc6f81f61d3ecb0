import LinearAlgebra

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
