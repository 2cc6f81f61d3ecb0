/// Ranks with the share of one single token taken out.
///
/// The same word form alone makes contexts overlap, and a neuron that knows one word fires in contexts of every kind
/// (arXiv 2604.00443). Both the measure and the share are brought to ranks; what is left of the measure after a
/// least-squares line on the share orders the neurons anew (a partial rank correlation's residual).
package enum LexicalControl {
  /// Ranks from 0 to 1, ties sharing their mean.
  package static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] != values[$1] ? values[$0] < values[$1] : $0 < $1 }
    var ranks = [Double](repeating: 0, count: values.count)
    var place = 0
    while place < order.count {
      var end = place + 1
      while end < order.count, values[order[end]] == values[order[place]] { end += 1 }
      let mean = Double(place + end - 1) / 2 / Double(max(values.count - 1, 1))
      for index in place..<end { ranks[order[index]] = mean }
      place = end
    }
    return ranks
  }

  /// The measure's ranks less what a line on the share's ranks explains.
  package static func residuals(_ values: [Double], share: [Double]) -> [Double] {
    precondition(values.count == share.count, "\(values.count) values, \(share.count) shares")
    let (y, x) = (ranks(values), ranks(share))
    let count = Double(max(x.count, 1))
    let (meanX, meanY) = (x.reduce(0, +) / count, y.reduce(0, +) / count)
    var (covariance, variance) = (0.0, 0.0)
    for index in x.indices {
      covariance += (x[index] - meanX) * (y[index] - meanY)
      variance += (x[index] - meanX) * (x[index] - meanX)
    }
    let slope = variance > 1e-12 ? covariance / variance : 0
    return y.indices.map { y[$0] - meanY - slope * (x[$0] - meanX) }
  }
}
