/// Chances corrected for the number of things tried, by Holm's procedure (1979).
///
/// Where the i-th smallest of n chances is p, the corrected one is the largest (n − j + 1)·p_j over j ≤ i, at most 1. Of those
/// that stay at α or below, any at all is a false one with a chance of α at most, however the tries depend on each other.
public enum HolmCorrection {
  /// The corrected chance at which something counts as found.
  public static let level = 0.05

  public static func corrected(_ chances: [Double]) -> [Double] {
    var result = chances
    var largest = 0.0
    let order = chances.indices.sorted { chances[$0] != chances[$1] ? chances[$0] < chances[$1] : $0 < $1 }
    for (place, index) in order.enumerated() {
      largest = max(largest, min(1, Double(chances.count - place) * chances[index]))
      result[index] = largest
    }
    return result
  }
}
