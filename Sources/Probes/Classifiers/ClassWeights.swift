/// How much the examples of each class count in a fit.
public enum ClassWeights: String, Codable, Sendable, CaseIterable {
  /// Every example counts 1.
  case none
  /// An example of class c counts n / (classes · n_c), so that all classes weigh the same (scikit-learn's `balanced`).
  case balanced

  /// The weights of the classes among targets, of which −1 takes no part; empty where all are 1.
  func weights(of targets: [Int32], classes: Int) -> [Double] {
    guard self == .balanced else { return [] }
    let counts = targets.counts(of: classes)
    let total = Double(counts.reduce(0, +))
    return counts.map { $0 > 0 ? total / (Double(classes) * Double($0)) : 0 }
  }
}

extension [Int32] {
  /// The number of examples of each class; those of −1 take no part.
  func counts(of classes: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: classes)
    for label in self where label >= 0 { counts[Int(label)] += 1 }
    return counts
  }

  /// The number of groups that each class has examples in.
  func groupCounts(_ groups: [some Hashable], of classes: Int) -> [Int] {
    let members = Dictionary(grouping: zip(self, groups), by: \.0)
    return (0..<Int32(classes)).map { Set((members[$0] ?? []).map(\.1)).count }
  }
}
