import Activations
import Diagnostics
import Foundation
import LinearAlgebra
import Probes
import Transformer

extension Session {
  /// Lets a model continue a prompt under several strengths of steering at once, and measures what each costs.
  ///
  /// All strengths run as one batch with the same random numbers. The reference text is run once for each strength,
  /// steered at every token.
  /// - Parameters:
  ///   - probe: Reads the tokens written, in the untouched model.
  ///   - className: The class whose score is read; nil: of two the second.
  ///   - progress: Called before each of the steps.
  /// - Throws: `Fault`: `steer.noDirection`, `steer.overflow`, `steer.notAFeature`, `steer.strengths`, `steer.noUnit`,
  ///   `direction.class`, `probe.otherModel`, `direction.otherSite`, those of `Model.generate`.
  public func steer(
    _ prompt: String, by directions: [Direction], _ settings: SteeringSettings, reference: ReferenceText?,
    probe: Probe? = nil, named probeName: String = "", className: String? = nil,
    progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws -> SteeringResult {
    _ = try requireTokenizer()
    let tokens = try tokens(of: prompt)
    let edit = try SteeringEdit(directions)
    let reading = try probe.map { try ProbeReadout($0, name: probeName, className: className, in: self) }
    try requireStrengths(settings.change.amounts)
    let norms = try (reference ?? ReferenceText([tokens.count > 1 ? tokens : tokens + tokens], name: "the prompt"))
      .meanNorms(at: directions.map(\.site), in: model)
    let runs = try plan(settings.change, directions, norms)
    for run in runs { try edit.check(run.amount) }
    let steps = 2 + (reference == nil ? 0 : runs.count)
    progress(0, steps)

    let target = try settings.target.map { try targetProbabilities(of: $0, after: tokens, edit, runs, settings.tokens) }
    progress(1, steps)
    let continuations = try continuations(of: tokens, edit, runs, settings)
    progress(2, steps)
    var losses: [[Loss]] = []
    for run in runs {
      guard let reference else { break }
      losses.append(
        try reference.losses(in: model) { batch in
          edit.hooks(batch.lengths.map { _ in run.amount })
        })
      if losses[losses.count - 1].contains(where: { !$0.total.isFinite }) { throw overflow(run.shown ?? 0) }
      progress(2 + losses.count, steps)
    }
    let untouched = runs.firstIndex { $0.amount == .untouched } ?? 0
    return SteeringResult(
      model: name, prompt: prompt,
      directions: zip(directions, norms).map {
        .init(name: $0.name, kind: $0.kind, site: $0.site.name, norm: $0.norm, streamNorm: $1)
      },
      change: settings.change.name, unit: settings.change.unit, tokens: settings.tokens,
      target: settings.target.map { .init(token: $0, piece: text(of: $0)) }, probe: reading?.name,
      reference: reference.map {
        .init(name: $0.name, documents: $0.documents.count, predictions: $0.tokenCount - $0.documents.count)
      },
      runs: try runs.enumerated().map { number, run in
        let written = continuations[number]
        return SteeringResult.Run(
          amount: run.shown, share: run.share, targetProbability: target?[number], continuation: written.tokens,
          text: written.text, stopped: written.stopped,
          probeScore: try reading.flatMap { try $0.meanScore(of: written.tokens, after: tokens) },
          cost: losses.isEmpty ? nil : .init(losses[number], untouched: losses[untouched]))
      })
  }

  /// A strength as it is shown and as it is applied.
  private struct PlannedRun {
    var shown: Double?
    var share: Double?
    var amount: SteeringEdit.Amount
  }

  private func requireStrengths(_ amounts: [Double]) throws {
    let most = 64
    guard (1...most).contains(amounts.count) else {
      throw Fault(
        .usage, "steer.strengths", "So many strengths cannot be tried at once", expected: "1 to \(most)",
        found: "\(amounts.count)")
    }
  }

  /// The strengths in their order; the untouched model, which a strength of 0 is, comes first where there is none.
  private func plan(
    _ change: SteeringSettings.Change, _ directions: [Direction], _ norms: [Double]
  ) throws -> [PlannedRun] {
    let untouched = PlannedRun(amount: .untouched)
    switch change {
    case .clamp(let values): return [untouched] + values.map { PlannedRun(shown: $0, amount: .clamp($0)) }
    case .add(let strengths, let unit):
      if unit == .stream, let place = norms.firstIndex(where: { !($0 > 0 && $0.isFinite) }) {
        throw Fault(
          .usage, "steer.noUnit", "The activations at this site have no norm to measure by",
          place: directions[place].site.name, expected: "a mean norm above 0", found: "\(norms[place])",
          advice: "give strengths with --unit vector")
      }
      let runs = strengths.map { strength in
        let factors = zip(directions, norms).map { unit == .vector ? strength : strength * $1 / $0.norm }
        let shares = zip(zip(directions, norms), factors).map { $0.1 > 0 ? $1 * $0.0.norm / $0.1 : 0 }
        return PlannedRun(
          shown: strength, share: shares.reduce(0, +) / Double(shares.count),
          amount: strength == 0 ? .untouched : .add(factors))
      }
      return (strengths.contains(0) ? [] : [untouched]) + runs
    }
  }

  private func targetProbabilities(
    of target: Int32, after tokens: [Int32], _ edit: SteeringEdit, _ runs: [PlannedRun],
    _ where: SteeringSettings.Tokens
  ) throws -> [Double] {
    let batch = TokenBatch(documents: runs.map { _ in tokens })
    let hooks = edit.hooks(runs.map(\.amount)) { `where`.edited(count: $1, end: tokens.count, prompt: tokens.count) }
    guard let logits = try model.run(batch, hooks: hooks, logits: .lastOfEachDocument) else { return [] }
    return try runs.indices.map { row in
      let values = logits.row(row)
      do { try model.requireUsable(values) } catch { throw overflow(runs[row].shown ?? 0) }
      return TokenPrediction.probability(of: target, by: values)
    }
  }

  private func continuations(
    of tokens: [Int32], _ edit: SteeringEdit, _ runs: [PlannedRun], _ settings: SteeringSettings
  ) throws -> [GeneratedText] {
    // How many tokens each text has in the run to come; a hook sees the last of them.
    var lengths = runs.map { _ in tokens.count }
    let prompt = tokens.count
    do {
      return try generate(
        after: runs.map { _ in tokens }, count: settings.count, sampling: settings.sampling, stops: settings.stops,
        endsAtEndTokens: settings.endsAtEndTokens, sharesDraws: true,
        hooks: { going in
          let ends = going.map { lengths[$0] }
          for number in going { lengths[number] += 1 }
          return edit.hooks(going.map { runs[$0].amount }) {
            settings.tokens.edited(count: $1, end: ends[$0], prompt: prompt)
          }
        })
    } catch let fault as Fault where fault.name == "transformer.nonfiniteLogits" {
      throw overflow(settings.change.amounts.map(abs).max() ?? 0)
    }
  }

  private func overflow(_ strength: Double) -> Fault {
    Fault(
      .usage, "steer.overflow", "Steered so strongly, the model's values overflow", place: "strength \(strength)",
      expected: "finite logits", found: "NaN or infinity", advice: "take a smaller strength")
  }
}

extension SteeringSettings.Change {
  var name: String {
    switch self {
    case .add: "add"
    case .clamp: "clamp"
    }
  }

  var unit: SteeringSettings.Unit? {
    if case .add(_, let unit) = self { unit } else { nil }
  }
}

extension SteeringSettings.Tokens {
  /// Which of the last `count` tokens of a text of `end` tokens are changed, counted from the first of them.
  func edited(count: Int, end: Int, prompt: Int) -> Range<Int> {
    let start = end - count
    let first =
      switch self {
      case .all: 0
      case .last: prompt - 1
      case .new: prompt
      }
    return min(max(first - start, 0), count)..<count
  }
}
