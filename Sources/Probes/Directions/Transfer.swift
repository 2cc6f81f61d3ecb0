import Activations
import Diagnostics

/// A probe's scores away from home: on another corpus, at another layer, or on another model of the same width.
public struct Transfer: Codable, Sendable, Equatable {
  /// On the examples that were held back when the probe was trained.
  public var home: Evaluation
  /// On the other source.
  public var away: Evaluation
  public var site: String
  public var model: String
  public var corpus: [String]
  /// Whether the model is not the one that the probe was trained on.
  public var isOtherModel: Bool
}

extension Probe {
  /// Judges the probe on a source that may be of another corpus, site or model, as long as the width is the same.
  ///
  /// Directions of two models have no reason to agree unless one was made from the other (a later checkpoint, a
  /// fine-tuned copy): a score near chance is what to expect.
  ///
  /// - Parameters:
  ///   - name: the site to read; the probe's own, unless given.
  ///   - concept: which labels of the source to judge by; the probe's own, unless given.
  /// - Throws: `probe.width`, and what `evaluate` throws.
  public func transfer(
    to source: some ActivationSource, site name: String? = nil, concept: Concept? = nil
  ) throws -> Transfer {
    let site = try source.site(named: name ?? record.site.name)
    guard site.width == classifier.width else {
      throw Fault(
        .badData, "probe.width", "The site's rows have another width than the probe", place: site.name,
        expected: "\(classifier.width)", found: "\(site.width)",
        advice: "transfer needs a site of the same width: another layer of the same kind, or a model of the same size")
    }
    var guest = self
    let isOther = !guest.record.origin.isOfSameModel(as: source.origin)
    guest.record.origin.modelDigest = source.origin.modelDigest
    guest.record.site = site
    return Transfer(
      home: record.evaluation, away: try guest.evaluate(on: source, concept: concept), site: site.name,
      model: source.origin.model, corpus: source.origin.corpus, isOtherModel: isOther)
  }
}
