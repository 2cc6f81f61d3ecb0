import ArgumentParser
import Foundation
import Unfold

extension Concept.Level: ExpressibleByArgument {}
extension Pooling: ExpressibleByArgument {}
extension LogisticRegression.Penalty: ExpressibleByArgument {}
extension ClassWeights: ExpressibleByArgument {}
extension MassMean.Threshold: ExpressibleByArgument {}
extension ColumnSelector: ExpressibleByArgument {}
extension ProbeSpecification.Target: ExpressibleByArgument {}

/// What a probe learns, as flags; each overrides what a specification says.
struct ProbeArguments: ParsableArguments {
  @Option(name: .long, help: "The label column (default: label).") var label: String?
  @Option(name: .long, help: "The label to tell from all others (default: the labels as they are).")
  var positive: String?
  @Option(name: .long, help: "What carries the labels: document, or token (labelled spans).")
  var level: Concept.Level?
  @Option(name: .long, help: "What is predicted: label, number, text-length or position.")
  var target: ProbeSpecification.Target?
  @Option(name: .long, help: "How a document's tokens become one example: mean, max or last (default: mean).")
  var pooling: Pooling?
  @Option(
    name: [.customLong("classifier"), .customLong("method")],
    help: ArgumentHelp(
      "The classifiers to compare: all, or a list of \(ProbeSettings.Method.allCases.map(\.rawValue).joined(separator: ", ")) (default: logistic; of numbers ridge).",
      valueName: "classifiers"))
  var classifier: String?
  @Option(name: .long, help: "The penalty of logistic regression: l2, l1 or elastic-net (default: l2).")
  var penalty: LogisticRegression.Penalty?
  @Option(name: .long, help: "The share of l1 in the elastic net, 0 to 1 (default: 0.5).") var l1Ratio: Double?
  @Option(name: .long, help: "How much the examples of each class count: none or balanced (default: none).")
  var classWeights: ClassWeights?
  @Option(
    name: .long,
    help: "Where the line between two classes lies: midpoint, or training, where the training folds have it best.")
  var threshold: MassMean.Threshold?
  @Option(
    name: .long,
    help:
      "How k-sparse probes choose columns: \(ColumnSelector.allCases.map(\.rawValue).joined(separator: ", ")) (default: mean-difference)."
  )
  var selector: ColumnSelector?
  @Option(
    name: .long,
    help: "The numbers of columns that k-sparse probes try, or of principal components: such as 1,2,4,8 (at most 256).")
  var columns: String?
  @Option(
    name: [.customShort("C"), .customLong("strength")],
    help: "scikit-learn's C; several make a grid, chosen in the training folds (default: 0.0001 to 1).")
  var strength: [Double] = []
  @Option(name: .long, help: "The share of examples held back, by group (default: 0.2).") var testShare: Double?
  @Option(name: .long, help: "The folds of the training examples that all choices are made on (default: 5).")
  var folds: Int?
  @Option(name: .long, help: "Nested cross-validation with so many outer folds, in place of one part held back.")
  var outerFolds: Int?
  @Option(name: .long, help: "Resamples of the bootstrap intervals.") var bootstrap = 1000
  @Flag(name: .long, help: "Let begin tokens and their like take part.") var countSpecialTokens = false
  @Option(
    name: .long,
    help: "The controls to run: all, none, or a list of \(Control.allCases.map(\.rawValue).joined(separator: ", ")).")
  var controls: String?
  @Option(name: .long, help: "Hook points: shorthands, full names, names with *; separated by commas.")
  var sites: String?
  @Option(name: .long, help: "Layers for shorthands and names with *: all, last, or such as 0,4-8.")
  var layers: String?

  func validate() throws {
    if let testShare, !(0 < testShare && testShare < 1) {
      throw ValidationError("--test-share must lie between 0 and 1.")
    }
    if let outerFolds, outerFolds != 0, outerFolds < 2 {
      throw ValidationError("--outer-folds must be 0, or 2 or more.")
    }
    if let folds, !(2...100).contains(folds) { throw ValidationError("--folds must lie between 2 and 100.") }
    if let l1Ratio, !(0...1).contains(l1Ratio) { throw ValidationError("--l1-ratio must lie between 0 and 1.") }
    for value in strength where !(value > 0 && value.isFinite) {
      throw ValidationError("--strength must be a number above 0, not \(value).")
    }
    if let classifier { _ = try Self.classifiers(classifier) }
    if let columns { _ = try Self.columns(columns) }
    if bootstrap < 0 { throw ValidationError("--bootstrap must not be negative.") }
    if let controls { _ = try Self.controls(controls) }
  }

  private static func classifiers(_ text: String) throws -> [ProbeSettings.Method] {
    if text == "all" { return ProbeSettings.Method.classifiers }
    return try text.split(separator: ",").map { word -> ProbeSettings.Method in
      guard let method = ProbeSettings.Method(word: String(word)) else {
        let names = ProbeSettings.Method.allCases.map(\.rawValue)
        let near = nearestNames(to: String(word), among: names)
        throw ValidationError(
          "There is no classifier \"\(word)\"; "
            + (near.first.map { "did you mean \($0)?" } ?? "there are \(names.joined(separator: ", "))."))
      }
      return method
    }
  }

  private static func columns(_ text: String) throws -> [Int] {
    let counts = text.split(separator: ",").map { Int($0) ?? 0 }
    guard !counts.isEmpty, counts.allSatisfy({ (1...256).contains($0) }) else {
      throw ValidationError("--columns needs whole numbers from 1 to 256, such as 1,2,4,8, not \(text).")
    }
    return counts
  }

  private static func controls(_ text: String) throws -> [Control] {
    switch text {
    case "all": return Control.allCases
    case "none": return []
    default:
      let chosen = try text.split(separator: ",").map { word -> Control in
        guard let control = Control(rawValue: String(word)) else {
          let near = nearestNames(to: String(word), among: Control.allCases.map(\.rawValue))
          throw ValidationError(
            "There is no control \"\(word)\"" + (near.first.map { "; did you mean \($0)?" } ?? "."))
        }
        return control
      }
      return Control.allCases.filter(chosen.contains)
    }
  }

  /// Puts the flags that were given in the place of what a specification says.
  func apply(to specification: inout ProbeSpecification, seed: UInt64) throws {
    if let label { specification.label = label }
    if let positive { specification.positive = positive }
    if let level { specification.level = level }
    if let target { specification.target = target }
    if let pooling { specification.pooling = pooling }
    if let classifier { specification.classifiers = try Self.classifiers(classifier) }
    if let penalty { specification.penalty = penalty }
    if let l1Ratio { specification.l1Ratio = l1Ratio }
    if let classWeights { specification.classWeights = classWeights }
    if let threshold { specification.threshold = threshold }
    if let selector { specification.selector = selector }
    if let columns { specification.columns = try Self.columns(columns) }
    if let folds { specification.folds = folds }
    if !strength.isEmpty { specification.strengths = strength }
    if let testShare { specification.testShare = testShare }
    if let controls { specification.controls = try Self.controls(controls) }
    if let sites { specification.sites = sites }
    if let layers { specification.layers = layers }
    if seed != 0 { specification.seed = seed }
    if let outerFolds { specification.outerFolds = outerFolds }
    specification.resamples = bootstrap
    specification.countsSpecialTokens = countSpecialTokens
    try specification.check(flags: flags)
  }

  /// Those that were given, by the names of a specification's keys.
  private var flags: Set<String> {
    let given: [(String, Bool)] = [
      ("target", target != nil), ("level", level != nil), ("positive", positive != nil),
      ("classifier", classifier != nil), ("strengths", !strength.isEmpty), ("penalty", penalty != nil),
      ("l1_ratio", l1Ratio != nil), ("class_weights", classWeights != nil), ("threshold", threshold != nil),
      ("selector", selector != nil), ("columns", columns != nil),
    ]
    return Set(given.filter(\.1).map(\.0))
  }
}

/// What to probe: specifications with a model or a store; or a store; or a model and a corpus.
struct ProbeInputs: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Specifications (.yaml files, or names of those that ship, with --model or --store); or a store; or a model, followed by a corpus to run it on.",
      valueName: "specification|store|model"))
  var names: [String] = []
  @Option(name: .long, help: "The model to run a specification on.") var model: String?
  @Option(name: .long, help: "The store to read in place of running a specification's corpus.") var store: String?
  @OptionGroup var corpus: CorpusArguments

  /// One experiment, ready to run.
  struct Plan {
    var name: String
    var specification: ProbeSpecification
    var open: () throws -> (source: any ActivationSource, model: ControlSuite.ModelAccess)
  }

  var areSpecifications: Bool {
    model != nil || store != nil || names.contains { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
  }

  /// - Parameter all: every specification that ships, in place of names.
  func plans(_ arguments: ProbeArguments, seed: UInt64, all: Bool = false) throws -> [Plan] {
    guard areSpecifications || all else { return [try plainPlan(arguments, seed: seed)] }
    guard model != nil || store != nil else {
      throw Fault(
        .usage, "tool.noModel", "A specification needs a model to run on", expected: "--model MODEL, or --store STORE",
        found: "neither", advice: "add --model unfold-mini for the model that ships")
    }
    guard !all || names.isEmpty else {
      throw Fault(
        .usage, "tool.specifications", "--all stands for every specification, so none can be named beside it",
        found: names.joined(separator: ", "))
    }
    let files = try (all ? SpecificationFile.shippedNames : names).map { try SpecificationFile(named: $0) }
    guard !files.isEmpty else {
      throw Fault(
        .usage, "tool.specifications", "No specification was named", expected: "a .yaml file, a name, or --all",
        found: "none", advice: "list those that ship with `unfold probe list`")
    }
    let opened = Opened()
    return try files.map { file in
      var specification = file.specification
      try arguments.apply(to: &specification, seed: seed)
      return Plan(name: file.name, specification: specification) {
        try open(specification, base: file.url.deletingLastPathComponent(), opened: opened)
      }
    }
  }

  /// A model that several specifications share is loaded once.
  private final class Opened {
    var model: LoadedModel?
  }

  private func open(
    _ specification: ProbeSpecification, base: URL, opened: Opened
  ) throws -> (source: any ActivationSource, model: ControlSuite.ModelAccess) {
    if let store { return try stored(store) }
    guard let model else { throw Fault(.software, "tool.noModel", "No model was named") }
    let loaded = try opened.model ?? LoadedModel(model)
    opened.model = loaded
    return try live(loaded, specification, corpora: specification.dataset.map { besideSpecification($0, base) })
  }

  /// A dataset's path counts from the working folder or from the specification's own.
  private func besideSpecification(_ name: String, _ base: URL) -> String {
    if FileManager.default.fileExists(atPath: name) || name.hasPrefix("/") { return name }
    let beside = base.appending(path: name)
    return name.contains(".") && FileManager.default.fileExists(atPath: beside.path) ? beside.path : name
  }

  private func live(
    _ loaded: LoadedModel, _ specification: ProbeSpecification, corpora: [String]
  ) throws -> (source: any ActivationSource, model: ControlSuite.ModelAccess) {
    var options = corpus.options
    if !options.labelFields.contains(specification.label) { options.labelFields.append(specification.label) }
    let source = try LiveActivations(
      model: loaded.model, tokenizer: loaded.tokenizer, corpus: Corpus(corpora, options: options),
      settings: CaptureSettings(
        sites: specification.sites, layers: specification.layers,
        countsSpecialTokens: specification.countsSpecialTokens),
      modelName: loaded.name)
    return (source, .model(loaded.model))
  }

  private func stored(_ path: String) throws -> (source: any ActivationSource, model: ControlSuite.ModelAccess) {
    let store = try ActivationStore(opening: URL(filePath: path))
    let name = store.origin.model
    guard let loaded = try? LoadedModel(name) else {
      return (store, .absent("the model \(name) was not found"))
    }
    guard try loaded.model.checkpoint.digest() == store.origin.modelDigest else {
      return (store, .absent("the model \(name) that was found is not the store's"))
    }
    return (store, .model(loaded.model))
  }

  private func plainPlan(_ arguments: ProbeArguments, seed: UInt64) throws -> Plan {
    guard let first = names.first else {
      throw Fault(
        .usage, "tool.noSource", "Nothing to probe was named",
        expected: "a store, a model and a corpus, or a specification with --model", found: "nothing",
        advice: "try `unfold probe sweep sarcasm --model unfold-mini`")
    }
    let corpora = Array(names.dropFirst())
    let title = corpora.first ?? first
    var specification = ProbeSpecification(
      concept: arguments.positive ?? URL(filePath: title).deletingPathExtension().lastPathComponent,
      dataset: corpora.isEmpty ? [first] : corpora)
    specification.sites = CaptureSettings.usualSites
    try arguments.apply(to: &specification, seed: seed)
    let own = specification
    return Plan(name: own.concept, specification: own) {
      guard corpora.isEmpty else { return try live(try LoadedModel(first), own, corpora: corpora) }
      if FileManager.default.fileExists(atPath: first) { return try stored(first) }
      let isModel = (try? ModelLocation.resolve(first)) != nil
      let isSpecification = (try? SpecificationFile(named: first)) != nil
      throw Fault(
        .noInput, "tool.noStore", "There is no store of this name", file: URL(filePath: first).path,
        expected: "a store",
        found: isSpecification
          ? "the name of a specification" : isModel ? "the name of a model" : "no such file or folder",
        advice: isSpecification
          ? "name the model with --model"
          : isModel ? "name a corpus behind the model" : "make one with `unfold capture`")
    }
  }
}

extension ProbeInputs.Plan {
  /// Runs the experiment; `each` gets every probe as it is ready.
  func run(
    quiet: Bool, followUps: ProbeFollowUps = ProbeFollowUps(), each: (Probe) throws -> Void = { _ in },
    best: ((Probe) throws -> Void)? = nil
  ) throws -> SpecificationResult {
    let line = ProgressLine(isSilent: quiet)
    line.update("\(name): reading")
    let (source, model) = try open()
    let sites = try source.selectAvailable(sites: specification.sites, layers: specification.layers)
    var done = 0
    let total = sites.count * specification.methods.count
    let result = try specification.run(
      name: name, on: source, sites: sites, model: model, followUps: followUps,
      each: { probe in
        done += 1
        line.update("\(name): \(done) of \(total) probes; \(probe.record.site.name)")
        if done == total { line.update("\(name): controls") }
        try each(probe)
      }, best: best)
    line.clear()
    return result
  }
}

extension ActivationSource {
  /// The names of the sites chosen; of a list, those that this source does not hold are left out if it holds others.
  fileprivate func selectAvailable(sites: String, layers: String?) throws -> [String] {
    let parts = sites.split(separator: ",")
    let held = parts.filter { (try? select(sites: String($0), layers: layers)) != nil }
    let kept = held.isEmpty ? sites : held.joined(separator: ",")
    return try select(sites: kept, layers: layers).map(\.name)
  }
}
