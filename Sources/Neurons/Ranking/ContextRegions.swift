import Foundation
import LinearAlgebra

/// Kinds of documents found without labels: documents that lie alike in the residual stream and share words.
///
/// Each document is described by the leading principal coordinates of its mean context and, where tokens are known, by as
/// many of its words' (presence, weighted by −ln of the share of documents that have the word). Both go at unit length into
/// Ward's clustering. What clusters are to each other is then judged as it is for labels, by `ConceptTree`.
struct ContextRegions {
  /// Each document's region.
  let labels: [Int32]
  let count: Int

  /// Coordinates of each description.
  private static let coordinates = 24

  /// - Parameter documents: the documents' mean embeddings, [documents, width].
  /// - Complexity: O(documents² · (width + coordinates)); 12 bytes for each pair of documents.
  init(_ contexts: RankingContexts, documents: Matrix, seed: UInt64) {
    let n = documents.rows
    var features = [
      PrincipalCoordinates.halfWhitened(
        documents.multiplied(by: documents, transposed: true), count: Self.coordinates, seed: seed)
    ]
    if let words = contexts.sharedWords() {
      features.append(PrincipalCoordinates.halfWhitened(words, count: Self.coordinates, seed: seed))
    }
    let points = Matrix(sideBySide: features).withUnitRows
    let clusters = WardClusters(points, count: Self.count(documents: n), least: max(2, min(5, n / 16)))
    labels = clusters.labels
    count = clusters.count
  }

  /// As many regions as √(documents / 2), 4 to 24.
  static func count(documents: Int) -> Int {
    max(min(24, Int((Double(documents) / 2).squareRoot().rounded())), min(4, documents / 2))
  }
}

extension RankingContexts {
  /// How much two documents' words have in common, a cosine: [documents, documents]; nil where tokens are not known.
  func sharedWords() -> Matrix? {
    guard !formOf.isEmpty else { return nil }
    let n = documents.count
    var holders = [[Int32]](repeating: [], count: forms.count)
    for (context, form) in formOf.enumerated() where holders[Int(form)].last != documentOf[context] {
      holders[Int(form)].append(documentOf[context])
    }
    var result = Matrix(zeros: n, columns: n)
    var squares = [Float](repeating: 0, count: n)
    result.withUnsafeMutableElements { elements in
      for some in holders where some.count < n {
        let weight = Float(log(Double(n) / Double(max(some.count, 1))))
        for a in some {
          squares[Int(a)] += weight * weight
          let start = Int(a) * n
          for b in some { elements[start + Int(b)] += weight * weight }
        }
      }
      for a in 0..<n {
        for b in 0..<n where squares[a] > 0 && squares[b] > 0 {
          elements[a * n + b] /= (squares[a] * squares[b]).squareRoot()
        }
      }
    }
    return result
  }
}
