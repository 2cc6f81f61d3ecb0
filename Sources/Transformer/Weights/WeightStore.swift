import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import Synchronization

/// Gives the pass each layer's weights, read, checked and reordered when the layer is first used.
///
/// Prepared layers are kept while they fit the memory allowed; the others are prepared anew each time, so that a model
/// larger than memory runs. Of those, the next is prepared while the pass computes with the one before. Pages of the
/// mapped files are given back once their weights are prepared.
final class WeightStore: Sendable {
  let table: WeightTable
  let type: ComputeType
  /// How many bytes of prepared weights are kept.
  let budget: Int
  private let kept: Mutex<Kept>
  /// One a layer: two runs on one model prepare a block once.
  private let preparing: [NSLock]

  private struct Kept {
    var blocks: [BlockWeights?]
    var head: HeadWeights?
    var unembedding: Linear?
    var embeddings: Set<WeightRole> = []
    var byteCount = 0
  }

  init(table: WeightTable, type: ComputeType, budget: Int) {
    self.table = table
    self.type = type
    self.budget = budget
    kept = Mutex(Kept(blocks: Array(repeating: nil, count: table.architecture.layers)))
    preparing = (0..<table.architecture.layers).map { _ in NSLock() }
  }

  /// The weights of a block. The next block's bytes are read ahead meanwhile, where the system can.
  func block(_ layer: Int) throws -> BlockWeights {
    if let block = kept.withLock({ $0.blocks[layer] }) { return block }
    return try preparing[layer].withLock {
      if let block = kept.withLock({ $0.blocks[layer] }) { return block }
      if layer + 1 < table.architecture.layers { table.advise(.soon, layer: layer + 1) }
      let block = try BlockWeights(table, layer: layer, type: type)
      table.advise(.done, layer: layer)
      let size = block.byteCount
      kept.withLock { kept in
        guard kept.byteCount + size <= budget else { return }
        kept.blocks[layer] = block
        kept.byteCount += size
      }
      return block
    }
  }

  func head() throws -> HeadWeights {
    if let head = kept.withLock({ $0.head }) { return head }
    let head = try HeadWeights(table, type: type)
    kept.withLock { $0.head = head }
    return head
  }

  /// [d_vocab, d_model]
  func unembedding() throws -> Linear {
    if let unembedding = kept.withLock({ $0.unembedding }) { return unembedding }
    let unembedding = try Linear(table, .unembedding, type: type)
    kept.withLock { kept in
      guard kept.unembedding == nil, kept.byteCount + unembedding.byteCount <= budget else { return }
      kept.unembedding = unembedding
      kept.byteCount += unembedding.byteCount
    }
    return unembedding
  }

  /// Where an embedding's rows lie; the whole of it is checked for NaN when it is first asked for.
  func embedding(_ role: WeightRole) throws -> StoredWeight {
    let entry = table.weight(role)
    if kept.withLock({ $0.embeddings.contains(role) }) { return entry }
    try entry.tensor.refuseNonfinite()
    _ = kept.withLock { $0.embeddings.insert(role) }
    return entry
  }
}

extension TensorView {
  /// Reads all elements once, piece by piece, for the check alone.
  fileprivate func refuseNonfinite() throws {
    let piece = 1 << 16
    let pieces = (count + piece - 1) / piece
    let bad = Mutex(false)
    Threads.forRanges(0..<pieces, grain: 4) { some in
      let buffer = UnsafeMutablePointer<Float>.allocate(capacity: piece)
      defer { buffer.deallocate() }
      for number in some {
        let elements = number * piece..<min((number + 1) * piece, count)
        read(elements, into: buffer)
        if Kernels.countNonfinite(buffer, count: elements.count) > 0 { bad.withLock { $0 = true } }
      }
    }
    if bad.withLock({ $0 }) { try refuseNonfinite(floats()) }
  }

  private func refuseNonfinite(_ values: [Float]) throws {
    try values.withUnsafeBufferPointer { try refuseNonfinite($0) }
  }
}
