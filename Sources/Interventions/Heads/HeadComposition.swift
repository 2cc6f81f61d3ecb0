import LinearAlgebra
import Transformer

/// How much of what a head writes each later head reads, by the weights alone (Elhage et al. 2021): the norm of the product
/// of their circuits over the product of their norms.
public struct HeadComposition: Sendable, Codable, Equatable {
  /// What the later head does with it.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case query, key, value
  }

  public struct Pair: Sendable, Codable, Equatable {
    public var kind: Kind
    /// Such as `L0H3`.
    public var from: String
    public var to: String
    public var score: Double
    /// The score less the baseline.
    public var excess: Double
  }

  /// What circuits that are turned at random against each other have (the root of the mean square, exactly): 1 / √d_model.
  public var baseline: Double
  /// All pairs of a head and one of a later layer, the strongest of each kind first.
  public var pairs: [Pair]
  /// The mean score of each kind.
  public var means: [String: Double]
}

extension HeadComposition {
  /// - Parameters:
  ///   - layers: The circuits of each layer.
  ///   - kinds: What has a meaning in this model.
  init(_ layers: [HeadCircuits], kinds: [Kind], width: Int) {
    baseline = 1 / Double(width).squareRoot()
    let made = layers.map(LayerGrams.init)
    var pairs: [Pair] = []
    for later in layers.indices {
      for earlier in 0..<later {
        for kind in kinds {
          guard let reads = made[later].reads(kind, layers[later]) else { continue }
          pairs += Self.scores(layers[earlier], made[earlier], layers[later], reads, (earlier, later), kind)
        }
      }
    }
    for index in pairs.indices { pairs[index].excess = pairs[index].score - baseline }
    means = Dictionary(
      uniqueKeysWithValues: kinds.map { kind in
        let own = pairs.filter { $0.kind == kind }.map(\.score)
        return (kind.rawValue, own.isEmpty ? 0 : own.reduce(0, +) / Double(own.count))
      })
    self.pairs = pairs.enumerated().sorted {
      ($0.element.kind.order, -$0.element.score, $0.offset) < ($1.element.kind.order, -$1.element.score, $1.offset)
    }.map(\.element)
  }

  private static func scores(
    _ earlier: HeadCircuits, _ earlierGrams: LayerGrams, _ later: HeadCircuits, _ reads: LayerGrams.Reads,
    _ layers: (earlier: Int, later: Int), _ kind: Kind
  ) -> [Pair] {
    // What each direction that an earlier head writes is read as: [heads · d_value, read heads · width].
    let crossed = earlier.outputs.multiplied(by: reads.matrix, transposed: true)
    let count = earlier.heads * later.heads
    var scores = [Double](repeating: 0, count: count)
    scores.withUnsafeMutableBufferPointer { scores in
      nonisolated(unsafe) let scores = scores  // Each pair writes its own place.
      Threads.forRanges(0..<count, grain: 1) { some in
        for place in some {
          let (from, to) = (place / later.heads, place % later.heads)
          let (rows, columns) = (earlier.valueWidth, reads.width)
          let readHead = reads.isOfKeys ? later.keyValueHead(of: to) : to
          let middle = crossed.selectingRows(from * rows..<(from + 1) * rows)
            .selectingColumns(readHead * columns..<(readHead + 1) * columns)
          // ‖V₁·K·X₂‖² = tr(V₁ᵀV₁ · K · X₂X₂ᵀ · Kᵀ), with the small matrices alone.
          let left = earlierGrams.values[earlier.keyValueHead(of: from)].multiplied(by: middle)
          let right = middle.multiplied(by: reads.grams[to])
          let squared = dot(left, right)
          let norms = earlierGrams.outputNorm(of: from, earlier) * reads.norms[to]
          scores[place] = norms > 0 ? max(0, squared).squareRoot() / norms : 0
        }
      }
    }
    return scores.enumerated().map { place, score in
      Pair(
        kind: kind, from: "L\(layers.earlier)H\(place / later.heads)", to: "L\(layers.later)H\(place % later.heads)",
        score: score, excess: 0)
    }
  }
}

extension HeadComposition.Kind {
  fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Products of a layer's circuits with themselves, which norms of larger products are made of.
private struct LayerGrams {
  /// V·Vᵀ of each key-value head. Shape: [key-value heads][d_value, d_value].
  let values: [Matrix]
  /// Those of W_O, W_Q of each head and of W_K of each key-value head.
  private let outputs: [Matrix]
  private let queries: [Matrix]
  private let keys: [Matrix]

  /// How the heads of a layer read the stream one way.
  struct Reads {
    /// Shape: [read heads · width, d_model].
    let matrix: Matrix
    /// Whether the heads that read are the key-value heads.
    let isOfKeys: Bool
    let width: Int
    /// Of each head the gram of the circuit's other side.
    let grams: [Matrix]
    /// Of each head the norm of its whole circuit.
    let norms: [Double]
  }

  init(_ circuits: HeadCircuits) {
    func grams(_ matrix: Matrix, _ heads: Int, _ width: Int) -> [Matrix] {
      (0..<heads).map { head in
        let own = matrix.selectingRows(head * width..<(head + 1) * width)
        return own.multiplied(by: own, transposed: true)
      }
    }
    values = grams(circuits.values, circuits.keyValueHeads, circuits.valueWidth)
    outputs = grams(circuits.outputs, circuits.heads, circuits.valueWidth)
    queries = circuits.queries.map { grams($0, circuits.heads, circuits.headWidth) } ?? []
    keys = circuits.keys.map { grams($0, circuits.keyValueHeads, circuits.headWidth) } ?? []
  }

  /// ‖V·O‖ of a head.
  func outputNorm(of head: Int, _ circuits: HeadCircuits) -> Double {
    max(0, dot(values[circuits.keyValueHead(of: head)], outputs[head])).squareRoot()
  }

  func reads(_ kind: HeadComposition.Kind, _ circuits: HeadCircuits) -> Reads? {
    let heads = 0..<circuits.heads
    switch kind {
    case .value:
      return Reads(
        matrix: circuits.values, isOfKeys: true, width: circuits.valueWidth, grams: outputs,
        norms: heads.map { outputNorm(of: $0, circuits) })
    case .query, .key:
      guard let queryMatrix = circuits.queries, let keyMatrix = circuits.keys else { return nil }
      let norms = heads.map { max(0, dot(queries[$0], keys[circuits.keyValueHead(of: $0)])).squareRoot() }
      return kind == .query
        ? Reads(
          matrix: queryMatrix, isOfKeys: false, width: circuits.headWidth,
          grams: heads.map { keys[circuits.keyValueHead(of: $0)] }, norms: norms)
        : Reads(matrix: keyMatrix, isOfKeys: true, width: circuits.headWidth, grams: queries, norms: norms)
    }
  }
}

/// Σ aᵢⱼ·bᵢⱼ in double precision.
private func dot(_ a: Matrix, _ b: Matrix) -> Double {
  precondition(a.rows == b.rows && a.columns == b.columns, "\(a.rows)×\(a.columns) and \(b.rows)×\(b.columns)")
  return zip(a.elements, b.elements).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
}
