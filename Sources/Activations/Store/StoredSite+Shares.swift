extension [StoredSite] {
  /// The sites in groups, in order, each of which fits into memory as float32: what one pass over a source may hold.
  ///
  /// A site too large for the memory is a group of its own.
  ///
  /// - Parameters:
  ///   - rows: the rows held of each site.
  ///   - memory: bytes.
  package func shares(rows: Int, memory: Int) -> [[StoredSite]] {
    var shares: [[StoredSite]] = []
    var used = 0
    for site in self {
      let bytes = site.width * MemoryLayout<Float>.size * rows
      if shares.isEmpty || used + bytes > memory {
        shares.append([])
        used = 0
      }
      shares[shares.count - 1].append(site)
      used += bytes
    }
    return shares
  }
}
