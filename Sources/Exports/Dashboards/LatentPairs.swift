import CKernels
import Dictionaries
import LinearAlgebra

/// Sums of products of all pairs of latents, where their number allows it.
struct LatentPairs {
  private let latents: Int
  private var products: [Float]

  init(latents: Int) {
    self.latents = latents
    let count = latents.multipliedReportingOverflow(by: latents)
    products = [Float](
      repeating: 0,
      count: !count.overflow && count.partialValue <= FeatureGathering.mostPairs ? count.partialValue : 0)
  }

  mutating func add(_ active: SparseLatents) {
    guard !products.isEmpty else { return }
    for row in 0..<active.rows {
      let range = active.range(ofRow: row)
      for a in range {
        let first = Int(active.indices[a]) * latents
        for b in range { products[first + Int(active.indices[b])] += active.values[a] * active.values[b] }
      }
    }
  }

  /// The latents whose values are most correlated with a latent's over all rows, with Pearson's r and the cosine of the two
  /// columns.
  func correlated(
    _ latent: Int, count: Int, gathering: FeatureGathering
  ) -> [(index: Int, value: Float, cosine: Float)] {
    guard !products.isEmpty else { return [] }
    let n = Double(max(gathering.rows, 1))
    func moments(_ latent: Int) -> (sum: Double, square: Double) {
      (gathering.mean(latent) * Double(gathering.firing[latent]), Double(products[latent * latents + latent]))
    }
    let own = moments(latent)
    let ownSpread = own.square - own.sum * own.sum / n
    var values = [Float](repeating: 0, count: latents)
    for other in 0..<latents where other != latent {
      let product = Double(products[latent * latents + other])
      guard product > 0 else { continue }
      let its = moments(other)
      let spread = its.square - its.sum * its.sum / n
      if ownSpread > 0, spread > 0 {
        values[other] = Float((product - own.sum * its.sum / n) / (ownSpread * spread).squareRoot())
      }
    }
    return topK(count, of: values).filter { $0.value > 0 }.map { found in
      let its = moments(found.index)
      let cosine = Double(products[latent * latents + found.index]) / (own.square * its.square).squareRoot()
      return (found.index, found.value, Float(cosine))
    }
  }
}
