/// TopK, BatchTopK and Matryoshka: the selected products are the values; sparsity needs no penalty (Gao et al., arXiv
/// 2406.04093; Bussmann et al., arXiv 2412.06410 and 2503.17547).
struct LargestRule: LatentRule {
  func activate(_ latent: Int, _ entries: LatentEntries) {
    entries.values.update(from: entries.products, count: entries.count)
  }

  func differentiate(_ latent: Int, _ entries: LatentEntries, _ context: LossContext) -> LatentGradient {
    var result = LatentGradient()
    for entry in 0..<entries.count {
      let gradient = entries.valueGradients[entry]
      entries.productGradients[entry] = gradient
      result.bias += gradient
    }
    return result
  }
}
