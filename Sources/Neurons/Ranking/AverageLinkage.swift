/// Groups joined by average linkage: again and again the two with the highest mean similarity of their members.
struct AverageLinkage {
  /// The groups that are left, each with its members, by their first member.
  private(set) var groups: [[Int]]

  /// - Parameters:
  ///   - similarities: [count, count], symmetric.
  ///   - threshold: groups below this mean similarity stay apart.
  ///   - joined: told each pair of groups that is joined, and at which similarity.
  /// - Complexity: O(count³).
  init(
    _ similarities: [Double], count: Int, threshold: Double = -.infinity,
    joined: (_ a: [Int], _ b: [Int], _ level: Double) -> Void = { _, _, _ in }
  ) {
    precondition(similarities.count == count * count, "\(similarities.count) similarities of \(count)")
    var between = similarities
    var members = (0..<count).map { [$0] }
    var alive = Array(0..<count)
    while alive.count > 1 {
      var best = (value: -Double.infinity, a: 0, b: 0)
      for (offset, a) in alive.enumerated() {
        for b in alive[(offset + 1)...] where between[a * count + b] > best.value {
          best = (between[a * count + b], a, b)
        }
      }
      guard best.value > -.infinity, best.value >= threshold else { break }
      joined(members[best.a], members[best.b], best.value)
      let (m, n) = (Double(members[best.a].count), Double(members[best.b].count))
      for other in alive where other != best.a && other != best.b {
        let mean = (m * between[best.a * count + other] + n * between[best.b * count + other]) / (m + n)
        between[best.a * count + other] = mean
        between[other * count + best.a] = mean
      }
      members[best.a] += members[best.b]
      alive.removeAll { $0 == best.b }
    }
    groups = alive.map { members[$0].sorted() }
  }
}
