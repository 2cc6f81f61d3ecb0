import ArgumentParser
import Foundation
import Unfold

struct SAEFeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Read a dictionary: what its latents fire for, what they write, which concepts they know.",
    discussion: """
      Examples:
        unfold sae features dictionary store
        unfold sae features dictionary store --latent 17,205
        unfold sae features dictionary store --concept korean
        unfold sae features dictionary unfold-mini --concepts korean,http-requests
        unfold sae features dictionary unfold-mini --text "GET /index.html HTTP/1.1"
        unfold sae features dictionary store --neuron auto

      --neuron puts a neuron that means several things beside the cleanest latents, one for each label.
      """)

  @OptionGroup var arguments: TrainedDictionaryArguments
  @Option(name: .long, help: "These latents, separated by commas.") var latent: String?
  @Option(name: .long, help: "The latents that separate this label of the source best.") var concept: String?
  @Option(
    name: .long,
    help: ArgumentHelp("For each label of these sets, or of all that ship, the best latents.", valueName: "sets|all"))
  var concepts: String?
  @Option(name: .long, help: "A text: the latents that are active in it.") var text: String?
  @Option(name: .long, help: "A neuron such as L2.431 to set beside the dictionary, or auto for a polysemantic one.")
  var neuron: String?
  @Option(name: .long, help: "The label column.") var label = DocumentTable.defaultLabels
  @Option(name: [.customShort("n"), .long], help: "How many latents are listed.") var count = 10
  @Option(name: .long, help: "How many examples are shown of each.") var examples = 5
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if [latent, concept, concepts, text, neuron].count(where: { $0 != nil }) > 1 {
      throw ValidationError("Give one of --latent, --concept, --concepts, --text and --neuron.")
    }
    if count < 1 || examples < 1 {
      throw ValidationError("--count and --examples must be at least 1, not \(count) and \(examples).")
    }
    if let latent, latent.split(separator: ",").contains(where: { Int($0) == nil }) {
      throw ValidationError("--latent takes numbers such as 17,205.")
    }
    if let neuron, neuron != "auto", NeuronArgument(argument: neuron) == nil {
      throw ValidationError("--neuron takes auto or a neuron such as L2.431.")
    }
  }

  func run() throws {
    common.apply()
    let dictionary = try arguments.load()
    if let text { return try show(text, in: dictionary) }
    if let concepts { return try show(concepts: datasetNames(concepts), of: dictionary) }
    var (source, loaded) = try arguments.open(
      dictionary, further: dictionary.sitesBeside, common: common)
    if let bySet = try LabelledBySet(source, column: label) {
      common.note("The sets' labels do not go together: documents are labelled by their set and its label.")
      source = bySet
    }
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    func progress(_ rows: Int) {
      line.update("read \(Format.count(rows)) of \(Format.count(source.rowCount)) rows")
    }
    var reader = FeatureReader(
      choice: .best(count), examples: examples, column: label, site: nil, seed: common.seed)
    if let latent { reader.choice = .latents(latent.split(separator: ",").compactMap { Int($0) }) }
    if let concept {
      reader.choice = .concept(concept)
      reader.perConcept = count
    }
    if let neuron {
      let chosen = try self.neuron(neuron, source: source, dictionary: dictionary, loaded: loaded)
      let unfolding = try NeuronUnfolding(
        of: chosen.index, site: chosen.site, dictionary: dictionary, source: source, count: count, reader: reader,
        model: loaded?.model, piece: loaded?.piece, progress: progress)
      line.clear()
      return try common.show(unfolding) { unfolding.report($0) }
    }
    let found = try reader.read(
      dictionary, on: source, model: loaded?.model, piece: loaded?.piece, progress: progress)
    line.clear()
    try common.show(found) { found.report($0) }
  }

  /// The model whose latents are looked at in a text or on labelled sets.
  private func requireModel(_ dictionary: SparseAutoencoder) throws -> Session {
    let loaded: Session
    if arguments.namesModelAlone {
      loaded = try Session.open(arguments.source)
    } else {
      let opened = try arguments.open(dictionary, common: common).loaded
      guard let opened else {
        throw Fault(
          .usage, "tool.noModel", "The store's model is not here", expected: "a model that runs the text",
          found: "none of the store's name", advice: "name its folder with --model")
      }
      loaded = opened
    }
    if let origin = dictionary.configuration.origin {
      try requireSameModel(origin, loaded.origin, file: arguments.source)
    }
    return loaded
  }

  private func show(_ text: String, in dictionary: SparseAutoencoder) throws {
    let loaded = try requireModel(dictionary)
    let found = try TextLatents(
      of: text, in: dictionary, model: loaded.model, tokenizer: loaded.requireTokenizer(), count: count)
    try common.show(found) { found.report($0) }
  }

  private func show(concepts names: [String], of dictionary: SparseAutoencoder) throws {
    let loaded = try requireModel(dictionary)
    let line = ProgressLine(isSilent: common.quiet)
    var found: [ConceptLatent] = []
    for name in names {
      line.update("reading \(name)")
      let source = try dictionary.activations(in: loaded, of: Corpus([name]))
      found += try dictionary.concepts(
        of: source, concept: Concept(column: label), count: min(count, 3), dataset: name, seed: common.seed)
    }
    line.clear()
    try common.show(found) { found.table().rendered($0) }
  }

  /// The neuron named, or of the 64 most polysemantic ones of the dictionary's layer that with the most even mixture.
  private func neuron(
    _ name: String, source: any ActivationSource, dictionary: SparseAutoencoder, loaded: Session?
  ) throws -> NeuronReference {
    if name != "auto", let argument = NeuronArgument(argument: name) { return argument.reference }
    let beside = dictionary.sitesBeside
    guard
      let site = beside.first(where: { name in
        source.sites.contains { $0.name == name && name.hasSuffix("mlp.hook_post") }
      })
    else {
      throw Fault(
        .badData, "tool.noNeurons", "The source holds no neurons of the dictionary's layer",
        expected: beside.first ?? "neurons", found: source.sites.prefix(6).map(\.name).joined(separator: ", "),
        advice: "capture with --sites resid_post,mlp_post")
    }
    let ranking = NeuronRanking(column: label, seed: common.seed, nullDirections: 0)
    return try ranking.clearestMixture(in: source, site: site, piece: loaded?.piece)
  }
}
