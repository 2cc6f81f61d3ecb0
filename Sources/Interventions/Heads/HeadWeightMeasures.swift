import Architectures
import Diagnostics
import LinearAlgebra
import Transformer

/// What the weights of a model's heads do, without any text.
struct HeadWeightMeasures {
  struct Circuit {
    var copying: Double?
    var positiveEigenvalues: Double?
    var matching: Double?
  }

  /// Shape: [layers][heads].
  private(set) var circuits: [[Circuit]]
  private(set) var composition: HeadComposition?
  private(set) var notes: [String] = []

  /// Beyond these, compositions are computed where they are asked for alone.
  private static let mostHeads = 512
  private static let mostBytes = 2 << 30

  init(of model: Model, composes: Bool?) throws {
    let architecture = model.architecture
    circuits = architecture.blocks.map { Array(repeating: Circuit(), count: $0.attention.heads) }
    guard architecture.blocks.allSatisfy({ $0.normPlace != .onStream }) else {
      notes.append("copying and composition are left out: this model's norms stand on the residual stream itself")
      return
    }
    var reasons: [String] = []
    if architecture.blocks.contains(where: { $0.attention.rotary != nil }) {
      reasons.append("rotary positions turn queries and keys with their distance")
    }
    if architecture.blocks.contains(where: { $0.attention.queryKeyNorm != nil }) {
      reasons.append("queries and keys are normed")
    }
    if architecture.blocks.contains(where: { $0.attention.latent != nil }) {
      reasons.append("queries and keys pass a latent")
    }
    let hasQueryKey = reasons.isEmpty
    if !hasQueryKey {
      notes.append(
        "matching and composition by query and key are left out: \(reasons.joined(separator: "; ")), so that they are no "
          + "product of two matrices")
    }
    var products: (unembeddingByEmbedding: Matrix, embeddingByEmbedding: Matrix)?
    do {
      products = try model.vocabularyProducts()
    } catch let fault as Fault where ["transformer.noLogits", "transformer.noTokenCircuits"].contains(fault.name) {
      notes.append("copying is left out: \(fault.problem.prefix(1).lowercased() + fault.problem.dropFirst())")
    }
    let bytes = architecture.blocks.reduce(0) {
      let own = $1.attention
      return $0 + 4 * architecture.width * (own.queryWidth + own.keyWidth + own.valuesWidth + own.mixedWidth)
    }
    let heads = architecture.blocks.reduce(0) { $0 + $1.attention.heads }
    let isSmall = heads <= Self.mostHeads && bytes <= Self.mostBytes
    let composes = composes ?? isSmall
    if !composes {
      notes.append(
        isSmall
          ? "composition was not asked for"
          : "composition of \(heads) heads is computed where it is asked for (--composition)")
    }
    try model.reserve(bytes: 0, beside: composes ? bytes : bytes / architecture.layers)
    var all: [HeadCircuits] = []
    for layer in 0..<architecture.layers {
      let own = try model.headCircuits(layer: layer)
      if let products { measure(own, layer, products, hasQueryKey: hasQueryKey) }
      if composes { all.append(own) }
    }
    if composes {
      composition = HeadComposition(
        all, kinds: hasQueryKey ? HeadComposition.Kind.allCases : [.value], width: architecture.width)
    }
  }

  /// The eigenvalues of a full circuit E·V·O·U, [d_vocab, d_vocab], are 0 and those of O·U·E·V, [d_value, d_value].
  private mutating func measure(
    _ own: HeadCircuits, _ layer: Int, _ products: (unembeddingByEmbedding: Matrix, embeddingByEmbedding: Matrix),
    hasQueryKey: Bool
  ) {
    let written = own.outputs.multiplied(by: products.unembeddingByEmbedding)
    let matched = hasQueryKey ? own.keys?.multiplied(by: products.embeddingByEmbedding) : nil
    circuits[layer].withUnsafeMutableBufferPointer { circuits in
      nonisolated(unsafe) let circuits = circuits  // Each head writes its own place.
      Threads.forRanges(0..<own.heads, grain: 1) { some in
        for head in some {
          let served = own.keyValueHead(of: head)
          func part(_ matrix: Matrix, _ head: Int, _ width: Int) -> Matrix {
            matrix.selectingRows(head * width..<(head + 1) * width)
          }
          let loop = part(written, head, own.valueWidth)
            .multiplied(by: part(own.values, served, own.valueWidth), transposed: true)
          if let found = Self.positivity(loop) {
            circuits[head].copying = found.balance
            circuits[head].positiveEigenvalues = found.share
          }
          if let matched, let queries = own.queries {
            let loop = part(matched, served, own.headWidth)
              .multiplied(by: part(queries, head, own.headWidth), transposed: true)
            circuits[head].matching = Self.positivity(loop)?.balance
          }
        }
      }
    }
  }

  /// Σλ / Σ|λ|, and the share of λ whose real part is above 0.
  private static func positivity(_ matrix: Matrix) -> (balance: Double, share: Double)? {
    guard let values = eigenvalues(matrix.elements.map(Double.init), size: matrix.rows), !values.isEmpty else {
      return nil
    }
    let sizes = values.reduce(0.0) { $0 + ($1.real * $1.real + $1.imaginary * $1.imaginary).squareRoot() }
    guard sizes > 0 else { return nil }
    return (
      values.reduce(0) { $0 + $1.real } / sizes, Double(values.count { $0.real > 0 }) / Double(values.count)
    )
  }
}
