import Diagnostics
import Foundation
import LinearAlgebra

/// How far a layer's directions are in superposition: their interference beside that of chance, the dimensions they use,
/// and what the layer could hold.
public struct SuperpositionMeasure: Codable, Sendable, Equatable {
  /// One direction among the others.
  public struct Direction: Codable, Sendable, Equatable {
    public var name: String
    /// D = 1 / Σ_j cos², over all j and itself: its share of a dimension, of directions taken with length 1.
    public var dimensionality: Double
    /// The other direction with the largest |cos|, and the cosine.
    public var nearest: String
    public var nearestCosine: Double
  }

  /// What the layer holds at a tolerance.
  public struct Capacity: Codable, Sendable, Equatable {
    /// The largest |cos| that two directions may have.
    public var tolerance: Double
    /// The decimal logarithm of how many random directions fit before two exceed it, more likely than not.
    public var decimalLogarithm: Double
  }

  public var origin: String
  public var directions: Int
  /// d, the layer's width.
  public var dimensions: Int
  public var interference: Interference
  /// What random directions, as many, would do.
  public var theory: InterferenceTheory
  /// Σ D: the dimensions that the directions use up, at most d (Scherlis et al. 2022).
  public var usedDimensions: Double
  /// n² / Σ_ij cos², over all pairs and each with itself: how many dimensions the directions spread over evenly.
  public var effectiveDimensions: Double
  /// The most directions of this mean-square interference r² that d dimensions can have, d·(1 − r²)/(1 − d·r²) by the
  /// Welch bound; nil where the bound sets no limit (r² ≥ 1/d, that of random directions).
  public var mostAtThisInterference: Double?
  /// 1 / (4·r²): how many other features of equal strength may be active together before their interference on a
  /// feature, √k·r, is half its strength; nil where directions do not interfere.
  public var activeTogether: Double?
  /// For several tolerances.
  public var capacities: [Capacity]
  /// Each direction, in the order given.
  public var byDirection: [Direction]

  /// Measures a set of directions; lengths are left aside. n²·d operations, in blocks.
  ///
  /// - Throws: What `progress` throws.
  public init(_ set: DirectionSet, progress: (Double) throws -> Void = { _ in }) throws {
    let (count, width) = (set.directions.rows, set.directions.columns)
    var unit = set.directions
    unit.withUnsafeMutableElements { values in
      guard let base = values.baseAddress else { return }
      for row in 0..<count {
        let line = base + row * width
        let length = Kernels.dotInDouble(line, line, count: width).squareRoot()
        Kernels.scale(line, by: Float(1 / length), into: line, count: width)
      }
    }
    var scan = PairScan(vectors: count, dimensions: width, histogramLimit: 1)
    try unit.withUnsafeMutableElements { values in
      guard let base = values.baseAddress else { return }
      try scan.run(base, progress: progress)
    }
    origin = set.origin
    directions = count
    dimensions = width
    interference = scan.summary
    theory = InterferenceTheory(vectors: count, dimensions: width)
    let each = scan.byVector
    let dimensionality = each.squares.map { 1 / (1 + $0) }
    usedDimensions = dimensionality.reduce(0, +)
    effectiveDimensions = Double(count) * Double(count) / (Double(count) + each.squares.reduce(0, +))
    let square = interference.rootMeanSquare * interference.rootMeanSquare
    let d = Double(width)
    mostAtThisInterference = d * square < 1 ? d * (1 - square) / (1 - d * square) : nil
    activeTogether = square > 0 ? 1 / (4 * square) : nil
    capacities = [0.05, 0.1, 0.2, 0.3, 0.5].map {
      Capacity(
        tolerance: $0,
        decimalLogarithm: max(
          log10(d), InterferenceTheory.decimalLogarithmOfRandomCapacity(dimensions: width, tolerance: $0)))
    }
    byDirection = (0..<count).map {
      Direction(
        name: set.names[$0], dimensionality: dimensionality[$0], nearest: set.names[each.nearest[$0]],
        nearestCosine: Double(each.nearestCosine[$0]))
    }
  }
}
