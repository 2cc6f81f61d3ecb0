import Activations
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

extension Probe {
  /// What `format` says in the metadata of a probe file.
  package static let format = "unfold-probe"
  static let version = "1"

  /// Writes one safetensors file, complete or not at all.
  ///
  /// Tensors, all float32: `weight` [1 or classes, width] and `bias` in the site's own units; `mean` and `scale` [width]
  /// of the rows learnt from. Metadata: `format`, `version`, and `probe`, the record as JSON.
  ///
  /// - Throws: `file.cannotCreate`, `file.write`.
  public func write(to url: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let json: Data
    do {
      json = try encoder.encode(record)
    } catch {
      throw Fault(
        .software, "probe.record", "The probe's record cannot be written as JSON", found: "\(error)")
    }
    let width = classifier.width
    try SafetensorsWriter.write(
      [
        .init(name: "weight", shape: [classifier.weights.rows, width], floats: classifier.weights.elements),
        .init(name: "bias", shape: [classifier.bias.count], floats: classifier.bias),
        .init(name: "mean", shape: [width], floats: standardization.means.map { Float($0) }),
        .init(name: "scale", shape: [width], floats: standardization.scales.map { Float($0) }),
      ],
      metadata: [
        "format": Self.format, "version": Self.version, "probe": String(decoding: json, as: UTF8.self),
      ], to: url)
  }

  /// Reads a probe file and checks that its parts belong together.
  ///
  /// - Throws: what a safetensors file can be wrong in; `probe.notAProbe`, `probe.version`, `probe.record`,
  ///   `probe.tensor`.
  public init(contentsOf url: URL) throws {
    let file = try SafetensorsFile(contentsOf: url)
    func metadata(_ key: String) -> String? { file.metadata.first { $0.key == key }?.value }
    guard metadata("format") == Self.format, let json = metadata("probe") else {
      throw Fault(
        .badData, "probe.notAProbe", "This safetensors file is not a probe", file: url.path,
        place: "metadata format", expected: Self.format, found: metadata("format") ?? "none",
        advice: "give a file that `unfold probe train` has written")
    }
    guard metadata("version") == Self.version else {
      throw Fault(
        .badData, "probe.version", "This probe was written by another version of the format", file: url.path,
        expected: Self.version, found: metadata("version") ?? "none")
    }
    let record: ProbeRecord
    do {
      record = try JSONDecoder().decode(ProbeRecord.self, from: Data(json.utf8))
    } catch {
      throw Fault(
        .badData, "probe.record", "The probe's record cannot be read", file: url.path, place: "metadata probe",
        found: "\(error)")
    }
    let width = record.site.width
    let outputs = record.classes.count == 2 ? 1 : record.classes.count
    func tensor(_ name: String, _ shape: [Int]) throws -> [Float] {
      guard let view = file[name] else {
        throw Fault(.badData, "probe.tensor", "The probe lacks a tensor", file: url.path, place: name)
      }
      guard view.type == .float32, view.shape == shape else {
        throw Fault(
          .badData, "probe.tensor", "A tensor of the probe does not fit its record", file: url.path, place: name,
          expected: "F32 \(shape)", found: "\(view.type.rawValue) \(view.shape)")
      }
      let values = try view.floats()
      guard values.allSatisfy(\.isFinite) else {
        throw Fault(
          .badData, "probe.tensor", "A tensor of the probe holds NaN or infinity", file: url.path, place: name)
      }
      return values
    }
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
