import Checkpoints
import Foundation

/// The files of metrics: a line of JSON for each dictionary and step shown, and a TensorBoard file for each dictionary.
final class TrainingLog {
  private struct Line: Encodable {
    var dictionary: String
    var metrics: StepMetrics

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(dictionary, forKey: .dictionary)
      try metrics.encode(to: encoder)
    }

    private enum Key: CodingKey { case dictionary }
  }

  private let names: [String]
  private let lines: AppendedFile
  private let events: [TensorBoardFile]
  private let encoder = JSONEncoder()

  /// - Parameter lengths: how long the files were at the checkpoint, as `lengths` has them; empty for a new run.
  init(_ folder: URL, names: [String], lengths: [Int]) throws {
    self.names = names
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let lengths = lengths.count == names.count + 1 ? lengths : Array(repeating: 0, count: names.count + 1)
    lines = try AppendedFile(folder.appending(path: "metrics.jsonl"), length: lengths[0])
    events = try names.enumerated().map { index, name in
      let run = names.count == 1 ? folder : folder.appending(path: name)
      try AtomicFile.makeFolder(run)
      return try TensorBoardFile(run.appending(path: "events.out.tfevents.0.unfold"), length: lengths[index + 1])
    }
  }

  var lengths: [Int] { [lines.length] + events.map(\.length) }

  func append(_ metrics: [StepMetrics]) throws {
    for (index, metrics) in metrics.enumerated() {
      let line = try encoder.encode(Line(dictionary: names[index], metrics: metrics))
      try lines.append(Array(line) + [0x0A])
      try events[index].append(
        [
          ("loss/total", metrics.loss), ("loss/reconstruction", metrics.reconstruction),
          ("loss/sparsity", metrics.sparsity), ("loss/auxiliary", metrics.auxiliary), ("fvu", metrics.fvu),
          ("l0", metrics.l0), ("dead", metrics.deadFraction), ("learning rate", metrics.learningRate),
          ("gradient norm", metrics.gradientNorm),
        ], step: metrics.step)
    }
  }
}
