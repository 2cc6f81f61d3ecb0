import Activations
import Architectures
import Diagnostics
import Transformer

extension SparseAutoencoder {
  /// A corpus run through the dictionary's model, at the dictionary's sites and the further ones that the model has.
  ///
  /// - Throws: `Fault` named `dictionary.modelSite`, and those of `LiveActivations.init`.
  public func activations(in session: Session, of corpus: Corpus, further: [String] = []) throws -> LiveActivations {
    let known = Set(session.model.architecture.sites.map(\.name))
    let hooks = isCrosscoder ? configuration.sites : [configuration.hookIn, configuration.hookOut]
    for hook in Set(hooks) where !known.contains(hook) {
      throw Fault(
        .badData, "dictionary.modelSite", "The model has not the dictionary's site",
        expected: hook.isEmpty ? "a site" : hook, found: "a model of \(session.model.architecture.layers) layers",
        advice: "name the site with --site, or take the dictionary's own model")
    }
    let sites = Set(hooks + further.filter(known.contains)).sorted()
    return try session.activations(of: corpus, sites: sites.joined(separator: ","))
  }

  /// The sites of neurons and residual stream in the dictionary's layer, of a crosscoder its last.
  public var sitesBeside: [String] {
    let parts = (configuration.crosscoder?.last?.site ?? configuration.hookIn).split(separator: ".")
    guard parts.count > 1, parts[0] == "blocks", let layer = Int(parts[1]) else { return [] }
    return ["blocks.\(layer).mlp.hook_post", "blocks.\(layer).hook_resid_post"]
  }
}
