import Activations
import LinearAlgebra

/// A probe's direction as a signed sum of a site's columns, largest first: 0.5·A + 0.2·B − 0.1·C …
///
/// A coefficient is a column's weight times the column's standard deviation over the examples learnt from, so that a
/// neuron that hardly moves doesn't lead for its large weight; all coefficients together have length 1.
public struct SignedSum: Codable, Sendable, Equatable {
  public struct Term: Codable, Sendable, Equatable {
    /// The column of the site: at a neuron site the neuron's number.
    public var column: Int
    public var coefficient: Double
  }

  /// How well a sum of the first terms alone still tells the concept from the rest.
  public struct Kept: Codable, Sendable, Equatable {
    /// The number of terms; nil stands for all.
    public var terms: Int?
    /// On the examples held back; nil where a class is absent there.
    public var auroc: Double?
  }

  /// The class that the direction points to.
  public var label: String
  /// The largest terms in order.
  public var terms: [Term]
  /// For 1, 3, 10 and all terms; empty where no examples were at hand.
  public var kept: [Kept]
}

extension Probe {
  /// The classes that have a direction of their own: of two the second, else each.
  var directionClasses: [Int] {
    classifier.weights.rows == 1 ? [record.classes.count - 1] : Array(0..<classifier.weights.rows)
  }

  /// The direction as a sum of columns.
  ///
  /// - Parameters:
  ///   - number: the class, of more than two.
  ///   - most: how many terms are listed.
  public func signedSum(ofClass number: Int? = nil, most: Int = 10) -> SignedSum {
    let number = number ?? directionClasses[0]
    let direction = direction(ofClass: number)
    let scaled = direction.indices.map { Double(direction[$0]) * standardization.scales[$0] }
    let length = max(scaled.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-300)
    let order = Self.byWeight(scaled)
    return SignedSum(
      label: record.settings.method.predictsNumbers ? "the number" : record.classes[number],
      terms: order.prefix(most).filter { scaled[$0] != 0 }.map {
        .init(column: $0, coefficient: scaled[$0] / length)
      }, kept: [])
  }

  private static func byWeight(_ scaled: [Double]) -> [Int] {
    scaled.indices.sorted { (abs(scaled[$1]), $0) < (abs(scaled[$0]), $1) }
  }

  /// The sums of all directions, with the AUROC that their first terms keep on the examples held back.
  ///
  /// With outer folds the AUROC is the mean over folds, each judging the sum that the others teach.
  ///
  /// - Parameter source: the labelled activations that the probe was trained on; the split follows from its settings.
  /// - Throws: what training throws; `probe.otherModel`, `probe.otherSite`.
  /// - Complexity: one pass over the site, and a fit for each outer fold.
  public func signedSums(on source: some ActivationSource, most: Int = 10, sizes: [Int] = [1, 3, 10]) throws
    -> [SignedSum]
  {
    let site = try source.site(named: record.site.name)
    try requireMatch(origin: source.origin, site: site)
    let task = try ProbeTask(settings: record.settings, source: source)
    let rows = try task.examples.rows(
      of: [site], in: source, order: task.order, pooling: task.pooling, memory: ProbeSweep.defaultMemory)[0]
    var folds: [(classifier: LinearClassifier, scales: [Double], places: [Int])] = []
    for split in task.outer {
      let fit = try MethodFit(task.rowsToLearn(rows, places: split.train), settings: record.settings)
      folds.append((fit.classifier, fit.standardization.scales, split.test))
    }
    if folds.isEmpty {
      folds = [(classifier, standardization.scales, Array(task.trainingCount..<task.order.count))]
    }
    return directionClasses.map { number in
      var sum = signedSum(ofClass: number, most: most)
      for size in sizes.filter({ $0 < classifier.width }).map(Optional.some) + [nil] {
        let areas = folds.compactMap { fold -> Double? in
          let direction = fold.classifier.weights.row(fold.classifier.weights.rows == 1 ? 0 : number)
          let order = Self.byWeight(direction.indices.map { Double(direction[$0]) * fold.scales[$0] })
          let columns = order.prefix(size ?? order.count)
          let scores = rows.withUnsafeElements { values in
            fold.places.map { row in
              columns.reduce(0.0) { $0 + Double(direction[$1]) * Double(values[row * rows.columns + $1]) }
            }
          }
          return AUROC.area(
            scores: scores, positive: fold.places.map { task.examples.labels[task.order[$0]] == Int32(number) })
        }
        sum.kept.append(
          .init(terms: size, auroc: areas.isEmpty ? nil : areas.reduce(0, +) / Double(areas.count)))
      }
      return sum
    }
  }
}
