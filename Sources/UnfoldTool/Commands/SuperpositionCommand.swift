import ArgumentParser
import Foundation
import Unfold

struct SuperpositionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "superposition",
    abstract: "See how more features than dimensions share a space.",
    subcommands: [SuperpositionPackCommand.self, SuperpositionToyCommand.self, SuperpositionMeasureCommand.self])
}

struct SuperpositionPackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack", abstract: "Put unit vectors into a space and measure how much they interfere.",
    discussion: """
      Example:
        unfold superposition pack 200 50 --figure pack.svg
        unfold superposition pack 10000 4000 --random

      Random directions are measured first, then pushed apart, and both are held against what is known: the \
      distribution of random directions, and the Welch bound, below which no set can be.
      """)

  @Argument(help: "How many vectors.") var vectors: Int
  @Argument(help: "In how many dimensions.") var dimensions: Int
  @Flag(name: .long, help: "Measure random directions alone.") var random = false
  @Option(name: .long, help: "Steps of pushing apart (default: by size, 24 to 1500).") var steps: Int?
  @Option(name: .long, help: "Random starts, of which the best counts (default: by size, 1 to 6).") var trials: Int?
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    try figure.check()
    let line = ProgressLine(isSilent: common.quiet)
    let settings = VectorPacking.Settings(optimizes: !random, steps: steps, trials: trials, seed: common.seed)
    let (packing, _) = try VectorPacking.pack(vectors, dimensions: dimensions, settings: settings) { share in
      line.update("\(Format.percent(share)) of the pairs' products")
    }
    line.clear()
    try figure.write(packing.figure(), common)
    try common.show(packing) { packing.report($0) }
  }
}

struct SuperpositionToyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "toy", abstract: "Train the toy model of superposition (Elhage et al. 2022).",
    discussion: """
      Example:
        unfold superposition toy polygons --figure polygons.svg
        unfold superposition toy dimensionality --figure dimensionality.svg
        unfold superposition toy phases --figure phases.svg

      polygons: models with two hidden dimensions over a grid of sparsity and importance, drawn as arrows.
      dimensionality: each feature's share of a dimension as features become sparse.
      phases: one dimension and two features, over density and importance: which feature is kept, or both.
      """)

  static let experiments = ["polygons", "dimensionality", "phases"]

  @Argument(help: "polygons, dimensionality or phases.") var experiment = "polygons"
  @Option(name: .long, help: "Features (default: 5 for polygons, 48 for dimensionality).") var features: Int?
  @Option(name: .long, help: "Hidden dimensions of dimensionality.") var hidden = 12
  @Option(name: .long, help: "Probabilities that a feature is 0, comma-separated.") var sparsity: String?
  @Option(name: .long, help: "Of polygons: decays of importance from feature to feature, comma-separated.")
  var importance = "1,0.7"
  @Option(name: .long, help: "Of phases: cells along each axis.") var cells = 32
  @Option(name: .long, help: "Steps of a training.") var steps = 2000
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    try figure.check()
    let line = ProgressLine(isSilent: common.quiet)
    let progress: @Sendable (Int, Int) -> Void = { done, all in line.update("\(done) of \(all) trainings") }
    switch experiment {
    case "polygons":
      let training = ToyTraining(
        features: features ?? 5, hidden: 2, sparsity: 0, steps: steps, trials: 3, seed: common.seed)
      let result = try ToyPolygons.run(
        training, sparsities: try numbers(sparsity ?? "0,0.6,0.8,0.9,0.97", "--sparsity"),
        importanceDecays: try numbers(importance, "--importance"), progress: progress)
      line.clear()
      try figure.write(result.figure(), common)
      try common.show(result) { result.report($0) }
    case "dimensionality":
      let training = ToyTraining(
        features: features ?? 48, hidden: hidden, sparsity: 0, steps: steps, batch: 256, seed: common.seed)
      let sparsities = try sparsity.map { try numbers($0, "--sparsity") } ?? Self.usualSparsities
      let result = try ToyDimensionality.run(training, sparsities: sparsities, progress: progress)
      line.clear()
      try figure.write(result.figure(), common)
      try common.show(result) { result.report($0) }
    case "phases":
      let result = try PhaseDiagram.run(side: cells, progress: progress)
      line.clear()
      try figure.write(result.figure(), common)
      try common.show(result) { result.report($0) }
    default:
      let near = nearestNames(to: experiment, among: Self.experiments)
      throw Fault(
        .usage, "superposition.unknownExperiment", "There is no such experiment",
        expected: Self.experiments.joined(separator: ", "), found: experiment,
        advice: near.first.map { "did you mean \($0)" })
    }
  }

  /// 1 / (1 − S) from 1 to 100, evenly on a logarithmic axis.
  private static let usualSparsities = (0...15).map { 1 - pow(100, -Double($0) / 15) }

  private func numbers(_ text: String, _ option: String) throws -> [Double] {
    try text.split(separator: ",").map { part in
      guard let value = Double(part), value.isFinite else {
        throw ValidationError("\(option) takes numbers with commas between them, not '\(text)'.")
      }
      return value
    }
  }
}

struct SuperpositionMeasureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "measure", abstract: "How far the directions of a layer are in superposition.",
    discussion: """
      Example:
        unfold superposition measure korean.safetensors python.safetensors \\
            citations.safetensors --figure measure.svg
        unfold superposition measure my-dictionary

      Give probe files of one model and site, or the folder of a sparse dictionary.
      """)

  @Argument(help: "Probe files, or one dictionary's folder.") var sources: [String]
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    try figure.check()
    let urls = sources.map { URL(filePath: $0) }
    var isFolder: ObjCBool = false
    let folders = urls.filter {
      FileManager.default.fileExists(atPath: $0.path, isDirectory: &isFolder) && isFolder.boolValue
    }
    if !folders.isEmpty, urls.count > 1 {
      throw Fault(
        .usage, "superposition.sources", "A dictionary is measured by itself", expected: "one folder, or probe files",
        found: sources.joined(separator: " "))
    }
    let set =
      folders.isEmpty
      ? try DirectionSet(probes: urls) : try DirectionSet(dictionary: SparseAutoencoder.load(folder: folders[0]))
    let line = ProgressLine(isSilent: common.quiet)
    let measure = try SuperpositionMeasure(set) { line.update("\(Format.percent($0)) of the pairs") }
    line.clear()
    try figure.write(measure.figure(), common)
    try common.show(measure) { measure.report($0) }
  }
}
