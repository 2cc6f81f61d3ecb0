/// A hook point whose values a store holds, and the shape of one row there.
public struct StoredSite: Codable, Sendable, Hashable {
  /// The hook's full name, such as `blocks.3.mlp.hook_post`.
  public var name: String
  /// The layer, or nil for a site outside the blocks.
  public var layer: Int?
  /// The names of the axes after the rows, such as `["d_mlp"]` or `["head", "d_head"]`.
  public var axes: [String]
  /// The lengths of those axes: `[3072]`, `[12, 64]`, or `[12, K]` for scores and patterns.
  public var shape: [Int]
  /// How each value is stored.
  public var storage: StorageType
  /// Whether the values are those of a gated MLP, which fire on both sides of zero.
  public var gated: Bool
  /// Of a router's and an expert's sites, the experts there are; nil elsewhere.
  public var routing: Routing?

  public init(
    name: String, layer: Int? = nil, axes: [String], shape: [Int], storage: StorageType = .float16, gated: Bool = false,
    routing: Routing? = nil
  ) {
    precondition(axes.count == shape.count, "\(name): \(axes.count) axis names for \(shape.count) axes")
    self.name = name
    self.layer = layer
    self.axes = axes
    self.shape = shape
    self.storage = storage
    self.gated = gated
    self.routing = routing
  }

  /// The values of one row: the product of `shape`.
  public var width: Int { shape.reduce(1, *) }
  /// The bytes of one row as stored.
  public var rowBytes: Int { width * storage.size }
}

/// What a row of an activation dataset stands for.
public enum RowKind: String, Codable, Sendable {
  /// One row a token, in the order of the token table.
  case token
  /// One row a document (pooled), in the order of the document table.
  case document
}
