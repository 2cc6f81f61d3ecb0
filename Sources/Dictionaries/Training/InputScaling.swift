import Foundation
import LinearAlgebra

/// What a training run does to rows before a dictionary sees them.
struct InputScaling: Codable, Equatable, Sendable {
  var normalization: SparseAutoencoder.Normalization
  /// √n over the mean norm, of `expectedAverageOnlyIn`; otherwise 1.
  var input: Float = 1
  /// The same of the target; equals `input` in an autoencoder.
  var target: Float = 1
  /// Of a crosscoder, each site's width and factor, in the place of the one above.
  var parts: [Part]?

  struct Part: Codable, Equatable, Sendable {
    var width: Int
    var factor: Float
  }

  init(_ normalization: SparseAutoencoder.Normalization) { self.normalization = normalization }

  /// Measures the mean norms of a sample.
  ///
  /// - Parameter widths: of the sites of a crosscoder, whose columns lie side by side; nil of other dictionaries.
  init(_ normalization: SparseAutoencoder.Normalization, input: Matrix, target: Matrix?, widths: [Int]? = nil) {
    self.normalization = normalization
    guard normalization == .expectedAverageOnlyIn else { return }
    if let widths {
      parts = zip(widths, input.splitColumns(widths)).map { Part(width: $0, factor: Self.factor($1)) }
      return
    }
    self.input = Self.factor(input)
    self.target = target.map(Self.factor) ?? self.input
  }

  private static func factor(_ sample: Matrix) -> Float {
    let norms = sample.rowNorms
    let mean = norms.reduce(0.0) { $0 + Double($1) } / Double(max(norms.count, 1))
    return mean > 0 ? Float(Double(sample.columns).squareRoot() / mean) : 1
  }

  /// Writes the rows as the dictionary sees them; the target of an autoencoder is scaled as its input.
  func apply(
    _ rows: UnsafePointer<Float>, count: Int, width: Int, factor: Float, into result: UnsafeMutablePointer<Float>
  ) {
    switch normalization {
    case .none: result.update(from: rows, count: count * width)
    case .expectedAverageOnlyIn:
      guard let parts else { return Kernels.scale(rows, by: factor, into: result, count: count * width) }
      Threads.forRanges(0..<count, grain: 64) { some in
        for row in some {
          var place = row * width
          for part in parts {
            Kernels.scale(rows + place, by: part.factor, into: result + place, count: part.width)
            place += part.width
          }
        }
      }
    case .constantNormRescale, .layerNorm:
      Threads.forRanges(0..<count, grain: 64) { some in
        for row in some { scale(rows + row * width, width, into: result + row * width) }
      }
    }
  }

  private func scale(_ row: UnsafePointer<Float>, _ width: Int, into result: UnsafeMutablePointer<Float>) {
    let n = Double(width)
    var (mean, scale) = (0.0, 1.0)
    if normalization == .constantNormRescale {
      scale = (Kernels.dotInDouble(row, row, count: width) / n).squareRoot()
    } else {
      mean = Kernels.sum(row, count: width) / n
      var squares = 0.0
      for column in 0..<width { squares += (Double(row[column]) - mean) * (Double(row[column]) - mean) }
      scale = (squares / max(n - 1, 1)).squareRoot() + 1e-5
    }
    if scale == 0 { scale = 1 }
    for column in 0..<width { result[column] = (row[column] - Float(mean)) / Float(scale) }
  }
}

/// The point with the smallest sum of distances to the rows, by Weiszfeld's iteration from the mean.
///
/// Stops where a step is below 10⁻⁵ of the point's distance from the rows, or after 100 steps. O(steps · rows · columns).
func geometricMedian(_ sample: Matrix, iterations: Int = 100) -> [Float] {
  let (rows, columns) = (sample.rows, sample.columns)
  guard rows > 0, columns > 0 else { return [Float](repeating: 0, count: columns) }
  return sample.elements.withUnsafeBufferPointer { elements in
    guard let base = elements.baseAddress else { return [] }
    var median = [Double](repeating: 0, count: columns)
    for row in 0..<rows { for column in 0..<columns { median[column] += Double(base[row * columns + column]) } }
    for column in 0..<columns { median[column] /= Double(rows) }
    for _ in 0..<iterations {
      var next = [Double](repeating: 0, count: columns)
      var (weights, distances) = (0.0, 0.0)
      for row in 0..<rows {
        let values = base + row * columns
        var squares = 0.0
        for column in 0..<columns {
          let difference = Double(values[column]) - median[column]
          squares += difference * difference
        }
        let distance = max(squares.squareRoot(), 1e-12)
        distances += distance
        weights += 1 / distance
        for column in 0..<columns { next[column] += Double(values[column]) / distance }
      }
      var moved = 0.0
      for column in 0..<columns {
        next[column] /= weights
        moved += (next[column] - median[column]) * (next[column] - median[column])
      }
      median = next
      if moved.squareRoot() <= 1e-5 * distances / Double(rows) { break }
    }
    return median.map { Float($0) }
  }
}
