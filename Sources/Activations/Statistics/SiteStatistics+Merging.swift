import LinearAlgebra

extension SiteStatistics {
  /// Takes in the statistics of rows that follow. Merging shard by shard in order always gives the same bits.
  ///
  /// - Parameter gated: whether the site's neurons fire on both sides of zero; `firing` then comes from the histogram.
  public mutating func merge(_ other: SiteStatistics, gated: Bool) {
    precondition(width == other.width, "statistics of \(width) and \(other.width) columns")
    let firingCounts = zip(firing, other.firing).map { a, b in
      (a * Double(count)).rounded() + (b * Double(other.count)).rounded()
    }
    var moments = self.moments
    moments.merge(other.moments)
    count = moments.count
    self.moments = moments
    firing = firingCounts.map { count > 0 ? $0 / Double(count) : 0 }
    switch (histogram, other.histogram) {
    case (var mine?, let theirs?) where mine.edges == theirs.edges:
      for index in mine.counts.indices { mine.counts[index] += theirs.counts[index] }
      histogram = mine
    default: histogram = nil
    }
    top = merged(top, other.top) { $0 > $1 }
    bottom = merged(bottom, other.bottom) { $0 < $1 }
    sample = merged(sample, other.sample)
    if gated { countFiringFromHistogram() }
  }

  private func merged(
    _ first: TopExamples?, _ second: TopExamples?, _ better: (Float, Float) -> Bool
  ) -> TopExamples? {
    guard let first, let second, first.k == second.k else { return nil }
    let k = first.k
    var result = first
    for column in 0..<width {
      var (i, j) = (column * k, column * k)
      let (iEnd, jEnd) = (i + k, j + k)
      for place in column * k..<column * k + k {
        let hasFirst = i < iEnd && first.rows[i] >= 0
        let hasSecond = j < jEnd && second.rows[j] >= 0
        // Equal values keep the earlier rows first.
        if hasSecond && (!hasFirst || better(second.values[j], first.values[i])) {
          result.values[place] = second.values[j]
          result.rows[place] = second.rows[j]
          result.documents[place] = second.documents[j]
          j += 1
        } else if hasFirst {
          result.values[place] = first.values[i]
          result.rows[place] = first.rows[i]
          result.documents[place] = first.documents[i]
          i += 1
        } else {
          result.values[place] = 0
          result.rows[place] = -1
          result.documents[place] = -1
        }
      }
    }
    return result
  }

  private func merged(_ first: RowSample?, _ second: RowSample?) -> RowSample? {
    guard let first, let second else { return nil }
    let all =
      first.rows.indices.map { (first.priorities[$0], first.rows[$0], false, $0) }
      + second.rows.indices.map { (second.priorities[$0], second.rows[$0], true, $0) }
    let kept = all.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.prefix(first.capacity)
    var result = RowSample(capacity: first.capacity, priorities: [], rows: [], documents: [], values: [])
    result.values.reserveCapacity(kept.count * width)
    for (priority, row, fromSecond, index) in kept {
      let source = fromSecond ? second : first
      result.priorities.append(priority)
      result.rows.append(row)
      result.documents.append(source.documents[index])
      result.values.append(contentsOf: source.values[index * width..<(index + 1) * width])
    }
    return result
  }

  /// Central power sums, as the stored moments give them back.
  private var moments: ColumnMoments {
    get {
      let n = Double(count)
      return ColumnMoments(
        count: count, mean: mean, second: variance.map { $0 * n },
        third: zip(skewness, variance).map { $0 * $1 * $1.squareRoot() * n },
        fourth: zip(kurtosis, variance).map { $0 * $1 * $1 * n }, minimum: minimum, maximum: maximum)
    }
    set {
      let n = Double(max(1, newValue.count))
      mean = newValue.mean
      variance = newValue.second.map { $0 / n }
      skewness = zip(newValue.third, variance).map { $1 > 0 ? $0 / n / ($1 * $1.squareRoot()) : 0 }
      kurtosis = zip(newValue.fourth, variance).map { $1 > 0 ? $0 / n / ($1 * $1) : 0 }
      minimum = newValue.minimum
      maximum = newValue.maximum
    }
  }

  /// Sets `firing` to the fraction of values whose magnitude is above a tenth of the column's largest.
  ///
  /// The largest magnitude is known only at the end, so the values are counted in the histogram's bins; those of a bin that
  /// the threshold cuts count in proportion.
  public mutating func countFiringFromHistogram() {
    guard let histogram, histogram.bins > 0, count > 0 else { return }
    let bins = histogram.bins
    for column in 0..<width {
      let threshold = 0.1 * max(abs(minimum[column]), abs(maximum[column]))
      var fired = 0.0
      for bin in 0..<bins {
        let number = Double(histogram.counts[column * bins + bin])
        if number == 0 { continue }
        let low = Double(histogram.edges[bin])
        let high = Double(histogram.edges[bin + 1])
        fired += number * Self.fraction(of: low, high, beyond: Double(threshold))
      }
      firing[column] = min(1, fired / Double(count))
    }
  }

  /// How much of the stretch from `low` to `high` lies above `threshold` or below its negative.
  private static func fraction(of low: Double, _ high: Double, beyond threshold: Double) -> Double {
    guard high > low else { return abs(low) > threshold ? 1 : 0 }
    let above = max(0, high - max(low, threshold))
    let below = max(0, min(high, -threshold) - low)
    return min(1, (above + below) / (high - low))
  }

  /// The same figures for a store whose rows begin later by so many rows and documents: for joining stores.
  func shifted(rows: Int, documents: Int) -> SiteStatistics {
    func shifted(_ top: TopExamples?) -> TopExamples? {
      guard var top else { return nil }
      for index in top.rows.indices where top.rows[index] >= 0 {
        top.rows[index] += Int64(rows)
        top.documents[index] += Int32(documents)
      }
      return top
    }
    var result = self
    result.top = shifted(top)
    result.bottom = shifted(bottom)
    if var sample {
      for index in sample.rows.indices {
        sample.rows[index] += Int64(rows)
        sample.documents[index] += Int32(documents)
      }
      result.sample = sample
    }
    return result
  }
}
