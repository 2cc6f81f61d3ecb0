import Architectures
import Diagnostics
import Foundation
import LinearAlgebra

/// What the heads of a layer multiply the residual stream with: the matrices of Elhage et al. 2021, "A Mathematical
/// Framework for Transformer Circuits", with the weights (and the centring) of the norms beside them folded in. Biases and
/// the norms' scales, which differ from token to token, are left out.
public struct HeadCircuits: Sendable {
  public let heads: Int
  public let keyValueHeads: Int
  /// The width of a head's query and key.
  public let headWidth: Int
  /// The width of a head's value.
  public let valueWidth: Int
  /// W_Q of each head. Shape: [heads · d_head, d_model]; nil in latent attention.
  public let queries: Matrix?
  /// W_K of each key-value head. Shape: [key-value heads · d_head, d_model]; nil in latent attention.
  public let keys: Matrix?
  /// W_V of each key-value head. Shape: [key-value heads · d_value, d_model].
  public let values: Matrix
  /// W_O of each head: what a unit of its mixed values writes. Shape: [heads · d_value, d_model].
  public let outputs: Matrix

  /// The key-value head that serves a head.
  public func keyValueHead(of head: Int) -> Int { head / (heads / keyValueHeads) }
}

extension Model {
  /// The circuits of a layer's heads; reads and decodes the attention's weights.
  ///
  /// - Throws: `transformer.noHeadCircuits` where norms stand on the residual stream itself (BERT).
  public func headCircuits(layer: Int) throws -> HeadCircuits {
    let block = architecture.blocks[layer]
    guard block.normPlace != .onStream else {
      throw Fault(
        .usage, "transformer.noHeadCircuits", "The norms stand on the residual stream itself", file: folder.path,
        expected: "a model that normalizes beside the residual stream", found: architecture.modelType)
    }
    let before =
      block.normPlace == .before ? try NormWeights(store.table, block.norm1, .norm1, layer: layer) : nil
    let behind =
      block.normPlace == .afterBranch
      ? try NormWeights(store.table, block.norm1, .norm1, layer: layer)
      : try NormWeights(store.table, block.postNorm, .norm1Post, layer: layer)
    let shape = block.attention
    func read(_ role: WeightRole) throws -> Matrix {
      try matrix(role, layer: layer).readingBehind(before)
    }
    return HeadCircuits(
      heads: shape.heads, keyValueHeads: shape.keyValueHeads, headWidth: shape.headWidth, valueWidth: shape.valueWidth,
      queries: shape.latent == nil ? try read(.query) : nil, keys: shape.latent == nil ? try read(.key) : nil,
      values: try shape.latent.map { try latentValues(layer, shape, $0).readingBehind(before) } ?? read(.value),
      outputs: try matrix(.attentionOutput, layer: layer).transposed().writing(before: behind))
  }

  /// W_V by way of the latent: up · norm's weight · down.
  private func latentValues(_ layer: Int, _ shape: Attention, _ latent: Attention.Latent) throws -> Matrix {
    let down = try matrix(.keyValueDown, layer: layer)
    let up = try matrix(.keyValueUp, layer: layer)
    let plain = shape.headWidth - latent.rotaryWidth
    let each = plain + shape.valueWidth
    let values = up.selectingRows((0..<shape.heads).flatMap { $0 * each + plain..<($0 + 1) * each })
    let norm = try NormWeights(store.table, latent.norm, .keyValueDownNorm, layer: layer)
    return values.readingBehind(norm).multiplied(by: down.selectingRows(0..<latent.keyValueRank))
  }

  /// Two sums over the vocabulary that full circuits are made of: Uᵀ·E and Eᵀ·E, with E the token embeddings and U the
  /// unembedding, the final norm's weight and centring folded in. Shapes: [d_model, d_model].
  ///
  /// O(d_vocab · d_model²); the vocabulary is read in pieces.
  /// - Throws: `transformer.noLogits`; `transformer.noTokenCircuits` where tokens do not enter and leave the stream through
  ///   one matrix each (a projection, a norm of the embeddings, BERT's head).
  public func vocabularyProducts() throws -> (unembeddingByEmbedding: Matrix, embeddingByEmbedding: Matrix) {
    guard architecture.hasLogits else { throw noLogits }
    let embedding = architecture.embedding
    guard architecture.head.kind == .nextToken, embedding.tokenWidth == nil, embedding.norm == nil else {
      throw Fault(
        .usage, "transformer.noTokenCircuits", "Tokens do not enter and leave the residual stream by one matrix each",
        file: folder.path, expected: "embeddings without a norm, and a head of norm and unembedding",
        found: architecture.modelType)
    }
    let norm = try store.head().norm
    let (width, vocabulary) = (architecture.width, architecture.vocabularySize)
    var (out, own) = (Matrix(zeros: width, columns: width), Matrix(zeros: width, columns: width))
    let piece = max(1, (8 << 20) / width)
    for first in stride(from: 0, to: vocabulary, by: piece) {
      let tokens = (first..<min(first + piece, vocabulary)).map { Int32($0) }
      let embeddings = try self.embeddings(of: tokens)
      try unembeddings(of: tokens).readingBehind(norm).addProduct(with: embeddings, to: &out)
      embeddings.addProduct(with: embeddings, to: &own)
    }
    return (out, own)
  }
}

extension Matrix {
  /// This matrix [outputs, d_model] as it reads what stands before a norm: its columns times the norm's weight, and each
  /// row centred where the norm centres.
  fileprivate func readingBehind(_ norm: NormWeights?) -> Matrix {
    guard let norm else { return self }
    return changingRows { row in
      if let weight = norm.weight { for column in row.indices { row[column] *= weight[column] } }
      if norm.norm.isCentred { row.centre() }
    }
  }

  /// This matrix [inputs, d_model], whose rows are written, as what stands behind a norm sees them.
  fileprivate func writing(before norm: NormWeights?) -> Matrix {
    guard let norm else { return self }
    return changingRows { row in
      if norm.norm.isCentred { row.centre() }
      if let weight = norm.weight { for column in row.indices { row[column] *= weight[column] } }
    }
  }

  private func changingRows(_ change: (UnsafeMutableBufferPointer<Float>) -> Void) -> Matrix {
    var result = self
    let (rows, columns) = (rows, columns)
    result.withUnsafeMutableElements { elements in
      for row in 0..<rows {
        change(UnsafeMutableBufferPointer(rebasing: elements[row * columns..<(row + 1) * columns]))
      }
    }
    return result
  }

  /// sum += selfᵀ · other.
  fileprivate func addProduct(with other: Matrix, to sum: inout Matrix) {
    let (rows, width, otherWidth) = (rows, columns, other.columns)
    sum.withUnsafeMutableElements { sum in
      elements.withUnsafeBufferPointer { a in
        other.elements.withUnsafeBufferPointer { b in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = sum.baseAddress else { return }
          gemm(
            m: width, n: otherWidth, k: rows, a: a, aStride: width, transposeA: true, b: b, bStride: otherWidth,
            beta: 1,
            c: c, cStride: otherWidth)
        }
      }
    }
  }
}

extension UnsafeMutableBufferPointer<Float> {
  fileprivate func centre() {
    let mean = Float(reduce(0.0) { $0 + Double($1) } / Double(Swift.max(count, 1)))
    for index in indices { self[index] -= mean }
  }
}
