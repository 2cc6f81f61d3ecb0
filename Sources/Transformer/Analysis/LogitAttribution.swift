import Architectures
import Diagnostics
import Foundation
import LinearAlgebra

/// A prediction's logit, split into what each part of the model wrote into the residual stream for it (direct logit
/// attribution; Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits").
///
/// Norms are linear once their scales are taken from the run, the final one as those behind branches, so the parts sum to the
/// logit exactly, up to rounding. Where the model caps its logits, they sum to the logit before the cap.
public struct LogitAttribution: Sendable, Equatable, Codable {
  /// The token whose logit it is.
  public var token: Int32
  /// The token whose logit was subtracted, where a difference of logits was asked for.
  public var against: Int32?
  /// The position, in the document, of the token after which the prediction stands.
  public var position: Int
  /// The logit before any cap (or the difference of two).
  public var logit: Double
  /// The logit that the model gives, where a cap makes it another (or the difference of two).
  public var cappedLogit: Double?
  public var tokenEmbedding: Double
  /// 0 where the model has no learned positions.
  public var positionEmbedding: Double
  public var layers: [Layer]
  /// What does not depend on the text: the final norm's and the unembedding's bias.
  public var constant: Double

  public struct Layer: Sendable, Equatable, Codable {
    /// Shape: [heads].
    public var heads: [Double]
    /// Of the attention's output and of a norm behind it.
    public var attentionBias: Double
    /// Shape: [d_mlp]; empty where the layer has experts.
    public var neurons: [Double]
    /// Of the MLP's output and of a norm behind it.
    public var mlpBias: Double
    /// The experts that the token wakes, strongest choice first; nil where the layer has one MLP.
    public var experts: [Expert]?
    /// The MLP that every token passes beside its experts.
    public var sharedExpert: Double?

    public var attention: Double { heads.reduce(attentionBias, +) }
    public var mlp: Double {
      (experts ?? []).reduce(neurons.reduce(mlpBias + (sharedExpert ?? 0), +)) { $0 + $1.contribution }
    }
  }

  /// What one expert adds.
  public struct Expert: Sendable, Equatable, Codable {
    public var expert: Int
    /// What its result is multiplied by.
    public var weight: Double
    public var contribution: Double
  }

  /// The sum of all parts: the logit.
  public var sum: Double {
    layers.reduce(tokenEmbedding + positionEmbedding + constant) { $0 + $1.attention + $1.mlp }
  }
}

extension Model {
  /// Splits the logit of a token, predicted after one position of a document, into its parts.
  ///
  /// - Parameters:
  ///   - token: The token predicted.
  ///   - against: Splits the difference to this token's logit instead: what speaks for one rather than the other.
  ///   - tokens: The document.
  ///   - position: The position after which the prediction stands; nil: the last.
  /// - Throws: `Fault` named `transformer.noAttribution` where norms stand on the residual stream itself (BERT), and those
  ///   of `run`.
  public func attributeLogit(
    of token: Int32, against: Int32? = nil, in tokens: [Int32], after position: Int? = nil
  ) throws -> LogitAttribution {
    let last = position ?? tokens.count - 1
    var sites = [Site(.embed)]
    if architecture.embedding.positions != nil { sites.append(Site(.positionEmbed)) }
    var inExperts: [Site: [Float]] = [:]
    var reads: [Hook] = []
    for (layer, block) in architecture.blocks.enumerated() {
      sites.append(Site(.mixed, layer: layer))
      guard let experts = block.experts else {
        sites.append(Site(.mlpPost, layer: layer))
        continue
      }
      sites += [Site(.expertWeights, layer: layer), Site(.expertIndices, layer: layer), Site(.mlpIn, layer: layer)]
      if experts.shared != nil { sites.append(Site(.sharedPost, layer: layer)) }
      reads += (0..<experts.count).map { expert in
        let site = Site(.expertPost, layer: layer, expert: expert)
        return Hook(site) { value in if value.row(of: last) != nil { inExperts[site] = value.row(last) } }
      }
    }
    let readout = try readout(of: token, against: against, in: tokens, after: position, keeping: sites, reads: reads)
    func part(_ kind: Site.Kind) -> Double { LogitReadout.dot(readout.rows[Site(kind)] ?? [], readout.stream) }
    return LogitAttribution(
      token: token, against: against, position: last, logit: readout.logit, cappedLogit: readout.capped,
      tokenEmbedding: part(.embed), positionEmbedding: part(.positionEmbed),
      layers: try (0..<architecture.layers).map { try layerParts($0, readout, inExperts) }, constant: readout.constant)
  }

  private func layerParts(
    _ layer: Int, _ readout: LogitReadout, _ inExperts: [Site: [Float]]
  ) throws -> LogitAttribution.Layer {
    let (block, branches) = (architecture.blocks[layer], readout.layers[layer])
    func row(_ kind: Site.Kind) -> [Float] { readout.rows[Site(kind, layer: layer)] ?? [] }
    func bias(_ role: WeightRole, _ branch: LogitReadout.Branch, expert: Int? = nil) throws -> Double {
      LogitReadout.dot(
        try store.table.bias(of: role, layer: layer, expert: expert)?.floats() ?? [], branch.direction)
    }
    let mixed = row(.mixed)
    let attention = try readout.direction(at: Site(.mixed, layer: layer), in: self)  // [heads · d_head]
    let width = block.attention.valueWidth
    var parts = LogitAttribution.Layer(
      heads: (0..<block.attention.heads).map { head in
        (head * width..<(head + 1) * width).reduce(0) { $0 + Double(mixed[$1]) * attention[$1] }
      },
      attentionBias: try bias(.attentionOutput, branches.attention) + branches.attention.constant, neurons: [],
      mlpBias: branches.mlp.constant)
    guard let experts = block.experts else {
      let effects = try readout.direction(at: Site(.mlpPost, layer: layer), in: self)  // [d_mlp]
      parts.neurons = zip(row(.mlpPost), effects).map { Double($0) * $1 }
      parts.mlpBias += try bias(.mlpOutput, branches.mlp)
      return parts
    }
    parts.experts = try zip(row(.expertIndices), row(.expertWeights)).map { index, weight in
      let expert = Int(index)
      let effects = LogitReadout.project(
        try outputWeights(.expertOutput, layer: layer, expert: expert), onto: branches.mlp.direction)
      let own = LogitReadout.dot(inExperts[Site(.expertPost, layer: layer, expert: expert)] ?? [], effects)
      return LogitAttribution.Expert(
        expert: expert, weight: Double(weight),
        contribution: Double(weight) * (own + (try bias(.expertOutput, branches.mlp, expert: expert))))
    }
    if experts.shared != nil {
      let effects = LogitReadout.project(
        try outputWeights(.sharedOutput, layer: layer), onto: branches.mlp.direction)
      var open = 1.0
      if experts.gatesShared {
        let gate = try outputWeights(.sharedRouter, layer: layer).row(0).map(Double.init)
        open = 1 / (1 + exp(-LogitReadout.dot(row(.mlpIn), gate)))
      }
      parts.sharedExpert =
        open * (LogitReadout.dot(row(.sharedPost), effects) + (try bias(.sharedOutput, branches.mlp)))
    }
    return parts
  }

  /// A projection's weights. Shape: [outputs, inputs].
  func outputWeights(_ role: WeightRole, layer: Int, expert: Int? = nil) throws -> Matrix {
    let entry = store.table.weight(role, layer: layer, expert: expert)
    return try Matrix(rows: entry.outputs, columns: entry.inputs ?? 1) { try entry.read(into: $0) }
  }
}
