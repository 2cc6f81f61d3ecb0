import Architectures
import Diagnostics
import LinearAlgebra

/// Where one head looks from one token.
public struct AttentionSources: Sendable, Equatable, Codable {
  public var layer: Int
  public var head: Int
  /// The tokens it looks at most, by their position in the document, with their weight, strongest first.
  public var sources: [Ranked]

  public init(layer: Int, head: Int, sources: [Ranked]) {
    self.layer = layer
    self.head = head
    self.sources = sources
  }
}

extension Model {
  /// Where each head of each layer looks from one token of a document: its strongest sources, whose weights are parts
  /// of 1.
  public func attentionSources(
    in tokens: [Int32], of position: Int, count: Int, hooks: [Hook] = []
  ) throws -> [AttentionSources] {
    guard tokens.indices.contains(position) else {
      throw Fault(
        .usage, "transformer.noSuchPosition", "The text has no such token",
        expected: tokens.isEmpty ? "a text" : "a position from 0 to \(tokens.count - 1)", found: "\(position)")
    }
    var found: [AttentionSources] = []
    let reads = (0..<architecture.layers).map { layer in
      Hook(Site(.pattern, layer: layer)) { value in
        let row = value.row(position)
        for head in 0..<value.axes[0] {
          let weights = Array(row[head * value.axes[1]..<(head + 1) * value.axes[1]])
          found.append(AttentionSources(layer: layer, head: head, sources: topK(count, of: weights)))
        }
      }
    }
    try run(TokenBatch(documents: [tokens]), hooks: hooks + reads)
    return found
  }
}
