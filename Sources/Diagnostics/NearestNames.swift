/// The candidates most like a name that was not found, best first: for "did you mean" in messages.
///
/// Likeness is the Levenshtein distance over lower-cased scalars; a candidate further away than a third of the name's
/// length (at least 2) is left out. O(candidates · length²).
public func nearestNames(to name: String, among candidates: some Sequence<String>, limit: Int = 3) -> [String] {
  let wanted = Array(name.lowercased().unicodeScalars)
  let reach = max(2, wanted.count / 3)
  return candidates.map { ($0, editDistance(wanted, Array($0.lowercased().unicodeScalars))) }
    .filter { $0.1 <= reach }
    .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
    .prefix(limit).map(\.0)
}

/// Levenshtein's distance: the least number of insertions, deletions and substitutions that turn one into the other.
func editDistance<Element: Equatable>(_ a: [Element], _ b: [Element]) -> Int {
  var previous = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var current = [i + 1]
    current.reserveCapacity(b.count + 1)
    for (j, y) in b.enumerated() {
      current.append(min(previous[j] + (x == y ? 0 : 1), previous[j + 1] + 1, current[j] + 1))
    }
    previous = current
  }
  return previous[b.count]
}
