import Activations
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

extension Probe {
  /// What `format` says in the metadata of a probe file.
  package static let format = "unfold-probe"
  private static let recordFile = RecordFile(
    key: "probe", thing: "a probe", format: format, version: "1", otherName: "probe.notAProbe",
    command: "unfold probe train")

  /// Writes one safetensors file, complete or not at all.
  ///
  /// Tensors, all float32: `weight` [1 or classes, width] and `bias` in the site's own units; `mean` and `scale` [width]
  /// of the rows learnt from. Metadata: `format`, `version`, and `probe`, the record as JSON.
  ///
  /// - Throws: `file.cannotCreate`, `file.write`.
  public func write(to url: URL) throws {
    let width = classifier.width
    try Self.recordFile.write(
      record,
      [
        .init(name: "weight", shape: [classifier.weights.rows, width], floats: classifier.weights.elements),
        .init(name: "bias", shape: [classifier.bias.count], floats: classifier.bias),
        .init(name: "mean", shape: [width], floats: standardization.means.map { Float($0) }),
        .init(name: "scale", shape: [width], floats: standardization.scales.map { Float($0) }),
      ], to: url)
  }

  /// Reads a probe file and checks that its parts belong together.
  ///
  /// - Throws: what a safetensors file can be wrong in; `probe.notAProbe`, `probe.version`, `probe.record`,
  ///   `probe.tensor`.
  public init(contentsOf url: URL) throws {
    let (record, file) = try Self.recordFile.read(ProbeRecord.self, from: url)
    let width = record.site.width
    let outputs = record.classes.count == 2 ? 1 : record.classes.count
    func tensor(_ name: String, _ shape: [Int]) throws -> [Float] { try Self.recordFile.floats(name, shape, in: file) }
    guard record.classes.count >= 2, width > 0 else {
      throw Fault(
        .badData, "probe.record", "The probe's record names no classes or no width", file: url.path,
        place: "metadata probe")
    }
    self.init(
      classifier: LinearClassifier(
        weights: Matrix(rows: outputs, columns: width, elements: try tensor("weight", [outputs, width])),
        bias: try tensor("bias", [outputs])),
      standardization: Standardization(
        means: try tensor("mean", [width]).map { Double($0) },
        scales: try tensor("scale", [width]).map { Double($0) }),
      record: record)
  }
}
