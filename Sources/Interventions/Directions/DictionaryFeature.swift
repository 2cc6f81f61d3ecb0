import Activations
import Architectures
import Checkpoints
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Transformer

/// A feature of a dictionary in a model: what reads its activation, and where.
public struct DictionaryFeature: Sendable {
  public let dictionary: SparseAutoencoder
  public let index: Int
  /// The site that the encoder reads.
  public let input: Site
  /// The site that the decoder writes.
  public let output: Site

  /// The feature's activation in some rows of the site that the encoder reads. 2·rows·F·n operations.
  ///
  /// - Parameter rows: Shape: [rows, n].
  /// - Returns: Shape: [rows].
  public func activations(in rows: Matrix) -> [Float] {
    let latents = dictionary.encode(rows)
    return (0..<rows.rows).map { latents[$0, index] }
  }

  /// What a change of the feature's activation by 1 changes in each row of the output: 1, or in dictionaries that scale rows
  /// the scale that is put back. Shape: [rows].
  func factors(in rows: Matrix) -> [Float] { dictionary.outputFactors(of: rows) }
}

extension Direction {
  /// A feature's decoder row: what each unit of its activation adds. Of a crosscoder one at each of its sites.
  ///
  /// - Throws: `Fault`: `direction.feature` where the dictionary has no such feature, `dictionary.otherModel`,
  ///   `dictionary.modelSite`, `dictionary.width`, and those of `init`.
  public static func feature(
    _ index: Int, of dictionary: SparseAutoencoder, name: String, in model: Model
  ) throws -> [Direction] {
    guard (0..<dictionary.latents).contains(index) else {
      throw Fault(
        .usage, "direction.feature", "The dictionary has no such feature", file: name,
        expected: "a number from 0 to \(dictionary.latents - 1)", found: "\(index)")
    }
    let configuration = dictionary.configuration
    if let origin = configuration.origin {
      try requireDigest(origin.modelDigest, of: origin.model, in: model, file: name)
    }
    let values = dictionary.effect(ofLatent: index)
    if let sites = configuration.crosscoder {
      var start = 0
      return try sites.compactMap { part in
        let own = Array(values[start..<start + part.width])
        start += part.width
        // A crosscoder may leave a feature out at a site.
        guard own.contains(where: { $0 != 0 }) else { return nil }
        let site = try dictionary.site(part.site, width: part.width, in: model)
        return try Direction(own, name: name, kind: .feature, at: site, in: model)
      }
    }
    let output = try dictionary.site(configuration.hookOut, width: dictionary.outputWidth, in: model)
    let input = try dictionary.site(configuration.hookIn, width: dictionary.inputWidth, in: model)
    let feature = DictionaryFeature(dictionary: dictionary, index: index, input: input, output: output)
    return [try Direction(values, name: name, kind: .feature, at: output, in: model, feature: feature)]
  }

  /// - Throws: `Fault` named `direction.otherModel`.
  static func requireDigest(_ digest: String, of name: String, in model: Model, file: String) throws {
    let own = try model.checkpoint.digest()
    guard !ModelIdentity.agree(digest, own) else { return }
    throw Fault(
      .badData, "direction.otherModel", "The direction belongs to another model", file: file,
      expected: "\(model.folder.lastPathComponent) (\(ModelIdentity.short(own)))",
      found: "\(name) (\(ModelIdentity.short(digest)))",
      advice: "name the model that it was made with")
  }
}
