import Activations
import Checkpoints
import Diagnostics
import Foundation
import Transformer

extension Direction {
  /// What `format` says in the metadata of a file of directions.
  static let format = "unfold-directions"
  /// No row of a site is wider; what a tensor that is no direction would take is not read.
  private static let longest = 1 << 26

  /// Writes directions to a file: `.gguf` as repeng's control vector, else safetensors.
  ///
  /// In safetensors a tensor stands for each direction, float32, [width], under the name of its site; the metadata say
  /// `format`, `model` and `model_digest`.
  /// - Throws: `Fault`: `direction.notInGGUF`, `direction.twice`, `file.cannotCreate`, `file.write`.
  public static func write(_ directions: [Direction], of session: Session, to url: URL) throws {
    if url.pathExtension.lowercased() == "gguf" {
      return try ControlVector(directions, of: session.model, named: session.name).write(to: url)
    }
    guard Set(directions.map(\.site.name)).count == directions.count else {
      throw Fault(
        .usage, "direction.twice", "Two directions stand at one site", file: url.path,
        found: directions.map(\.site.name).joined(separator: ", "), advice: "write each to a file of its own")
    }
    try SafetensorsWriter.write(
      directions.map { .init(name: $0.site.name, shape: [$0.values.count], floats: $0.values) },
      metadata: [
        "format": format, "model": session.name, "model_digest": try session.model.checkpoint.digest(),
      ], to: url)
  }

  /// The vectors of a safetensors file: those named by sites, or the one tensor that is named.
  static func vectors(
    in file: SafetensorsFile, tensor: String?, name: String, for session: Session, at sites: [Site]?
  ) throws -> [Direction] {
    func metadata(_ key: String) -> String? { file.metadata.first { $0.key == key }?.value }
    let model = session.model
    if let digest = metadata("model_digest") {
      try requireDigest(digest, of: metadata("model") ?? "another", in: model, file: name)
    }
    func problem(_ what: String, _ expected: String, _ found: String) -> Fault {
      Fault(.usage, "direction.tensor", what, file: name, expected: expected, found: found)
    }
    let names = file.tensors.map(\.name)
    let shown = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
    var chosen = file.tensors
    if let tensor {
      guard let view = file[tensor] else {
        throw problem("The file has no such tensor", names.isEmpty ? "a tensor" : "one of \(shown)", tensor)
      }
      chosen = [view]
    }
    guard chosen.count == 1 || (!chosen.isEmpty && chosen.allSatisfy { model.architecture.site(named: $0.name) != nil })
    else {
      throw problem(
        "The file does not say which of its tensors is the direction",
        "one tensor, tensors with the names of sites, or FILE:TENSOR", names.isEmpty ? "no tensor" : shown)
    }
    return try chosen.flatMap { view -> [Direction] in
      guard view.shape.filter({ $0 != 1 }).count <= 1, view.count <= longest else {
        throw problem("This tensor is no vector", "the shape [width]", "\(view.name) \(view.shape)")
      }
      let values = try view.floats()
      let own = (model.architecture.site(named: view.name) ?? metadata("site").flatMap(model.architecture.site(named:)))
        .map { [$0] }
      guard let places = own ?? sites, !places.isEmpty else {
        throw Fault(
          .usage, "direction.noSite", "The file does not say where its vector belongs", file: name,
          place: "tensor \(view.name)", expected: "a site, such as resid_post with --layers", found: "none",
          advice: "name it with --sites and --layers")
      }
      return try places.map { try Direction(values, name: name, kind: .vector, at: $0, in: model) }
    }
  }
}
