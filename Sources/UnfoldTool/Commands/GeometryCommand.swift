import ArgumentParser
import Foundation
import Unfold

struct GeometryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "geometry",
    abstract: "Measure directions: nearest tokens, king − man + woman, single dimensions as detectors.",
    subcommands: [
      GeometryNearestCommand.self, GeometryAnalogyCommand.self, GeometryScoreCommand.self,
      GeometryDimensionsCommand.self,
    ])
}

/// Which vectors stand for the tokens of a model.
struct VectorArguments: ParsableArguments {
  @OptionGroup var model: ModelArgument

  @Flag(name: .long, help: "Use the unembedding in place of the input embedding.")
  var unembedding = false

  @Option(name: .long, help: "Average each token over its contexts in this corpus; may be given several times.")
  var contexts: [String] = []

  @Option(name: .long, help: "Average each token over its contexts in this store, made with the model.")
  var store: String?

  @Option(name: .long, help: "The hook point of averages: a shorthand or a full name.")
  var site = "resid_post"

  @Option(name: .long, help: "Its layer: a number or last.")
  var layer = "last"

  @Option(name: .long, help: "Leave out tokens seen in fewer places.")
  var least = 1

  @Flag(name: .long, help: "Keep the mean vector in: cosines as they are, without centring.")
  var uncentred = false

  @OptionGroup var corpus: CorpusArguments

  func validate() throws {
    let chosen = [unembedding, !contexts.isEmpty, store != nil].count { $0 }
    if chosen > 1 { throw ValidationError("Choose one of --unembedding, --contexts and --store.") }
    if least < 1 { throw ValidationError("--least must be at least 1, not \(least).") }
  }

  func load() throws -> (vectors: TokenVectors, words: WordLookup) {
    let loaded = try Session.open(model.model)
    let tokenizer = try loaded.requireTokenizer()
    let vectors: TokenVectors
    if unembedding {
      vectors = try TokenVectors(unembeddingsOf: loaded.model, tokenizer: tokenizer, centred: !uncentred)
    } else if let store {
      let source = try ActivationStore.open(store)
      try requireSameModel(source.origin, loaded.origin, file: store)
      vectors = try averages(source, tokenizer)
    } else if !contexts.isEmpty {
      let source = try LiveActivations(
        model: loaded.model, tokenizer: tokenizer, corpus: Corpus(contexts, options: corpus.options),
        settings: CaptureSettings(sites: site, layers: layer), modelName: loaded.name)
      vectors = try averages(source, tokenizer)
    } else {
      vectors = try TokenVectors(embeddingsOf: loaded.model, tokenizer: tokenizer, centred: !uncentred)
    }
    return (vectors, WordLookup(vectors, tokenizer: tokenizer))
  }

  private func averages(_ source: some ActivationSource, _ tokenizer: Tokenizer) throws -> TokenVectors {
    let sites = try source.select(sites: site, layers: layer)
    guard sites.count == 1, let only = sites.first else {
      throw Fault(
        .usage, "geometry.oneSite", "Averages need one hook point", place: site, expected: "one site and one layer",
        found: sites.isEmpty ? "none" : sites.map(\.name).joined(separator: ", "),
        advice: "name a layer that the source has with --layer")
    }
    return try TokenVectors(
      averagesAt: only, of: source, tokenizer: tokenizer, least: least, centred: !uncentred)
  }
}

/// Which tokens to list, and how many.
struct NeighbourArguments: ParsableArguments {
  @OptionGroup var vectors: VectorArguments
  @Option(name: .long, help: "How many tokens to list.") var count = 10

  func validate() throws {
    if !(1...1_000_000 ~= count) { throw ValidationError("--count must be from 1 to 1,000,000, not \(count).") }
  }
}

struct GeometryNearestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nearest", abstract: "List the tokens nearest to a word.",
    discussion: """
      Example:
        unfold geometry nearest unfold-mini three
        unfold geometry nearest unfold-mini three --contexts demo-corpus \\
            --site resid_post --layer 1
      """)

  @OptionGroup var neighbours: NeighbourArguments
  @Argument(help: "Words that are single tokens.") var words: [String]
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let word: String
    let space: String
    let nearest: [Neighbour]
  }

  func run() throws {
    common.apply()
    let (space, lookup) = try neighbours.vectors.load()
    let results = try words.map { word in
      let row = try lookup.requiredRow(of: word)
      return Result(word: word, space: space.space, nearest: space.nearest(to: [(row, 1)], count: neighbours.count))
    }
    try common.show(results) { style in
      results.map { GeometryReport.neighbours($0.nearest, of: "nearest to \($0.word)", in: $0.space, style) }
        .joined(separator: "\n\n")
    }
  }
}

struct GeometryAnalogyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "analogy", abstract: "Add and subtract words: king - man + woman.",
    discussion: """
      Example:
        unfold geometry analogy unfold-mini "two - one + three"

      Each word is a unit vector; the words themselves are no answers.
      """)

  @OptionGroup var neighbours: NeighbourArguments
  @Argument(help: "Words with + and - between them, in quotes.") var expression: String
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let sum = try WordSum(expression)
    let (space, lookup) = try neighbours.vectors.load()
    let terms = try sum.terms.map { (row: try lookup.requiredRow(of: $0.word), weight: $0.weight) }
    let result = GeometryNearestCommand.Result(
      word: expression, space: space.space, nearest: space.nearest(to: terms, count: neighbours.count))
    try common.show(result) { GeometryReport.neighbours(result.nearest, of: expression, in: space.space, $0) }
  }
}

struct GeometryScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score", abstract: "Score analogies: a is to b as c is to …, by relation.",
    discussion: """
      Example:
        unfold geometry score unfold-mini analogies.jsonl

      A line of the file: {"relation": "capital", "words": ["Athens", "Greece", "Cairo", "Egypt"]}
      """)

  @OptionGroup var vectors: VectorArguments
  @Argument(help: "A file of analogies, in JSON lines.") var analogies: String
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let space: String
    let tokens: Int
    let scores: [AnalogyScore]
  }

  func run() throws {
    common.apply()
    let set = try AnalogySet(contentsOf: URL(filePath: analogies))
    let (space, lookup) = try vectors.load()
    let result = Result(space: space.space, tokens: space.count, scores: try space.score(set, words: lookup))
    try common.show(result) { GeometryReport.scores(result.scores, in: result.space, tokens: result.tokens, $0) }
  }
}

struct GeometryDimensionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dimensions", abstract: "Rank single dimensions of a site as detectors of a concept.",
    discussion: """
      Example:
        unfold geometry dimensions unfold-mini korean --sites embed,resid_post
        unfold geometry dimensions unfold-mini plural --sites embed --level token \\
            --average

      Half of the groups choose the dimensions, the other half judges them.
      """)

  @OptionGroup var source: SourceArguments
  @Option(name: .long, help: "Hook points: shorthands, full names, names with *; separated by commas.")
  var sites = "embed,resid_post"
  @Option(name: .long, help: "Layers for shorthands and names with *: all, last, or such as 0,4-8.") var layers: String?
  @Option(name: .long, help: "What carries the labels: document or token (default: token where the corpus has spans).")
  var level: Concept.Level?
  @Option(name: .long, help: "The label column.") var label: String?
  @Option(name: .long, help: "The label to tell from all others.") var positive: String?
  @Option(name: .long, help: "How a document's tokens become one example: mean, last or max.") var pool: Pooling = .mean
  @Flag(name: .long, help: "Average each token over its contexts: one example a word.") var average = false
  @Option(name: .long, help: "How many dimensions to list.") var count = 5
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if !(1...1_000_000 ~= count) { throw ValidationError("--count must be from 1 to 1,000,000, not \(count).") }
  }

  func run() throws {
    common.apply()
    let source = try self.source.open(sites: sites, layers: layers).source
    let chosen = try source.select(sites: sites, layers: layers)
    let spansAlone = try source.documents.labels.isEmpty && source.spans.count > 0
    let concept = Concept(
      level: level ?? (spansAlone || average ? .token : .document), column: label ?? DocumentTable.defaultLabels,
      positive: positive)
    let results = try DimensionDetectors.rank(
      chosen, in: source,
      settings: DetectorSettings(
        concept: concept, pooling: pool, averagesContexts: average, count: count, seed: common.seed))
    try common.show(results) { GeometryReport.detectors(results, $0) }
  }
}
