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
    if let embedding = self[.embedding]?.score {
      sentences.append(Self.comparison(score - embedding, place, over: "the embeddings alone", interval, embedding))
    }
    if let bag = self[.bagOfTokens]?.score {
      sentences.append(
        score - bag >= 0.005
          ? "the tokens themselves, without a model, reach \(percent(bag)): \(points(score - bag)) less"
          : "the tokens themselves, without a model, reach \(percent(bag)): the words alone give the labels away")
    }
    if let random = self[.randomWeights]?.score {
      sentences.append(
        covers(random)
          ? "with random weights the same site reaches \(percent(random)): training has added nothing that this test can see"
          : "with random weights the same site reaches \(percent(random)): training accounts for \(points(score - random))"
      )
    }
    if let directions = self[.randomDirections], let mean = directions.score, let high = directions.interval?.high {
      sentences.append("random directions reach \(percent(mean)) on average, \(percent(high)) at best")
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
          + (value < 10 ? ": the probe can learn random labels of words nearly as well, so its score says little" : ""))
    }
    if let p = self[.shuffledLabels]?.pValue { sentences.append("p = \(probability(p)) by shuffled labels") }
    return sentences + notRun
  }

  private static func comparison(
    _ difference: Double, _ place: String, over baseline: String, _ interval: Interval?, _ score: Double
  ) -> String {
    let count = Int((abs(difference) * 100).rounded())
    let unit = count == 1 ? "point" : "points"
    if count == 0 { return "\(place) adds nothing over \(baseline)" }
    let sentence =
      "\(place) \(difference > 0 ? "adds \(count) \(unit) over" : "loses \(count) \(unit) against") \(baseline)"
    let isInside = interval.map { $0.low <= score && score <= $0.high } ?? false
    return sentence + (isInside ? ", within the interval" : "")
  }

  /// Whether the probe's own interval covers a control's score, or the control does better.
  private func covers(_ control: Double) -> Bool { control >= (interval?.low ?? score) }

  private func points(_ difference: Double) -> String {
    let count = Int((difference * 100).rounded())
    return "\(count) \(abs(count) == 1 ? "point" : "points")"
  }

  private func percent(_ value: Double) -> String { "\(Int((value * 100).rounded())) %" }
  private func fixed(_ value: Double) -> String { String(format: "%.2f", value) }
  private func probability(_ p: Double) -> String { String(format: p < 0.01 ? "%.3f" : "%.2f", p) }
}
