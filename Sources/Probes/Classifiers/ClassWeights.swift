/// How much the examples of each class count in a fit.
public enum ClassWeights: String, Codable, Sendable, CaseIterable {
  /// Every example counts 1.
  case none
  /// An example of class c counts n / (classes · n_c), so that all classes weigh the same (scikit-learn's `balanced`).
  case balanced

  /// The weights of the classes among targets, of which −1 takes no part; empty where all are 1.
  func weights(of targets: [Int32], classes: Int) -> [Double] {
    guard self == .balanced else { return [] }
    var counts = [Double](repeating: 0, count: classes)
    for target in targets where target >= 0 { counts[Int(target)] += 1 }
    let total = counts.reduce(0, +)
    return counts.map { $0 > 0 ? total / (Double(classes) * $0) : 0 }
  }
}
