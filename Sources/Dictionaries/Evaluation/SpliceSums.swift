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

  mutating func add(_ clean: CleanPredictions) {
    for (token, unit) in clean.batch.units.enumerated() {
      units[unit][Place.tokens] += 1
      guard clean.counted[token] else { continue }
      units[unit][Place.compared] += 1
      units[unit][Place.predictions] += clean.losses[token] == nil ? 0 : 1
      units[unit][Place.cleanLoss] += clean.losses[token] ?? 0
    }
  }

  /// Some rows of an edited run.
  mutating func add(run: Int, _ rows: [CleanPredictions.Comparison], from first: Int, clean: CleanPredictions) {
    for (token, row) in zip(first..., rows) where clean.counted[token] {
      units[clean.batch.units[token]][Place.losses + run] += row.loss ?? 0
      units[clean.batch.units[token]][Place.divergences + run] += row.divergence
    }
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
