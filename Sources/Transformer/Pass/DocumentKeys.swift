import Architectures
import LinearAlgebra

/// The keys and values that a document's tokens can see, those before its own first, end to end.
struct DocumentKeys {
  /// Shape: [count, key-value heads, d_head].
  let key: UnsafePointer<Float>
  /// Shape: [count, key-value heads, d_value].
  let value: UnsafePointer<Float>
  /// How many there are.
  let count: Int
  /// How many of them lie before the document's own.
  let past: Int
}

/// The keys and values of all documents of a batch in one layer, put together with what lies before them.
final class BatchKeys {
  let documents: [DocumentKeys]
  private let memory: UnsafeMutablePointer<Float>

  /// - Parameters:
  ///   - key: The batch's own. Shape: [n, key-value heads, d_head].
  ///   - value: Shape: [n, key-value heads, d_value].
  init(
    _ batch: TokenBatch, _ start: RunStart, _ shape: Attention, layer: Int, key: UnsafePointer<Float>,
    value: UnsafePointer<Float>
  ) {
    let (keyWidth, valueWidth) = (shape.keyWidth, shape.valuesWidth)
    let copied = batch.lengths.indices.reduce(0) { sum, document in
      if case .prefix(_, let count) = start.past(document) { sum + count + batch.lengths[document] } else { sum }
    }
    memory = .allocate(capacity: copied * (keyWidth + valueWidth))
    var free = memory
    documents = batch.lengths.indices.map { document in
      let (first, length) = (batch.starts[document], batch.lengths[document])
      let past = start.past(document)
      let (own, ownValue) = (key + first * keyWidth, value + first * valueWidth)
      let count = past.count + length
      switch past {
      case .none: return DocumentKeys(key: own, value: ownValue, count: count, past: 0)
      case .extending(let cache):
        let (keys, values) = (cache.keys(layer), cache.values(layer))
        (keys + past.count * keyWidth).update(from: own, count: length * keyWidth)
        (values + past.count * valueWidth).update(from: ownValue, count: length * valueWidth)
        return DocumentKeys(key: keys, value: values, count: count, past: past.count)
      case .prefix(let cache, let seen):
        let (keys, values) = (free, free + count * keyWidth)
        free += count * (keyWidth + valueWidth)
        keys.update(from: cache.keys(layer), count: seen * keyWidth)
        (keys + seen * keyWidth).update(from: own, count: length * keyWidth)
        values.update(from: cache.values(layer), count: seen * valueWidth)
        (values + seen * valueWidth).update(from: ownValue, count: length * valueWidth)
        return DocumentKeys(key: keys, value: values, count: count, past: seen)
      }
    }
  }

  deinit { memory.deallocate() }
}
