import Diagnostics
import LinearAlgebra

/// A token near a place in the space of vectors.
public struct Neighbour: Sendable, Equatable, Codable {
  public var id: Int32
  public var text: String
  /// The cosine with the place asked for.
  public var similarity: Double
}

extension TokenVectors {
  /// The tokens nearest to the sum of some tokens' unit vectors, each with a sign; the tokens themselves, however they
  /// are spelt, are left out.
  ///
  /// - Parameters:
  ///   - terms: Rows and what each is multiplied by: [(king, 1), (man, −1), (woman, 1)].
  /// - Complexity: O(tokens · width).
  public func nearest(to terms: [(row: Int, weight: Float)], count: Int = 10) -> [Neighbour] {
    var place = [Float](repeating: 0, count: width)
    for term in terms {
      units.withUnsafeRow(term.row) { values in
        for column in 0..<width { place[column] += term.weight * values[column] }
      }
    }
    let norm = place.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let target = Matrix(rows: 1, columns: width, elements: place.map { norm > 0 ? $0 / Float(norm) : 0 })
    let scores = target.multiplied(by: units, transposed: true).elements
    return ranked(scores, leavingOut: terms.map(\.row), count: count)
  }

  /// The best of all tokens by a score, spellings of the given rows left out.
  func ranked(_ scores: [Float], leavingOut rows: [Int], count: Int) -> [Neighbour] {
    let asked = Set(rows.map { Self.plain(texts[$0]) })
    // Few tokens share a spelling: enough of the best hold `count` others.
    var reach = min(scores.count, count + 8 * rows.count + 8)
    while true {
      let best = topK(reach, of: scores).filter { !asked.contains(Self.plain(texts[$0.index])) }
      if best.count >= count || reach == scores.count {
        return best.prefix(count).map {
          Neighbour(id: ids[$0.index], text: texts[$0.index], similarity: Double($0.value))
        }
      }
      reach = min(scores.count, 2 * reach)
    }
  }
}

/// A sum of words as people write it: `king - man + woman`.
public struct WordSum: Sendable, Equatable {
  public struct Term: Sendable, Equatable {
    public var word: String
    public var weight: Float
  }
  public var terms: [Term]

  /// Reads words with `+`, `-` or `−` between them, spaces around the signs.
  /// - Throws: `Fault` of the kind `usage` named `geometry.expression`.
  public init(_ text: String) throws {
    var terms: [Term] = []
    // What the next word is multiplied by; nil where a sign must come first. A minus may stand before the first word.
    var weight: Float? = 1
    for (number, part) in text.split(whereSeparator: \.isWhitespace).enumerated() {
      switch part {
      case "-", "−":
        guard weight == nil || number == 0 else { throw Self.fault(text) }
        weight = -1
      case "+":
        guard weight == nil else { throw Self.fault(text) }
        weight = 1
      default:
        guard let sign = weight else { throw Self.fault(text) }
        terms.append(Term(word: String(part), weight: sign))
        weight = nil
      }
    }
    guard !terms.isEmpty, weight == nil else { throw Self.fault(text) }
    self.terms = terms
  }

  private static func fault(_ text: String) -> Fault {
    Fault(
      .usage, "geometry.expression", "This is no sum of words",
      expected: "words with + or - between them, such as king - man + woman",
      found: text.isEmpty ? "nothing" : text, advice: "put spaces around the signs, and quotes around it all")
  }
}
