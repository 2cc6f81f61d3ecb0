import Architectures
import Diagnostics
import Foundation
import LinearAlgebra

/// The values of some sites in one run over one text, by TransformerLens's names.
public struct ActivationCache: Sendable {
  /// The values at one site.
  public struct Value: Sendable, Equatable {
    public let site: Site
    /// What each axis is, outermost first: tokens, then the site's own, such as heads and d_head.
    public let axes: [String]
    /// The length of each axis.
    public let shape: [Int]
    /// Row-major.
    public let elements: [Float]

    /// How many values a token has.
    public var width: Int { shape.dropFirst().reduce(1, *) }
    /// One token's values.
    public subscript(token: Int) -> ArraySlice<Float> { elements[token * width..<(token + 1) * width] }
    /// The values as a matrix. Shape: [tokens, width].
    public var matrix: Matrix { Matrix(rows: shape[0], columns: width, elements: elements) }
  }

  public let model: Model
  public let tokens: [Int32]
  /// In the order of the pass.
  public let values: [Value]

  /// The value at a site, or nil where the cache does not hold it.
  public subscript(_ site: Site) -> Value? { values.first { $0.site == site } }

  /// The value of a full name such as `blocks.2.attn.hook_z`, or of a shorthand (`z`, `resid_post`) with a layer.
  ///
  /// - Throws: `Fault` named `transformer.notCached`.
  public func value(_ name: String, layer: Int? = nil) throws -> Value {
    let names = model.architecture.sites
    let wanted =
      names.first { $0.name == name }
      ?? names.first { $0.layer == layer && $0.expert == nil && $0.shorthand == name }
    if let value = values.first(where: { $0.site == wanted }) { return value }
    throw Fault(
      .usage, "transformer.notCached", "The cache does not hold this site",
      place: layer.map { "\(name) of layer \($0)" } ?? name,
      expected: "one of \(values.prefix(6).map(\.site.name).joined(separator: ", "))" + (values.count > 6 ? " …" : ""),
      advice: "name it when the model is run")
  }

  /// One site's values in every layer that the cache holds, one after another. Shape: [layers][tokens, width].
  public func stack(_ kind: Site.Kind) -> [Value] { values.filter { $0.site.kind == kind } }
}

extension Model {
  /// Runs the model on a text and keeps the values of some sites.
  ///
  /// Memory: the values, beside those of the run.
  /// - Parameters:
  ///   - hooks: Edits of this run; values are kept as they are after them.
  /// - Throws: `Fault` named `transformer.inExpert` for sites inside experts, which not every token has, and those of
  ///   `run`.
  public func cache(_ tokens: [Int32], sites: [Site], hooks: [Hook] = []) throws -> ActivationCache {
    if let inside = sites.first(where: { $0.expert != nil }) {
      throw Fault(
        .usage, "transformer.inExpert", "Inside an expert only the tokens that are routed there have values",
        place: inside.name, expected: "a site that every token has",
        advice: "read it with a hook, whose value says which tokens its rows are")
    }
    let batch = TokenBatch(documents: [tokens])
    var kept: [Site: (axes: [Int], elements: [Float])] = [:]
    let reads = sites.map { site in
      Hook(site) { value in
        if kept[site] == nil { kept[site] = (value.axes, []) }
        value.withUnsafeBuffer { kept[site]?.elements.append(contentsOf: $0) }
      }
    }
    try run(batch, hooks: hooks + reads)
    let values = sites.compactMap { site in
      kept[site].map {
        ActivationCache.Value(
          site: site, axes: ["tokens"] + architecture.shape(of: site).axes, shape: [tokens.count] + $0.axes,
          elements: $0.elements)
      }
    }
    return ActivationCache(model: self, tokens: tokens, values: values)
  }
}
