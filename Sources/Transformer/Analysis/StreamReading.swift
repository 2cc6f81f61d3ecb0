import Architectures
import Diagnostics
import Foundation
import LinearAlgebra

extension Architecture {
  /// The site of the residual stream that a layer hands to the next one, or the last to the head.
  public func streamSite(behind layer: Int) -> Site {
    Site(blocks[layer].normPlace == .onStream ? .normalizedResidPost : .residPost, layer: layer)
  }
}

extension Model {
  /// The logits that the model's own head makes of residual streams, as if each stood behind the last layer: the final norm
  /// with the stream's own scale, the unembedding, bias, scale and cap.
  ///
  /// Memory: `architecture.workingBytesPerToken` for each row, and the logits in pieces of at most 64 MiB.
  /// - Parameters:
  ///   - stream: Shape: [rows, d_model].
  ///   - body: Called for one piece of rows after another, in order, with their logits. Shape: [rows of the piece, d_vocab].
  /// - Throws: What the body throws; `transformer.noLogits`, `transformer.nonfiniteWeights`,
  ///   `transformer.notEnoughMemory`.
  public func readLogits(
    of stream: [Float], _ body: @escaping (_ rows: Range<Int>, _ logits: UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    try runHead(
      on: stream,
      hooks: [
        Hook(Site(.unembedOut)) { value in
          let rows = value.rows
          try value.withUnsafeBuffer { try body(rows, $0) }
        }
      ])
  }

  private func runHead(on stream: [Float], hooks: [Hook]) throws {
    let width = architecture.width
    precondition(stream.count % width == 0, "\(stream.count) values of streams of width \(width)")
    let rows = stream.count / width
    // The tokens are not looked at: no layer is run.
    let batch = TokenBatch(ids: Array(repeating: 0, count: rows), lengths: Array(repeating: 1, count: rows))
    try run(batch, from: RunStart(residual: .init(layer: architecture.layers, values: stream)), hooks: hooks)
  }

  /// Fails where `streamGradient` cannot go back through the head.
  ///
  /// - Throws: `transformer.noLogits`; `transformer.noHeadGradient` for heads with a layer of their own between stream and
  ///   unembedding (BERT, OPT 350M).
  public func requireHeadGradient() throws {
    guard architecture.hasLogits else { throw noLogits }
    guard architecture.head.kind == .nextToken, architecture.embedding.tokenWidth == nil else {
      throw Fault(
        .usage, "transformer.noHeadGradient", "The head has a layer of its own before the unembedding",
        file: folder.path,
        expected: "a model whose head is a norm and an unembedding", found: architecture.modelType)
    }
  }

  /// What a loss of the logits gives to the residual streams that they were read off: d loss / d stream, back through cap,
  /// scale, unembedding and final norm.
  ///
  /// Costs twice the products of `readLogits`, and as much memory again for the logits' gradient.
  /// - Parameters:
  ///   - stream: Shape: [rows, d_model].
  ///   - unembedding: `unembedding()`, which the caller keeps.
  ///   - loss: Called for one piece of rows after another with their logits; writes d loss / d logits. Shapes: [rows of the
  ///     piece, d_vocab].
  /// - Returns: Shape: [rows, d_model].
  /// - Throws: What the body throws, and those of `readLogits` and `requireHeadGradient`.
  public func streamGradient(
    of stream: [Float], unembedding: Matrix,
    _ loss:
      @escaping (
        _ rows: Range<Int>, _ logits: UnsafeBufferPointer<Float>, _ gradient: UnsafeMutableBufferPointer<Float>
      ) throws -> Void
  ) throws -> [Float] {
    try requireHeadGradient()
    let (width, vocabulary) = (architecture.width, architecture.vocabularySize)
    var gradient = [Float](repeating: 0, count: stream.count)
    var (scales, normalized) = ([Float](), [Float]())
    var piece = [Float]()
    var hooks = [
      Hook(Site(.unembedOut)) { [architecture] value in
        let rows = value.rows
        if piece.count < rows.count * vocabulary { piece = Array(repeating: 0, count: rows.count * vocabulary) }
        try value.withUnsafeBuffer { logits in
          try piece.withUnsafeMutableBufferPointer { all in
            let own = UnsafeMutableBufferPointer(rebasing: all[..<logits.count])
            try loss(rows, logits, own)
            architecture.head.unsquash(own, logits: logits)
            gradient.withUnsafeMutableBufferPointer { gradient in
              unembedding.elements.withUnsafeBufferPointer { weights in
                guard let a = own.baseAddress, let b = weights.baseAddress, let c = gradient.baseAddress else { return }
                gemm(
                  m: rows.count, n: width, k: vocabulary, a: a, aStride: vocabulary, b: b, bStride: width,
                  c: c + rows.lowerBound * width, cStride: width)
              }
            }
          }
        }
      }
    ]
    let norm = try store.head().norm
    if norm != nil {
      hooks.append(Hook(Site(.finalScale)) { scales = $0.copy() })
      hooks.append(Hook(Site(.finalNormalized)) { normalized = $0.copy() })
    }
    try runHead(on: stream, hooks: hooks)
    norm?.goBack(&gradient, normalized: normalized, scales: scales, width: width)
    return gradient
  }
}

extension Architecture.Head {
  /// Turns the gradient by the logits into that by the unembedding's result, in place.
  fileprivate func unsquash(_ gradient: UnsafeMutableBufferPointer<Float>, logits: UnsafeBufferPointer<Float>) {
    guard logitCap != nil || logitScale != nil else { return }
    let (scale, cap) = (Float(logitScale ?? 1), logitCap.map(Float.init))
    Threads.forRanges(gradient.indices, grain: 1 << 14) { some in
      for index in some {
        // tanh' = 1 − tanh².
        let share = cap.map { logits[index] / $0 } ?? 0
        gradient[index] *= scale * (1 - share * share)
      }
    }
  }
}

extension NormWeights {
  /// Turns the gradient by the norm's result into that by its input, in place: with n the normalized row and s its scale,
  /// (g − mean g − n · mean(g · n)) / s, the first mean where the norm centres.
  fileprivate func goBack(_ gradient: inout [Float], normalized: [Float], scales: [Float], width: Int) {
    let isCentred = norm.isCentred
    gradient.withUnsafeMutableBufferPointer { gradient in
      for (row, scale) in scales.enumerated() {
        let own = UnsafeMutableBufferPointer(rebasing: gradient[row * width..<(row + 1) * width])
        let values = normalized[row * width..<(row + 1) * width]
        if let weight { for column in own.indices { own[column] *= weight[column] } }
        let mean = isCentred ? own.reduce(0.0) { $0 + Double($1) } / Double(width) : 0
        let along = zip(own, values).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / Double(width)
        for (column, value) in values.enumerated() {
          own[column] = Float((Double(own[column]) - mean - Double(value) * along) / Double(scale))
        }
      }
    }
  }
}
