/// How often values fell between edges.
public struct ValueHistogram: Codable, Sendable, Equatable {
  /// Ascending, one more than `counts`; the first and the last bin may hold what lies beyond.
  public var edges: [Float]
  public var counts: [Int]

  public init(edges: [Float], counts: [Int]) {
    precondition(edges.count == counts.count + 1, "\(counts.count) bins between \(edges.count) edges")
    (self.edges, self.counts) = (edges, counts)
  }

  /// Equal bins over the range of some values; what is not finite is left out.
  ///
  /// - Parameter lower: The lower end, where it is not the smallest value.
  public init(of values: [Float], bins: Int, from lower: Float? = nil) {
    precondition(bins > 0, "\(bins) bins")
    let known = values.filter(\.isFinite)
    let low = lower ?? known.min() ?? 0
    let high = known.max() ?? 1
    let span = high > low ? high - low : max(abs(low), 1) * 1e-3
    edges = (0...bins).map { low + span * Float($0) / Float(bins) }
    counts = [Int](repeating: 0, count: bins)
    for value in known { counts[min(bins - 1, max(0, Int((value - low) / span * Float(bins))))] += 1 }
  }

  /// One column of the statistics of a site.
  public init(column: Int, of histogram: Histogram) {
    self.init(
      edges: histogram.edges,
      counts: histogram.counts[column * histogram.bins..<(column + 1) * histogram.bins].map { Int($0) })
  }

  /// The middle of each bin.
  public var middles: [Float] { counts.indices.map { (edges[$0] + edges[$0 + 1]) / 2 } }

  /// The bins from the first to the last that hold anything; nil where none does.
  public var occupied: ValueHistogram? {
    guard let first = counts.firstIndex(where: { $0 > 0 }), let last = counts.lastIndex(where: { $0 > 0 }) else {
      return nil
    }
    return ValueHistogram(edges: Array(edges[first...last + 1]), counts: Array(counts[first...last]))
  }
}
