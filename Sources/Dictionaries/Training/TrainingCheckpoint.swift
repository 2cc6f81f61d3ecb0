import Activations
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

/// Where a run stands, its arrays aside.
struct RunState: Codable {
  var format = "unfold training checkpoint 1"
  var training: TrainingSettings
  var dictionaries: [DictionarySettings]
  var source: SourceIdentity
  var epoch = 0
  var group = 0
  /// Batches taken from the group.
  var batch = 0
  var step = 0
  var steps: Int
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
  var threshold: Double
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
  static func write(_ state: RunState, _ trainers: [DictionaryTrainer], carried: RowGroup, to url: URL) throws {
    var tensors: [SafetensorsWriter.LentTensor] = []
    for (index, trainer) in trainers.enumerated() {
      for parameter in trainer.parameters {
        let shape = [parameter.rows, parameter.columns]
        for (name, buffer) in [
          (parameter.name, parameter.values), ("\(parameter.name).first", parameter.first),
          ("\(parameter.name).second", parameter.second),
        ] {
          tensors.append(.init(name: "\(index).\(name)", type: .float32, shape: shape) { try $0(buffer.bytes) })
        }
      }
    }
    for (index, trainer) in trainers.enumerated() {
      let counters = trainer.sinceFired
      tensors.append(
        .init(name: "\(index).sinceFired", type: .int64, shape: [counters.count]) {
          try counters.withUnsafeBytes($0)
        })
    }
    for (name, matrix) in [("carried.input", carried.input), ("carried.target", carried.target)] {
      guard let matrix else { continue }
      tensors.append(
        .init(name: name, type: .float32, shape: [matrix.rows, matrix.columns]) {
          try matrix.elements.withUnsafeBytes($0)
        })
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

  /// Fills the trainers' arrays; returns the rows that were carried over.
  static func read(_ file: SafetensorsFile, _ state: RunState, into trainers: [DictionaryTrainer]) throws -> RowGroup {
    func copy(_ name: String, bytes count: Int, to target: UnsafeMutableRawPointer) throws {
      guard let tensor = file[name], tensor.range.count == count else {
        throw Fault(
          .badData, "dictionary.checkpoint", "The checkpoint lacks an array, or it is of another size",
          file: file.url.path, place: name, expected: "\(count) bytes",
          found: file[name].map { "\($0.range.count) bytes" } ?? "no such array")
      }
      tensor.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress, count > 0 { target.copyMemory(from: base, byteCount: count) }
      }
    }
    for (index, trainer) in trainers.enumerated() {
      for parameter in trainer.parameters {
        let name = "\(index).\(parameter.name)"
        let count = parameter.values.count * 4
        try copy(name, bytes: count, to: parameter.values.base)
        try copy("\(name).first", bytes: count, to: parameter.first.base)
        try copy("\(name).second", bytes: count, to: parameter.second.base)
      }
      let latents = trainer.settings.latents
      trainer.sinceFired = try [Int64](unsafeUninitializedCapacity: latents) { buffer, initialized in
        guard let base = buffer.baseAddress else { return }
        try copy("\(index).sinceFired", bytes: latents * 8, to: base)
        initialized = latents
      }
      if state.trainers.indices.contains(index) { trainer.state = state.trainers[index] }
    }
    func matrix(_ name: String) throws -> Matrix? {
      guard let tensor = file[name], tensor.shape.count == 2 else { return nil }
      return Matrix(rows: tensor.shape[0], columns: tensor.shape[1], elements: try tensor.floats())
    }
    return RowGroup(
      input: try matrix("carried.input") ?? Matrix(zeros: 0, columns: state.source.widths.first ?? 0),
      target: try matrix("carried.target"))
  }

  private static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }()
}
