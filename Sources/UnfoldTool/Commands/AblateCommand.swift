import ArgumentParser
import Foundation
import Unfold

struct AblateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ablate",
    abstract: "What a model loses without parts of it: neurons, heads, layers, experts, features, directions.",
    discussion: """
      Examples:
        unfold ablate unfold-mini demo-corpus --heads all --documents 8
        unfold ablate unfold-mini demo-corpus --neurons L2.10,L1.3 --by zero --json
        unfold ablate unfold-mini demo-corpus --layers all --figure layers.svg
        unfold ablate unfold-mini demo-corpus --features dictionary:12,57
        unfold ablate unfold-mini demo-corpus --directions questions.safetensors
        unfold ablate ./olmoe corpus.jsonl --experts L2 --by resample

      Each part is taken out alone; --together takes all of them out at once besides. The loss of the next token and the
      divergence from the model as it is are compared over the corpus's documents and by their labels, with 95 % intervals
      over documents and chances corrected for everything that was tried. See docs/ablation.md.
      """)

  @OptionGroup var model: ModelArgument
  @Argument(help: "The corpus: files, or the name of a set that ships.") var corpora: [String]
  @Option(name: .long, help: "Neurons, such as L2.10,L1.3; L2.E5.43 of an expert; L2 for all of a layer.")
  var neurons: String?
  @Option(name: .long, help: "Heads, such as L1.H3 or 1.3; L1 for all of a layer, or all.") var heads: String?
  @Option(name: .long, help: "Layers, such as 2, 0-3 or all: attention and MLP.") var layers: String?
  @Option(name: .long, help: "The attention of these layers.") var attention: String?
  @Option(name: .long, help: "The MLP, or the experts together, of these layers.") var mlp: String?
  @Option(name: .long, help: "Experts, such as L2.E5 or 2.5; L2 for all of a layer, or all.") var experts: String?
  @Option(
    name: .long,
    help: ArgumentHelp(
      "A dictionary's latents: what they add is taken out, what it does not explain stays; repeatable.",
      valueName: "folder:12,57"))
  var features: [String] = []
  @Option(
    name: .long,
    help: ArgumentHelp(
      "A probe's direction, or a vector, is projected out at its site; repeatable.", valueName: "file"))
  var directions: [String] = []
  @Flag(name: .long, help: "Take all the parts named out at once, besides each alone.") var together = false
  @Option(name: .long, help: "What is put in its place: zero, mean, or resample (its value in another document).")
  var by: AblationReplacement = .mean
  @Option(name: .long, help: "The column of the documents' labels.") var label: String?
  @Option(name: .long, help: "A seeded choice of so many documents of each label (default: all).")
  var documents: Int?
  @Option(name: [.customShort("n"), .long], help: "How many parts are shown, those that cost most first.")
  var count = 40
  @OptionGroup var corpus: CorpusArguments
  @OptionGroup var splice: SpliceOption
  @OptionGroup var compute: ComputeOption
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if count < 1 { throw ValidationError("--count must be at least 1, not \(count).") }
    if let documents, documents < 1 { throw ValidationError("--documents must be at least 1.") }
    if [neurons, heads, layers, attention, mlp, experts].allSatisfy({ $0 == nil }), features.isEmpty,
      directions.isEmpty
    {
      throw ValidationError(
        "Name what is taken out: --neurons, --heads, --layers, --attention, --mlp, --experts, --features or --directions."
      )
    }
  }

  func run() throws {
    common.apply()
    try figure.check()
    let session = try splice.applied(to: Session.open(model.model, compute: compute.compute))
    var items = try self.items(session)
    if together, items.count > 1 { items.append(.together(items, called: "together")) }
    // The model's own tokens are run: no site is read.
    let source = try session.activations(
      of: Corpus(corpora, options: corpus.options), sites: "resid_post", layers: "last")
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    let result = try Ablation(
      replacement: by, column: label ?? DocumentTable.defaultLabels, needsLabels: label != nil,
      documentsPerLabel: documents, seed: common.seed
    ).run(items, model: session.model, source: source) { done, all in line.update("run \(done) of \(all)") }
    line.clear()
    try figure.write(result.figure(), common)
    try common.show(result) { result.report($0, count: count) }
  }

  private func items(_ session: Session) throws -> [AblationItem] {
    let model = session.model
    var items: [AblationItem] = []
    if let neurons { items += try AblationItem.neurons(neurons, in: model) }
    if let heads { items += try AblationItem.heads(heads, in: model) }
    if let layers { items += try AblationItem.layers(layers, in: model) { try .layer($0, in: $1) } }
    if let attention { items += try AblationItem.layers(attention, in: model) { try .attention(layer: $0, in: $1) } }
    if let mlp { items += try AblationItem.layers(mlp, in: model) { try .mlp(layer: $0, in: $1) } }
    if let experts { items += try AblationItem.experts(experts, in: model) }
    for reference in features { items += try AblationItem.features(reference, in: model) }
    for reference in directions {
      items += try Direction.load(reference, for: session).map { try .direction($0) }
    }
    return items
  }
}
