import Diagnostics
import LinearAlgebra

/// Logistic regression, as scikit-learn's `LogisticRegression` with `StandardScaler` before it.
///
/// The same objective, C · Σ loss + penalty with the intercept free, over columns standardised by the training rows alone;
/// two classes have one weight vector, more have one each (multinomial). The penalty is ½‖w‖², ‖w‖₁, or
/// ρ‖w‖₁ + (1 − ρ)½‖w‖² (elastic net). Minimised by L-BFGS, with an L1 part by its orthant-wise form.
public enum LogisticRegression {
  /// What holds the weights back.
  public enum Penalty: String, Codable, Sendable, CaseIterable {
    /// ½‖w‖²: all weights small.
    case l2
    /// ‖w‖₁: few weights other than 0.
    case l1
    /// ρ‖w‖₁ + (1 − ρ)½‖w‖².
    case elasticNet = "elastic-net"
  }

  public struct Settings: Sendable, Equatable {
    /// scikit-learn's C: larger follows the examples more closely. With several, the one with the least mean loss on
    /// held-out folds of the training rows is taken, and of equal ones the smallest.
    public var strengths: [Double]
    /// The folds of the training rows that choose among several strengths, and on which `Fit.validation` is found; 0
    /// for none where there is one strength.
    public var folds: Int
    /// The largest component that the gradient of the mean objective may keep.
    public var tolerance: Double
    public var maximumIterations: Int
    /// Whether columns are brought to mean 0 and standard deviation 1 over the training rows first.
    public var standardize: Bool
    public var penalty: Penalty
    /// The elastic net's ρ, the share of ‖w‖₁ in the penalty; without meaning for the others.
    public var l1Ratio: Double
    public var classWeights: ClassWeights

    public init(
      strengths: [Double] = [1], folds: Int = 5, tolerance: Double = 1e-5, maximumIterations: Int = 1000,
      standardize: Bool = true, penalty: Penalty = .l2, l1Ratio: Double = 0.5, classWeights: ClassWeights = .none
    ) {
      self.strengths = strengths
      self.folds = folds
      self.tolerance = tolerance
      self.maximumIterations = maximumIterations
      self.standardize = standardize
      self.penalty = penalty
      self.l1Ratio = l1Ratio
      self.classWeights = classWeights
    }

    /// The share of ‖w‖₁ in the penalty.
    var l1Share: Double {
      switch penalty {
      case .l2: 0
      case .l1: 1
      case .elasticNet: l1Ratio
      }
    }

    /// Refuses what no fit can use.
    public func validate() throws {
      guard !strengths.isEmpty, strengths.allSatisfy({ $0.isFinite && $0 > 0 }) else {
        throw Fault(
          .usage, "probe.strength", "A regularisation strength C must be a number above 0",
          expected: "such as 1, or 0.01,0.1,1,10 to choose inside the training folds",
          found: strengths.map { "\($0)" }.joined(separator: ", "))
      }
      guard tolerance > 0, maximumIterations > 0 else {
        throw Fault(
          .usage, "probe.tolerance", "The tolerance and the number of iterations must be above 0",
          found: "tolerance \(tolerance), iterations \(maximumIterations)")
      }
      guard l1Ratio >= 0, l1Ratio <= 1 else {
        throw Fault(
          .usage, "probe.l1Ratio", "The share of the L1 norm in the elastic net is not between 0 and 1",
          expected: "a number such as 0.5", found: "\(l1Ratio)")
      }
    }

    /// The rows to learn from with the folds of these settings, which are checked first.
    func trainingRows(
      _ matrix: Matrix, labels: [Int32], classes: Int, groups: [Int]?, seed: UInt64
    ) throws -> TrainingRows {
      try validate()
      return try TrainingRows(
        ExampleMatrix(matrix), labels: labels, classes: classes, groups: groups, folds: folds,
        needsFolds: strengths.count > 1, seed: seed)
    }
  }

  /// A fitted classifier and how it was come by.
  public struct Fit: Sendable, Equatable {
    /// In the units of the rows.
    public var classifier: LinearClassifier
    /// scikit-learn's `coef_`: the weights of the standardised columns, [1 or classes, width] in float64, row by row.
    public var coefficients: [Double]
    /// scikit-learn's `intercept_`.
    public var intercepts: [Double]
    public var standardization: Standardization
    /// The C used.
    public var strength: Double
    /// The mean loss on held-out folds for each C tried (in nats for logistic regression); empty where there were none.
    public var strengthLosses: [StrengthLoss]
    /// The mean balanced accuracy on held-out folds at that C; nil where there were none.
    public var validation: Double?
    /// Each row's scores by the fit that had not seen it, at that C; nil where there were no folds.
    public var heldOutScores: Matrix?
    public var iterations: Int
    /// Whether the gradient fell below the tolerance.
    public var converged: Bool
    /// The largest component of the gradient at the end.
    public var gradient: Double
  }

  public struct StrengthLoss: Codable, Sendable, Equatable {
    public var strength: Double
    public var loss: Double
  }

  /// Fits the rows of a matrix.
  ///
  /// - Parameters:
  ///   - matrix: the examples, a row each.
  ///   - labels: each row's class, from 0 to `classes` − 1.
  ///   - groups: each row's group, for the folds that choose C.
  ///   - seed: divides the folds.
  /// - Throws: `probe.notFinite`, `probe.singleClass`, `probe.tooFewExamples`.
  /// - Complexity: a pass over the rows for an iteration of all folds and strengths together.
  public static func fit(
    _ matrix: Matrix, labels: [Int32], classes: Int, groups: [Int]? = nil,
    settings: Settings = Settings(), seed: UInt64 = 0
  ) throws -> Fit {
    try LinearFit.fit(
      settings.trainingRows(
        matrix, labels: labels, classes: classes, groups: groups, seed: seed),
      loss: .logistic, settings: settings)
  }

  static func requireEveryClass(_ labels: [Int32], classes: Int) throws {
    let present = labels.counts(of: classes).count { $0 > 0 }
    guard present == classes else {
      throw Fault(
        .badData, "probe.singleClass", "The examples to learn from do not hold every class",
        expected: "examples of \(classes) classes", found: "examples of \(present)",
        advice: "give labelled examples of each class")
    }
  }
}
