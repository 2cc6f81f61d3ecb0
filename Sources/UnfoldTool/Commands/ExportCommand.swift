import ArgumentParser
import Foundation
import Unfold

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write results in the formats of other tools: Neuronpedia, SAEDashboard, OpenAI, delphi, NumPy, tables.",
    discussion: """
      Examples:
        unfold export neuronpedia dictionary store -o for-neuronpedia
        unfold export delphi dictionary store -o latents
        unfold export neuron-records store --layers 2 -o records
        unfold export tensors store --sites resid_post --layers 2 -o activations.npz
        unfold export table store --table statistics -o statistics.csv

      docs/exports.md says what each writes and how it is read back. A dictionary's weights go to SAELens or sparsify with
      `unfold sae export`.
      """,
    subcommands: [
      ExportNeuronpediaCommand.self, ExportSAEDashboardCommand.self, ExportDelphiCommand.self,
      ExportNeuronRecordsCommand.self, ExportTensorsCommand.self, ExportTableCommand.self,
    ])
}

/// Where an export goes.
struct ExportOutput: ParsableArguments {
  @Option(name: .shortAndLong, help: "The file or folder to write.") var output: String
  @Flag(name: .long, help: "Replace what is there.") var force = false

  var url: URL { URL(filePath: output) }

  /// Writes by `body`, which is given what to tell of its progress, and says what was written.
  func write(_ common: CommonOptions, _ body: (@escaping (String, Int) -> Void) throws -> ExportSummary) throws {
    let line = ProgressLine(isSilent: common.quiet)
    defer { line.clear() }
    let summary = try body { step, done in line.update("\(step): \(Format.count(done))") }
    line.clear()
    try show(summary, common)
  }

  /// Says what was written.
  func show(_ summary: ExportSummary, _ common: CommonOptions) throws {
    var summary = summary
    summary.output = output
    try common.show(summary) { _ in
      let counts = summary.counts.sorted { $0.key < $1.key }.map { "\(Format.count($0.value)) \($0.key)" }
      return "\(output): \(counts.joined(separator: ", ")) in \(Format.count(summary.files)) "
        + (summary.files == 1 ? "file" : "files")
    }
  }
}

/// A store, and the sites of it that are written.
struct ExportStoreArguments: ParsableArguments {
  @Argument(help: "A store's folder, or one plain .h5 file of the same layout.") var store: String
  @Option(name: .long, help: "Hook points: shorthands, full names, names with *; separated by commas (default: all).")
  var sites: String?
  @Option(name: .long, help: "Layers for shorthands and names with *: all, last, or such as 0,4-8.") var layers: String?

  func open() throws -> ActivationStore {
    try ActivationStore.open(store)
  }

  /// The sites that were named, or all.
  ///
  /// - Parameter statistics: Whether statistics are enough: a store may hold those of sites without their activations.
  func chosen(of store: ActivationStore, statistics: Bool = false) throws -> [StoredSite] {
    if statistics, store.sites.isEmpty, sites == nil, layers == nil { return store.run.statisticsSites }
    if let sites { return try store.select(sites: sites, layers: layers) }
    guard let layers else { return store.sites }
    return try store.select(sites: "*", layers: layers)
  }
}

/// What dashboards hold.
struct DashboardArguments: ParsableArguments {
  @Argument(help: "A dictionary's folder: one of ours, of SAELens or of sparsify; or neurons, for those of --site.")
  var dictionary: String
  @Argument(help: "A store of the dictionary's site.") var store: String
  @Option(name: .long, help: "The model of the store (default: found by its name).") var model: String?
  @Option(name: .long, help: "The site to read, where the dictionary names none or another is meant.") var site: String?
  @Option(name: .long, help: "These latents, such as 0-255 or 17,205 (default: all).") var latents: String?
  @Option(name: .long, help: "Sequences around the strongest places of each latent.") var top = 20
  @Option(name: .long, help: "Equal intervals of its values that further sequences are drawn from.") var intervals = 5
  @Option(name: .long, help: "Sequences drawn from each interval.") var perInterval = 5
  @Option(name: .long, help: "Tokens shown before the marked one.") var before = 24
  @Option(name: .long, help: "Tokens shown behind it.") var after = 12
  @Option(name: .long, help: "The source set's name (default: made of site and size).") var set: String?

  func settings(_ common: CommonOptions) throws -> DashboardSettings {
    var settings = DashboardSettings()
    settings.latents = try latents.map(numbers)
    settings.top = top
    settings.intervals = intervals
    settings.perInterval = perInterval
    settings.before = before
    settings.after = after
    settings.seed = common.seed
    settings.site = dictionary == "neurons" ? nil : site
    return settings
  }

  /// The dictionary, or the neurons of a site, and the store with its model where that is here.
  func open(_ common: CommonOptions) throws -> (SparseAutoencoder, ActivationStore, Session?) {
    let opened = try ActivationStore.open(store)
    let session = try Session.open(of: opened, named: model, common)
    guard dictionary == "neurons" else {
      return (try SparseAutoencoder.load(folder: URL(filePath: dictionary)), opened, session)
    }
    guard let site, let named = try opened.select(sites: site, layers: nil).first else {
      throw ValidationError("neurons needs a site: --site blocks.2.mlp.hook_post.")
    }
    return (try SparseAutoencoder.neurons(of: named, origin: opened.origin), opened, session)
  }

  private func numbers(_ text: String) throws -> [Int] {
    let found = try text.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last,
        last - first < 1 << 24
      else {
        throw ValidationError("--latents takes numbers and ranges, such as 0-255 or 17,205, not “\(part)”.")
      }
      return Array(first...last)
    }
    guard !found.isEmpty else {
      throw ValidationError("--latents names none: give such as 0-255 or 17,205, or leave it out for all.")
    }
    return found
  }
}

struct ExportNeuronpediaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neuronpedia", abstract: "A dictionary's latents, or a layer's neurons, as Neuronpedia's folder.",
    discussion: """
      Examples:
        unfold export neuronpedia dictionary store -o for-neuronpedia
        unfold export neuronpedia dictionary store --latents 0-255 --set res-4k \\
            -o for-neuronpedia
        unfold export neuronpedia neurons store --site blocks.2.mlp.hook_post \\
            -o for-neuronpedia
      """)

  @OptionGroup var arguments: DashboardArguments
  @Option(name: .long, help: "The release's id.") var release = "unfold"
  @Option(name: .long, help: "The release's title.") var title = "Dictionaries read with Unfold"
  @Option(name: .long, help: "Who made it.") var creator = "unfold"
  @OptionGroup var output: ExportOutput
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let (dictionary, store, session) = try arguments.open(common)
    var export = NeuronpediaExport(settings: try arguments.settings(common))
    export.set = arguments.set
    export.release = release
    export.title = title
    export.creator = creator
    try output.write(common) { progress in
      try export.write(
        dictionary, on: store, model: session?.model, piece: session?.piece, to: output.url, replaces: output.force,
        progress: progress)
    }
  }
}

struct ExportSAEDashboardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "saedashboard", abstract: "A dictionary's latents as the batch files of SAEDashboard.",
    discussion: """
      Example:
        unfold export saedashboard dictionary store -o dashboards
      """)

  @OptionGroup var arguments: DashboardArguments
  @OptionGroup var output: ExportOutput
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let (dictionary, store, session) = try arguments.open(common)
    var export = SAEDashboardExport(settings: try arguments.settings(common))
    export.set = arguments.set
    try output.write(common) { progress in
      try export.write(
        dictionary, on: store, model: session?.model, piece: session?.piece, to: output.url, replaces: output.force,
        progress: progress)
    }
  }
}

struct ExportDelphiCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delphi", abstract: "A dictionary's active latents as delphi's cache.",
    discussion: """
      Example:
        unfold export delphi dictionary store -o latents

      A document takes one row of --context tokens or several; the last is filled up.
      """)

  @Argument(help: "A dictionary's folder: one of ours, of SAELens or of sparsify.") var dictionary: String
  @Argument(help: "A store of the dictionary's site.") var store: String
  @Option(name: .long, help: "The site to read, where the dictionary names none or another is meant.") var site: String?
  @Option(name: .long, help: "Tokens of a row.") var context = 256
  @Option(name: .long, help: "Files that the latents are divided into.") var splits = 4
  @Option(name: .long, help: "The token's number that fills rows.") var filler = 0
  @OptionGroup var output: ExportOutput
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (0...Int(Int32.max)).contains(filler) else {
      throw ValidationError(
        "--filler takes a token's number, from 0 to \(Int32.max), not \(filler): `unfold tokenize MODEL TEXT` shows numbers."
      )
    }
  }

  func run() throws {
    common.apply()
    var export = DelphiExport()
    export.context = context
    export.splits = splits
    export.filler = Int32(filler)
    export.site = site
    try output.write(common) { progress in
      try export.write(
        try SparseAutoencoder.load(folder: URL(filePath: dictionary)),
        on: try ActivationStore.open(store), to: output.url, replaces: output.force,
        progress: progress)
    }
  }
}
