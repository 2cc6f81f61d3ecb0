import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

/// A synthetic model in SAELens's files: `synthetic_model_config.json`, `synthetic_model.safetensors`, `hierarchy.json`.
extension SyntheticModel {
  private static func files(_ folder: URL) -> (settings: URL, weights: URL, hierarchy: URL) {
    (
      folder.appending(path: "synthetic_model_config.json"), folder.appending(path: "synthetic_model.safetensors"),
      folder.appending(path: "hierarchy.json")
    )
  }

  /// Whether a folder holds a synthetic model.
  public static func exists(in folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: files(folder).weights.path)
  }

  /// Reads a model that SAELens or `save` wrote. Probabilities and standard deviations follow from the settings.
  ///
  /// - Throws: `Fault`: `synthetic.configuration`, `synthetic.setting`, `synthetic.array`, and what reading throws.
  public convenience init(folder: URL) throws {
    let files = Self.files(folder)
    let settings: SyntheticModelSettings
    do {
      settings = try JSONDecoder().decode(SyntheticModelSettings.self, from: Data(contentsOf: files.settings))
    } catch {
      throw Fault(
        .badData, "synthetic.configuration", "The description of a synthetic model cannot be read",
        file: files.settings.path, expected: "a configuration of the kind of SynthSAEBench-16k",
        found: Fault.words(of: error))
    }
    try settings.check()
    let file = try SafetensorsFile(contentsOf: files.weights)
    func floats(_ name: String, _ shape: [Int]) throws -> [Float] {
      guard let tensor = file[name], tensor.shape == shape else {
        throw Fault(
          .badData, "synthetic.array", "The model lacks an array, or it is of another size", file: files.weights.path,
          place: name, expected: "\(shape)", found: file[name].map { "\($0.shape)" } ?? "no such array")
      }
      return try tensor.floats()
    }
    let (count, width, rank) = (settings.features, settings.width, settings.correlation.rank)
    self.init(
      settings,
      directions: Matrix(rows: count, columns: width, elements: try floats("feature_vectors", [count, width])),
      bias: try floats("bias", [width]),
      factors: Matrix(rows: count, columns: rank, elements: try floats("correlation_factor", [count, rank])))
  }

  /// Writes the model so that SAELens's `SyntheticModel.load_from_disk` reads it.
  public func save(folder: URL) throws {
    let files = Self.files(folder)
    try AtomicFile.makeFolder(folder)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(encoder.encode(settings), to: files.settings)
    let roots = tree.parents.indices.filter { $0 < settings.hierarchy.roots }
    try AtomicFile.write(
      JSONEncoder().encode(["roots": roots.map { Node($0, tree, settings.hierarchy.scales) }]), to: files.hierarchy)
    func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
    let (count, rank) = (settings.features, settings.correlation.rank)
    let own = (0..<count).map { 1 - correlationFactors.row($0).reduce(0) { $0 + $1 * $1 } }
    try SafetensorsWriter.write(
      [
        .init(
          name: "feature_vectors", type: .float32, shape: [count, settings.width], bytes: bytes(directions.elements)),
        .init(name: "bias", type: .float32, shape: [settings.width], bytes: bytes(bias)),
        .init(name: "firing_probabilities", type: .float32, shape: [count], bytes: bytes(probabilities)),
        .init(
          name: "correlation_factor", type: .float32, shape: [count, rank], bytes: bytes(correlationFactors.elements)),
        .init(name: "correlation_diag", type: .float32, shape: [count], bytes: bytes(own)),
      ], to: files.weights)
  }

  /// A feature with its children, as SAELens writes it.
  private struct Node: Encodable {
    let feature: Int
    let isExclusive: Bool
    let scales: Bool
    let children: [Node]

    enum CodingKeys: String, CodingKey {
      case feature = "feature_index"
      case isExclusive = "mutually_exclusive_children"
      case scales = "scale_children_by_parent"
      case children
    }

    init(_ feature: Int, _ tree: SyntheticTree, _ scales: Bool) {
      let count = tree.childCounts[feature]
      self.feature = feature
      isExclusive = count > 1
      self.scales = scales && count > 0
      let first = tree.firstChildren[feature]
      children = (first..<first + count).map { Node($0, tree, scales) }
    }
  }
}
