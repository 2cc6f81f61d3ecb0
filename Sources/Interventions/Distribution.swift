import Foundation
import LinearAlgebra

/// A row of logits as a distribution over tokens; what is computed of it once, the rest on demand. Borrows the logits and
/// the memory of its weights.
struct Distribution {
  /// Shape: [d_vocab].
  let logits: UnsafePointer<Float>
  /// exp(logit − the largest). Shape: [d_vocab].
  let weights: UnsafePointer<Float>
  let count: Int
  private let largest: Double
  private let sum: Double
  /// The logits' mean.
  private let mean: Double

  init(_ logits: UnsafePointer<Float>, count: Int, weights: UnsafeMutablePointer<Float>) {
    let largest = Kernels.maximum(logits, count: count)
    Kernels.scale(logits, by: 1, offset: -largest, into: weights, count: count)
    Kernels.apply(.exp, weights, into: weights, count: count)
    self.logits = logits
    self.weights = UnsafePointer(weights)
    self.count = count
    self.largest = Double(largest)
    sum = Kernels.sum(weights, count: count)
    mean = Kernels.dotInDouble(weights, logits, count: count) / sum
  }

  /// What weights are divided by to be probabilities.
  var total: Double { sum }
  private var logSum: Double { largest + log(sum) }

  func probability(of token: Int) -> Double { Double(weights[token]) / sum }
  /// Nats.
  var entropy: Double { max(0, logSum - mean) }
  /// How many tokens are likelier, and one.
  func rank(of token: Int) -> Int {
    let own = logits[token]
    return (0..<count).reduce(1) { logits[$1] > own ? $0 + 1 : $0 }
  }

  func top(_ number: Int) -> [(token: Int, probability: Double)] {
    topK(number, of: UnsafeBufferPointer(start: logits, count: count)).map { ($0.index, probability(of: $0.index)) }
  }

  /// The Kullback–Leibler divergence, in nats, of this distribution from another.
  func divergence(from other: Distribution) -> Double {
    let crossed = Kernels.dotInDouble(other.weights, logits, count: count) / other.sum
    return (other.mean - other.logSum) - (crossed - logSum)
  }
}

/// Rows of logits with their weights, kept to be compared with.
final class KeptDistributions {
  private let memory: UnsafeMutablePointer<Float>
  private(set) var rows: [Distribution] = []

  /// - Parameter logits: Shape: [rows, d_vocab]; copied.
  init(_ logits: UnsafeBufferPointer<Float>, columns: Int) {
    let count = logits.count / columns
    memory = .allocate(capacity: max(1, 2 * logits.count))
    guard let start = logits.baseAddress else { return }
    memory.update(from: start, count: logits.count)
    var rows = [Distribution?](repeating: nil, count: count)
    rows.withUnsafeMutableBufferPointer { rows in
      nonisolated(unsafe) let rows = rows  // Each row writes its own place.
      Threads.forRanges(0..<count, grain: 1) { some in
        for row in some {
          rows[row] = Distribution(
            memory + row * columns, count: columns, weights: memory + logits.count + row * columns)
        }
      }
    }
    self.rows = rows.compactMap { $0 }
  }

  deinit { memory.deallocate() }
}
