import Checkpoints
import Diagnostics
import Foundation

extension DictionaryTrainer {
  /// Every array that decides what follows: weights, Adam's moments, and the tokens since each latent fired. They are
  /// written from where they lie.
  ///
  /// - Parameter prefix: goes before every name.
  func lentArrays(prefix: String = "") -> [SafetensorsWriter.LentTensor] {
    let counters = sinceFired
    return parameters.flatMap { parameter in
      [("", parameter.values), (".first", parameter.first), (".second", parameter.second)].map { suffix, buffer in
        .init(name: prefix + parameter.name + suffix, type: .float32, shape: [parameter.rows, parameter.columns]) {
          try $0(buffer.bytes)
        }
      }
    } + [
      .init(name: prefix + "sinceFired", type: .int64, shape: [counters.count]) { try counters.withUnsafeBytes($0) }
    ]
  }

  /// Fills the arrays from a file that `lentArrays` were written to.
  func readArrays(_ file: SafetensorsFile, prefix: String = "") throws {
    func copy(_ own: String, bytes count: Int, to target: UnsafeMutableRawPointer) throws {
      let name = prefix + own
      guard let tensor = file[name], tensor.range.count == count else {
        throw Fault(
          .badData, "dictionary.checkpoint", "The checkpoint lacks an array, or it is of another size",
          file: file.url.path, place: name, expected: "\(count) bytes",
          found: file[name].map { "\($0.range.count) bytes" } ?? "no such array")
      }
      tensor.withUnsafeBytes { bytes in
        if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: count) }
      }
    }
    for parameter in parameters {
      let count = parameter.values.count * 4
      try copy(parameter.name, bytes: count, to: parameter.values.base)
      try copy("\(parameter.name).first", bytes: count, to: parameter.first.base)
      try copy("\(parameter.name).second", bytes: count, to: parameter.second.base)
    }
    sinceFired = try [Int64](unsafeUninitializedCapacity: sinceFired.count) { buffer, initialized in
      guard let base = buffer.baseAddress else { return }
      try copy("sinceFired", bytes: buffer.count * 8, to: base)
      initialized = buffer.count
    }
  }
}
