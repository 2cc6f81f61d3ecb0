import LinearAlgebra

/// Which rows of a source no step sees: of every so many consecutive rows one, at a place that follows from the seed.
///
/// One row a block, rather than a free draw, so that every document has its share in both parts: what they measure then
/// differs by little more than the noise between rows.
package struct HeldOutRule: Sendable {
  package enum Part: Sendable {
    /// Rows that thresholds are set on: three of four.
    case sample
    /// Rows that the finished dictionary is judged by.
    case judged
  }

  /// How many rows are held out where the data suffice: by as many a row's mean number of active latents is known to half
  /// a percent even where it varies as much as its mean; and what they may take in memory.
  static let wanted = 65_536
  static let wantedBytes = 128 << 20
  /// The largest share of the rows that is held out is one of so many.
  static let leastInterval = 5

  let seed: UInt64
  let interval: Int

  /// - Parameters:
  ///   - rows: the source's.
  ///   - tokens: those that training takes, where not all of the source's.
  ///   - width: numbers of a row, all sites together.
  package init(rows: Int, tokens: Int?, width: Int, seed: UInt64) {
    self.seed = seed
    let wanted = max(1024, min(Self.wanted, Self.wantedBytes / (4 * max(width, 1))))
    interval = max(Self.leastInterval, min(rows, tokens ?? rows) / wanted)
  }

  /// The part that a row belongs to; nil where it is trained on.
  package func part(ofRow row: Int) -> Part? {
    let (block, place) = row.quotientAndRemainder(dividingBy: interval)
    let chosen = SeededGenerator.mix(seed ^ SeededGenerator.mix(UInt64(block))) % UInt64(interval)
    guard place == Int(chosen) else { return nil }
    return block.isMultiple(of: 4) ? .judged : .sample
  }

  /// How many of so many rows are trained on, at least.
  func trained(of rows: Int) -> Int { rows - (rows + interval - 1) / interval }
}

/// Rows that were held out, as far as training has read.
struct HeldOutRows {
  var sample: RowGroup
  var judged: RowGroup

  mutating func append(_ other: HeldOutRows) {
    sample = sample.appending(other.sample)
    judged = judged.appending(other.judged)
  }
}

/// What a dictionary does on rows that no step of its training saw.
public struct HeldOutMeasures: Codable, Sendable, Equatable {
  /// Rows that were judged, and rows that the threshold was set on: other ones; none in architectures without it.
  public var rows: Int
  public var thresholdRows: Int
  /// Active latents of a row, on average.
  public var l0: Double
  /// Σ‖y − ŷ‖² / Σ‖y − ȳ‖², ȳ the mean of these rows.
  public var fvu: Double
}

extension SparseAutoencoder {
  /// Judges the dictionary by rows in memory; nil where they are too few to have a variance.
  func heldOutMeasures(on rows: RowGroup, thresholdRows: Int) -> HeldOutMeasures? {
    guard rows.input.rows > 1 else { return nil }
    var sums = ReconstructionSums(width: outputWidth, latents: latents)
    let block = 2048
    for start in stride(from: 0, to: rows.input.rows, by: block) {
      let some = start..<min(start + block, rows.input.rows)
      let input = rows.input.selectingRows(some)
      let found = encode(input)
      sums.add(
        found, target: comparable(rows.target?.selectingRows(some) ?? input),
        output: comparable(decode(found, input: input)),
        units: [Int32](repeating: 0, count: some.count))
    }
    guard let measures = try? sums.measures() else { return nil }
    return HeldOutMeasures(
      rows: measures.rows, thresholdRows: thresholdRows, l0: measures.l0, fvu: measures.fvu)
  }
}
