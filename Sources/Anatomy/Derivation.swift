import Architectures

/// A step of the way from a configuration to its numbers.
public struct DerivationStep: Sendable, Equatable, Codable {
  public var title: String
  /// Lines of reckoning, each with letters, then numbers, then the result.
  public var lines: [String]
}

extension Architecture {
  /// How the numbers come about, step by step, with every number of the configuration that goes in.
  public func derivation(sequence: Int) -> [DerivationStep] {
    let rows = components
    var steps = [
      DerivationStep(title: "The configuration says", lines: given)
    ]
    for part in ParameterComponent.Part.allCases {
      let own = rows.filter { $0.part == part }
      guard !own.isEmpty else { continue }
      var lines = own.map(line)
      if own.count > 1 {
        lines.append("together \(grouped(own.reduce(0) { $0 + $1.parameters }))")
      }
      steps.append(DerivationStep(title: Self.titles[part] ?? "", lines: lines))
    }
    steps.append(DerivationStep(title: "All parameters", lines: sum(rows)))
    steps.append(DerivationStep(title: "The rule 12·L·D²", lines: rule))
    steps.append(
      DerivationStep(
        title: "Operations a token, in texts of \(grouped(sequence)) tokens", lines: operations(rows, sequence)))
    steps.append(DerivationStep(title: "The cache of keys and values", lines: cache(sequence)))
    return steps
  }

  private static let titles: [ParameterComponent.Part: String] = [
    .embedding: "Embeddings: one row of D numbers for each token or position",
    .attention: "Attention: matrices in and out of the heads",
    .mlp: "MLP: every neuron has its input weights and its output weights",
    .norm: "Norms: a weight a dimension, and a bias where the mean is removed",
    .head: "Head: one column of D numbers for each token that can come next",
  ]

  private var given: [String] {
    var lines = [
      "V = \(grouped(vocabularySize)) tokens, D = \(grouped(width)) dimensions, L = \(layers) layers"
        + (embedding.tokenWidth.map { ", D_e = \(grouped($0)) dimensions of a token" } ?? "")
    ]
    lines += said { block in
      let attention = block.attention
      return "H = \(attention.heads) heads of d_head = \(attention.headWidth)"
        + (attention.keyValueHeads == attention.heads
          ? "" : ", H_kv = \(attention.keyValueHeads) heads of keys and values")
        + (attention.valueWidth == attention.headWidth ? "" : ", d_v = \(attention.valueWidth)")
    }
    lines += said { block in
      block.attention.latent.map { latent in
        (latent.queryRank.map { "r_q = \($0), " } ?? "")
          + "r_kv = \(latent.keyValueRank), d_rope = \(latent.rotaryWidth), "
          + "d_nope = \(block.attention.headWidth - latent.rotaryWidth)"
      }
    }
    lines += said { $0.mlp.map { "M = \(grouped($0.neurons)) neurons a layer" + ($0.isGated ? ", gated" : "") } }
    lines += said { block in
      block.experts.map { experts in
        "E = \(experts.count) experts of M_e = \(grouped(experts.expert.neurons)) neurons, \(experts.active) awake"
          + (experts.shared.map { ", and M_s = \(grouped($0.neurons)) shared" } ?? "")
      }
    }
    return lines
  }

  /// What is to be said of layers: each different line once, with the number of layers where that is not all.
  private func said(_ line: (Block) -> String?) -> [String] {
    counted(line).map { $0.layers == layers ? $0.value : "\($0.value), in \($0.layers) layers" }
  }

  private func line(_ component: ParameterComponent) -> String {
    let shape = component.shape.map(grouped).joined(separator: " × ")
    if component.isTied && component.bias == 0 { return "\(component.name): \(component.letters) is W_E turned: 0" }
    var one = component.isTied ? "0 (W_E turned)" : "\(component.letters) = \(shape)"
    if component.shape.count > 1, !component.isTied { one += " = \(grouped(component.elements))" }
    if component.bias > 0 { one += ", + \(grouped(component.bias)) biases" }
    var text = "\(component.name): \(one)"
    if component.copies > 1 { text += "; × \(component.copies)" + (component.part == .norm ? " a layer" : " experts") }
    if let layers = component.layers { text += "; × \(layers) layers" }
    if component.copies > 1 || component.layers != nil { text += " = \(grouped(component.parameters))" }
    return text
  }

  private func sum(_ rows: [ParameterComponent]) -> [String] {
    let weights = rows.reduce(0) { $0 + $1.weights }
    let biases = rows.reduce(0) { $0 + $1.biases }
    let active = rows.reduce(0) { $0 + $1.activeParameters }
    var lines = ["\(grouped(weights)) weights + \(grouped(biases)) biases = \(grouped(weights + biases))"]
    if active < weights + biases {
      lines.append("a token uses \(grouped(active)) of them: the experts that sleep are left out")
    }
    return lines
  }

  private var rule: [String] {
    let blocks = blockParameters
    let rule = ruleOfThumb
    return [
      "attention of D × D four times is 4·D², an MLP of M = 4·D neurons in and out is 8·D²: 12·D² a layer",
      "12 × \(layers) × \(grouped(width))² = \(grouped(rule)): \(percent(rule, of: blocks)) of the \(grouped(blocks)) in the blocks, "
        + "\(percent(rule, of: parameters)) of all",
    ]
  }

  private func operations(_ rows: [ParameterComponent], _ sequence: Int) -> [String] {
    let products = rows.reduce(0) { $0 + $1.flops }
    let (scores, mixing) = attentionFLOPs { $0.meanKeys(sequence: sequence) }
    let mean = blocks.reduce(0.0) { $0 + $1.attention.meanKeys(sequence: sequence) } / Double(layers)
    let isCausal = blocks.allSatisfy(\.attention.isCausal)
    let isLatent = blocks.contains { $0.attention.latent != nil }
    /// With numbers where all layers have the same.
    func reckoned(_ title: String, _ letters: String, _ width: (Block) -> Int, _ sum: Double) -> String {
      let widths = counted(width)
      let numbers =
        widths.count == 1
        ? "\(layers) × 2 × \(rounded(mean)) × \(grouped(widths[0].value)) = " : "summed over the layers: "
      return "\(title): L × 2·T̄·\(letters) = \(numbers)\(grouped(Int(sum)))"
    }
    return [
      "every weight of a matrix product that a token uses: a multiplication and an addition: \(grouped(products))",
      "a token sees T̄ = \(rounded(mean)) keys on average"
        + (isCausal
          ? " (itself and those before it\(hasWindows ? ", at most the window" : ""))" : " (all of them)"),
      reckoned("scores", "H·d_head", \.attention.queryWidth, scores),
      reckoned("mixing", isLatent ? "H·d_v" : "H·d_head", \.attention.mixedWidth, mixing),
      "together \(grouped(products + Int(scores + mixing)))",
    ]
  }

  private func cache(_ sequence: Int) -> [String] {
    let total = cachedNumbers(sequence: sequence)
    return said { block in
      let attention = block.attention
      let numbers = attention.cachedNumbers
      if let latent = attention.latent {
        return
          "a token leaves r_kv + d_rope = \(latent.keyValueRank) + \(latent.rotaryWidth) = \(numbers) numbers a layer, "
          + "in place of \(grouped(attention.keyWidth + attention.valuesWidth)) for the keys and values of all heads"
      }
      return "a token leaves 2·H_kv·d_head = 2 × \(attention.keyValueHeads) × \(attention.headWidth) = "
        + "\(grouped(numbers)) numbers a layer"
    } + [
      "\(grouped(sequence)) tokens, \(layers) layers\(hasWindows ? " (a layer with a window keeps its window)" : ""): "
        + "\(grouped(total)) numbers, \(grouped(2 * total)) bytes in bfloat16"
    ]
  }

  /// 12·L·D²: what the rule of thumb says of the blocks.
  public var ruleOfThumb: Int { 12 * layers * width * width }

  /// The parameters of the blocks alone.
  public var blockParameters: Int { components.reduce(0) { $0 + ($1.layers == nil ? 0 : $1.parameters) } }
}
