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
    var arrays: [(name: String, type: String, shape: [Int], bytes: UnsafeRawBufferPointer)] = []
    // Keeps the counters alive while their bytes are lent.
    let counters = trainers.map(\.sinceFired)
    for (index, trainer) in trainers.enumerated() {
      for parameter in trainer.parameters {
        let shape = [parameter.rows, parameter.columns]
        arrays.append(("\(index).\(parameter.name)", "F32", shape, parameter.values.bytes))
        arrays.append(("\(index).\(parameter.name).first", "F32", shape, parameter.first.bytes))
        arrays.append(("\(index).\(parameter.name).second", "F32", shape, parameter.second.bytes))
      }
    }
    let metadata = String(decoding: try encoder.encode(state), as: UTF8.self)
    let quoted = String(decoding: try encoder.encode(metadata), as: UTF8.self)
    try withLent(counters, carried) { lent in
      for (index, bytes) in lent.counters.enumerated() {
        arrays.append(("\(index).sinceFired", "I64", [bytes.count / 8], bytes))
      }
      arrays.append(("carried.input", "F32", [carried.input.rows, carried.input.columns], lent.input))
      if let target = carried.target, let bytes = lent.target {
        arrays.append(("carried.target", "F32", [target.rows, target.columns], bytes))
      }
      var members = ["\"__metadata__\":{\"state\":\(quoted)}"]
      var offset = 0
      for array in arrays {
        let shape = array.shape.map(String.init).joined(separator: ",")
        members.append(
          "\"\(array.name)\":{\"dtype\":\"\(array.type)\",\"shape\":[\(shape)],"
            + "\"data_offsets\":[\(offset),\(offset + array.bytes.count)]}")
        offset += array.bytes.count
      }
      var header = Array("{\(members.joined(separator: ","))}".utf8)
      header += Array(repeating: 0x20, count: (8 - header.count % 8) % 8)
      try AtomicFile.write(to: url) { file in
        try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try file.write($0) }
        try header.withUnsafeBytes { try file.write($0) }
        for array in arrays { try file.write(array.bytes) }
      }
    }
  }

  private struct Lent {
    var counters: [UnsafeRawBufferPointer]
    var input: UnsafeRawBufferPointer
    var target: UnsafeRawBufferPointer?
  }

  private static func withLent(_ counters: [[Int64]], _ carried: RowGroup, _ body: (Lent) throws -> Void) throws {
    func lend(_ rest: ArraySlice<[Int64]>, _ lent: Lent) throws {
      guard let first = rest.first else { return try body(lent) }
      try first.withUnsafeBytes { bytes in
        var more = lent
        more.counters.append(bytes)
        try lend(rest.dropFirst(), more)
      }
    }
    try carried.input.elements.withUnsafeBytes { input in
      try (carried.target?.elements ?? []).withUnsafeBytes { target in
        try lend(
          counters[...], Lent(counters: [], input: input, target: carried.target == nil ? nil : target))
      }
    }
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
