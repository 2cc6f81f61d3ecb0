import LinearAlgebra

/// A linear support vector machine, as scikit-learn's `LinearSVC` with `StandardScaler` before it.
///
/// C · Σ max(0, 1 − y·s)² + ½‖w‖² + ½b² with y = ±1: the squared hinge, and an intercept that is penalised like a weight,
/// which is what LIBLINEAR minimises (Fan et al., JMLR 9, 2008). With more than two classes, each against the rest.
public enum LinearSVM {
  /// Fits the rows of a matrix; settings, result and faults are those of `LogisticRegression.fit`, the penalty aside,
  /// which is L2. Among several strengths the one with the least mean loss on held-out folds is taken.
  public static func fit(
    _ matrix: Matrix, labels: [Int32], classes: Int, groups: [Int]? = nil,
    settings: LogisticRegression.Settings = .init(), seed: UInt64 = 0
  ) throws -> LogisticRegression.Fit {
    try LinearFit.fit(
      settings.trainingRows(
        matrix, labels: labels, classes: classes, groups: groups, seed: seed),
      loss: .squaredHinge, settings: settings)
  }
}
