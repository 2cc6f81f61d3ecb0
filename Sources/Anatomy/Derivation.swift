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
      "V = \(grouped(vocabularySize)) tokens, D = \(grouped(width)) dimensions, L = \(layers) layers",
      "H = \(attention.heads) heads of d_head = \(attention.headWidth)"
        + (attention.keyValueHeads == attention.heads
          ? "" : ", H_kv = \(attention.keyValueHeads) heads of keys and values")
        + (attention.valueWidth == attention.headWidth ? "" : ", d_v = \(attention.valueWidth)"),
    ]
    if let latent = attention.latent {
      lines.append(
        (latent.queryRank.map { "r_q = \($0), " } ?? "")
          + "r_kv = \(latent.keyValueRank), d_rope = \(latent.rotaryWidth), "
          + "d_nope = \(attention.headWidth - latent.rotaryWidth)")
    }
    if denseLayers > 0 { lines.append("M = \(grouped(mlp.neurons)) neurons a layer" + (mlp.isGated ? ", gated" : "")) }
    if let experts {
      lines.append(
        "E = \(experts.count) experts of M_e = \(grouped(experts.neurons)) neurons, \(experts.active) awake"
          + (experts.sharedNeurons > 0 ? ", and M_s = \(grouped(experts.sharedNeurons)) shared" : "")
          + ", in \(experts.layers.count) layers")
    }
    return lines
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
    let keys = { meanKeys(sequence: sequence, layer: $0) }
    let scores = scoreFLOPs(keys: keys)
    let mixing = mixingFLOPs(keys: keys)
    let mean = (0..<layers).reduce(0.0) { $0 + keys($1) } / Double(layers)
    return [
      "every weight of a matrix product that a token uses: a multiplication and an addition: \(grouped(products))",
      "a token sees T̄ = \(rounded(mean)) keys on average"
        + (attention.isCausal
          ? " (itself and those before it\(hasWindows ? ", at most the window" : ""))" : " (all of them)"),
      "scores: L × 2·T̄·H·d_head = \(layers) × 2 × \(rounded(mean)) × \(grouped(attention.queryWidth)) = \(grouped(Int(scores)))",
      "mixing: L × 2·T̄·H·\(attention.latent == nil ? "d_head" : "d_v") = \(layers) × 2 × \(rounded(mean)) × \(grouped(attention.mixedWidth)) = \(grouped(Int(mixing)))",
      "together \(grouped(products + Int(scores + mixing)))",
    ]
  }

  private func cache(_ sequence: Int) -> [String] {
    let numbers = cachedNumbersPerLayer
    let first =
      if let latent = attention.latent {
        "a token leaves r_kv + d_rope = \(latent.keyValueRank) + \(latent.rotaryWidth) = \(numbers) numbers a layer, "
          + "in place of \(grouped(attention.heads * (attention.headWidth + attention.valueWidth))) for the keys and values of all heads"
      } else {
        "a token leaves 2·H_kv·d_head = 2 × \(attention.keyValueHeads) × \(attention.headWidth) = \(grouped(numbers)) numbers a layer"
      }
    let total = cachedNumbers(sequence: sequence)
    var lines = [first]
    lines.append(
      "\(grouped(sequence)) tokens, \(layers) layers\(hasWindows ? " (a layer with a window keeps its window)" : ""): "
        + "\(grouped(total)) numbers, \(grouped(2 * total)) bytes in bfloat16")
    return lines
  }

  /// Whether any layer sees less than the whole text.
  public var hasWindows: Bool { attention.windows.contains { $0 != nil } }

  /// 12·L·D²: what the rule of thumb says of the blocks.
  public var ruleOfThumb: Int { 12 * layers * width * width }

  /// The parameters of the blocks alone.
  public var blockParameters: Int { components.reduce(0) { $0 + ($1.layers == nil ? 0 : $1.parameters) } }
}

/// A count in groups of three.
func grouped(_ value: Int) -> String {
  let digits = String(value.magnitude)
  var text = ""
  for (offset, digit) in digits.enumerated() {
    if offset > 0, (digits.count - offset) % 3 == 0 { text.append(",") }
    text.append(digit)
  }
  return value < 0 ? "-" + text : text
}

/// A number with at most one decimal.
private func rounded(_ value: Double) -> String {
  let tenths = Int((value * 10).rounded())
  return tenths % 10 == 0 ? grouped(tenths / 10) : "\(grouped(tenths / 10)).\(tenths % 10)"
}

private func percent(_ part: Int, of whole: Int) -> String {
  let tenths = Int((Double(part) / Double(max(1, whole)) * 1000).rounded())
  return "\(tenths / 10).\(tenths % 10) %"
}
