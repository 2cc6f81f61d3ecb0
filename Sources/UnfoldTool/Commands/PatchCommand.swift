import ArgumentParser
import Foundation
import Unfold

struct PatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "patch",
    abstract: "Put values of one text's run into another's, to see which of them carry the answer.",
    discussion: """
      Examples:
        unfold patch unfold-mini --clean "The hands of the king" \\
            --corrupt "The hand of the king" \\
          --right " were" --wrong " was" --sites resid_pre,z --figure patch.svg
        unfold patch unfold-mini --pairs pairs.jsonl --sites z,mlp_out --noise
        unfold patch unfold-mini --pairs pairs.jsonl --sites z --path-to logits
        unfold patch unfold-mini --pairs pairs.jsonl --sites z --layers 0-2 \\
            --path-to L3.q

      A line of PAIRS: {"clean": "…", "corrupt": "…", "right": " are", "wrong": " is"}; token numbers may stand in place of
      texts. The two texts of a pair must have as
      many tokens as each other; where cells are positions, all pairs must. Without --over, sites with heads (z, q, k, v,
      pattern) are patched head by head at all positions, others position by position. Restored is (patched − corrupt) /
      (clean − corrupt) of the logit difference right − wrong behind the last token.
      """)

  @OptionGroup var model: ModelArgument
  @Option(name: .long, help: "The text that the right answer follows.") var clean: String?
  @Option(name: .long, help: "The text that it does not follow.") var corrupt: String?
  @Option(name: .long, help: "The right answer: one token, with its space.") var right: String?
  @Option(name: .long, help: "The wrong answer.") var wrong: String?
  @Option(name: .long, help: "A file of pairs, an object a line.") var pairs: String?
  @Option(name: .long, help: "Hook points: shorthands, full names, names with *; separated by commas.")
  var sites = "resid_pre"
  @Option(name: .long, help: "Layers for shorthands and names with *: all, last, or such as 0,4-8.") var layers: String?
  @Flag(name: .long, help: "Put values of the corrupted text into the clean run: what the answer needs.")
  var noise = false
  @Option(
    name: .long, help: "What is a cell beside the layer: positions, heads, neurons, none; several with commas.",
    transform: PatchOver.init)
  var over: PatchOver?
  @Option(
    name: [.customLong("heads"), .customLong("neurons")], help: "Only these heads or neurons, such as 0,4.",
    transform: NumberList.whole)
  var parts: NumberList<Int>?
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Patch only the paths from the sites straight to these readers: logits, or such as L3.q,L3.k or L5.v.2 (head 2).",
      valueName: "readers"))
  var pathTo: String?
  @Option(name: [.customShort("n"), .long], help: "How many of the strongest places are listed.") var count = 10
  @Flag(name: .long, help: "Add no begin token or its like.") var noSpecialTokens = false
  @OptionGroup var splice: SpliceOption
  @OptionGroup var compute: ComputeOption
  @OptionGroup var figure: FigureOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if count < 1 { throw ValidationError("--count must be at least 1, not \(count).") }
    let given = [clean, corrupt, right, wrong].compactMap(\.self).count
    guard pairs == nil ? given == 4 : given == 0 else {
      throw ValidationError("Give --clean, --corrupt, --right and --wrong; or a file with --pairs.")
    }
    if pathTo != nil, over != nil || parts != nil {
      throw ValidationError("--path-to patches all positions, head by head: leave --over, --heads and --neurons out.")
    }
  }

  func run() throws {
    common.apply()
    try figure.check()
    let session = try splice.applied(to: Session.open(model.model, compute: compute.compute))
    let pairs = try readPairs(session)
    let architecture = session.model.architecture
    let chosen = try architecture.select(sites: sites, layers: layers)
    let direction: Patching.Direction = noise ? .noising : .denoising
    let line = ProgressLine(isSilent: common.quiet)
    let progress = { (done: Int, all: Int) in
      line.update("patching, \(Format.count(done)) of \(Format.count(all)) cells")
    }
    let result =
      if let pathTo {
        try PathPatching(direction, to: architecture.receivers(named: pathTo)).run(
          pairs, senders: chosen, in: session.model, progress: progress)
      } else {
        try Patching(direction, over: over?.over, parts: parts?.values).run(
          pairs, sites: chosen, in: session.model, progress: progress)
      }
    line.clear()
    let report = PatchingReport(result, of: pairs, in: session)
    try figure.write(report.figure(), common)
    try common.show(report) { report.text($0, count: count) }
  }

  private func readPairs(_ session: Session) throws -> [PromptPair] {
    if let pairs {
      return try session.pairs(file: URL(filePath: pairs), addSpecialTokens: !noSpecialTokens)
    }
    return [
      try session.pair(
        clean: clean ?? "", corrupt: corrupt ?? "", right: right ?? "", wrong: wrong ?? "",
        addSpecialTokens: !noSpecialTokens)
    ]
  }
}

/// What `--over` says.
struct PatchOver {
  let over: Patching.Over

  init(_ text: String) throws {
    var over: Patching.Over = []
    for part in text.split(separator: ",").map({ $0.trimmingCharacters(in: .whitespaces) }) {
      switch part {
      case "positions": over.insert(.positions)
      case "heads", "neurons": over.insert(.parts)
      case "none", "layers": break
      default: throw ValidationError("--over takes positions, heads, neurons or none, not \(part).")
      }
    }
    self.over = over
  }
}
