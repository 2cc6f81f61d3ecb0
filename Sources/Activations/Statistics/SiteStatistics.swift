/// What was gathered about every column (neuron, residual dimension …) of a site over a stretch of rows.
///
/// Moments are those of the population, in float64. Rows that the gatherer leaves out (special tokens) are in no figure.
public struct SiteStatistics: Sendable, Equatable {
  /// The values of a row.
  public var width: Int
  /// Rows that were counted.
  public var count: Int
  /// [width] each. Skewness is the mean of z³, kurtosis that of z⁴ (not the excess); both 0 for a constant column.
  public var mean: [Double]
  public var variance: [Double]
  public var skewness: [Double]
  public var kurtosis: [Double]
  /// [width] each.
  public var minimum: [Float]
  public var maximum: [Float]
  /// The fraction of the rows where a column fires: [width]. A value fires where it is above 0; behind a gated MLP
  /// where its magnitude is above a tenth of the column's largest, counted from the histogram.
  public var firing: [Double]
  public var histogram: Histogram?
  /// Each column's highest values, at most one a document.
  public var top: TopExamples?
  /// Each column's lowest values, where the MLP is gated.
  public var bottom: TopExamples?
  /// Rows chosen at random, the same for all columns.
  public var sample: RowSample?

  public init(
    width: Int, count: Int, mean: [Double], variance: [Double], skewness: [Double], kurtosis: [Double],
    minimum: [Float], maximum: [Float], firing: [Double], histogram: Histogram? = nil, top: TopExamples? = nil,
    bottom: TopExamples? = nil, sample: RowSample? = nil
  ) {
    self.width = width
    self.count = count
    self.mean = mean
    self.variance = variance
    self.skewness = skewness
    self.kurtosis = kurtosis
    self.minimum = minimum
    self.maximum = maximum
    self.firing = firing
    self.histogram = histogram
    self.top = top
    self.bottom = bottom
    self.sample = sample
  }
}

/// How often each column's values fell between the same fixed edges.
public struct Histogram: Sendable, Equatable {
  /// Ascending, [bins + 1]. The first bin takes everything below too, the last everything above.
  public var edges: [Float]
  /// [width, bins], row-major.
  public var counts: [Int64]

  public init(edges: [Float], counts: [Int64]) {
    self.edges = edges
    self.counts = counts
  }

  public var bins: Int { max(0, edges.count - 1) }
}

/// For each column its most extreme values, best first, with where they stand. Empty places hold row −1 and value 0.
public struct TopExamples: Sendable, Equatable {
  /// Places a column.
  public var k: Int
  /// [width, k] each, row-major.
  public var values: [Float]
  /// Rows of the store: tokens, or documents where it is pooled.
  public var rows: [Int64]
  /// Rows of the document table.
  public var documents: [Int32]

  public init(k: Int, values: [Float], rows: [Int64], documents: [Int32]) {
    self.k = k
    self.values = values
    self.rows = rows
    self.documents = documents
  }
}

/// Rows drawn uniformly without replacement: those whose priorities, drawn from the seed, are the lowest.
public struct RowSample: Sendable, Equatable {
  /// How many rows are kept at most.
  public var capacity: Int
  /// [samples] each, in ascending order of priority. Equal priorities are ordered by row.
  public var priorities: [UInt64]
  /// Rows of the store.
  public var rows: [Int64]
  public var documents: [Int32]
  /// [samples, width], row-major.
  public var values: [Float]

  public init(capacity: Int, priorities: [UInt64], rows: [Int64], documents: [Int32], values: [Float]) {
    self.capacity = capacity
    self.priorities = priorities
    self.rows = rows
    self.documents = documents
    self.values = values
  }

  public var count: Int { rows.count }
}
