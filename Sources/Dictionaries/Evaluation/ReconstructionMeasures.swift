import Activations
import Diagnostics
import Foundation
import LinearAlgebra

/// How well a dictionary rebuilds activations, and how sparsely.
///
/// All sums are kept in double precision, and every figure is a ratio of sums over all rows, not a mean over batches.
public struct ReconstructionMeasures: Codable, Sendable, Equatable {
  /// Rows that were judged.
  public var rows: Int
  /// The mean number of active latents of a row.
  public var l0: Double
  /// The mean sum of a row's latents.
  public var l1: Double
  /// The fraction of variance unexplained: Σ‖y − ŷ‖² / Σ‖y − ȳ‖², ȳ the one mean over all rows.
  public var fvu: Double
  /// 1 − FVU.
  public var explainedVariance: Double
  /// The mean of (y − ŷ)² over rows and columns.
  public var meanSquaredError: Double
  /// The mean cosine of y and ŷ.
  public var cosine: Double
  /// The mean of ‖ŷ‖ / ‖y‖; below 1 the dictionary shrinks what it rebuilds.
  public var normRatio: Double
  /// Of each latent, the share of rows where it is active. Shape: [F].
  public var density: [Double]
  /// Of each latent, its largest value. Shape: [F].
  public var largest: [Float]
  /// The mean of y over all rows. Shape: [m].
  public var mean: [Double]

  /// Latents that were never active.
  public var deadLatents: Int { density.count { $0 == 0 } }
  /// Latents that were active in more than half of the rows.
  public var alwaysOnLatents: Int { density.count { $0 > 0.5 } }
}

/// The sums of `ReconstructionMeasures`, gathered block by block.
struct ReconstructionSums {
  private var rows = 0
  private var columnMean: [Double]
  private var scatter = 0.0
  private var squaredError = 0.0
  private var cosine = 0.0
  private var ratio = 0.0
  /// Rows that are not zero, which alone have a cosine and a ratio.
  private var directed = 0
  private var l1 = 0.0
  private var firing: [Int]
  private var largest: [Float]
  private let width: Int

  init(width: Int, latents: Int) {
    self.width = width
    columnMean = [Double](repeating: 0, count: width)
    firing = [Int](repeating: 0, count: latents)
    largest = [Float](repeating: 0, count: latents)
  }

  mutating func add(_ latents: SparseLatents, target: Matrix, output: Matrix) {
    precondition(target.columns == width && output.columns == width && latents.rows == target.rows)
    for place in latents.indices.indices {
      let (latent, value) = (Int(latents.indices[place]), latents.values[place])
      firing[latent] += 1
      largest[latent] = max(largest[latent], value)
      l1 += Double(value)
    }
    // The block's own mean and scatter, joined with those before by Chan's formula: no large numbers cancel.
    var mean = [Double](repeating: 0, count: width)
    for row in 0..<target.rows {
      target.withUnsafeRow(row) { y in
        output.withUnsafeRow(row) { o in
          var (product, length, outputLength, error) = (0.0, 0.0, 0.0, 0.0)
          for column in 0..<width {
            let (a, b) = (Double(y[column]), Double(o[column]))
            mean[column] += a
            product += a * b
            length += a * a
            outputLength += b * b
            error += (a - b) * (a - b)
          }
          squaredError += error
          if length > 0 {
            directed += 1
            ratio += (outputLength / length).squareRoot()
            if outputLength > 0 { cosine += product / (length * outputLength).squareRoot() }
          }
        }
      }
    }
    let count = Double(target.rows)
    for column in 0..<width { mean[column] /= count }
    var blockScatter = 0.0
    for row in 0..<target.rows {
      target.withUnsafeRow(row) { y in
        for column in 0..<width {
          let d = Double(y[column]) - mean[column]
          blockScatter += d * d
        }
      }
    }
    let (before, after) = (Double(rows), Double(rows) + count)
    for column in 0..<width {
      let d = mean[column] - columnMean[column]
      blockScatter += d * d * before * count / after
      columnMean[column] += d * count / after
    }
    scatter += blockScatter
    rows += target.rows
  }

  func measures() throws -> ReconstructionMeasures {
    guard scatter > 0 else {
      throw Fault(
        .badData, "dictionary.constantActivations", "The activations are all alike, so there is nothing to explain",
        expected: "rows that differ", found: "\(rows) rows without any variance",
        advice: "judge the dictionary on more text")
    }
    let (n, fvu) = (Double(rows), squaredError / scatter)
    return ReconstructionMeasures(
      rows: rows, l0: Double(firing.reduce(0, +)) / n, l1: l1 / n, fvu: fvu, explainedVariance: 1 - fvu,
      meanSquaredError: squaredError / (n * Double(width)), cosine: directed > 0 ? cosine / Double(directed) : 0,
      normRatio: directed > 0 ? ratio / Double(directed) : 0, density: firing.map { Double($0) / n },
      largest: largest, mean: columnMean)
  }
}

extension SparseAutoencoder {
  /// How well the dictionary rebuilds a source's activations, in one pass and bounded memory.
  ///
  /// - Parameters:
  ///   - site: the site to read, where the dictionary names none or another is meant.
  ///   - specialTokens: whether tokens that the tokenizer added count; their norms can be a hundred times the others'.
  ///   - rows: how many rows at least, where not all; whole blocks are read.
  /// - Throws: `dictionary.site`, `dictionary.width`, `dictionary.otherModel`, `dictionary.notFiniteActivations`,
  ///   `dictionary.noRows`, `dictionary.constantActivations`.
  public func reconstruction(
    of source: any ActivationSource, site: String? = nil, specialTokens: Bool = false, rows: Int? = nil,
    progress: (Int) -> Void = { _ in }
  ) throws -> ReconstructionMeasures {
    let input = try DictionaryInput(self, source: source, site: site)
    var sums = ReconstructionSums(width: outputWidth, latents: latents)
    var done = 0
    try input.stream(specialTokens: specialTokens, rows: rows) { block in
      let latents = encode(block.input)
      sums.add(latents, target: block.target, output: decode(latents, input: block.input))
      done += block.rows.count
      progress(done)
    }
    return try sums.measures()
  }
}

/// How a dictionary's directions lie to each other.
public struct DirectionMeasures: Codable, Sendable, Equatable {
  /// The mean over latents of the largest cosine with another direction.
  public var meanNearestCosine: Double
  /// Latents whose direction has a cosine above 0.9 with another: one feature learnt twice.
  public var nearDuplicates: Int
  /// Of each latent, the largest cosine with another direction. Shape: [F].
  public var nearestCosine: [Float]
}

extension SparseAutoencoder {
  /// The directions with norm 1; a direction of norm 0 stays zero. Shape: [F, m].
  package var unitDirections: Matrix {
    var unit = decoder
    let (norms, width) = (decoderNorms, outputWidth)
    unit.withUnsafeMutableElements { elements in
      for (latent, norm) in norms.enumerated() where norm > 0 {
        for index in latent * width..<(latent + 1) * width { elements[index] /= norm }
      }
    }
    return unit
  }

  /// How the directions lie to each other. 2·F²·m operations, memory for 256 · F cosines.
  public func directionMeasures() -> DirectionMeasures {
    let unit = unitDirections
    var nearest = [Float](repeating: -1, count: latents)
    for start in stride(from: 0, to: latents, by: 256) {
      let rows = start..<min(start + 256, latents)
      let cosines = unit.selectingRows(rows).multiplied(by: unit, transposed: true)
      for (offset, latent) in rows.enumerated() {
        cosines.withUnsafeRow(offset) { row in
          var largest: Float = -1
          for (other, cosine) in row.enumerated() where other != latent && cosine > largest { largest = cosine }
          nearest[latent] = largest
        }
      }
    }
    return DirectionMeasures(
      meanNearestCosine: nearest.reduce(0.0) { $0 + Double($1) } / Double(max(latents, 1)),
      nearDuplicates: nearest.count { $0 > 0.9 }, nearestCosine: nearest)
  }
}
