import ArgumentParser
import Foundation
import Unfold

/// What a probe learns and how it is judged, as flags; each overrides what a specification says.
///
/// A flag has the name of a specification's key, and its words are read as a specification's are.
struct ProbeArguments: ParsableArguments {
  @Option(name: .long, help: "The label column (default: label).") var label: String?
  @Option(name: .long, help: "The label to tell from all others (default: the labels as they are).")
  var positive: String?
  @Option(
    name: .long, help: "The labels to tell the positive one from, such as a,b; others take no part (default: all).")
  var negative: String?
  @Option(name: .long, help: "The labels that take part, such as a,b,c (default: all).") var only: String?
  @Option(name: .long, help: "What carries the labels: document, or token (labelled spans).")
  var level: String?
  @Option(name: .long, help: "What is predicted: label, number, text-length or position.")
  var target: String?
  @Option(
    name: .customLong("pool"), help: "How a document's tokens become one example: mean, max or last (default: mean).")
  var pooling: String?
  @Option(
    name: [.customLong("classifier"), .customLong("method")],
    help: ArgumentHelp(
      "The classifiers to choose among: all, or a list of \(ProbeSettings.Method.allCases.map(\.rawValue).joined(separator: ", ")) (default: logistic; of numbers ridge).",
      valueName: "classifiers"))
  var classifier: String?
  @Option(name: .long, help: "The penalty of logistic regression: l2, l1 or elastic-net (default: l2).")
  var penalty: String?
  @Option(name: .long, help: "The share of l1 in the elastic net, 0 to 1 (default: 0.5).") var l1Ratio: String?
  @Option(
    name: .long,
    help: "How much the examples of each class count: none or balanced (default: none; of k-sparse probes balanced).")
  var classWeights: String?
  @Option(
    name: .long,
    help: "Where the line between two classes lies: midpoint, or training, where the training folds have it best.")
  var threshold: String?
  @Option(
    name: .long,
    help:
      "How k-sparse probes choose columns: \(ColumnSelector.allCases.map(\.rawValue).joined(separator: ", ")) (default: mean-difference)."
  )
  var selector: String?
  @Option(
    name: .long,
    help: "The numbers of columns that k-sparse probes try, or of principal components: such as 1,2,4,8 (at most 256).")
  var columns: String?
  @Option(
    name: [.customShort("C"), .customLong("strengths"), .customLong("strength")],
    help: ArgumentHelp(
      "scikit-learn's C, such as 0.01,0.1,1: a grid to choose from in the training folds (default: 0.0001 to 1).",
      valueName: "strengths"))
  var strengths: [String] = []
  @Option(name: .long, help: "The share of examples held back, by group (default: 0.2).") var testShare: String?
  @Option(name: .long, help: "The folds of the training examples that all choices are made on (default: 5).")
  var folds: String?
  @Option(name: .long, help: "Nested cross-validation with so many outer folds, in place of one part held back.")
  var outerFolds: String?
  @Option(
    name: [.customLong("resamples"), .customLong("bootstrap")],
    help: "Resamples of the bootstrap intervals (default: 1000).")
  var resamples: String?
  @Flag(name: .customLong("special-tokens"), help: "Let begin tokens and their like take part.")
  var countSpecialTokens = false
  @Option(
    name: .long,
    help: "The controls to run: all, none, or a list of \(Control.allCases.map(\.rawValue).joined(separator: ", ")).")
  var controls: String?
  @Option(name: .long, help: "Shuffles of the labels, for p (default: 999).") var shuffles: String?
  @Option(
    name: .long,
    help: "Where p lies near 0.05, so many shuffles at most by the whole procedure (default: 99; 0 for none).")
  var exactShuffles: String?
  @Option(name: .long, help: "Random rotations of the neuron basis (default: 20).") var rotations: String?
  @Option(name: .long, help: "Draws of random directions (default: 20).") var directions: String?
  @Option(name: .long, help: "Hook points: shorthands, full names, names with *; separated by commas.")
  var sites: String?
  @Option(name: .long, help: "Layers for shorthands and names with *: all, last, or such as 0,4-8.")
  var layers: String?

  /// The flags that were given, by the keys of a specification.
  private var given: [(key: ProbeSettings.Key, text: String)] {
    let all: [(ProbeSettings.Key, String?)] = [
      (.label, label), (.positive, positive), (.negative, negative), (.only, only), (.level, level), (.target, target),
      (.pooling, pooling), (.classifier, classifier), (.penalty, penalty), (.l1Ratio, l1Ratio),
      (.classWeights, classWeights), (.threshold, threshold), (.selector, selector), (.columns, columns),
      (.strengths, strengths.isEmpty ? nil : strengths.joined(separator: ",")), (.testShare, testShare),
      (.folds, folds), (.outerFolds, outerFolds), (.resamples, resamples),
      (.specialTokens, countSpecialTokens ? "true" : nil), (.controls, controls), (.shuffles, shuffles),
      (.exactShuffles, exactShuffles), (.rotations, rotations), (.directions, directions), (.sites, sites),
      (.layers, layers),
    ]
    return all.compactMap { key, text in text.map { (key, $0) } }
  }

  func validate() throws {
    // Words that no setting takes are a matter of the command line, before any file is opened.
    var settings = ProbeSettings()
    for (key, text) in given {
      do {
        try settings.set(key, to: text)
      } catch let fault as Fault {
        throw ValidationError(
          "\(fault.place ?? ""): \(fault.problem): expected \(fault.expected ?? ""), found \(fault.found ?? "")"
            + (fault.advice.map { "; \($0)" } ?? ""))
      }
    }
  }

  /// Puts the flags that were given in the place of what a specification says.
  ///
  /// - Parameter seed: nil where none was given.
  func apply(to settings: inout ProbeSettings, seed: UInt64?) throws {
    for (key, text) in given { try settings.set(key, to: text) }
    if let seed { settings.seed = seed }
    try settings.check(Set(given.map(\.key)))
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
    var open: () throws -> (source: any ActivationSource, model: Study.ModelAccess)
  }

  var areSpecifications: Bool {
    model != nil || store != nil || names.contains { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
  }

  /// - Parameter all: every specification that ships, in place of names.
  func plans(_ arguments: ProbeArguments, seed: UInt64?, all: Bool = false) throws -> [Plan] {
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
      try arguments.apply(to: &specification.settings, seed: seed)
      return Plan(name: file.name, specification: specification) {
        try open(specification, base: file.url.deletingLastPathComponent(), opened: opened)
      }
    }
  }

  /// A model that several specifications share is loaded once.
  private final class Opened {
    var model: Session?
  }

  private func open(
    _ specification: ProbeSpecification, base: URL, opened: Opened
  ) throws -> (source: any ActivationSource, model: Study.ModelAccess) {
    if let store { return try stored(store) }
    guard let model else { throw Fault(.software, "tool.noModel", "No model was named") }
    let loaded = try opened.model ?? Session.open(model)
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
    _ loaded: Session, _ specification: ProbeSpecification, corpora: [String]
  ) throws -> (source: any ActivationSource, model: Study.ModelAccess) {
    var options = corpus.options
    let settings = specification.settings
    let label = settings.concept.column
    if !options.labelFields.contains(label) { options.labelFields.append(label) }
    let source = try LiveActivations(
      model: loaded.model, tokenizer: loaded.tokenizer, corpus: Corpus(corpora, options: options),
      settings: CaptureSettings(
        sites: settings.sites, layers: settings.layers, countsSpecialTokens: settings.countsSpecialTokens),
      modelName: loaded.name)
    return (source, .model(loaded.model))
  }

  private func stored(_ path: String) throws -> (source: any ActivationSource, model: Study.ModelAccess) {
    let store = try ActivationStore.open(path)
    let name = store.origin.model
    guard let loaded = try? Session.open(name) else {
      return (store, .absent("the model \(name) was not found"))
    }
    guard try loaded.origin.isOfSameModel(as: store.origin) else {
      return (store, .absent("the model \(name) that was found is not the store's"))
    }
    return (store, .model(loaded.model))
  }

  private func plainPlan(_ arguments: ProbeArguments, seed: UInt64?) throws -> Plan {
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
    specification.settings.sites = CaptureSettings.usualSites
    try arguments.apply(to: &specification.settings, seed: seed)
    let own = specification
    return Plan(name: own.concept, specification: own) {
      guard corpora.isEmpty else { return try live(try Session.open(first), own, corpora: corpora) }
      if FileManager.default.fileExists(atPath: first) { return try stored(first) }
      throw Fault.noStore(first, ofSpecification: "name the model with --model")
    }
  }
}

extension ProbeInputs.Plan {
  /// Runs the study; `each` gets every probe as it is ready.
  func run(
    quiet: Bool, repeats: Int = 0, hasLearningCurve: Bool = false, each: (Probe) throws -> Void = { _ in }
  ) throws -> (result: StudyResult, probe: Probe) {
    let line = ProgressLine(isSilent: quiet)
    line.update("\(name): reading")
    let (source, model) = try open()
    let settings = specification.settings
    var study = Study(name: name, settings: settings)
    study.repeats = repeats
    study.hasLearningCurve = hasLearningCurve
    let found = try study.run(
      on: source, sites: try source.selectAvailable(sites: settings.sites, layers: settings.layers), model: model,
      progress: { line.update("\(name): \($0)") }, each: each)
    line.clear()
    return found
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
