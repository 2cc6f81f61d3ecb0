import Activations
import Diagnostics
import Foundation
import LinearAlgebra

/// How the directions of several probes lie to each other.
public struct DirectionComparison: Codable, Sendable, Equatable {
  /// A direction: a probe of two classes has one, of more one a class.
  public struct Direction: Codable, Sendable, Equatable {
    /// The probe's name, and the class where the probe has several.
    public var name: String
    public var site: String
  }

  /// The angles between the spans of two probes' directions.
  public struct Angles: Codable, Sendable, Equatable {
    public var first: String
    public var second: String
    /// In degrees, from the smallest: 0 where the spans share an axis, 90 where they share none. As many as the
    /// smaller span has dimensions (Björck & Golub 1973).
    public var degrees: [Double]
  }

  public var directions: [Direction]
  /// The cosine of each direction with each.
  public var cosines: [[Double]]
  /// For each pair of probes.
  public var angles: [Angles]
  /// What the largest |cosine| among so many random directions of this width would be, about: √(2 ln(pairs) / width).
  /// Cosines below it say nothing.
  public var chance: Double
}

extension DirectionComparison {
  /// Compares probes of sites of one width.
  ///
  /// - Parameter probes: each under a name of its own.
  /// - Throws: `probe.comparison` where there are fewer than two, or widths or models differ.
  public init(_ probes: [(name: String, probe: Probe)]) throws {
    guard let first = probes.first?.probe, probes.count >= 2 else {
      throw Fault(
        .usage, "probe.comparison", "A comparison needs several probes", expected: "at least two",
        found: "\(probes.count)")
    }
    for (name, probe) in probes {
      guard probe.classifier.width == first.classifier.width else {
        throw Fault(
          .badData, "probe.comparison", "Directions of different widths have no angle", place: name,
          expected: "\(first.classifier.width) columns, as \(probes[0].name) has",
          found: "\(probe.classifier.width) at \(probe.record.site.name)", advice: "compare probes of one kind of site")
      }
      guard probe.record.origin.isOfSameModel(as: first.record.origin) else {
        throw Fault(
          .badData, "probe.comparison", "Directions of different models have no angle", place: name,
          expected: "\(first.record.origin.model), as \(probes[0].name)", found: probe.record.origin.model)
      }
    }
    var directions: [Direction] = []
    var units: [[Double]] = []
    for (name, probe) in probes {
      for number in probe.directionClasses {
        let label = probe.directionClasses.count == 1 ? "" : ": \(probe.record.classes[number])"
        directions.append(Direction(name: name + label, site: probe.record.site.name))
        units.append(Self.unit(probe.direction(ofClass: number)))
      }
    }
    self.directions = directions
    cosines = units.map { a in units.map { b in min(1, max(-1, innerProduct(a, b))) } }
    var angles: [Angles] = []
    for (place, one) in probes.enumerated() {
      for other in probes[(place + 1)...] {
        angles.append(
          Angles(
            first: one.name, second: other.name,
            degrees: try Self.principalAngles(one.probe.span, other.probe.span)))
      }
    }
    self.angles = angles
    let pairs = Double(max(directions.count * (directions.count - 1) / 2, 2))
    chance = min(1, (2 * log(pairs) / Double(first.classifier.width)).squareRoot())
  }

  /// The principal angles between the spans of two sets of vectors, in degrees, rising.
  package static func principalAngles(_ a: [[Double]], _ b: [[Double]]) throws -> [Double] {
    let (first, second) = (orthonormal(a), orthonormal(b))
    guard !first.isEmpty, !second.isEmpty else { return [] }
    let (small, large) = first.count <= second.count ? (first, second) : (second, first)
    // The cosines are the singular values of small · largeᵀ: the roots of the eigenvalues of its product with itself.
    let products = small.map { a in large.map { b in innerProduct(a, b) } }
    let size = small.count
    var gram = [Double](repeating: 0, count: size * size)
    for row in 0..<size {
      for column in 0..<size { gram[row * size + column] = innerProduct(products[row], products[column]) }
    }
    guard let values = symmetricEigen(gram, size: size)?.values else {
      throw Fault(.badData, "probe.comparison", "The directions hold numbers that are not finite")
    }
    return values.reversed().map { acos(min(1, max(0, $0).squareRoot())) * 180 / .pi }
  }

  static func unit(_ vector: [Float]) -> [Double] {
    let values = vector.map(Double.init)
    let norm = max(innerProduct(values, values).squareRoot(), 1e-300)
    return values.map { $0 / norm }
  }

  /// Unit vectors at right angles that span the same; vectors that others span already are left out.
  private static func orthonormal(_ vectors: [[Double]]) -> [[Double]] {
    var basis: [[Double]] = []
    for vector in vectors {
      let length = innerProduct(vector, vector).squareRoot()
      guard length > 0 else { continue }
      var rest = vector
      for _ in 0..<2 {
        for axis in basis {
          let share = innerProduct(rest, axis)
          addScaled(-share, axis, to: &rest)
        }
      }
      let norm = innerProduct(rest, rest).squareRoot()
      if norm > 1e-6 * length { basis.append(rest.map { $0 / norm }) }
    }
    return basis
  }
}

extension Probe {
  /// What the directions span; of several classes, the differences from their mean, since a part common to all classes
  /// tells none of them.
  var span: [[Double]] {
    let rows = directionClasses.map { direction(ofClass: $0).map(Double.init) }
    guard rows.count > 1 else { return rows }
    let width = rows[0].count
    let mean = (0..<width).map { column in rows.reduce(0) { $0 + $1[column] } / Double(rows.count) }
    return rows.map { row in row.indices.map { row[$0] - mean[$0] } }
  }
}
