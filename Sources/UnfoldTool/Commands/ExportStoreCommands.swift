import ArgumentParser
import Foundation
import Unfold

extension TensorExport.Part: ExpressibleByArgument {}
extension TableExport.Table: ExpressibleByArgument {}

struct ExportNeuronRecordsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neuron-records", abstract: "Neurons as OpenAI's NeuronRecord files.",
    discussion: """
      Examples:
        unfold export neuron-records store --neuron L2.10,L2.431 -o records
        unfold export neuron-records store --layers 2 -o records
      """)

  @OptionGroup var source: ExportStoreArguments
  @Option(name: .long, help: "These neurons, such as L2.10,L2.431 (default: all of the sites).") var neuron: String?
  @Option(name: .long, help: "The model of the store, for its tokens' texts (default: found by its name).")
  var model: String?
  @Option(name: .long, help: "Stretches around the strongest places.") var top = 20
  @Option(name: .long, help: "Stretches around tokens drawn at random.") var random = 20
  @Option(name: .long, help: "Tokens of a stretch.") var length = 64
  @OptionGroup var output: ExportOutput
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let store = try source.open()
    let neurons = try neuron.map { list -> [NeuronReference] in
      let named = try list.split(separator: ",").map { name in
        guard let neuron = NeuronReference(String(name)) else {
          throw ValidationError("--neuron takes neurons such as L2.10,L2.431, not “\(name)”.")
        }
        return neuron
      }
      guard !named.isEmpty else {
        throw ValidationError("--neuron names none: give such as L2.10,L2.431, or leave it out for all.")
      }
      return named
    }
    let sites =
      try neurons.map { chosen in try Set(chosen.map(\.site)).sorted().map { try store.site(named: $0) } }
      ?? store.select(neurons: source.sites, layers: source.layers)
    var export = NeuronRecordExport()
    export.top = top
    export.random = random
    export.length = length
    export.seed = common.seed
    try output.write(common) { progress in
      try export.write(
        sites, neurons: neurons, of: store, piece: try Session.open(of: store, named: model, common)?.piece,
        to: output.url, replaces: output.force, progress: progress)
    }
  }
}

struct ExportTensorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tensors", abstract: "Parts of a store as one .safetensors or .npz file.",
    discussion: """
      Examples:
        unfold export tensors store --sites resid_post --layers 2 -o activations.npz
        unfold export tensors store --sites resid_post --type float16 \\
            -o activations.safetensors
        unfold export tensors store --parts statistics --sites mlp_post \\
            -o statistics.npz
      """)

  @OptionGroup var source: ExportStoreArguments
  @Option(
    name: .long,
    help: "What is written, separated by commas: activations, tokens, documents, statistics.")
  var parts = "activations,tokens,documents"
  @Option(name: .long, help: "The numbers of activations: float32 or float16.") var type = "float32"
  @OptionGroup var output: ExportOutput
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if !["float32", "float16"].contains(type) { throw ValidationError("--type takes float32 or float16.") }
    _ = try chosenParts()
  }

  private func chosenParts() throws -> Set<TensorExport.Part> {
    let chosen = try parts.split(separator: ",").map { name in
      guard let part = TensorExport.Part(rawValue: String(name)) else {
        throw ValidationError("--parts takes activations, tokens, documents and statistics, not “\(name)”.")
      }
      return part
    }
    guard !chosen.isEmpty else {
      throw ValidationError("--parts names none: give some of activations, tokens, documents and statistics.")
    }
    return Set(chosen)
  }

  func run() throws {
    common.apply()
    let store = try source.open()
    var export = TensorExport()
    export.parts = try chosenParts()
    export.halves = type == "float16"
    try output.write(common) { progress in
      try export.write(
        source.chosen(of: store, statistics: export.parts == [.statistics]), of: store, to: output.url,
        replaces: output.force, progress: progress)
    }
  }
}

struct ExportTableCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "table", abstract: "Statistics, documents or label means of a store as comma-separated values.",
    discussion: """
      Examples:
        unfold export table store -o statistics.csv
        unfold export table store --table documents -o documents.csv
        unfold export table store --table labels --sites mlp_post --layers 2 \\
            -o by-label.csv

      A ranking of neurons as a table: unfold neurons rank store --csv > ranking.csv
      """)

  @OptionGroup var source: ExportStoreArguments
  @Option(name: .long, help: "statistics, documents or labels.") var table = TableExport.Table.statistics
  @Option(name: .long, help: "The label column, for the table of labels.") var label = DocumentTable.defaultLabels
  @OptionGroup var output: ExportOutput
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let store = try source.open()
    let summary = try TableExport.write(
      table, sites: table == .documents ? [] : source.chosen(of: store, statistics: table == .statistics),
      of: store, column: label, to: output.url,
      replaces: output.force)
    try output.show(summary, common)
  }
}
