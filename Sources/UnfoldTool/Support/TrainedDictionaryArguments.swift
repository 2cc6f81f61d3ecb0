import ArgumentParser
import Foundation
import Unfold

/// A dictionary and the activations to use it on.
struct TrainedDictionaryArguments: ParsableArguments {
  @Argument(help: "A dictionary's folder: one of ours, of SAELens or of sparsify.") var dictionary: String
  @Argument(help: ArgumentHelp("A store; or a model, followed by a corpus.", valueName: "store|model"))
  var source: String
  @Argument(help: ArgumentHelp("The corpus, where a model was named.", valueName: "corpus")) var corpora: [String] = []
  @Option(name: .long, help: "The model of the store (default: found by its name).") var model: String?
  @Option(name: .long, help: "The site to read, where the dictionary names none or another is meant.")
  var site: String?
  @OptionGroup var corpus: CorpusArguments

  /// The dictionary, whose hooks are the sites that were named.
  func load() throws -> SparseAutoencoder {
    var dictionary = try SparseAutoencoder.load(folder: URL(filePath: dictionary))
    if let site {
      guard !dictionary.isCrosscoder else {
        throw Fault(
          .usage, "dictionary.crosscoder", "A crosscoder reads its own sites",
          expected: dictionary.configuration.hookIn,
          found: site, advice: "leave --site out")
      }
      if !dictionary.isTranscoder { dictionary.configuration.hookOut = site }
      dictionary.configuration.hookIn = site
    }
    return dictionary
  }

  /// Whether the source is a model without a corpus.
  var namesModelAlone: Bool {
    corpora.isEmpty && !FileManager.default.fileExists(atPath: URL(filePath: source).appending(path: "index.h5").path)
      && (try? ModelLocation.resolve(source)) != nil
  }

  /// The activations that the dictionary reads, those of further sites, and the model where it is known.
  func open(
    _ dictionary: SparseAutoencoder, further: [String] = [], common: CommonOptions
  ) throws -> (source: any ActivationSource, loaded: Session?) {
    guard corpora.isEmpty else {
      let loaded = try Session.open(source)
      let corpus = try Corpus(corpora, options: corpus.options)
      return (try dictionary.activations(in: loaded, of: corpus, further: further), loaded)
    }
    let store = try ActivationStore.open(source)
    return (store, try Session.open(of: store, named: model, common))
  }
}

/// The names in an option's list, `all` being every data set that ships.
func datasetNames(_ list: String) -> [String] {
  guard list == "all" else { return list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
  return ShippedFiles.datasets.names.filter { $0 != "demo-corpus" && hasNamedLabels($0) }
}

/// Whether a set's documents have labels that are names: spans and numbers are no classes of documents.
private func hasNamedLabels(_ name: String) -> Bool {
  struct Record: Decodable { let label: String }
  guard let url = ShippedFiles.datasets.find(name), let text = try? String(contentsOf: url, encoding: .utf8),
    let first = text.split(separator: "\n", maxSplits: 1).first
  else { return false }
  return (try? JSONDecoder().decode(Record.self, from: Data(first.utf8))) != nil
}
