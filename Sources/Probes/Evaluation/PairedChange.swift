import LinearAlgebra

/// How a mean a prediction, such as the loss, changes between two runs over the same documents.
///
/// Documents are the units: predictions of one document are not independent. The change is a ratio of two sums over documents,
/// Σ change / Σ predictions; see `RatioOfSums`.
public struct PairedChange: Codable, Sendable, Equatable {
  public var documents: Int
  public var predictions: Int
  /// The mean a prediction in the first run.
  public var before: Double
  /// What the mean grows by in the second.
  public var change: Double
  /// The standard error of `change` over documents; 0 where there are fewer than two.
  public var standardError: Double

  /// One document's sums.
  public struct Document: Sendable {
    public var before: Double
    public var change: Double
    public var predictions: Int

    public init(before: Double, change: Double, predictions: Int) {
      self.before = before
      self.change = change
      self.predictions = predictions
    }
  }

  /// - Parameter documents: those without a prediction take no part.
  public init(_ documents: some Sequence<Document>) {
    let some = documents.filter { $0.predictions > 0 }
    predictions = some.reduce(0) { $0 + $1.predictions }
    let ratio = RatioOfSums(some.map { ($0.change, Double($0.predictions)) })
    self.documents = some.count
    before = some.reduce(0) { $0 + $1.before } / Double(max(predictions, 1))
    change = ratio.value
    standardError = ratio.standardError
  }

  /// The mean a prediction in the second run.
  public var after: Double { before + change }

  /// The chance of so large a growth, or a larger one, where there is none: one-sided; 1 where there is no standard error.
  public var chance: Double {
    Self.chance(of: change, standardError: standardError, documents: documents)
  }

  /// The same of a change that is known with its standard error.
  public static func chance(of change: Double, standardError: Double, documents: Int) -> Double {
    guard standardError > 0, documents > 1 else { return 1 }
    return StudentT.chance(above: change / standardError, degrees: Double(documents - 1))
  }

  /// The 95 % interval of the change; nil where there is no standard error.
  public var interval: Interval? {
    RatioOfSums.interval(of: change, standardError: standardError, units: documents)
  }
}
