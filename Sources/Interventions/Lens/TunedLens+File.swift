import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

extension TunedLens {
  static let format = "unfold-tuned-lens"
  static let version = "1"

  /// Writes one safetensors file, complete or not at all.
  ///
  /// Tensors, all float32: `SITE.weight` [d_model, d_model], which is A, and `SITE.bias` [d_model] for each site. Metadata:
  /// `format`, `version`, and `lens`, the record as JSON.
  /// - Throws: `file.cannotCreate`, `file.write`.
  public func write(to url: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let json: Data
    do {
      json = try encoder.encode(record)
    } catch {
      throw Fault(.software, "lens.record", "The lens's record cannot be written as JSON", found: "\(error)")
    }
    let tensors = translators.flatMap { translator -> [SafetensorsWriter.Tensor] in
      let width = translator.bias.count
      return [
        .init(name: "\(translator.site).weight", shape: [width, width], floats: translator.weights.elements),
        .init(name: "\(translator.site).bias", shape: [width], floats: translator.bias),
      ]
    }
    try SafetensorsWriter.write(
      tensors,
      metadata: ["format": Self.format, "version": Self.version, "lens": String(decoding: json, as: UTF8.self)],
      to: url)
  }

  /// Reads a tuned lens and checks that its parts belong together.
  ///
  /// - Throws: what a safetensors file can be wrong in; `lens.notALens`, `lens.version`, `lens.record`, `lens.tensor`.
  public init(contentsOf url: URL) throws {
    let file = try SafetensorsFile(contentsOf: url)
    func metadata(_ key: String) -> String? { file.metadata.first { $0.key == key }?.value }
    guard metadata("format") == Self.format, let json = metadata("lens") else {
      throw Fault(
        .badData, "lens.notALens", "This safetensors file is not a tuned lens", file: url.path,
        place: "metadata format", expected: Self.format, found: metadata("format") ?? "none",
        advice: "give a file that `unfold lens train` has written")
    }
    guard metadata("version") == Self.version else {
      throw Fault(
        .badData, "lens.version", "This lens was written by another version of the format", file: url.path,
        expected: Self.version, found: metadata("version") ?? "none")
    }
    do {
      record = try JSONDecoder().decode(Record.self, from: Data(json.utf8))
    } catch {
      throw Fault(
        .badData, "lens.record", "The lens's record cannot be read", file: url.path, place: "metadata lens",
        found: "\(error)")
    }
    translators = []
    for site in record.heldOut.map(\.site) {
      let width = file["\(site).bias"]?.count ?? 0
      translators.append(
        Translator(
          site: site,
          weights: Matrix(
            rows: width, columns: width, elements: try Self.floats(file, "\(site).weight", [width, width])),
          bias: try Self.floats(file, "\(site).bias", [width])))
    }
    guard !translators.isEmpty else {
      throw Fault(
        .badData, "lens.record", "The lens's record names no site", file: url.path, place: "metadata lens")
    }
  }

  private static func floats(_ file: SafetensorsFile, _ name: String, _ shape: [Int]) throws -> [Float] {
    guard let view = file[name], view.type == .float32, view.shape == shape else {
      throw Fault(
        .badData, "lens.tensor", "A tensor of the lens is missing or does not fit", file: file.url.path, place: name,
        expected: "F32 \(shape)", found: file[name].map { "\($0.type.rawValue) \($0.shape)" } ?? "none")
    }
    let values = try view.floats()
    guard values.allSatisfy(\.isFinite) else {
      throw Fault(
        .badData, "lens.tensor", "A tensor of the lens holds NaN or infinity", file: file.url.path, place: name)
    }
    return values
  }
}
