import ArgumentParser
import Foundation
import Unfold

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write a page to look at, one HTML file: a store, a neuron, a dictionary, a probe, a model's run.",
    discussion: """
      Examples, of a store made by `unfold capture unfold-mini demo-corpus -o store`:
        unfold report store -o store.html
        # a folder: the store, neurons, the dictionary
        unfold report store --all --dictionary residual -o pages
        unfold report store --neuron L2.30 --ablate -o neuron.html
        # with the features that load on it
        unfold report store --neuron L2.30 --dictionary residual -o neuron.html
        unfold report store --dictionary residual -o dictionary.html
        unfold report store --dictionary residual --feature 17 -o feature.html
        unfold report store --probe questions.safetensors -o probe.html
        unfold report unfold-mini --text "The king and the queen" -o run.html
        unfold report unfold-mini --clean "The hands of the king" \\
            --corrupt "The hand of the king" \\
          --right " were" --wrong " was" -o patch.html
        unfold report unfold-mini --anatomy -o anatomy.html
        unfold report residual --superposition -o superposition.html

      A page opens offline in any browser, in light and dark, and prints; it asks no server for anything.
      """)

  @Argument(
    help: ArgumentHelp("A store; with --text, --clean or --anatomy a model.", valueName: "store|model"))
  var source: String
  @Option(name: .shortAndLong, help: "The page, an HTML file; with --all a folder.") var output: String
  @Flag(
    name: .long,
    help:
      "A folder of linked pages: the store, its neurons of most meanings, and the dictionary and probe that are named.")
  var all = false
  @Option(name: .long, help: "A neuron, such as L2.30.") var neuron: NeuronArgument?
  @Option(name: .long, help: "A dictionary's folder; with --neuron, whose features load on it.") var dictionary: String?
  @Option(name: .long, help: "With --dictionary: one latent, by its number.") var feature: Int?
  @Option(
    name: .long,
    help: ArgumentHelp(
      "With --dictionary: judge latents on the labels of these sets too, or of all that ship.", valueName: "sets|all"))
  var concepts: String?
  @Option(name: .long, help: "A probe's file.") var probe: String?
  @Flag(name: .long, help: "With --probe: fit it anew at every layer that the store holds, for the figure by depth.")
  var depth = false
  @Option(name: .long, help: "A text that the model is run on.") var text: String?
  @Option(name: .long, help: "With --text: the token whose logit is split (default: the likeliest).") var target:
    String?
  @Option(name: .long, help: "With --text: split the difference to this token's logit.") var against: String?
  @OptionGroup var pair: PairArguments
  @Flag(name: .long, help: "What a model is made of and costs.") var anatomy = false
  @Flag(name: .long, help: "How far a dictionary's directions are in superposition.") var superposition = false
  @Option(name: .long, help: "The model of the store (default: found by its name).") var model: String?
  @Option(name: [.customShort("n"), .long], help: "How many examples, or of a dictionary how many latents, are shown.")
  var count = 20
  @Flag(name: .long, help: "Run the model without the neuron and compare the loss by domain.") var ablate = false
  @Flag(name: .long, help: "Replace a page that is there.") var force = false
  @OptionGroup var ablation: AblationArguments
  @OptionGroup var ranking: RankingArguments
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let output: String
    let kind: String
    let title: String
    let bytes: Int
  }

  func validate() throws {
    if !(1...1000).contains(count) { throw ValidationError("--count must be from 1 to 1000, not \(count).") }
    let kinds: [(String, Bool)] = [
      ("--neuron", neuron != nil), ("--dictionary", dictionary != nil), ("--probe", probe != nil),
      ("--text", text != nil), ("--clean", pair.isGiven), ("--anatomy", anatomy), ("--superposition", superposition),
    ]
    let given = kinds.filter(\.1).map(\.0)
    if all {
      guard given.allSatisfy({ ["--dictionary", "--probe"].contains($0) }), feature == nil else {
        throw ValidationError("--all goes with --dictionary and --probe alone.")
      }
      return
    }
    // A neuron beside a dictionary: the features that load on it.
    if given == ["--neuron", "--dictionary"], feature == nil, concepts == nil { return }
    if given.count > 1 {
      throw ValidationError("A page shows one thing: give one of \(given.joined(separator: ", ")).")
    }
    func needs(_ option: String, _ isGiven: Bool, _ other: String) throws {
      if isGiven, given.first != other { throw ValidationError("\(option) needs \(other).") }
    }
    try needs("--feature", feature != nil, "--dictionary")
    try needs("--concepts", concepts != nil, "--dictionary")
    try needs("--depth", depth, "--probe")
    try needs("--ablate", ablate, "--neuron")
    try needs("--target", target != nil, "--text")
    try needs("--against", against != nil, "--text")
  }

  func run() throws {
    common.apply()
    if output.isEmpty || source.isEmpty {
      throw ValidationError("Give the name of a store or model, and of a page with -o.")
    }
    try AtomicFile.requireFree(URL(filePath: output), replaces: force)
    try requireOther(output)
    if all {
      let store = try openStore()
      let folder = try folder(of: store)
      let bytes = try folder.write(to: URL(filePath: output))
      let result = Result(output: output, kind: "folder", title: folder.overview.title, bytes: bytes)
      return try common.show(result) { _ in
        "\(output)/index.html: open it in a browser (\(folder.pages.count + 1) pages, \(Format.bytes(bytes)))"
      }
    }
    let page = try page()
    let html = try page.html()
    try AtomicFile.write(html.utf8, to: URL(filePath: output))
    let result = Result(output: output, kind: page.kind.lowercased(), title: page.title, bytes: html.utf8.count)
    try common.show(result) { _ in "\(output): open it in a browser (\(Format.bytes(result.bytes)))" }
  }

  private func page() throws -> Page {
    if let text { return try run(of: text) }
    if pair.isGiven { return try patching() }
    if anatomy { return try anatomyPage() }
    if superposition {
      return Page(
        try SuperpositionMeasure(DirectionSet(dictionary: SparseAutoencoder.load(folder: URL(filePath: source)))) { _ in
        })
    }
    let store = try openStore()
    guard probe != nil || neuron != nil || dictionary != nil else { return try Page(store) }
    let session = try Session.open(of: store, named: model, probe == nil ? common : nil)
    var page =
      if let probe {
        try self.page(probe: probe, on: store, session)
      } else if let neuron {
        try self.page(of: neuron.reference, in: store, session)
      } else {
        try self.page(dictionary: dictionary ?? "", on: store, session)
      }
    page.noteUnfinished(store)
    return page
  }

  /// Refuses to put the page in the place of what it is made from.
  private func requireOther(_ output: String) throws {
    let inputs = [source, dictionary, probe].compactMap(\.self).map { URL(filePath: $0).resolvingSymlinksInPath().path }
    guard inputs.contains(URL(filePath: output).resolvingSymlinksInPath().path) else { return }
    throw Fault(
      .usage, "tool.outputIsInput", "The page would replace what it is made from", file: output,
      expected: "another name", advice: "choose another name with -o")
  }

  private func openStore() throws -> ActivationStore {
    let store = try ActivationStore.open(source, ofModel: "give a text with --text, or --anatomy")
    if neuron != nil || dictionary != nil || all { try store.requireTokenRows() }
    let labels = try store.documents.labels
    if ranking.label != DocumentTable.defaultLabels, labels[ranking.label] == nil {
      throw Fault(
        .usage, "tool.noSuchLabel", "The store has no such label column",
        expected: labels.keys.sorted().joined(separator: ", "),
        found: ranking.label, advice: "name a column with --label, or leave it out")
    }
    return store
  }

  private func run(of text: String) throws -> Page {
    let session = try Session.open(source)
    return try Page(
      text: text, in: session, origin: session.origin, target: target.map(session.token(named:)),
      against: against.map(session.token(named:)))
  }

  private func patching() throws -> Page {
    let session = try Session.open(source)
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    return Page(
      try pair.report(in: session) { done, all in
        line.update("patching, \(Format.count(done)) of \(Format.count(all)) cells")
      }, origin: try session.origin)
  }

  private func anatomyPage() throws -> Page {
    guard case .architecture(let architecture, let stored) = try AnatomySubject.named(source) else {
      throw Fault(
        .usage, "anatomy.widthOnly", "Only the width of this model is told, and that unofficially",
        expected: "a model whose configuration is published", found: source,
        advice: "run `unfold anatomy \(source)` for what can be said")
    }
    return Page(AnatomyReport(try ModelAnatomy(architecture, stored: stored)))
  }

  private func page(of neuron: NeuronReference, in store: ActivationStore, _ session: Session?) throws -> Page {
    var card = try NeuronCard(
      of: neuron, in: store, session: session, ranking: ranking.settings(seed: common.seed),
      dictionary: dictionary.map { try SparseAutoencoder.load(folder: URL(filePath: $0)) }, count: count,
      note: common.note)
    if let session { try card.addLosses(store, model: session.model) }
    if ablate {
      card.ablation = try ablation.run([neuron], loaded: session, source: store, label: ranking.label, common).first
    }
    return Page(card, origin: store.origin)
  }

  /// The store's page, the neurons of most meanings, and what was named beside.
  private func folder(of store: ActivationStore) throws -> PageFolder {
    var folder = PageFolder(overview: try Page(store))
    let session = try Session.open(of: store, named: model, common)
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    func add(_ page: Page, _ file: String) {
      var page = page
      page.noteUnfinished(store)
      folder.add(page, file: file)
    }
    if let dictionary { add(try page(dictionary: dictionary, on: store, session), "dictionary.html") }
    if let probe { add(try page(probe: probe, on: store, session), "probe.html") }
    let settings = ranking.settings(seed: common.seed)
    let measured = try settings.measure(store, model: session?.model, piece: session?.piece) { rows, all in
      line.update("measuring neurons, \(Format.count(rows)) of \(Format.count(all)) rows")
    }
    let chosen = try measured.ranked(by: .consensus, count: count).map(\.neuron)
    let files = Dictionary(chosen.map { ($0, "neuron-\($0).html") }, uniquingKeysWith: { first, _ in first })
    for (number, neuron) in chosen.enumerated() {
      line.update("neuron \(number + 1) of \(chosen.count)")
      var card = try NeuronCard(
        of: neuron, in: store, session: session, ranking: settings, measured: measured, count: 20)
      if let session { try card.addLosses(store, model: session.model) }
      add(Page(card, origin: store.origin) { files[$0] }, files[neuron] ?? "")
    }
    return folder
  }

  private func page(dictionary folder: String, on store: ActivationStore, _ session: Session?) throws -> Page {
    let url = URL(filePath: folder)
    let pages = try DictionaryPages(
      SparseAutoencoder.load(folder: url), name: url.lastPathComponent, on: store, session: session,
      column: ranking.label, seed: common.seed)
    let sets = try sets(pages.dictionary, session)
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    if let feature { return try pages.page(ofLatent: feature, sets: sets) { line.update($0) } }
    return try pages.page(details: count, sets: sets, progress: { line.update($0) })
  }

  /// The labelled sets named by --concepts, run through the model.
  private func sets(
    _ dictionary: SparseAutoencoder, _ session: Session?
  ) throws -> [(name: String, source: any ActivationSource)] {
    guard let concepts else { return [] }
    guard let session else {
      throw Fault(
        .usage, "tool.noModel", "Concepts of other sets need the store's model",
        expected: "a model that runs the texts",
        found: "none of the store's name", advice: "name its folder with --model")
    }
    return try datasetNames(concepts).map { ($0, try dictionary.activations(in: session, of: Corpus([$0]))) }
  }

  private func page(probe file: String, on store: ActivationStore, _ session: Session?) throws -> Page {
    let url = URL(filePath: file)
    let probe = try Probe(contentsOf: url)
    var layers: StudyResult?
    if depth {
      let kind = probe.record.site.kindWithoutLayer
      var settings = probe.record.settings
      settings.controls = []
      let line = ProgressLine(isSilent: common.quiet)
      defer { line.clear() }
      layers = try Study(name: url.deletingPathExtension().lastPathComponent, settings: settings).run(
        on: store, sites: store.sites.filter { $0.kindWithoutLayer == kind }.map(\.name),
        progress: { line.update($0) }
      ).result
    }
    return try Page(
      probe, name: url.deletingPathExtension().lastPathComponent, source: store, layers: layers, count: count,
      piece: session?.piece)
  }
}

extension StoredSite {
  /// The site's name without its layer: `hook_resid_post`.
  fileprivate var kindWithoutLayer: String {
    layer.map { name.replacingOccurrences(of: "blocks.\($0).", with: "") } ?? name
  }
}

/// Two texts and two answers, for a page of patching.
struct PairArguments: ParsableArguments {
  @Option(name: .long, help: "A text that the right answer follows: a page of patching.") var clean: String?
  @Option(name: .long, help: "The text that it does not follow.") var corrupt: String?
  @Option(name: .long, help: "The right answer: one token, with its space.") var right: String?
  @Option(name: .long, help: "The wrong answer.") var wrong: String?
  @Option(name: .long, help: "With --clean: the hook points that are patched.") var sites = "resid_pre,z"

  var isGiven: Bool { clean != nil }

  func validate() throws {
    let given = [clean, corrupt, right, wrong].count { $0 != nil }
    if given != 0, given != 4 { throw ValidationError("Give --clean, --corrupt, --right and --wrong together.") }
  }

  func report(in session: Session, progress: @escaping (Int, Int) -> Void) throws -> PatchingReport {
    let pair = try session.pair(
      clean: clean ?? "", corrupt: corrupt ?? "", right: right ?? "", wrong: wrong ?? "", addSpecialTokens: true)
    let result = try Patching(.denoising).run(
      [pair], sites: session.model.architecture.select(sites: sites, layers: nil), in: session.model, progress: progress
    )
    return PatchingReport(result, of: [pair], in: session)
  }
}
