import ArgumentParser
import Foundation
import Unfold

extension NeuronMeasure: ExpressibleByArgument {}

/// How contexts are compared when neurons are ranked.
struct RankingArguments: ParsableArguments {
  @Option(name: .long, help: "The label column that names the concepts.") var label = DocumentTable.defaultLabels
  @Flag(name: .long, inversion: .prefixedNo, help: "Use the documents' labels where there are some.") var labels = true
  @Option(name: .long, help: "The residual stream's site that contexts are embedded by (default: the middle one).")
  var embedding: String?
  @Option(name: .long, help: "Tokens of residual stream that a context's embedding is the mean of.") var window = 8
  @Option(name: .long, help: "Top examples looked at, at most one a document.") var top = 40
  @Option(name: .long, help: "A seeded choice of so many documents where there are more.") var documents = 2000
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Labels that are one meaning whatever the model makes of them, such as french,german; repeatable.",
      valueName: "labels"))
  var related: [String] = []

  func validate() throws {
    if window < 1 { throw ValidationError("--window must be at least 1.") }
    if top < 2 { throw ValidationError("--top must be at least 2.") }
    if documents < 4 { throw ValidationError("--documents must be at least 4.") }
    if !related.isEmpty, !labels { throw ValidationError("--related names labels: give one of it and --no-labels.") }
  }

  func settings(seed: UInt64, needsLabels: Bool = false, nullDirections: Int = 0) -> NeuronRanking {
    NeuronRanking(
      column: label, usesLabels: labels, needsLabels: needsLabels && labels, embedding: embedding, window: window,
      top: top, maximumDocuments: documents, seed: seed,
      related: related.map { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } },
      nullDirections: nullDirections)
  }
}

struct NeuronsRankCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rank",
    abstract: "Rank neurons by how many unrelated things they mean, each with its meanings and examples.",
    discussion: """
      Examples:
        unfold neurons rank store
        unfold neurons rank store --by monosemanticity --layer 1,2
        unfold neurons rank store --by context-clusters --no-labels \\
            --csv > neurons.csv
        unfold neurons rank unfold-mini demo-corpus --least -n 5
        unfold neurons rank store --related french,german,korean,russian
        # the neurons of a mixture's experts
        unfold neurons rank store --sites expert_post

      Without labels, regions of documents that lie alike in the residual stream and share words stand in for them. Above
      the table stands what random directions reach; a neuron above 99 % of its layer's is marked with a star. The last
      column of numbers is the place that a neuron has when the share of one single token among its top examples is taken
      out. Each measure is explained in docs/neurons.md.
      """)

  @OptionGroup var source: SourceArguments
  @Option(
    name: .long,
    help: ArgumentHelp(
      "What to rank by: \(NeuronMeasure.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "measure"))
  var by = NeuronMeasure.consensus
  @Option(name: .long, help: "The neurons' hook points: mlp_post, expert_post, or full names (default: all neurons).")
  var sites: String?
  @Option(
    name: [.customLong("layer"), .customLong("layers")], help: "Only these layers are listed: last, or such as 0,4-8.")
  var layers: String?
  @Flag(name: .long, help: "The neurons that mean one thing first.") var least = false
  @Option(name: [.customShort("n"), .long], help: "How many are listed; 0 for all.") var count = 20
  @Flag(name: .long, help: "Print comma-separated values.") var csv = false
  @Option(name: .long, help: "The model of the store, for the measures of weights (default: found by its name).")
  var model: String?
  @Option(
    name: .long,
    help:
      "Random directions and rotated axes of each layer that neurons are held against, in each of four draws; 0: none.")
  var random = 64
  @Option(name: .long, help: "A dictionary's folder: how many of its features load on each neuron.")
  var dictionary: String?
  @Option(
    name: .long,
    help: "So many of the neurons listed are ablated, one at a time, and the model's loss compared by domain.")
  var ablate = 0
  @OptionGroup var ablation: AblationArguments
  @OptionGroup var ranking: RankingArguments
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if !(0...4096).contains(random) { throw ValidationError("--random must be from 0 to 4096.") }
    if ablate < 0 { throw ValidationError("--ablate must not be negative.") }
    if count < 0 { throw ValidationError("--count must not be negative, and is \(count).") }
    if by == .features, dictionary == nil {
      throw ValidationError("--by features needs a dictionary: give its folder with --dictionary.")
    }
    if csv, common.json { throw ValidationError("Give one of --csv and --json.") }
  }

  func run() throws {
    common.apply()
    let (source, session) = try self.source.open(layers: nil) {
      "resid_post," + (sites ?? $0.architecture.neuronSiteNames)
    }
    let chosen = try sites.flatMap { sites in
      source.neuronSites.isEmpty ? nil : try source.select(neurons: sites, layers: nil).map(\.name)
    }
    let wanted = try layers.map { try wantedLayers($0, in: source) }
    let loaded = try session ?? Session.open(of: source, named: model, common)
    let line = ProgressLine(isSilent: common.quiet)
    let measured = try ranking.settings(seed: common.seed, needsLabels: by.needsLabels, nullDirections: random).measure(
      source, sites: chosen, model: loaded?.model, loads: try loads(source, loaded), piece: loaded?.piece
    ) { rows, all in
      line.update("measuring neurons, \(Format.count(rows)) of \(Format.count(all)) rows")
    }
    line.clear()
    let rows = try measured.ranked(
      by: by, count: count == 0 ? .max : count, least: least, layers: wanted)
    var ranks = try NeuronRanks(measured, by: by, least: least, layers: wanted, rows: rows)
    if ablate > 0 {
      ranks.ablations = try ablation.run(
        rows.prefix(ablate).map(\.neuron), loaded: loaded, source: source, label: ranking.label, common)
    }
    if csv { return Console.standardOutput(ranks.csv()) }
    try common.show(ranks) { ranks.report($0) }
  }

  /// The layers named; a store of statistics alone has no sites to choose from, so numbers are taken as they are.
  private func wantedLayers(_ names: String, in source: any ActivationSource) throws -> Set<Int> {
    if !source.neuronSites.isEmpty {
      return Set(try source.select(neurons: sites, layers: names).compactMap(\.layer))
    }
    return Set(
      try names.split(separator: ",").map { name in
        guard let number = Int(name) else { throw ValidationError("--layer takes numbers here, not \(name).") }
        return number
      })
  }

  private func loads(_ source: any ActivationSource, _ loaded: Session?) throws -> [String: [Int]] {
    guard let dictionary else { return [:] }
    let features = try SparseAutoencoder.load(folder: URL(filePath: dictionary))
    var loads: [String: [Int]] = [:]
    for site in source.neuronSites {
      guard let layer = site.layer, features.configuration.hookOut.hasPrefix("blocks.\(layer).") else { continue }
      loads[site.name] = try FeatureLoads.counts(features, layer: layer, expert: site.expert, model: loaded?.model)
    }
    return loads
  }
}
