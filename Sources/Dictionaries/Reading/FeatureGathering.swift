import Activations
import CKernels
import LinearAlgebra
import Probes

/// What one pass over a source gathers of every latent, in memory that does not grow with the source: 12 bytes for each
/// chosen latent and example, and where neurons are correlated 4 for each latent and neuron.
package struct FeatureGathering {
  package let latents: Int
  /// Examples kept of each chosen latent.
  let kept: Int
  /// The latents whose examples are kept; nil: all.
  private let chosen: ChosenLatents?
  package private(set) var rows = 0
  package private(set) var firing: [Int]
  private var sums: [Double]
  private var squares: [Double]
  /// [chosen, kept], largest first; a row of −1 is a free place.
  private var topValues: [Float]
  private var topRows: [Int]
  private var best: [Float]
  private var bestRow: [Int]
  private var touched: [Int32] = []
  private var document: Int32 = -1
  // Neurons.
  private let neurons: Int
  private var products: [Float]
  private var neuronSums: [Double]
  private var neuronSquares: [Double]

  /// The most pairs of a latent and a neuron that are correlated: 512 MiB of sums.
  package static let mostPairs = 1 << 27

  /// - Parameter chosen: The latents whose best places are kept; nil: all.
  package init(latents: Int, kept: Int, neurons: Int, chosen: [Int]? = nil) {
    self.latents = latents
    self.kept = kept
    self.chosen = chosen.map { ChosenLatents($0, of: latents) }
    self.neurons = neurons
    firing = [Int](repeating: 0, count: latents)
    sums = [Double](repeating: 0, count: latents)
    squares = sums
    topValues = [Float](repeating: 0, count: (chosen?.count ?? latents) * kept)
    topRows = [Int](repeating: -1, count: topValues.count)
    best = [Float](repeating: 0, count: latents)
    bestRow = [Int](repeating: -1, count: latents)
    products = [Float](repeating: 0, count: latents * neurons)
    neuronSums = [Double](repeating: 0, count: neurons)
    neuronSquares = neuronSums
  }

  package mutating func add(_ active: SparseLatents, block: DictionaryInput.Block) {
    for (offset, row) in block.rows.enumerated() {
      if block.documents[offset] != document {
        closeDocument()
        document = block.documents[offset]
      }
      for place in active.range(ofRow: offset) {
        let (latent, value) = (Int(active.indices[place]), active.values[place])
        firing[latent] += 1
        sums[latent] += Double(value)
        squares[latent] += Double(value) * Double(value)
        if bestRow[latent] < 0 { touched.append(active.indices[place]) }
        if value > best[latent] {
          best[latent] = value
          bestRow[latent] = row
        }
      }
    }
    rows += block.rows.count
    if let values = block.others.first, neurons > 0 { correlate(active, values) }
  }

  /// Sums of products of latents and neurons; the threads share the neurons.
  private mutating func correlate(_ active: SparseLatents, _ values: Matrix) {
    let (neurons, rows) = (neurons, values.rows)
    for row in 0..<rows {
      values.withUnsafeRow(row) { row in
        for (neuron, value) in row.enumerated() {
          neuronSums[neuron] += Double(value)
          neuronSquares[neuron] += Double(value) * Double(value)
        }
      }
    }
    products.withUnsafeMutableBufferPointer { products in
      values.elements.withUnsafeBufferPointer { values in
        guard let products = products.baseAddress, let values = values.baseAddress else { return }
        Threads.forRanges(0..<neurons, grain: 64) { some in
          for row in 0..<rows {
            let source = values + row * neurons + some.lowerBound
            for place in active.range(ofRow: row) {
              let target = products + Int(active.indices[place]) * neurons + some.lowerBound
              unfold_axpy(active.values[place], source, target, some.count)
            }
          }
        }
      }
    }
  }

  /// Puts the document's best places among the latents' best; call it after the last rows.
  package mutating func closeDocument() {
    for number in touched {
      let latent = Int(number)
      insert(best[latent], row: bestRow[latent], latent: latent)
      best[latent] = 0
      bestRow[latent] = -1
    }
    touched.removeAll(keepingCapacity: true)
  }

  private mutating func insert(_ value: Float, row: Int, latent: Int) {
    guard kept > 0, let first = first(of: latent), topRows[first + kept - 1] < 0 || topValues[first + kept - 1] < value
    else { return }
    var place = first + kept - 1
    while place > first, topRows[place - 1] < 0 || topValues[place - 1] < value {
      topValues[place] = topValues[place - 1]
      topRows[place] = topRows[place - 1]
      place -= 1
    }
    topValues[place] = value
    topRows[place] = row
  }

  /// Where a latent's best places begin; nil where it was not chosen.
  private func first(of latent: Int) -> Int? {
    guard let chosen else { return latent * kept }
    return chosen.place(of: latent).map { $0 * kept }
  }

  /// A chosen latent's best places, largest first.
  package func top(_ latent: Int) -> [(row: Int, value: Float)] {
    guard let first = first(of: latent) else { return [] }
    return (first..<first + kept).compactMap { topRows[$0] < 0 ? nil : (topRows[$0], topValues[$0]) }
  }

  /// A chosen latent's largest value; 0 where it was never active.
  package func largest(_ latent: Int) -> Float {
    guard kept > 0, let first = first(of: latent), topRows[first] >= 0 else { return 0 }
    return topValues[first]
  }

  /// A latent's mean where it is active.
  package func mean(_ latent: Int) -> Double { firing[latent] > 0 ? sums[latent] / Double(firing[latent]) : 0 }

  /// The correlation of a latent with every neuron over all rows; empty where none were read.
  package func correlations(_ latent: Int) -> [Float] {
    let n = Double(rows)
    let variance = squares[latent] - sums[latent] * sums[latent] / n
    return (0..<neurons).map { neuron in
      let spread = neuronSquares[neuron] - neuronSums[neuron] * neuronSums[neuron] / n
      let covariance = Double(products[latent * neurons + neuron]) - sums[latent] * neuronSums[neuron] / n
      return variance > 0 && spread > 0 ? Float(covariance / (variance * spread).squareRoot()) : 0
    }
  }

  /// The cosine of a latent's values with a neuron's over all rows.
  package func cosine(_ latent: Int, neuron: Int) -> Float {
    let norms = (squares[latent] * neuronSquares[neuron]).squareRoot()
    return norms > 0 ? Float(Double(products[latent * neurons + neuron]) / norms) : 0
  }
}
