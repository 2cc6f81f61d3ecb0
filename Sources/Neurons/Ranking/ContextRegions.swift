import LinearAlgebra

/// Kinds of documents found without labels: clusters of their embeddings by direction.
///
/// Spherical k-means (Dhillon and Modha 2001): unit vectors are assigned to the centre of the highest cosine, centres
/// are their members' mean at unit length. Seeded by k-means++ on 1 − cosine; the best of several starts is kept.
struct ContextRegions {
  /// Each document's region.
  var labels: [Int32]
  /// [regions, width], unit length.
  var centres: Matrix

  /// As many regions as √(documents / 2), 4 to 24.
  static func count(documents: Int) -> Int {
    max(min(24, Int((Double(documents) / 2).squareRoot().rounded())), min(4, documents / 2))
  }

  /// - Complexity: O(starts · rounds · documents · regions · width).
  init(_ embeddings: Matrix, count: Int, seed: UInt64, starts: Int = 4) {
    var generator = SeededGenerator(seed: seed, stream: "regions")
    var best: (labels: [Int32], centres: Matrix, sum: Double)?
    for _ in 0..<starts {
      let found = Self.fit(embeddings, count: count, generator: &generator)
      if found.sum > best?.sum ?? -.infinity { best = found }
    }
    labels = best?.labels ?? [Int32](repeating: 0, count: embeddings.rows)
    centres = best?.centres ?? Matrix(zeros: 1, columns: embeddings.columns)
    dropEmpty()
  }

  private static func fit(
    _ embeddings: Matrix, count: Int, generator: inout SeededGenerator
  ) -> (labels: [Int32], centres: Matrix, sum: Double) {
    let rows = embeddings.rows
    var chosen = [generator.integer(below: rows)]
    var distance = [Double](repeating: .infinity, count: rows)
    while chosen.count < min(count, rows) {
      let last = embeddings.multiplied(by: embeddings.selectingRows([chosen[chosen.count - 1]]), transposed: true)
      for row in 0..<rows { distance[row] = min(distance[row], max(0, 1 - Double(last[row, 0]))) }
      let total = distance.reduce(0, +)
      guard total > 1e-9 else { break }
      var left = generator.uniform() * total
      var next = rows - 1
      for row in 0..<rows {
        left -= distance[row]
        if left < 0 {
          next = row
          break
        }
      }
      chosen.append(next)
    }
    var centres = embeddings.selectingRows(chosen)
    var labels = [Int32](repeating: -1, count: rows)
    var sum = 0.0
    for _ in 0..<50 {
      let cosines = embeddings.multiplied(by: centres, transposed: true)
      var changed = false
      sum = 0
      for row in 0..<rows {
        var own: Int32 = 0
        var highest: Float = -.infinity
        for centre in 0..<centres.rows where cosines[row, centre] > highest {
          highest = cosines[row, centre]
          own = Int32(centre)
        }
        sum += Double(highest)
        if labels[row] != own { changed = true }
        labels[row] = own
      }
      guard changed else { break }
      centres = means(embeddings, labels: labels, count: centres.rows)
    }
    return (labels, centres, sum)
  }

  /// The members' means at unit length; an empty region's centre is zero.
  private static func means(_ embeddings: Matrix, labels: [Int32], count: Int) -> Matrix {
    var centres = Matrix(zeros: count, columns: embeddings.columns)
    for row in 0..<embeddings.rows {
      for column in 0..<embeddings.columns { centres[Int(labels[row]), column] += embeddings[row, column] }
    }
    for centre in 0..<count {
      let norm = centres.row(centre).reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard norm > 0 else { continue }
      for column in 0..<centres.columns { centres[centre, column] /= norm }
    }
    return centres
  }

  /// Renumbers the regions that have members, in the order of their first.
  private mutating func dropEmpty() {
    var numbers: [Int32: Int32] = [:]
    var kept: [Int] = []
    for label in labels where numbers[label] == nil {
      numbers[label] = Int32(kept.count)
      kept.append(Int(label))
    }
    labels = labels.map { numbers[$0] ?? 0 }
    centres = centres.selectingRows(kept)
  }
}
