import ArgumentParser
import Foundation
import Unfold

struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Watch neurons learn a curve or a region: one draws a line, two a V, a dozen a circle.",
    discussion: """
      Example:
        unfold fit circle --figure circle.svg
        unfold fit half-plane wedge circle --neurons 1,2,12,100 --figure neurons.svg

      Curves over −1 … 1: \(FittingTarget.Curve.allCases.map(\.rawValue).joined(separator: ", ")). Regions of the square: \
      half-plane, wedge, triangle, square, hexagon, polygon-N, star-N, circle, ring.
      """)

  @Argument(help: "What is to be learnt; several make a figure with a row each.") var shapes: [String]
  @Option(name: .long, help: "Sizes of the hidden layer, comma-separated.") var neurons = "1,2,3,4,6,12,30,100"
  @Option(name: .long, help: "Steps of a training: 4000 for a curve, 800 for a region, unless given.") var steps: Int?
  @Option(name: .long, help: "Trainings from different starts, of which the best counts.") var trials = 4
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let fittings: [Fitting]
  }

  func run() throws {
    common.apply()
    try figure.check()
    let targets = try shapes.map { try FittingTarget(named: $0) }
    let sizes = try neurons.split(separator: ",").map { part in
      guard let size = Int(part) else {
        throw ValidationError("--neurons takes whole numbers with commas between them, not '\(neurons)'.")
      }
      return size
    }
    let line = ProgressLine(isSilent: common.quiet)
    let settings = Fitting.Settings(neurons: sizes, steps: steps, trials: trials, seed: common.seed)
    let fittings = try targets.map { target in
      try Fitting.run(target, settings: settings) { done, all in
        line.update("\(target.name): \(done) of \(all) trainings")
      }
    }
    line.clear()
    try figure.write(Fitting.figure(fittings), common)
    try common.show(Result(fittings: fittings)) { style in
      fittings.map { $0.report(style) }.joined(separator: "\n\n")
    }
  }
}
