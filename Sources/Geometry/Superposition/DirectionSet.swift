import Activations
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import Probes

/// Directions of one layer's activations: what concepts or dictionary features are written along.
public struct DirectionSet: Sendable, Equatable {
  /// The model and site that they belong to, in words.
  public var origin: String
  public var names: [String]
  /// [directions, width], of any length above 0.
  public var directions: Matrix

  /// - Throws: `superposition.directions` where fewer than two directions have a length.
  public init(origin: String, names: [String], directions: Matrix) throws {
    precondition(names.count == directions.rows, "\(names.count) names for \(directions.rows) directions")
    let norms = directions.rowNorms
    let kept = norms.indices.filter { norms[$0] > 0 && norms[$0].isFinite }
    guard kept.count >= 2 else {
      throw Fault(
        .badData, "superposition.directions", "Interference needs two directions or more", place: origin,
        expected: "at least 2 that are not zero", found: "\(kept.count)",
        advice: "give several probe files of one site, or a dictionary's folder")
    }
    self.origin = origin
    self.names = kept.map { names[$0] }
    self.directions = directions.selectingRows(kept)
  }

  /// The directions of probes trained at one site of one model: one of a probe with two classes, else one a class,
  /// less the mean of the classes'.
  ///
  /// - Throws: What reading a probe throws, `superposition.mixed`, `superposition.directions`.
  public init(probes: [URL]) throws {
    var rows: [Float] = []
    var names: [String] = []
    var first: (probe: Probe, url: URL)?
    for url in probes {
      let probe = try Probe(contentsOf: url)
      if let first {
        let (a, b) = (first.probe.record, probe.record)
        guard a.origin.isOfSameModel(as: b.origin), a.site.name == b.site.name else {
          throw Fault(
            .badData, "superposition.mixed", "These probes read different spaces, whose directions cannot be compared",
            file: url.path, expected: "\(a.origin.model), \(a.site.name), as \(first.url.lastPathComponent)",
            found: "\(b.origin.model), \(b.site.name)", advice: "give probes of one model and one site")
        }
      } else {
        first = (probe, url)
      }
      let weights = probe.classifier.weights
      let name = url.deletingPathExtension().lastPathComponent
      // What all classes have in common tells none of them from another, and is arbitrary.
      var common = [Float](repeating: 0, count: weights.columns)
      if weights.rows > 1 {
        for row in 0..<weights.rows {
          for (column, weight) in weights.row(row).enumerated() { common[column] += weight / Float(weights.rows) }
        }
      }
      for row in 0..<weights.rows {
        rows += zip(weights.row(row), common).map { $0 - $1 }
        names.append(weights.rows == 1 ? name : "\(name): \(probe.record.classes[row])")
      }
    }
    guard let first else {
      throw Fault(.usage, "superposition.directions", "No probe was given", expected: "two probe files or more")
    }
    let record = first.probe.record
    try self.init(
      origin: "\(record.origin.model), \(record.site.name)", names: names,
      directions: Matrix(rows: names.count, columns: first.probe.classifier.width, elements: rows))
  }

  /// The directions that a dictionary's latents add, named by their numbers.
  ///
  /// - Throws: `superposition.directions`.
  public init(dictionary: SparseAutoencoder) throws {
    try self.init(
      origin: dictionary.configuration.hookOut.isEmpty ? "a dictionary" : dictionary.configuration.hookOut,
      names: (0..<dictionary.latents).map { "feature \($0)" }, directions: dictionary.comparableDecoder)
  }
}
