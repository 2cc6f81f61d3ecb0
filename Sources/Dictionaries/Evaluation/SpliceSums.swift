import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import Transformer

/// A sample's documents as batches of tokens, in the sample's order.
struct DocumentBatches {
  /// Some documents, each piece a sequence of its own.
  struct Batch {
    var tokens: TokenBatch
    /// Of each token, whether the tokenizer added it, and its unit in the sample.
    var special: [Bool]
    var units: [Int]
  }

  private let source: any ActivationSource
  private let sample: DocumentSample
  private let table: DocumentTable
  /// Rows of the document table, in the sample's order.
  private let pieces: [Int]
  /// Tokens of a batch at most, unless one piece is longer.
  private let most: Int
  private var place = 0

  init(source: any ActivationSource, sample: DocumentSample, tokens: Int) throws {
    self.source = source
    self.sample = sample
    table = try source.documents
    pieces = table.count > 0 ? sample.documents.flatMap { Array($0) } : []
    most = tokens
  }

  mutating func next() throws -> Batch? {
    var (ids, lengths): ([Int32], [Int]) = ([], [])
    var (special, units): ([Bool], [Int]) = ([], [])
    while place < pieces.count {
      let range = table.tokens(of: pieces[place])
      if !lengths.isEmpty, ids.count + range.count > most { break }
      let unit = Int(sample.unitOfRow[pieces[place]])
      place += 1
      guard !range.isEmpty else { continue }
      let rows = try source.tokens(in: range)
      ids += rows.ids
      special += rows.special.map { $0 != 0 }
      units += [Int](repeating: unit, count: range.count)
      lengths.append(range.count)
    }
    return lengths.isEmpty ? nil : Batch(tokens: TokenBatch(ids: ids, lengths: lengths), special: special, units: units)
  }
}

/// Losses and divergences of the clean run and of three edited ones, of each unit that intervals draw again.
struct SpliceSums {
  /// The places of a unit's sums.
  private enum Place {
    static let tokens = 0
    static let compared = 1
    static let predictions = 2
    static let cleanLoss = 3
    /// Three of each, one a run.
    static let losses = 4
    static let divergences = 7
    static let count = 10
  }

  private var units: [[Double]]
  var tokens: Int { Int(units.reduce(0) { $0 + $1[Place.tokens] }) }

  init(units: Int) { self.units = [[Double]](repeating: [Double](repeating: 0, count: Place.count), count: units) }

  /// - Parameter counted: which tokens' predictions count.
  mutating func add(clean: Matrix, batch: DocumentBatches.Batch, counted: [Bool]) {
    let rows = Self.compare(clean, clean: nil, batch: batch.tokens)
    for (row, unit) in batch.units.enumerated() {
      units[unit][Place.tokens] += 1
      guard counted[row] else { continue }
      units[unit][Place.compared] += 1
      units[unit][Place.predictions] += rows[row].hasNext ? 1 : 0
      units[unit][Place.cleanLoss] += rows[row].loss
    }
  }

  mutating func add(run: Int, logits: Matrix, clean: Matrix, batch: DocumentBatches.Batch, counted: [Bool]) {
    let rows = Self.compare(logits, clean: clean, batch: batch.tokens)
    for (row, unit) in batch.units.enumerated() where counted[row] {
      units[unit][Place.losses + run] += rows[row].loss
      units[unit][Place.divergences + run] += rows[row].divergence
    }
  }

  private struct Comparison {
    /// The loss of predicting the next token, 0 where there is none.
    var loss = 0.0
    var hasNext = false
    /// KL(clean ‖ this run).
    var divergence = 0.0
  }

  private static func compare(_ logits: Matrix, clean: Matrix?, batch: TokenBatch) -> [Comparison] {
    var rows = [Comparison](repeating: Comparison(), count: batch.count)
    let ends = Set(batch.starts)
    rows.withUnsafeMutableBufferPointer { rows in
      Threads.forRanges(0..<batch.count, grain: 8) { some in
        for row in some {
          logits.withUnsafeRow(row) { q in
            let logSum = logSumExp(q)
            rows[row].hasNext = !ends.contains(row + 1)
            if rows[row].hasNext { rows[row].loss = logSum - Double(q[Int(batch.ids[row + 1])]) }
            clean?.withUnsafeRow(row) { p in
              let cleanSum = logSumExp(p)
              var divergence = 0.0
              for token in p.indices {
                let logP = Double(p[token]) - cleanSum
                divergence += exp(logP) * (logP - (Double(q[token]) - logSum))
              }
              rows[row].divergence = divergence
            }
          }
        }
      }
    }
    return rows
  }

  private static func logSumExp(_ values: UnsafeBufferPointer<Float>) -> Double {
    let largest = Double(values.max() ?? 0)
    return largest + log(values.reduce(0.0) { $0 + exp(Double($1) - largest) })
  }

  func measures(documents: Int, seed: UInt64) throws -> SpliceMeasures {
    let all = (0..<Place.count).map { place in units.reduce(0) { $0 + $1[place] } }
    guard all[Place.predictions] > 0 else {
      throw Fault(
        .badData, "dictionary.noPredictions", "The documents are too short to predict a next token",
        expected: "documents of two tokens and more", found: "\(tokens) tokens in documents of one")
    }
    var measures = Self.measures(all, documents: documents)
    let bootstrap = DocumentBootstrap(units: units.count, seed: seed)
    let drawn = bootstrap.sums(units).map { Self.measures($0, documents: documents) }
    func interval(_ figure: (SpliceMeasures) -> Double) -> Interval? {
      bootstrap.interval(drawn.map(figure), about: figure(measures))
    }
    func run(_ run: (SpliceMeasures) -> SpliceMeasures.Run) -> SpliceMeasures.Intervals.Run {
      .init(loss: interval { run($0).loss }, divergence: interval { run($0).divergence })
    }
    measures.intervals = SpliceMeasures.Intervals(
      cleanLoss: interval(\.cleanLoss), spliced: run(\.spliced), zero: run(\.zero), mean: run(\.mean),
      lossRecoveredFromZero: interval(\.lossRecoveredFromZero),
      lossRecoveredFromMean: interval(\.lossRecoveredFromMean),
      divergenceRecoveredFromZero: interval(\.divergenceRecoveredFromZero),
      divergenceRecoveredFromMean: interval(\.divergenceRecoveredFromMean))
    return measures
  }

  private static func measures(_ sums: [Double], documents: Int) -> SpliceMeasures {
    func run(_ index: Int) -> SpliceMeasures.Run {
      SpliceMeasures.Run(
        loss: sums[Place.losses + index] / sums[Place.predictions],
        divergence: sums[Place.divergences + index] / sums[Place.compared])
    }
    return SpliceMeasures(
      documents: documents, tokens: Int(sums[Place.tokens]), compared: Int(sums[Place.compared]),
      predictions: Int(sums[Place.predictions]), cleanLoss: sums[Place.cleanLoss] / sums[Place.predictions],
      spliced: run(0), zero: run(1), mean: run(2))
  }
}
