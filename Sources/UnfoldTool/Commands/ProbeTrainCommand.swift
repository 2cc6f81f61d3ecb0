import ArgumentParser
import Foundation
import Unfold

struct ProbeTrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a probe, judge it on groups of documents held back, and hold it against controls.",
    discussion: """
      Examples:
        unfold probe train probes/sarcasm.yaml --model unfold-mini
        unfold probe train store --sites resid_post --layers 2 \\
            -o citations.safetensors --positive citations
        unfold probe train unfold-mini sentiment --sites resid_post --layers last \\
            -o sentiment.safetensors
        unfold probe train sentiment --model unfold-mini --learning-curve \\
            --figure curve.svg

      Where several sites or classifiers are chosen, the best in the training folds is taken.
      """)

  @OptionGroup var inputs: ProbeInputs
  @OptionGroup var probe: ProbeArguments
  @Option(
    name: .shortAndLong,
    help: "The probe file to write (.safetensors; default: the name of the specification or of the corpus).")
  var output: String?
  @Option(
    name: .long, help: "Train the best probe again so often, on resamples with other seeds, and compare the directions."
  )
  var repeats = 0
  @Flag(
    name: .long,
    help: "Train the best probe on growing parts of the examples, and judge each on the same examples held back.")
  var learningCurve = false
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  struct Result: Encodable {
    let file: String
    let probe: ProbeRecord
  }

  func validate() throws {
    if repeats < 0 || repeats == 1 { throw ValidationError("--repeats must be 0, or 2 or more.") }
    if figure.figure != nil, !learningCurve {
      throw ValidationError("--figure draws the learning curve: add --learning-curve.")
    }
  }

  func run() throws {
    common.apply()
    let plans = try inputs.plans(probe, seed: common.givenSeed)
    guard plans.count == 1, let plan = plans.first else {
      throw Fault(
        .usage, "tool.oneSpecification", "Probes are trained one at a time", expected: "one specification",
        found: "\(plans.count)", advice: "compare several with `unfold probe sweep`")
    }
    let file = output ?? "\(plan.name).safetensors"
    try figure.check(file)
    let (_, best) = try plan.run(quiet: common.quiet, repeats: repeats, hasLearningCurve: learningCurve)
    try best.write(to: URL(filePath: file))
    if let curve = best.record.learningCurve { try figure.write(curve.figure(), common) }
    try common.show(Result(file: file, probe: best.record)) { style in
      best.fullReport(style) + "\n\nThe probe: \(style.bold(file))"
    }
  }
}
