import Architectures
import LinearAlgebra

extension ForwardPass {
  /// Attention of one layer: projections, norms and positions of queries and keys, mixing, output.
  mutating func attention(
    _ input: UnsafeMutablePointer<Float>, _ shape: Attention, _ weights: AttentionWeights, _ layer: Int,
    into output: UnsafeMutablePointer<Float>
  ) throws {
    let query = scratch.branch  // [n, heads, d_head]
    let key = query + n * shape.queryWidth  // [n, key-value heads, d_head]
    let value = key + n * shape.keyWidth  // [n, key-value heads, d_value]
    let mixed = value + n * shape.valuesWidth  // [n, heads, d_value]
    if let latent = shape.latent {
      let free = mixed + n * shape.mixedWidth
      try latents(input, shape, latent, weights, layer, (query, key, value), free: free)
    } else {
      try weights.query(input, rows: n, into: query)
      try observe(.query, query, layer)
      try normalize(query, weights.queryNorm, shape.heads, shape, .init(.queryNormScale, .queryNormNormalized), layer)
      try weights.key?(input, rows: n, into: key)
      try observe(.key, key, layer)
      try normalize(key, weights.keyNorm, shape.keyValueHeads, shape, .init(.keyNormScale, .keyNormNormalized), layer)
      try weights.value?(input, rows: n, into: value)
      try observe(.value, value, layer)
    }
    if let clip = shape.clip.map(Float.init) {
      // Queries, keys and values lie side by side.
      clamp(query, count: n * (shape.queryWidth + shape.keyWidth + shape.valuesWidth), to: clip)
    }
    if let rotary = shape.rotary, let table = rotaries.first(where: { $0.rotary == rotary })?.table {
      table.rotate(query, heads: shape.heads)
      try observe(.rotatedQuery, query, layer)  // [n, heads, d_head]
      table.rotate(key, heads: shape.keyValueHeads)
      try observe(.rotatedKey, key, layer)  // [n, key-value heads, d_head]
    }
    let attention = DocumentAttention(shape, sinks: weights.sinks, query: query, mixed: mixed)
    let keys = BatchKeys(batch, start, shape, layer: layer, key: key, value: value)
    if hooks.wants(.scores, layer) || hooks.wants(.pattern, layer) {
      for document in 0..<batch.documentCount {
        try hookedAttention(attention, keys.documents[document], document, layer)
      }
    } else {
      attention.mix(batch, keys.documents)
    }
    withExtendedLifetime(keys) {}
    try observe(.mixed, mixed, layer)  // [n, heads, d_value]
    if hooks.wants(.result, layer) {
      try hookedResult(mixed, shape, weights.output, layer, into: output)
    } else {
      try weights.output(mixed, rows: n, into: output)
    }
  }

  /// The norm of queries or keys, in place.
  private mutating func normalize(
    _ values: UnsafeMutablePointer<Float>, _ weights: NormWeights?, _ heads: Int, _ shape: Attention,
    _ sites: NormSites, _ layer: Int
  ) throws {
    guard let norm = shape.queryKeyNorm else { return }
    let whole = heads * shape.headWidth
    switch norm.rows {
    case .width: try normalize(values, weights, into: values, sites, layer, columns: whole)
    case .head: try normalize(values, weights, into: values, sites, layer, columns: shape.headWidth, each: heads)
    case .headWithOwnWeights:
      try normalize(
        values, weights, into: values, sites, layer, columns: shape.headWidth, each: heads, weightWidth: whole)
    }
  }

  private func clamp(_ values: UnsafeMutablePointer<Float>, count: Int, to limit: Float) {
    Threads.forRanges(0..<count, grain: 1 << 14) { some in
      for index in some { values[index] = min(max(values[index], -limit), limit) }
    }
  }

  /// Queries, keys and values by way of their latents.
  private mutating func latents(
    _ input: UnsafeMutablePointer<Float>, _ shape: Attention, _ latent: Attention.Latent, _ weights: AttentionWeights,
    _ layer: Int,
    _ result: (
      query: UnsafeMutablePointer<Float>, key: UnsafeMutablePointer<Float>, value: UnsafeMutablePointer<Float>
    ),
    free: UnsafeMutablePointer<Float>
  ) throws {
    guard let down = weights.keyValueDown, let up = weights.keyValueUp else { return }
    if let rank = latent.queryRank, let queryDown = weights.queryDown {
      try queryDown(input, rows: n, into: free)  // [n, q_rank]
      try normalize(free, weights.queryDownNorm, into: free, nil, layer, columns: rank)
      try observe(.queryLatent, free, layer)
      try weights.query(free, rows: n, into: result.query)
    } else {
      try weights.query(input, rows: n, into: result.query)
    }
    let (rank, rotated) = (latent.keyValueRank, latent.rotaryWidth)
    let whole = free  // [n, kv_rank + d_rope]
    let narrow = whole + n * (rank + rotated)  // [n, kv_rank]
    let wide = narrow + n * rank  // [n, heads, d_nope + d_value]
    try down(input, rows: n, into: whole)
    for token in 0..<n { (narrow + token * rank).update(from: whole + token * (rank + rotated), count: rank) }
    try normalize(narrow, weights.keyValueDownNorm, into: narrow, nil, layer, columns: rank)
    try observe(.keyValueLatent, narrow, layer)
    try up(narrow, rows: n, into: wide)
    let plain = shape.headWidth - rotated
    for token in 0..<n {
      for head in 0..<shape.heads {
        let source = wide + (token * shape.heads + head) * (plain + shape.valueWidth)
        let key = result.key + (token * shape.heads + head) * shape.headWidth
        key.update(from: source, count: plain)
        // One rotated part for all heads.
        (key + plain).update(from: whole + token * (rank + rotated) + rank, count: rotated)
        (result.value + (token * shape.heads + head) * shape.valueWidth).update(
          from: source + plain, count: shape.valueWidth)
      }
    }
    try observe(.query, result.query, layer)  // [n, heads, d_head]
    try observe(.key, result.key, layer)  // [n, heads, d_head]
    try observe(.value, result.value, layer)  // [n, heads, d_value]
  }

  /// One document's attention with its scores and pattern laid open.
  private mutating func hookedAttention(
    _ attention: DocumentAttention, _ keys: DocumentKeys, _ document: Int, _ layer: Int
  ) throws {
    let rows = batch.rows(of: document)
    let (count, heads) = (keys.count, attention.shape.heads)
    let isLast = document == batch.documentCount - 1
    let table = UnsafeMutablePointer<Float>.allocate(capacity: rows.count * heads * count)  // [T, heads, keys]
    defer { table.deallocate() }
    attention.scores(rows, keys, into: table)
    try observe(.scores, table, layer, rows: rows, axes: [heads, count], document: document, last: isLast)
    attention.pattern(rows, keys, table)
    try observe(.pattern, table, layer, rows: rows, axes: [heads, count], document: document, last: isLast)
    attention.mix(rows, keys, pattern: table)
  }

  /// The attention's output head by head: Σ over heads of result, plus the bias.
  private mutating func hookedResult(
    _ mixed: UnsafePointer<Float>, _ shape: Attention, _ projection: Linear, _ layer: Int,
    into output: UnsafeMutablePointer<Float>
  ) throws {
    let weights = try store.table.weight(.attentionOutput, layer: layer).floats()  // [d_model, heads · d_value]
    let piece = max(1, (16 << 20) / (shape.heads * width))
    let result = UnsafeMutablePointer<Float>.allocate(capacity: min(piece, n) * shape.heads * width)
    defer { result.deallocate() }
    for first in stride(from: 0, to: n, by: piece) {
      let rows = first..<min(first + piece, n)
      for head in 0..<shape.heads {
        weights.withUnsafeBufferPointer { weights in
          guard let weights = weights.baseAddress else { return }
          gemm(
            m: rows.count, n: width, k: shape.valueWidth,
            a: mixed + first * shape.mixedWidth + head * shape.valueWidth, aStride: shape.mixedWidth,
            b: weights + head * shape.valueWidth, bStride: shape.mixedWidth, transposeB: true,
            c: result + head * width, cStride: shape.heads * width)
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
}
