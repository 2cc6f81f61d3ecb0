import ArgumentParser
import Foundation
import Unfold

/// Where activations come from: a store, or a model and a corpus to run now.
struct SourceArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp("A store; or a model, followed by a corpus to run it on.", valueName: "store|model"))
  var source: String

  @Argument(help: ArgumentHelp("The corpus, where a model was named.", valueName: "corpus"))
  var corpora: [String] = []

  @OptionGroup var corpus: CorpusArguments

  /// What was named: a store, or a corpus in a model that is open.
  typealias Opened = (source: any ActivationSource, session: Session?)

  /// Opens the store, or prepares to run the model for the sites wanted.
  ///
  /// - Parameters:
  ///   - sites: the sites that a running model computes; a store has its own.
  func open(sites: String, layers: String?) throws -> Opened {
    try open(layers: layers) { _ in sites }
  }

  /// The same; what a running model computes may depend on its architecture.
  func open(layers: String?, sites: (Model) throws -> String) throws -> Opened {
    if corpora.isEmpty {
      return (try ActivationStore.open(source), nil)
    }
    let session = try Session.open(source)
    let live = try session.activations(
      of: Corpus(corpora, options: corpus.options), sites: sites(session.model), layers: layers)
    return (live, session)
  }
}

/// Which of a source's sites a command speaks of.
struct SiteChoice: ParsableArguments {
  @Option(name: .long, help: "Hook points: shorthands, full names, names with *; separated by commas.")
  var sites = CaptureSettings.usualSites

  @Option(name: .long, help: "Layers for shorthands and names with *: all, last, or such as 0,4-8.")
  var layers: String?

  /// The names of the source's sites that were chosen, in its order.
  func names(in source: any ActivationSource) throws -> [String] {
    try source.select(sites: sites, layers: layers).map(\.name)
  }
}
