import Architectures
import Checkpoints
import LinearAlgebra

/// What one run sees of the weights: reads ahead those that it comes to next, prepares them, and gives their pages back
/// when they were used.
///
/// It belongs to the thread of its run. Weights that are not kept are read while the layer before them is computed.
final class WeightStream: @unchecked Sendable {  // Used by one run's thread; only `reading` is called by others.
  let store: WeightStore
  /// The last layer that the run comes to; −1: none.
  private let lastLayer: Int
  /// Whether the run goes on behind the last block to the logits.
  private let wantsLogits: Bool
  private let tokens: Int
  /// What the reader was asked for and has not got back, by weight.
  private var wanted: [WeightKey: [WeightExtent]] = [:]
  private var wantedLayers: Set<Int> = []

  init(store: WeightStore, tokens: Int, firstLayer: Int = 0, lastLayer: Int, wantsLogits: Bool) {
    self.store = store
    self.tokens = tokens
    self.lastLayer = lastLayer
    self.wantsLogits = wantsLogits
    wantNext(from: firstLayer)
  }

  deinit {
    release { _ in true }
    store.runEnded()
  }

  /// Begins a layer whose weights must be read: what earlier layers left over is given back, and the next layer follows
  /// behind this one.
  func enter(_ layer: Int) {
    release { ($0.layer ?? Int.max) < layer }
    want(layer)
    wantNext(from: layer + 1)
  }

  private func wantNext(from first: Int) {
    if let next = store.firstUnkept(from: first, to: lastLayer) {
      want(next)
    } else if wantsLogits && !store.keepsUnembedding {
      want(WeightKey(.unembedding))
    }
  }

  private func want(_ layer: Int) {
    guard wantedLayers.insert(layer).inserted else { return }
    // With few tokens most experts are not needed: those that are are read when they are.
    let experts = store.table.architecture.blocks[layer].experts
    let all = experts.map { tokens * $0.active >= 2 * $0.count } ?? true
    for key in store.table.matrices(layer) where all || key.expert == nil { want(key) }
  }

  private func want(_ key: WeightKey) {
    guard wanted[key] == nil, let entry = store.table.find(key.role, layer: key.layer, expert: key.expert) else {
      return
    }
    let extents = entry.extents()
    wanted[key] = extents
    store.reader.want(extents)
  }

  private func release(_ isDone: (WeightKey) -> Bool) {
    for (key, extents) in wanted where isDone(key) {
      store.reader.release(extents)
      wanted[key] = nil
    }
  }

  /// Prepares a weight to be kept as long as whoever holds it.
  func prepare(_ key: WeightKey, _ entry: StoredWeight, type: ComputeType) throws -> PreparedWeights {
    store.countPreparation()
    return try using(key) {
      try PreparedWeights(outputs: entry.outputs, inputs: entry.inputs ?? 1, type: type, memory: store.panels) {
        rows, target in
        try read(entry, rows, into: target)
      }
    }
  }

  /// Multiplies with a weight that is prepared for this product alone.
  func multiply(
    _ key: WeightKey, _ entry: StoredWeight, type: ComputeType, _ input: UnsafePointer<Float>, rows: Int,
    bias: UnsafePointer<Float>?, into output: UnsafeMutablePointer<Float>
  ) throws {
    guard rows > 0 else { return }
    store.countPreparation()
    try using(key) {
      try PreparedWeights.multiply(
        outputs: entry.outputs, inputs: entry.inputs ?? 1, type: type, memory: store.panels, input, rows: rows,
        bias: bias, into: output
      ) { rows, target in
        try read(entry, rows, into: target)
      }
    }
  }

  private func using<Result>(_ key: WeightKey, _ body: () throws -> Result) rethrows -> Result {
    want(key)
    defer { release { $0 == key } }
    return try body()
  }

  /// Called from several threads.
  private func read(_ entry: StoredWeight, _ rows: Range<Int>, into target: UnsafeMutablePointer<Float>) throws {
    for (whole, part) in zip(entry.extents(), entry.extents(of: rows)) { store.reader.wait(for: whole, part.bytes) }
    try entry.read(rows, into: target)
  }
}

/// Makes linear layers: prepared now, or anew in each product.
struct WeightMaker {
  let stream: WeightStream
  let isKept: Bool

  var table: WeightTable { stream.store.table }
  var type: ComputeType { stream.store.type }
}
