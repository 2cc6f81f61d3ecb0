/// The experts that a site speaks of: those a router chooses from, and how many of them it wakes for a token.
public struct Routing: Codable, Sendable, Hashable {
  public var experts: Int
  public var active: Int

  public init(experts: Int, active: Int) {
    self.experts = experts
    self.active = active
  }

  /// The part of all tokens that an expert gets where all are woken alike.
  public var share: Double { experts > 0 ? min(1, Double(active) / Double(experts)) : 1 }
}

extension StoredSite {
  /// Whether the site is inside an expert, so that only the tokens routed there have a row.
  public var isRouted: Bool { routing != nil && expert != nil }

  /// The expert that the site is inside of; nil elsewhere.
  public var expert: Int? { Self.expert(inName: name) }

  /// The expert in a hook point's name, such as 5 in `blocks.3.mlp.experts.5.hook_post`.
  public static func expert(inName name: String) -> Int? {
    let parts = name.split(separator: ".")
    guard let place = parts.firstIndex(of: "experts"), place + 1 < parts.count else { return nil }
    return Int(parts[place + 1])
  }
}

extension StoreRun {
  /// The sites that have rows for the tokens routed there alone, in order.
  var routedSites: [StoredSite] { sites.filter(\.isRouted) }

  /// The bytes that so many rows are expected to take over all sites: an expert's site its share of them, each with its
  /// token's row number.
  func expectedBytes(rows: Int) -> Int {
    let dense = sites.reduce(0) { $0 + ($1.isRouted ? 0 : $1.rowBytes) }
    let routed = sites.reduce(0.0) {
      $0 + ($1.isRouted ? Double($1.rowBytes + MemoryLayout<Int64>.size) * ($1.routing?.share ?? 1) : 0)
    }
    return rows * dense + Int((Double(rows) * routed).rounded(.up))
  }

  /// The bytes of a chunk of a routed site, and of its row numbers. A model has thousands of such sites, which a chunk of
  /// memory is held for each: together they stay within about 256 MiB, as far as chunks of 64 KiB allow.
  var routedChunkBytes: (values: Int, numbers: Int) {
    let count = max(1, sites.count { $0.isRouted })
    let values = max(64 << 10, min(ShardColumn.chunkBytes, (256 << 20) / count))
    return (values, max(4 << 10, values / 16))
  }
}

extension StorageType {
  /// Whether the values of a site keep their meaning in this format: the numbers of experts must not be rounded.
  func isExact(at site: StoredSite) -> Bool {
    guard site.name.hasSuffix(".mlp.hook_expert_indices") else { return true }
    let experts = site.routing?.experts ?? .max
    return switch self {
    case .float32: true
    case .float16: experts <= 2049
    case .bfloat16: experts <= 257
    case .uint8: false
    }
  }
}

/// Where rows stand among ascending row numbers.
extension Array where Element: BinaryInteger {
  /// The index of the first number that is not below `wanted`. O(log n).
  func lowerBound(_ wanted: Int) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if Int(self[middle]) < wanted { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
