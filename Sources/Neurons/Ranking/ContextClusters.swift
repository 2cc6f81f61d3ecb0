import LinearAlgebra

/// The clusters that the contexts of a neuron's top examples form (after PRISM, arXiv 2506.15538).
///
/// Average linkage on the cosines of the contexts' embeddings: the two groups with the highest mean cosine are joined as
/// long as it reaches a threshold. A cluster counts when it holds a tenth of the examples, at least two.
struct ContextClusters: Equatable {
  /// The members of each cluster that counts, as numbers of the examples; first the largest.
  var members: [[Int]]
  /// The mean cosine of two clusters' centres; nil with fewer than two clusters.
  var centreCosine: Double?
  /// The mean cosine of two examples.
  var coherence: Double

  /// - Parameters:
  ///   - embeddings: the examples' contexts, at unit length: [examples, width].
  ///   - threshold: the mean cosine below which groups stay apart.
  /// - Complexity: O(n² · width + n³) for n examples.
  init(_ embeddings: Matrix, threshold: Double) {
    let count = embeddings.rows
    let gram = embeddings.multiplied(by: embeddings, transposed: true)
    let cosines = gram.elements.map { Double($0) }
    var sum = 0.0
    for a in 0..<count { for b in a + 1..<max(count, a + 1) { sum += cosines[a * count + b] } }
    coherence = count > 1 ? sum / Double(count * (count - 1) / 2) : 1
    let groups = AverageLinkage(cosines, count: count, threshold: threshold).groups
    let least = max(2, (count + 9) / 10)
    members = groups.filter { $0.count >= least }
      .sorted { $0.count != $1.count ? $0.count > $1.count : $0[0] < $1[0] }
    centreCosine = Self.meanCosine(of: members, in: embeddings)
  }

  private static func meanCosine(of members: [[Int]], in embeddings: Matrix) -> Double? {
    guard members.count > 1 else { return nil }
    let centres = members.map { rows -> [Double] in
      var centre = [Double](repeating: 0, count: embeddings.columns)
      for row in rows { for column in centre.indices { centre[column] += Double(embeddings[row, column]) } }
      let norm = centre.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return norm > 0 ? centre.map { $0 / norm } : centre
    }
    var sum = 0.0
    for a in centres.indices {
      for b in a + 1..<centres.count { sum += zip(centres[a], centres[b]).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    return sum / Double(centres.count * (centres.count - 1) / 2)
  }

  /// The threshold that suits a set of embeddings: half way between the mean cosine of two contexts of different
  /// documents and that of a context to the nearest one of another document, over a seeded sample.
  static func threshold(_ embeddings: Matrix, documentOf: [Int32], seed: UInt64, sample: Int = 400) -> Double {
    var generator = SeededGenerator(seed: seed, stream: "clusters")
    let rows = generator.choice(min(sample, embeddings.rows), of: embeddings.rows)
    let chosen = embeddings.selectingRows(rows)
    let gram = chosen.multiplied(by: chosen, transposed: true)
    var (sum, pairs, nearest, counted) = (0.0, 0.0, 0.0, 0.0)
    for a in rows.indices {
      var best = -Double.infinity
      for b in rows.indices where documentOf[rows[a]] != documentOf[rows[b]] {
        sum += Double(gram[a, b])
        pairs += 1
        best = max(best, Double(gram[a, b]))
      }
      if best > -.infinity {
        nearest += best
        counted += 1
      }
    }
    guard pairs > 0 else { return 0.5 }
    return (sum / pairs + nearest / counted) / 2
  }
}
