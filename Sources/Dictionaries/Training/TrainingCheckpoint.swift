import Activations
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

/// Where a run stands, its arrays aside.
struct RunState: Codable {
  var format = "unfold training checkpoint 2"
  var training: TrainingSettings
  var dictionaries: [DictionarySettings]
  var source: SourceIdentity
  var epoch = 0
  var group = 0
  /// Batches taken from the group.
  var batch = 0
  var step = 0
  var steps: Int
  /// Groups of the first epoch whose held-out rows have been kept.
  var heldGroups = 0
  /// Whether the first group has been seen: scales and starting biases are set.
  var isPrepared = false
  var largestNorm: Float?
  var trainers: [TrainerState] = []
  /// The lengths of the files of metrics.
  var lengths: [Int] = []
  var kernel = MatrixKernel.name
  var threads = Threads.count
}

/// What a resumed run must read again.
struct SourceIdentity: Codable, Equatable {
  var origin: Origin
  var rows: Int
  var widths: [Int]
}

/// A trainer's numbers beside its arrays.
struct TrainerState: Codable {
  var step: Int
  var tokens: Int
  var threshold: Float?
  var lastBound: Float
  var density: Double
  var scaling: InputScaling
  var generator: SeededGenerator
}

extension DictionaryTrainer {
  var state: TrainerState {
    get {
      TrainerState(
        step: step, tokens: tokens, threshold: threshold, lastBound: lastBound, density: density, scaling: scaling,
        generator: generator)
    }
    set {
      step = newValue.step
      tokens = newValue.tokens
      threshold = newValue.threshold
      lastBound = newValue.lastBound
      density = newValue.density
      scaling = newValue.scaling
      generator = newValue.generator
    }
  }
}

/// A run's whole state in one safetensors file, which appears under its name only when it is complete and on disk.
///
/// Arrays are written from where they lie: no copy is made. Everything that decides what follows is there: weights, Adam's
/// moments, counters, generators, and the rows that were left over when the present group of rows was read.
enum TrainingCheckpoint {
  static func write(
    _ state: RunState, _ trainers: [DictionaryTrainer], carried: RowGroup, held: HeldOutRows, to url: URL
  ) throws {
    var tensors = trainers.enumerated().flatMap { index, trainer in trainer.lentArrays(prefix: "\(index).") }
    for (group, rows) in [("carried", carried), ("sample", held.sample), ("judged", held.judged)] {
      for (site, matrix) in [("input", rows.input), ("target", rows.target)] {
        guard let matrix else { continue }
        tensors.append(
          .init(name: "\(group).\(site)", type: .float32, shape: [matrix.rows, matrix.columns]) {
            try matrix.elements.withUnsafeBytes($0)
          })
      }
    }
    let metadata = String(decoding: try encoder.encode(state), as: UTF8.self)
    try SafetensorsWriter.write(lent: tensors, metadata: ["state": metadata], to: url)
  }

  /// Reads the state alone.
  static func state(of file: SafetensorsFile) throws -> RunState {
    guard let text = file.metadata.first(where: { $0.key == "state" })?.value,
      let state = try? JSONDecoder().decode(RunState.self, from: Data(text.utf8))
    else {
      throw Fault(
        .badData, "dictionary.checkpoint", "This is no checkpoint of a training run", file: file.url.path,
        expected: "a state in the header", found: "none that can be read",
        advice: "start the run anew, in another folder")
    }
    return state
  }

  /// Fills the trainers' arrays; returns the rows that were carried over and those that were held out.
  static func read(
    _ file: SafetensorsFile, _ state: RunState, into trainers: [DictionaryTrainer]
  ) throws -> (carried: RowGroup, held: HeldOutRows) {
    for (index, trainer) in trainers.enumerated() {
      try trainer.readArrays(file, prefix: "\(index).")
      if state.trainers.indices.contains(index) { trainer.state = state.trainers[index] }
    }
    func rows(_ group: String) throws -> RowGroup {
      func matrix(_ site: String) throws -> Matrix? {
        guard let tensor = file["\(group).\(site)"], tensor.shape.count == 2 else { return nil }
        return Matrix(rows: tensor.shape[0], columns: tensor.shape[1], elements: try tensor.floats())
      }
      return RowGroup(
        input: try matrix("input") ?? Matrix(zeros: 0, columns: state.source.widths.first ?? 0),
        target: try matrix("target"))
    }
    return (try rows("carried"), HeldOutRows(sample: try rows("sample"), judged: try rows("judged")))
  }

  private static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }()
}
