/// ReLU, with the penalty λ · Σ fᵢ · ‖W_dec,i‖ (Anthropic, April 2024).
struct StandardRule: LatentRule {
  func activate(_ latent: Int, _ entries: LatentEntries) {
    for entry in 0..<entries.count { entries.values[entry] = max(entries.products[entry], 0) }
  }

  func differentiate(_ latent: Int, _ entries: LatentEntries, _ context: LossContext) -> LatentGradient {
    var result = LatentGradient()
    let pull = context.sparsity * context.decoderNorm
    var sum: Float = 0
    for entry in 0..<entries.count {
      let isActive = entries.products[entry] > 0
      let gradient = isActive ? entries.valueGradients[entry] + pull : 0
      entries.productGradients[entry] = gradient
      result.bias += gradient
      sum += entries.values[entry]
    }
    result.loss = Double(pull * sum)
    result.decoderFactor = context.decoderNorm > 0 ? context.sparsity * sum / context.decoderNorm : 0
    return result
  }
}
