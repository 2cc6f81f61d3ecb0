import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import Transformer

/// What a site adds directly to a prediction's logit, split into a dictionary's latents (direct logit attribution of features).
///
/// Each active latent adds its activation times what its decoder row does to the logit, with the norms' scales of that token. With
/// the decoder's bias and what the dictionary does not explain the parts sum to the site's own, up to rounding.
public struct LatentAttribution: Sendable, Equatable, Codable {
  /// One active latent.
  public struct Part: Sendable, Equatable, Codable {
    public var latent: Int
    public var activation: Double
    /// What it adds to the logit for each unit of its activation.
    public var effect: Double
    public var contribution: Double
  }

  /// What the dictionary is called.
  public var dictionary: String
  /// The site whose part of the logit is split.
  public var site: String
  /// The active latents, first those that add or take most.
  public var latents: [Part]
  /// Of the decoder's bias, and of the row's mean where the dictionary puts it back.
  public var decoderBias: Double
  /// Of a transcoder's linear path past its latents; nil where it has none.
  public var skip: Double?
  /// Of what the dictionary does not explain.
  public var error: Double
  /// What the site's activation adds to the logit.
  public var part: Double
  /// The logit that it is a part of: the rest comes from what is not written to the site.
  public var logit: Double

  /// The sum of latents, bias, skip and error: `part`.
  public var sum: Double { latents.reduce(decoderBias + (skip ?? 0) + error) { $0 + $1.contribution } }
}

extension SparseAutoencoder {
  /// Splits what the dictionary's site adds directly to the logit of a token that is predicted after a position: of a crosscoder
  /// what each of its sites adds.
  ///
  /// The residual stream's site holds everything that was written before it, and what later layers make of it is not counted.
  /// - Parameters:
  ///   - name: What the dictionary is called in the result.
  ///   - against: Splits the difference to this token's logit instead.
  ///   - position: nil: the last.
  /// - Throws: `dictionary.otherModel`, `dictionary.modelSite`, `dictionary.width`; `transformer.noAttribution` where the
  ///   model's logits are no sum or the site does not count in them directly; and those of `Model.run`.
  public func attributeLogit(
    of token: Int32, against: Int32? = nil, in tokens: [Int32], after position: Int? = nil, model: Model, name: String
  ) throws -> [LatentAttribution] {
    if configuration.origin != nil {
      try DictionaryInput.requireModel(
        of: configuration, digest: model.checkpoint.digest(), name: model.folder.lastPathComponent)
    }
    let inputs =
      try configuration.crosscoder.map { try $0.map { try site($0.site, width: $0.width, in: model) } }
      ?? [site(configuration.hookIn, width: inputWidth, in: model)]
    let outputs = isCrosscoder ? inputs : [try site(configuration.hookOut, width: outputWidth, in: model)]
    let readout = try model.readout(
      of: token, against: against, in: tokens, after: position, keeping: inputs + outputs)
    func row(_ site: Site) throws -> [Float] {
      guard let row = readout.rows[site] else {
        throw Fault(
          .usage, "transformer.noAttribution", "The token has no activation at the dictionary's site", place: site.name,
          expected: "a site that every token has", found: "a token that was routed to other experts")
      }
      return row
    }
    let read = try inputs.flatMap(row)
    let input = Matrix(rows: 1, columns: read.count, elements: read)
    let latents = encode(input)
    let rebuilt = decode(latents, input: input).row(0)
    let scale = configuration.normalization.isUndoneAtOutput && !isTranscoder ? rowScales(input)[0] : RowScale()
    let norms = configuration.rescaleByDecoderNorm ? latentNorms : nil
    var start = 0
    return try outputs.map { site in
      let (own, direction) = (try row(site), try readout.direction(at: site, in: model))
      let columns = start..<start + own.count
      start += own.count
      let parts = latents.range(ofRow: 0).map { place in
        let latent = Int(latents.indices[place])
        let norm = norms.map { $0[latent] > 0 ? Double($0[latent]) : 1 } ?? 1
        let effect =
          decoder.withUnsafeRow(latent) { LogitReadout.dot($0[columns], direction) } / norm * Double(scale.factor)
        let activation = Double(latents.values[place])
        return LatentAttribution.Part(
          latent: latent, activation: activation, effect: effect, contribution: activation * effect)
      }
      let bias = zip(decoderBias[columns], direction).reduce(0.0) {
        $0 + (Double($1.0) * Double(scale.factor) + Double(scale.mean)) * $1.1
      }
      let past = skip.map { skip in
        (0..<skip.rows).reduce(0.0) { sum, row in
          sum + direction[row]
            * skip.withUnsafeRow(row) { zip($0, read).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } }
        }
      }
      let error = zip(zip(own, rebuilt[columns]), direction).reduce(0.0) {
        $0 + (Double($1.0.0) - Double($1.0.1)) * $1.1
      }
      return LatentAttribution(
        dictionary: name, site: site.name,
        latents: parts.sorted {
          abs($0.contribution) != abs($1.contribution)
            ? abs($0.contribution) > abs($1.contribution) : $0.latent < $1.latent
        }, decoderBias: bias, skip: past, error: error, part: LogitReadout.dot(own, direction), logit: readout.logit)
    }
  }
}
