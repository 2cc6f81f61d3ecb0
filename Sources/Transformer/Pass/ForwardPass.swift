import Architectures
import Checkpoints
import Diagnostics
import LinearAlgebra

/// One run over one batch.
///
/// Reads top to bottom: embeddings, blocks, head; attention and the feed-forward part stand in files of their own. Beside
/// each value stands its shape: n is the number of tokens of all documents, which lie end to end. Each `observe` lends the
/// value to that site's hooks, before anything else reads it.
struct ForwardPass {
  let architecture: Architecture
  let store: WeightStore
  let stream: WeightStream
  let batch: TokenBatch
  let start: RunStart
  /// One for each kind of rotary positions in the model.
  let rotaries: [(rotary: Rotary, table: RotaryTable)]
  var hooks: RunHooks
  let scratch: Scratch

  var n: Int { batch.count }
  var width: Int { architecture.width }

  init(_ batch: TokenBatch, from start: RunStart, weights stream: WeightStream, hooks: RunHooks) {
    architecture = stream.store.table.architecture
    store = stream.store
    self.stream = stream
    self.batch = batch
    self.start = start
    self.hooks = hooks
    scratch = Scratch(tokens: batch.count, architecture: architecture, memory: store.scratch)
    var rotaries: [(rotary: Rotary, table: RotaryTable)] = []
    for attention in architecture.blocks.map(\.attention) {
      guard let rotary = attention.rotary, !rotaries.contains(where: { $0.rotary == rotary }) else { continue }
      rotaries.append((rotary, RotaryTable(rotary, headWidth: attention.headWidth, batch: batch, start)))
    }
    self.rotaries = rotaries
  }

  /// The whole pass; `logits` says of which rows they are returned.
  mutating func run(logits: Model.LogitRows) throws -> [Float]? {
    do {
      if let given = start.residual?.values {
        given.withUnsafeBufferPointer {
          if let values = $0.baseAddress { scratch.residual.update(from: values, count: n * width) }
        }
      } else {
        try embed()
      }
      for layer in start.firstLayer..<architecture.layers { try block(layer) }
      return logits == .none && hooks.remaining == 0 ? nil : try head(logits)
    } catch is PassComplete {
      return nil
    }
  }

  // MARK: - Embeddings

  private mutating func embed() throws {
    let (embedding, residual, output) = (architecture.embedding, scratch.residual, scratch.output)
    if let narrow = embedding.tokenWidth {
      try look(up: .tokenEmbedding, width: narrow, into: output) { batch.ids[$0] }
      try store.embeddingProjection(stream)(output, rows: n, into: residual)
    } else {
      try look(up: .tokenEmbedding, width: width, into: residual) { batch.ids[$0] }
    }
    if let scale = try embedding.scale.map(rounded) {
      Kernels.scale(residual, by: scale, into: residual, count: n * width)
    }
    let norm = try NormWeights(store.table, embedding.norm, .embeddingNorm)
    let sites = NormSites(.embedScale, .embedNormalized)
    if let norm, embedding.normalizesTokensAlone { try normalize(residual, norm, into: residual, sites) }
    try observe(.embed, residual)  // [n, d_model]
    if let positions = embedding.positions {
      let rows = positions.rows(of: batch, start)
      try look(up: .positionEmbedding, width: width, into: output) { rows[$0] }
      try observe(.positionEmbed, output)  // [n, d_model]
      add(output, to: residual)
    }
    if embedding.tokenTypes > 0 {
      try look(up: .tokenTypeEmbedding, width: width, into: output) { batch.types?[$0] ?? 0 }
      try observe(.tokenTypeEmbed, output)  // [n, d_model]
      add(output, to: residual)
    }
    if let norm, embedding.normalizesSum {
      try normalize(residual, norm, into: residual, sites)
      try observe(.fullEmbed, residual)  // [n, d_model]
    }
  }

  /// Gathers a row of an embedding for each token.
  private func look(
    up role: WeightRole, width: Int, into target: UnsafeMutablePointer<Float>, row: (_ token: Int) -> Int32
  ) throws {
    let entry = try store.embedding(role)
    Threads.forRanges(0..<n, grain: max(1, (1 << 14) / width)) { tokens in
      for token in tokens { entry.readRow(Int(row(token)), into: target + token * width) }
    }
  }

  /// The embedding's scale, in the type that the embedding is stored in where the architecture says so.
  private func rounded(_ scale: Double) throws -> Float {
    guard architecture.embedding.roundsScale else { return Float(scale) }
    return switch store.table.weight(.tokenEmbedding).tensor.type {
    case .bfloat16: roundedToBFloat16(Float(scale))
    case .float16: roundedToFloat16(Float(scale))
    default: Float(scale)
    }
  }

  // MARK: - Blocks

  private mutating func block(_ layer: Int) throws {
    let (block, weights) = (architecture.blocks[layer], try store.block(layer, stream))
    let (residual, input, output) = (scratch.residual, scratch.input, scratch.output)
    try observe(.residPre, residual, layer)  // [n, d_model]
    if block.normPlace == .before {
      try normalize(residual, weights.norm1, into: input, .norm1, layer)
    } else {
      input.update(from: residual, count: n * width)
    }

    try attention(input, block.attention, weights.attention, layer, into: output)
    if block.normPlace == .afterBranch { try normalize(output, weights.norm1, into: output, .norm1, layer) }
    if block.postNorm != nil { try normalize(output, weights.norm1Post, into: output, .norm1Post, layer) }
    scaleBranch(output, block)
    try observe(.attentionOut, output, layer)  // [n, d_model]

    // Side by side the feed-forward part reads what attention read: the stream before attention is added.
    if block.isParallel && block.norm2 != nil { try normalize(residual, weights.norm2, into: input, .norm2, layer) }
    add(output, to: residual)
    if !block.isParallel {
      try observe(.residMid, residual, layer)  // [n, d_model]
      switch block.normPlace {
      case .before: try normalize(residual, weights.norm2, into: input, .norm2, layer)
      case .onStream: try normalize(residual, weights.norm1, into: residual, .norm1, layer)
      case .afterBranch: break
      }
      // An edit of what the MLP reads is no edit of the residual stream beside it.
      if block.normPlace != .before { input.update(from: residual, count: n * width) }
    }

    try observe(.mlpIn, input, layer)  // [n, d_model]
    if let mlp = block.mlp, let weights = weights.mlp {
      try self.mlp(input, mlp, weights, layer, into: output)
    } else if let experts = block.experts, let weights = weights.experts {
      try self.experts(input, experts, weights, layer, into: output)
    }
    if block.normPlace == .afterBranch { try normalize(output, weights.norm2, into: output, .norm2, layer) }
    if block.postNorm != nil { try normalize(output, weights.norm2Post, into: output, .norm2Post, layer) }
    scaleBranch(output, block)
    try observe(.mlpOut, output, layer)  // [n, d_model]
    add(output, to: residual)
    try observe(.residPost, residual, layer)  // [n, d_model]
    if block.normPlace == .onStream {
      try normalize(residual, weights.norm2, into: residual, .norm2, layer)
      try observe(.normalizedResidPost, residual, layer)  // [n, d_model]
    }
  }

  private func scaleBranch(_ output: UnsafeMutablePointer<Float>, _ block: Block) {
    guard let scale = block.residualScale else { return }
    Kernels.scale(output, by: Float(scale), into: output, count: n * width)
  }

  private mutating func mlp(
    _ input: UnsafePointer<Float>, _ shape: MLP, _ weights: MLPWeights, _ layer: Int,
    into output: UnsafeMutablePointer<Float>
  ) throws {
    let neurons = scratch.branch  // [n, d_mlp]
    try self.neurons(input, shape, weights, rows: n, layer, .layer, into: neurons)
    try weights.output(neurons, rows: n, into: output)
  }

  // MARK: - Head

  private mutating func head(_ logits: Model.LogitRows) throws -> [Float]? {
    // Without hooks here, only the rows whose logits are wanted go further.
    var rows = 0..<n
    if logits == .lastOfEachDocument && hooks.remaining == 0 {
      for document in 0..<batch.documentCount {
        let last = batch.starts[document + 1] - 1
        (scratch.residual + document * width).update(from: scratch.residual + last * width, count: width)
      }
      rows = 0..<batch.documentCount
    }
    let weights = try store.head(stream)
    let (residual, output) = (scratch.residual, scratch.output)
    if let dense = weights.dense {
      try dense(residual, rows: rows.count, into: output)
      try observe(.headDense, output, rows: rows)  // [n, d_model]
      Kernels.apply(architecture.head.activation.function, output, into: residual, count: rows.count * width)
    }
    if let norm = weights.norm {
      try normalize(residual, norm, into: residual, NormSites(.finalScale, .finalNormalized), rows: rows)
    }
    var last = residual
    if let projection = weights.projection {
      try projection(residual, rows: rows.count, into: output)
      last = output
    }
    guard architecture.hasLogits else { return nil }
    try observe(.unembedIn, last, rows: rows)  // [n, d_model]
    return try self.logits(store.unembedding(stream), last, of: rows, gathered: rows.count < n, wanted: logits)
  }

  /// The logits, in pieces of at most 64 MiB where they are not kept.
  private mutating func logits(
    _ unembedding: Linear, _ input: UnsafePointer<Float>, of rows: Range<Int>, gathered: Bool, wanted: Model.LogitRows
  ) throws -> [Float]? {
    let (vocabulary, inputs) = (architecture.vocabularySize, unembedding.inputs)
    let piece = max(1, (16 << 20) / vocabulary)
    let buffer = UnsafeMutablePointer<Float>.allocate(capacity: min(piece, rows.count) * vocabulary)
    defer { buffer.deallocate() }
    var kept: [Float] = []
    var document = 0
    for first in stride(from: 0, to: rows.upperBound, by: piece) {
      let some = first..<min(first + piece, rows.upperBound)
      try unembedding(input + first * inputs, rows: some.count, into: buffer)
      squash(buffer, count: some.count * vocabulary)
      try observe(.unembedOut, buffer, rows: some, last: some.upperBound == rows.upperBound)  // [rows, d_vocab]
      switch wanted {
      case .none: break
      case .lastOfEachDocument where !gathered:
        while document < batch.documentCount, batch.starts[document + 1] <= some.upperBound {
          let row = batch.starts[document + 1] - 1 - first
          kept.append(contentsOf: UnsafeBufferPointer(start: buffer + row * vocabulary, count: vocabulary))
          document += 1
        }
      case .all, .lastOfEachDocument:
        kept.append(contentsOf: UnsafeBufferPointer(start: buffer, count: some.count * vocabulary))
      }
    }
    return wanted == .none ? nil : kept
  }

  /// Scales and caps logits in place.
  private func squash(_ logits: UnsafeMutablePointer<Float>, count: Int) {
    if let scale = architecture.head.logitScale { Kernels.scale(logits, by: Float(scale), into: logits, count: count) }
    if let cap = architecture.head.logitCap { Kernels.cap(logits, at: Float(cap), count: count) }
  }
}
