import Architectures

extension Architecture {
  /// The forward pass, step by step, in the order of computation; steps of a block stand once, with the number of layers
  /// that have them.
  ///
  /// - Parameter sequence: The length of the text that scores are counted for.
  public func operations(sequence: Int) -> [PassStep] {
    let layers = blockKinds.map {
      (pass: BlockPass(block: $0.block, width: width, sequence: sequence), layers: $0.count)
    }
    let inBlock = BlockPass.order.flatMap { place in
      PassStep.merged(layers.compactMap { layer in place(layer.pass).map { ($0, layer.layers) } })
    }
    return embeddingOperations + inBlock + headOperations
  }

  private var row: String { grouped(width) }

  private var embeddingOperations: [PassStep] {
    let prefix = embedding.normalizesSum ? "embed." : ""
    let tokens = embedding.tokenWidth ?? width
    var all = [PassStep.outside("embed", "token id → \(grouped(tokens))", "copies D", width: true)]
    if embedding.tokenWidth != nil {
      all.append(
        .outside("up to the stream", "\(grouped(tokens)) → \(row)", "2·D_e·D", 2 * tokens * width, width: true))
    }
    if let scale = embedding.scale {
      all.append(.outside("scale", "\(row) × \(short(scale))", "D", width: true))
    }
    let norm = PassStep.outside("norm", row, "D", width: true)
    if embedding.norm != nil, embedding.normalizesTokensAlone { all.append(norm) }
    // The embedding is what comes of all of these.
    all[all.count - 1].site = prefix + "hook_embed"
    if embedding.positions != nil {
      all.append(.outside("add position", "position → \(row)", "adds D", width: true, site: prefix + "hook_pos_embed"))
    }
    if embedding.tokenTypes > 0 {
      all.append(
        .outside("add token type", "type → \(row)", "adds D", width: true, site: prefix + "hook_token_type_embed"))
    }
    if embedding.normalizesSum {
      all.append(norm)
      all[all.count - 1].site = prefix + "hook_full_embed"
    }
    return all
  }

  private var headOperations: [PassStep] {
    var all: [PassStep] = []
    if head.kind == .maskedToken {
      all.append(
        .outside("dense layer", "\(row) → \(row)", "2·D·D", 2 * width * width, width: true, site: "mlm_head.hook_out"))
      all.append(.outside(head.activation.rawValue, row, "D", width: true))
    }
    if head.norm != nil {
      all.append(
        .outside(
          head.kind == .maskedToken ? "norm" : "final norm", row, "D", width: true, site: "ln_final.hook_normalized"))
    }
    if head.hasPooler {
      all.append(.outside("pooler", "\(row) → \(row)", "2·D·D", 2 * width * width, width: true))
    }
    guard hasLogits else { return all }
    let tokens = embedding.tokenWidth ?? width
    if embedding.tokenWidth != nil {
      all.append(
        .outside("down to an embedding", "\(row) → \(grouped(tokens))", "2·D·D_e", 2 * width * tokens, width: true))
    }
    // A narrow embedding is no vector of the residual stream.
    all.append(
      .outside(
        "unembed", "\(grouped(tokens)) → \(grouped(vocabularySize))", embedding.tokenWidth == nil ? "2·D·V" : "2·D_e·V",
        2 * tokens * vocabularySize, width: embedding.tokenWidth == nil, site: "unembed.hook_out"))
    if let scale = head.logitScale { all.append(.outside("scale logits", "l × \(short(scale))", width: false)) }
    if let cap = head.logitCap {
      all.append(.outside("cap logits", "\(plain(cap))·tanh(l / \(plain(cap)))", width: false))
    }
    all.append(.outside("softmax", "over \(grouped(vocabularySize)) tokens", width: false))
    return all
  }
}
