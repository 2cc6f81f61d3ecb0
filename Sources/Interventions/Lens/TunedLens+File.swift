import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import Probes

extension TunedLens {
  private static let recordFile = RecordFile(
    key: "lens", thing: "a tuned lens", format: "unfold-tuned-lens", version: "1", otherName: "lens.notALens",
    command: "unfold lens train")

  /// Writes one safetensors file, complete or not at all.
  ///
  /// Tensors, all float32: `SITE.weight` [d_model, d_model], which is A, and `SITE.bias` [d_model] for each site. Metadata:
  /// `format`, `version`, and `lens`, the record as JSON.
  /// - Throws: `file.cannotCreate`, `file.write`.
  public func write(to url: URL) throws {
    let tensors = translators.flatMap { translator -> [SafetensorsWriter.Tensor] in
      let width = translator.bias.count
      return [
        .init(name: "\(translator.site).weight", shape: [width, width], floats: translator.weights.elements),
        .init(name: "\(translator.site).bias", shape: [width], floats: translator.bias),
      ]
    }
    try Self.recordFile.write(record, tensors, to: url)
  }

  /// Reads a tuned lens and checks that its parts belong together.
  ///
  /// - Throws: what a safetensors file can be wrong in; `lens.notALens`, `lens.version`, `lens.record`, `lens.tensor`.
  public init(contentsOf url: URL) throws {
    let file: SafetensorsFile
    (record, file) = try Self.recordFile.read(Record.self, from: url)
    translators = []
    for site in record.heldOut.map(\.site) {
      let width = file["\(site).bias"]?.count ?? 0
      translators.append(
        Translator(
          site: site,
          weights: Matrix(
            rows: width, columns: width,
            elements: try Self.recordFile.floats("\(site).weight", [width, width], in: file)),
          bias: try Self.recordFile.floats("\(site).bias", [width], in: file)))
    }
    guard !translators.isEmpty else {
      throw Fault(
        .badData, "lens.record", "The lens's record names no site", file: url.path, place: "metadata lens")
    }
  }
}
