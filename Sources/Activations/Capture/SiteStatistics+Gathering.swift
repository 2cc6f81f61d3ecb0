import LinearAlgebra

extension SiteStatistics {
  /// What a gatherer has gathered.
  init(_ gatherer: ColumnGatherer, gated: Bool, sample: RowSample?) {
    let moments = gatherer.moments
    let count = Double(max(moments.count, 1))
    let excess = moments.excessKurtosis
    let histogram = gatherer.bins.map {
      Histogram(edges: $0.edges, counts: gatherer.histogram.map { Int64($0) })
    }
    let hasTop = gatherer.top > 0
    self.init(
      width: gatherer.columns, count: moments.count, mean: moments.mean, variance: moments.variance,
      skewness: moments.skewness,
      kurtosis: excess.indices.map { moments.second[$0] > 0 ? excess[$0] + 3 : 0 },
      minimum: moments.minimum, maximum: moments.maximum, firing: gatherer.positive.map { Double($0) / count },
      histogram: histogram,
      top: hasTop ? TopExamples(gatherer.highest, k: gatherer.top) : nil,
      bottom: hasTop && gatherer.keepsLowest ? TopExamples(gatherer.lowest, k: gatherer.top) : nil, sample: sample)
    if gated { countFiringFromHistogram() }
  }
}

extension TopExamples {
  fileprivate init(_ lists: ColumnGatherer.Lists, k: Int) {
    self.init(k: k, values: lists.values, rows: lists.rows, documents: lists.documents)
  }
}
