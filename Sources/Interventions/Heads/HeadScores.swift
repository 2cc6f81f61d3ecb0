/// Where a head looks, averaged over texts.
public struct HeadScores: Sendable, Codable, Equatable {
  /// The share of a token's attention that goes to the token before it.
  public var previous: Double
  /// That goes to earlier copies of the token, over the tokens that have any.
  public var duplicate: Double
  /// That goes to the tokens behind earlier copies, over the tokens that have any: the induction score (Olsson et al. 2022,
  /// arXiv 2209.11895).
  public var induction: Double
  /// That goes to the text's first token, over the tokens behind it.
  public var first: Double
  /// The entropy of the attention of a token behind the first, in nats.
  public var entropy: Double
  /// What TransformerLens's `detect_head` gives.
  public var detected: Detected

  /// The part of all of a text's attention that lies where such a head's would (TransformerLens's head detector, measure
  /// `mul`), averaged over texts. It counts the tokens without any such place too, so that even a perfect head stays below 1.
  public struct Detected: Sendable, Codable, Equatable {
    public var previous: Double
    public var duplicate: Double
    public var induction: Double
  }
}

/// Which keys a head of each kind would look at from each token of a text.
struct PatternTargets {
  /// Shape: [tokens][keys].
  var previous: [[Int]]
  var duplicate: [[Int]]
  var induction: [[Int]]

  /// As TransformerLens's detection patterns: earlier copies of each token, and what stands behind these.
  init(of tokens: [Int32]) {
    var places: [Int32: [Int]] = [:]
    (previous, duplicate, induction) = ([], [], [])
    for (position, token) in tokens.enumerated() {
      let copies = places[token] ?? []
      previous.append(position > 0 ? [position - 1] : [])
      duplicate.append(copies)
      induction.append(copies.map { $0 + 1 })
      places[token, default: []].append(position)
    }
  }

  /// Of a stretch of tokens that is said twice: the token's own first occurrence, and the one behind it, from the second
  /// stretch alone.
  init(repeating length: Int, from start: Int) {
    let count = start + 2 * length
    previous = (0..<count).map { $0 > 0 ? [$0 - 1] : [] }
    duplicate = (0..<count).map { $0 >= start + length ? [$0 - length] : [] }
    induction = (0..<count).map { $0 >= start + length ? [$0 - length + 1] : [] }
  }

  fileprivate var all: [[[Int]]] { [previous, duplicate, induction] }
}

/// Sums of what one head's patterns show.
struct HeadSums {
  /// Attention to the targets of each kind, and the tokens that have any.
  private var mass = [0.0, 0.0, 0.0]
  private var rows = [0, 0, 0]
  private var detected = [0.0, 0.0, 0.0]
  private var first = 0.0
  private var entropy = 0.0
  private var later = 0
  private var texts = 0

  /// Takes in a text's pattern.
  ///
  /// - Parameters:
  ///   - attention: A token's attention to each key.
  ///   - targets: What scores are of.
  ///   - detection: TransformerLens's.
  mutating func add(
    tokens: Int, _ targets: PatternTargets, _ detection: PatternTargets,
    attention: (_ token: Int) -> UnsafeBufferPointer<Float>, logarithm: (Float) -> Double
  ) {
    var total = 0.0
    var found = [0.0, 0.0, 0.0]
    let (targets, detection) = (targets.all, detection.all)
    for token in 0..<tokens {
      let row = attention(token)
      for kind in 0..<3 {
        if !targets[kind][token].isEmpty {
          mass[kind] += targets[kind][token].reduce(0) { $0 + Double(row[$1]) }
          rows[kind] += 1
        }
        found[kind] += detection[kind][token].reduce(0) { $0 + Double(row[$1]) }
      }
      total += row.reduce(0) { $0 + Double($1) }
      guard token > 0 else { continue }
      later += 1
      first += Double(row[0])
      entropy -= row.reduce(0) { $1 > 0 ? $0 + Double($1) * logarithm($1) : $0 }
    }
    for kind in 0..<3 { detected[kind] += total > 0 ? found[kind] / total : 0 }
    texts += 1
  }

  var scores: HeadScores {
    func mean(_ kind: Int) -> Double { rows[kind] > 0 ? mass[kind] / Double(rows[kind]) : 0 }
    let (count, texts) = (Double(max(later, 1)), Double(max(texts, 1)))
    return HeadScores(
      previous: mean(0), duplicate: mean(1), induction: mean(2), first: first / count, entropy: entropy / count,
      detected: .init(previous: detected[0] / texts, duplicate: detected[1] / texts, induction: detected[2] / texts))
  }
}
