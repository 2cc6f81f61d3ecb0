import Foundation

extension ControlReport {
  /// What the controls imply, in plain words, a sentence each.
  func sentences() -> [String] {
    let notRun = results.filter { $0.notRun != nil }.map { "\($0.control.title) not run: \($0.notRun ?? "")" }
    if let p = self[.shuffledLabels]?.pValue, p > 0.05 {
      // The other controls would only be compared with noise.
      return ["p = \(probability(p)): shuffled labels do as well, so this probe has found nothing"] + notRun
    }
    var sentences: [String] = []
    let place = layer.map { "layer \($0)" } ?? site
    if let embedding = self[.embedding]?.score { sentences.append(overEmbeddings(embedding, place)) }
    if let bag = self[.bagOfTokens]?.score {
      sentences.append(
        "the tokens themselves, without a model, reach \(value(bag)): "
          + (score - bag >= 0.005 ? "\(points(score - bag)) less\(within(bag))" : "the words alone give it away"))
    }
    if let random = self[.randomWeights]?.score {
      sentences.append(
        "with random weights the same site reaches \(value(random)): "
          + (score - random >= 0.005
            ? "training accounts for \(points(score - random))\(within(random))" : "training has added nothing"))
    }
    if let directions = self[.randomDirections], let mean = directions.score, let high = directions.interval?.high {
      sentences.append("random directions reach \(value(mean)) on average, \(value(high)) at best")
    }
    if let basis = self[.rotatedBasis], let rotated = basis.score, let own = basis.reference {
      let highest = basis.interval?.high ?? rotated
      sentences.append(
        own > highest + 0.01
          ? "the best single neuron (AUROC \(fixed(own))) is better than the best axis of a rotated basis (\(fixed(rotated))): neurons are privileged axes here"
          : "the best single neuron (AUROC \(fixed(own))) is no better than an axis of a rotated basis (\(fixed(rotated))): nothing here speaks for single neurons"
      )
    }
    if let selectivity = self[.controlTask]?.selectivity {
      let value = Int((selectivity * 100).rounded())
      sentences.append(
        "selectivity \(value)"
          + (value < 10 ? ": random labels of words are learnt nearly as well, so the score says little" : ""))
    }
    if let p = self[.shuffledLabels]?.pValue { sentences.append("p = \(probability(p)) by shuffled labels") }
    return sentences + notRun
  }

  private func overEmbeddings(_ embedding: Double, _ place: String) -> String {
    if site.hasSuffix("hook_embed") { return "no layer does better than the embeddings alone" }
    let difference = score - embedding
    guard abs(difference) >= 0.005 else { return "\(place) adds nothing over the embeddings alone" }
    return difference > 0
      ? "\(place) adds \(points(difference)) over the embeddings alone\(within(embedding))"
      : "\(place) loses \(points(-difference)) against the embeddings alone\(within(embedding))"
  }

  /// A remark where the probe's own interval covers a control's score.
  private func within(_ control: Double) -> String {
    interval.map { $0.low <= control && control <= $0.high } ?? false ? ", within the interval" : ""
  }

  private var isRegression: Bool { measure == "R²" }

  private func points(_ difference: Double) -> String {
    guard !isRegression else { return "\(fixed(difference)) of R²" }
    let count = Int((difference * 100).rounded())
    return "\(count) \(abs(count) == 1 ? "point" : "points")"
  }

  private func value(_ value: Double) -> String {
    isRegression ? "R² \(fixed(value))" : "\(Int((value * 100).rounded())) %"
  }

  private func fixed(_ value: Double) -> String { String(format: "%.2f", value) }
  private func probability(_ p: Double) -> String { String(format: p < 0.01 ? "%.3f" : "%.2f", p) }
}
