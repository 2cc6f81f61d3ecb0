import Foundation

extension ControlReport {
  /// What the controls imply, a sentence each. A sentence about a difference holds it with its interval, which leaves 0 out;
  /// where it does not, there is no sentence.
  func sentences() -> [String] {
    let notRun = results.filter { $0.notRun != nil }.map { "\($0.title) not run: \($0.notRun ?? "")" }
    if let shuffles = self[.shuffledLabels], let p = shuffles.pValue, p > 0.05 {
      // The other controls would only be compared with noise.
      return ["nothing found: shuffled labels do as well, p = \(Self.probability(p))"] + notRun
    }
    return results.compactMap(\.sentence) + notRun
  }

  /// A p-value as it is printed.
  public static func probability(_ p: Double) -> String { String(format: p < 0.0095 ? "%.3f" : "%.2f", p) }
}

extension ControlResult {
  /// What it implies; nil where its interval holds 0.
  public var sentence: String? {
    if control == .shuffledLabels {
      return pValue.map { "found: p = \(ControlReport.probability($0))" }
    }
    guard let difference, difference.isShownAsPrinted else { return nil }
    let words = difference.words(measure)
    let isAbove = difference.value > 0
    switch control {
    case .majority, .shuffledLabels: return nil
    case .words:
      return isAbove ? "\(words) above the words alone" : "the words alone, without a model, do better: \(words)"
    case .embedding:
      return isAbove ? "\(words) above the embeddings alone" : "the embeddings alone do better: \(words)"
    case .randomWeights:
      return isAbove
        ? "\(words) above random weights: what training has added" : "random weights do better: \(words)"
    case .randomDirections:
      return isAbove ? "\(words) above random directions" : "random directions do better: \(words)"
    case .rotatedBasis:
      guard isAbove else { return "the best single neuron is worse than an axis of a rotated basis: AUROC \(words)" }
      // The neurons' rank among the rotations counts too: a mean says nothing of the best of them.
      guard let pValue, pValue <= 0.05 else { return nil }
      return "the best single neuron is better than an axis of a rotated basis, AUROC \(words): neurons are privileged "
        + "axes here"
    case .controlTask:
      return isAbove
        ? "\(words) above the \(title)" : "random labels are learnt better, \(words) against the \(title)"
    }
  }
}

extension Difference {
  /// Whether the interval leaves 0 out as it is printed.
  public var isShownAsPrinted: Bool {
    guard isShown, let interval else { return false }
    // A tenth of a point, and three digits.
    return (1000 * interval.low).rounded() > 0 || (1000 * interval.high).rounded() < 0
  }

  /// The difference with its interval and unit, as sentences have it.
  public func words(_ measure: Measure) -> String {
    switch measure {
    case .accuracy, .balancedAccuracy: "\(figure(measure)) points"
    case .r2: "R² \(figure(measure))"
    case .auroc: figure(measure)
    }
  }

  /// The same without a unit, in points or in the measure's own: `+12.4 (3.1 – 20.2)`.
  public func figure(_ measure: Measure) -> String {
    let (factor, digits) = measure == .accuracy || measure == .balancedAccuracy ? (100.0, 1) : (1.0, 3)
    func number(_ value: Double, signed: Bool = false) -> String {
      let text = String(format: "%.\(digits)f", abs(factor * value))
      // What rounds to 0 has no sign.
      let isZero = text.allSatisfy { $0 == "0" || $0 == "." }
      return (value < 0 && !isZero ? "−" : signed && !isZero ? "+" : "") + text
    }
    guard let interval else { return number(value, signed: true) }
    return "\(number(value, signed: true)) (\(number(interval.low)) – \(number(interval.high)))"
  }
}
