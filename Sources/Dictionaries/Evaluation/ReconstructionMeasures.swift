import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Probes

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
  /// Documents that the rows come from.
  public var documents = 0
  /// The middle 95 % of what resampled documents give; nil where it was not asked for.
  public var intervals: Intervals?
  /// Of a crosscoder, the same of each site alone; the figures above are then of all, in units where each site's mean norm is
  /// √width.
  public var sites: [SiteReconstruction]?

  public struct Intervals: Codable, Sendable, Equatable {
    public var l0: Interval?
    public var fvu: Interval?
  }

  /// Latents that were never active.
  public var deadLatents: Int { density.count { $0 == 0 } }
  /// Latents that were active in more than half of the rows.
  public var alwaysOnLatents: Int { density.count { $0 > 0.5 } }
}

/// The sums of `ReconstructionMeasures`, of each unit that intervals draw again.
struct ReconstructionSums {
  /// The sums of a unit's rows.
  fileprivate struct Unit {
    var rows = 0
    var mean: [Double]
    /// Σ‖y − mean‖².
    var scatter = 0.0
    var squaredError = 0.0
    var cosine = 0.0
    var ratio = 0.0
    /// Rows that are not zero, which alone have a cosine and a ratio.
    var directed = 0
    var active = 0
    var l1 = 0.0
  }

  private var units: [Unit]
  private var firing: [Int]
  private var largest: [Float]
  private let width: Int

  init(width: Int, latents: Int, units: Int = 1) {
    self.width = width
    self.units = (0..<max(units, 1)).map { _ in Unit(mean: [Double](repeating: 0, count: width)) }
    firing = [Int](repeating: 0, count: latents)
    largest = [Float](repeating: 0, count: latents)
  }

  /// - Parameter units: each row's.
  mutating func add(_ latents: SparseLatents, target: Matrix, output: Matrix, units numbers: [Int32]) {
    precondition(target.columns == width && output.columns == width && latents.rows == target.rows)
    for place in latents.indices.indices {
      let (latent, value) = (Int(latents.indices[place]), latents.values[place])
      firing[latent] += 1
      largest[latent] = max(largest[latent], value)
    }
    for row in 0..<target.rows {
      let range = latents.range(ofRow: row)
      target.withUnsafeRow(row) { y in
        output.withUnsafeRow(row) { o in
          units[Int(numbers[row])].add(y, o, active: latents.values[range], width: width)
        }
      }
    }
  }

  func measures(bootstrap seed: UInt64? = nil) throws -> ReconstructionMeasures {
    func sum<Value: AdditiveArithmetic>(_ value: (Unit) -> Value) -> Value { units.reduce(.zero) { $0 + value($1) } }
    let (rows, directed) = (sum(\.rows), sum(\.directed))
    let n = Double(rows)
    // The units' own means and scatters, joined by Chan's formula: no large numbers cancel.
    var mean = [Double](repeating: 0, count: width)
    for unit in units { for column in 0..<width { mean[column] += Double(unit.rows) / n * unit.mean[column] } }
    let scatters = units.map { unit in
      var distance = 0.0
      for column in 0..<width { distance += (unit.mean[column] - mean[column]) * (unit.mean[column] - mean[column]) }
      return unit.scatter + Double(unit.rows) * distance
    }
    let scatter = scatters.reduce(0, +)
    guard rows > 0, scatter > 0 else {
      throw Fault(
        .badData, "dictionary.constantActivations", "The activations are all alike, so there is nothing to explain",
        expected: "rows that differ", found: "\(rows) rows without any variance",
        advice: "judge the dictionary on more text")
    }
    let (squaredError, fvu) = (sum(\.squaredError), sum(\.squaredError) / scatter)
    let l0 = Double(sum(\.active)) / n
    return ReconstructionMeasures(
      rows: rows, l0: l0, l1: sum(\.l1) / n, fvu: fvu, explainedVariance: 1 - fvu,
      meanSquaredError: squaredError / (n * Double(width)), cosine: directed > 0 ? sum(\.cosine) / Double(directed) : 0,
      normRatio: directed > 0 ? sum(\.ratio) / Double(directed) : 0, density: firing.map { Double($0) / n },
      largest: largest, mean: mean, intervals: seed.map { intervals(scatters, mean: mean, l0: l0, fvu: fvu, seed: $0) })
  }

  private func intervals(
    _ scatters: [Double], mean: [Double], l0: Double, fvu: Double, seed: UInt64
  ) -> ReconstructionMeasures.Intervals {
    let bootstrap = DocumentBootstrap(units: units.count, seed: seed)
    let drawn = bootstrap.sums(
      zip(units, scatters).map { [Double($0.rows), Double($0.active), $0.squaredError, $1] })
    // A resample's own mean lies elsewhere than that of all: by a small correction, for which single precision will do.
    let sums = Matrix(
      rows: units.count, columns: width,
      elements: units.flatMap { unit in (0..<width).map { Float(Double(unit.rows) * (unit.mean[$0] - mean[$0])) } })
    let shifts = bootstrap.times.rows > 0 ? bootstrap.times.multiplied(by: sums) : bootstrap.times
    return ReconstructionMeasures.Intervals(
      l0: bootstrap.interval(drawn.map { $0[1] / $0[0] }, about: l0),
      fvu: bootstrap.interval(
        drawn.enumerated().map { resample, sums in
          let shift = shifts.withUnsafeRow(resample) { $0.reduce(0.0) { $0 + Double($1) * Double($1) } }
          return sums[2] / (sums[3] - shift / sums[0])
        }, about: fvu))
  }
}

extension ReconstructionSums.Unit {
  mutating func add(
    _ y: UnsafeBufferPointer<Float>, _ o: UnsafeBufferPointer<Float>, active values: ArraySlice<Float>, width: Int
  ) {
    rows += 1
    active += values.count
    for value in values { l1 += Double(value) }
    var (product, length, outputLength, error) = (0.0, 0.0, 0.0, 0.0)
    let share = 1 / Double(rows)
    mean.withUnsafeMutableBufferPointer { mean in
      for column in 0..<width {
        let (a, b) = (Double(y[column]), Double(o[column]))
        // Welford's update.
        let difference = a - mean[column]
        mean[column] += difference * share
        scatter += difference * (a - mean[column])
        product += a * b
        length += a * a
        outputLength += b * b
        error += (a - b) * (a - b)
      }
    }
    squaredError += error
    guard length > 0 else { return }
    directed += 1
    ratio += (outputLength / length).squareRoot()
    if outputLength > 0 { cosine += product / (length * outputLength).squareRoot() }
  }
}

extension SparseAutoencoder {
  /// How well the dictionary rebuilds a source's activations, in one pass and bounded memory.
  ///
  /// The order of the source's documents does not matter, neither for a sample nor for intervals.
  ///
  /// - Parameters:
  ///   - site: the site to read, where the dictionary names none or another is meant.
  ///   - specialTokens: whether tokens that the tokenizer added count; their norms can be a hundred times the others'.
  ///   - rows: how many rows at least, where not all: of a seeded sample of whole documents.
  ///   - seed: decides the sample and the resamples of documents that intervals come from.
  /// - Throws: `dictionary.site`, `dictionary.width`, `dictionary.otherModel`, `dictionary.notFiniteActivations`,
  ///   `dictionary.noRows`, `dictionary.constantActivations`.
  public func reconstruction(
    of source: any ActivationSource, site: String? = nil, specialTokens: Bool = false, rows: Int? = nil,
    seed: UInt64 = 0, progress: (Int) -> Void = { _ in }
  ) throws -> ReconstructionMeasures {
    let input = try DictionaryInput(self, source: source, site: site)
    let sample = try DocumentSample(
      of: source, seed: seed, most: rows, specialTokens: specialTokens,
      units: min(DocumentSample.mostUnits, max(64, (1 << 22) / outputWidth)))
    var sums = ReconstructionSums(width: outputWidth, latents: latents, units: sample.units)
    var sites = SiteSums(self, units: sample.units)
    var done = 0
    try input.stream(specialTokens: specialTokens, sample: sample) { block in
      let latents = encode(block.input)
      let output = decode(latents, input: block.input)
      let units = block.documents.map { sample.unitOfRow[Int($0)] }
      sums.add(latents, target: comparable(block.target), output: comparable(output), units: units)
      sites.add(latents, target: block.target, output: output, units: units)
      done += block.rows.count
      progress(done)
    }
    var measures = try sums.measures(bootstrap: seed)
    measures.documents = sample.documents.count
    measures.sites = try sites.measures(seed: seed)
    return measures
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
  package var unitDirections: Matrix { comparable(decoder).withUnitRows }

  /// How the directions lie to each other. 2·F²·m operations, memory for 256 · F cosines.
  public func directionMeasures() -> DirectionMeasures {
    let directions = comparable(decoder)
    let nearest = maximumCosines(of: directions, among: directions, leavesOutOwn: true).map(\.cosine)
    return DirectionMeasures(
      meanNearestCosine: nearest.reduce(0.0) { $0 + Double($1) } / Double(max(latents, 1)),
      nearDuplicates: nearest.count { $0 > 0.9 }, nearestCosine: nearest)
  }
}
