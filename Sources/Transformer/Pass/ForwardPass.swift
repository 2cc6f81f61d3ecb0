import Diagnostics
import LinearAlgebra

/// One run over one batch.
///
/// Reads top to bottom: embeddings, blocks, head. Beside each value stands its shape: n is the number of tokens of all
/// documents, which lie end to end. Each `observe` lends the value to that site's hooks, before anything else reads it.
struct ForwardPass {
  let configuration: Configuration
  let store: WeightStore
  let batch: TokenBatch
  let rotary: RotaryTable?
  var hooks: RunHooks
  let scratch: Scratch

  var n: Int { batch.count }
  var width: Int { configuration.width }

  init(_ batch: TokenBatch, store: WeightStore, hooks: RunHooks) {
    configuration = store.table.configuration
    self.store = store
    self.batch = batch
    self.hooks = hooks
    scratch = Scratch(tokens: batch.count, configuration: configuration)
    rotary = RotaryTable(configuration, batch: batch)
  }

  /// The whole pass; `logits` says of which rows they are returned.
  mutating func run(logits: Model.LogitRows) throws -> [Float]? {
    do {
      try embed()
      for layer in 0..<configuration.layers { try block(layer) }
      return try head(logits)
    } catch is PassComplete {
      return nil
    }
  }

  // MARK: - Embeddings

  private mutating func embed() throws {
    let residual = scratch.residual
    try look(up: .tokenEmbedding, into: residual) { batch, token, _ in Int(batch.ids[token]) }
    try observe(.embed, residual)  // [n, d_model]
    if configuration.positions == .learned {
      try look(up: .positionEmbedding, into: scratch.output) { _, _, position in position }
      try observe(.positionEmbed, scratch.output)  // [n, d_model]
      add(scratch.output, to: residual)
    }
    if configuration.embedding.tokenTypes > 0 {
      try look(up: .tokenTypeEmbedding, into: scratch.output) { batch, token, _ in Int(batch.types?[token] ?? 0) }
      try observe(.tokenTypeEmbed, scratch.output)  // [n, d_model]
      add(scratch.output, to: residual)
    }
    if configuration.embedding.normalized {
      let norm = try NormWeights(store.table, .embeddingNorm)
      try normalize(residual, norm, into: residual, sites: (.embedScale, .embedNormalized), layer: nil)
      try observe(.fullEmbed, residual)  // [n, d_model]
    }
  }

  /// Gathers a row of an embedding for each token.
  private func look(
    up weight: Weight, into target: UnsafeMutablePointer<Float>, row: (TokenBatch, _ token: Int, _ position: Int) -> Int
  ) throws {
    let entry = try store.embedding(weight)
    for document in 0..<batch.documentCount {
      for token in batch.rows(of: document) {
        entry.readRow(row(batch, token, token - batch.starts[document]), into: target + token * width)
      }
    }
  }

  // MARK: - Blocks

  private mutating func block(_ layer: Int) throws {
    let weights = try store.block(layer)
    let (residual, input, output) = (scratch.residual, scratch.input, scratch.output)
    try observe(.residPre, residual, layer)  // [n, d_model]
    switch configuration.norm.place {
    case .before:
      try normalize(residual, weights.norm1, into: input, sites: (.norm1Scale, .norm1Normalized), layer: layer)
      try attention(input, weights, layer, into: output)
      add(output, to: residual)
      try observe(.residMid, residual, layer)  // [n, d_model]
      try normalize(residual, weights.norm2, into: input, sites: (.norm2Scale, .norm2Normalized), layer: layer)
      try mlp(input, weights, layer, into: output)
      add(output, to: residual)
      try observe(.residPost, residual, layer)  // [n, d_model]
    case .after:
      try attention(residual, weights, layer, into: output)
      add(output, to: residual)
      try observe(.residMid, residual, layer)  // [n, d_model]
      try normalize(residual, weights.norm1, into: residual, sites: (.norm1Scale, .norm1Normalized), layer: layer)
      // An edit of what the MLP reads is no edit of the residual stream beside it.
      input.update(from: residual, count: n * width)
      try mlp(input, weights, layer, into: output)
      add(output, to: residual)
      try observe(.residPost, residual, layer)  // [n, d_model]
      try normalize(residual, weights.norm2, into: residual, sites: (.norm2Scale, .norm2Normalized), layer: layer)
      try observe(.normalizedResidPost, residual, layer)  // [n, d_model]
    }
  }

  private mutating func attention(
    _ input: UnsafeMutablePointer<Float>, _ weights: BlockWeights, _ layer: Int,
    into output: UnsafeMutablePointer<Float>
  ) throws {
    let shape = configuration.attention
    let query = scratch.branch  // [n, heads, d_head]
    let key = query + n * shape.queryWidth  // [n, key-value heads, d_head]
    let value = key + n * shape.keyValueWidth  // [n, key-value heads, d_head]
    let mixed = value + n * shape.keyValueWidth  // [n, heads, d_head]
    weights.query(input, rows: n, into: query)
    try observe(.query, query, layer)
    weights.key(input, rows: n, into: key)
    try observe(.key, key, layer)
    weights.value(input, rows: n, into: value)
    try observe(.value, value, layer)
    if let rotary {
      rotary.rotate(query, heads: shape.heads)
      try observe(.rotatedQuery, query, layer)  // [n, heads, d_head]
      rotary.rotate(key, heads: shape.keyValueHeads)
      try observe(.rotatedKey, key, layer)  // [n, key-value heads, d_head]
    }
    let attention = DocumentAttention(
      shape: shape, scale: Float(shape.scale(layer: layer)), window: shape.windows[layer], query: query, key: key,
      value: value, mixed: mixed)
    if hooks.wants(.scores, layer) || hooks.wants(.pattern, layer) {
      for document in 0..<batch.documentCount { try hookedAttention(attention, document, layer) }
    } else {
      attention.mix(batch)
    }
    try observe(.mixed, mixed, layer)  // [n, heads, d_head]
    if hooks.wants(.result, layer) {
      try hookedResult(mixed, weights.attentionOutput, layer, into: output)
    } else {
      weights.attentionOutput(mixed, rows: n, into: output)
    }
    try observe(.attentionOut, output, layer)  // [n, d_model]
  }

  /// One document's attention with its scores and pattern laid open.
  private mutating func hookedAttention(_ attention: DocumentAttention, _ document: Int, _ layer: Int) throws {
    let rows = batch.rows(of: document)
    let (count, heads) = (rows.count, configuration.attention.heads)
    let isLast = document == batch.documentCount - 1
    let table = UnsafeMutablePointer<Float>.allocate(capacity: count * heads * count)  // [T, heads, T]
    defer { table.deallocate() }
    attention.scores(rows, into: table)
    try observe(.scores, table, layer, rows: rows, axes: [heads, count], document: document, last: isLast)
    // Over all keys, masked ones too: an edit may have unmasked them.
    Kernels.softmaxRows(table, into: table, rows: count * heads, columns: count) { _ in 0..<count }
    try observe(.pattern, table, layer, rows: rows, axes: [heads, count], document: document, last: isLast)
    attention.mix(rows, pattern: table)
  }

  /// The attention's output head by head: Σ over heads of result, plus the bias.
  private mutating func hookedResult(
    _ mixed: UnsafePointer<Float>, _ projection: Linear, _ layer: Int, into output: UnsafeMutablePointer<Float>
  ) throws {
    let shape = configuration.attention
    let weights = try store.table.weight(.attentionOutput, layer: layer).floats()  // [d_model, heads · d_head]
    let piece = max(1, (16 << 20) / (shape.heads * width))
    let result = UnsafeMutablePointer<Float>.allocate(capacity: min(piece, n) * shape.heads * width)
    defer { result.deallocate() }
    for first in stride(from: 0, to: n, by: piece) {
      let rows = first..<min(first + piece, n)
      for head in 0..<shape.heads {
        weights.withUnsafeBufferPointer { weights in
          guard let weights = weights.baseAddress else { return }
          gemm(
            m: rows.count, n: width, k: shape.headWidth, a: mixed + first * shape.queryWidth + head * shape.headWidth,
            aStride: shape.queryWidth, b: weights + head * shape.headWidth, bStride: shape.queryWidth,
            transposeB: true, c: result + head * width, cStride: shape.heads * width)
        }
      }
      try observe(.result, result, layer, rows: rows, last: rows.upperBound == n)  // [rows, heads, d_model]
      for row in rows {
        let target = output + row * width
        target.update(repeating: 0, count: width)
        projection.bias?.withUnsafeBufferPointer {
          if let bias = $0.baseAddress { target.update(from: bias, count: width) }
        }
        for head in 0..<shape.heads {
          Kernels.axpy(1, result + ((row - first) * shape.heads + head) * width, into: target, count: width)
        }
      }
    }
  }

  private mutating func mlp(
    _ input: UnsafeMutablePointer<Float>, _ weights: BlockWeights, _ layer: Int,
    into output: UnsafeMutablePointer<Float>
  ) throws {
    let shape = configuration.mlp
    let neurons = scratch.branch  // [n, d_mlp]
    try observe(.mlpIn, input, layer)  // [n, d_model]
    if let gate = weights.gate {
      let linear = neurons + n * shape.width  // [n, d_mlp]
      gate(input, rows: n, into: neurons)
      try observe(.mlpPre, neurons, layer)  // [n, d_mlp]
      weights.mlpInput(input, rows: n, into: linear)
      try observe(.mlpPreLinear, linear, layer)  // [n, d_mlp]
      Kernels.applyGated(
        shape.activation.function, gate: neurons, up: linear, into: neurons, count: n * shape.width)
    } else {
      weights.mlpInput(input, rows: n, into: neurons)
      try observe(.mlpPre, neurons, layer)  // [n, d_mlp]
      Kernels.apply(shape.activation.function, neurons, into: neurons, count: n * shape.width)
    }
    try observe(.mlpPost, neurons, layer)  // [n, d_mlp]
    weights.mlpOutput(neurons, rows: n, into: output)
    try observe(.mlpOut, output, layer)  // [n, d_model]
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
    let weights = try store.head()
    let residual = scratch.residual
    if let dense = weights.dense {
      dense(residual, rows: rows.count, into: scratch.output)
      try observe(.headDense, scratch.output, rows: rows)  // [n, d_model]
      Kernels.apply(
        configuration.mlp.activation.function, scratch.output, into: residual, count: rows.count * width)
    }
    if let norm = weights.norm {
      try normalize(
        residual, norm, into: residual, sites: (.finalScale, .finalNormalized), layer: nil, rows: rows)
    }
    try observe(.unembedIn, residual, rows: rows)  // [n, d_model]
    let unembedding = try store.unembedding()
    let isGathered = rows.count < n
    return try self.logits(unembedding, of: rows, gathered: isGathered, wanted: logits)
  }

  /// The logits, in pieces of at most 64 MiB where they are not kept.
  private mutating func logits(
    _ unembedding: Linear, of rows: Range<Int>, gathered: Bool, wanted: Model.LogitRows
  ) throws -> [Float]? {
    let vocabulary = configuration.vocabularySize
    let piece = max(1, (16 << 20) / vocabulary)
    let buffer = UnsafeMutablePointer<Float>.allocate(capacity: min(piece, rows.count) * vocabulary)
    defer { buffer.deallocate() }
    var kept: [Float] = []
    var document = 0
    for first in stride(from: 0, to: rows.upperBound, by: piece) {
      let some = first..<min(first + piece, rows.upperBound)
      unembedding(scratch.residual + first * width, rows: some.count, into: buffer)
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

  // MARK: - Steps

  /// A norm, with its scale and its value before weight and bias open to hooks.
  private mutating func normalize(
    _ input: UnsafeMutablePointer<Float>, _ norm: NormWeights, into output: UnsafeMutablePointer<Float>,
    sites: (scale: Site.Kind, normalized: Site.Kind), layer: Int?, rows: Range<Int>? = nil
  ) throws {
    let rows = rows ?? 0..<n
    let isCentred = configuration.norm.kind == .layer
    let epsilon = Float(configuration.norm.epsilon)
    guard hooks.wants(sites.scale, layer) || hooks.wants(sites.normalized, layer) else {
      norm.withPointers { weight, bias in
        if isCentred {
          Kernels.layerNorm(
            input, rows: rows.count, columns: width, epsilon: epsilon, weight: weight, bias: bias, into: output)
        } else {
          Kernels.rmsNorm(
            input, rows: rows.count, columns: width, epsilon: epsilon, weight: weight, bias: bias, into: output)
        }
      }
      return
    }
    let scale = scratch.scales
    let mean = isCentred ? scale + n : nil
    Kernels.normScale(input, rows: rows.count, columns: width, epsilon: epsilon, mean: mean, scale: scale)
    try observe(sites.scale, scale, layer, rows: rows)  // [n, 1]
    Kernels.normalize(input, rows: rows.count, columns: width, mean: mean, scale: scale, into: output)
    try observe(sites.normalized, output, layer, rows: rows)  // [n, d_model]
    norm.withPointers { weight, bias in
      Kernels.affine(output, rows: rows.count, columns: width, weight: weight, bias: bias, into: output)
    }
  }

  private func add(_ addend: UnsafePointer<Float>, to sum: UnsafeMutablePointer<Float>) {
    Kernels.add(sum, addend, into: sum, count: n * width)
  }

  /// Lends a value to its site's hooks: one branch where nobody asked.
  private mutating func observe(
    _ kind: Site.Kind, _ values: UnsafeMutablePointer<Float>, _ layer: Int? = nil, rows: Range<Int>? = nil,
    axes: [Int]? = nil, document: Int? = nil, last: Bool = true
  ) throws {
    guard hooks.wants(kind, layer) else { return }
    let site = configuration.site(kind, layer: layer)
    var value = HookedValue(
      site: site, batch: batch, rows: rows ?? 0..<n,
      axes: axes ?? configuration.shape(of: site).lengths.compactMap { $0 }, document: document, start: values)
    try hooks.observe(&value, last: last)
  }
}
