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

  fileprivate static func byWeight(_ scaled: [Double]) -> [Int] {
    scaled.indices.sorted { (abs(scaled[$1]), $0) < (abs(scaled[$0]), $1) }
  }
}

extension FittedStudy {
  /// The sums of all directions of the best probe, with the AUROC that their first terms keep on the examples held back: the
  /// mean over splits, each judging the sum that its own fit teaches.
  func signedSums(most: Int = 10, sizes: [Int] = [1, 3, 10]) -> [SignedSum] {
    let rows = candidates[best.site].rows
    let fits = zip(trials[best.site][best.method].fits, examples.splits)
    return probe.directionClasses.map { number in
      var sum = probe.signedSum(ofClass: number, most: most)
      for size in sizes.filter({ $0 < rows.columns }).map(Optional.some) + [nil] {
        let areas = fits.compactMap { fit, split -> Double? in
          let direction = fit.classifier.weights.row(fit.classifier.weights.rows == 1 ? 0 : number)
          let order = Probe.byWeight(direction.indices.map { Double(direction[$0]) * fit.standardization.scales[$0] })
          let columns = order.prefix(size ?? order.count)
          let scores = rows.withUnsafeElements { values in
            split.test.map { row in
              columns.reduce(0.0) { $0 + Double(direction[$1]) * Double(values[row * rows.columns + $1]) }
            }
          }
          return AUROC.area(scores: scores, positive: split.test.map { targets.labels[$0] == Int32(number) })
        }
        sum.kept.append(.init(terms: size, auroc: areas.isEmpty ? nil : areas.mean))
      }
      return sum
    }
  }
}
