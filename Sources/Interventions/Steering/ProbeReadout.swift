import Activations
import Architectures
import Diagnostics
import LinearAlgebra
import Probes
import Transformer

/// A probe's reading of what a model wrote.
struct ProbeReadout {
  let probe: Probe
  let name: SteeringResult.ProbeName
  private let site: Site
  private let model: Model
  /// The score that is read: of two classes the second's, or less it.
  private let column: Int
  private let sign: Double

  /// - Throws: `Fault`: `direction.class`, `direction.otherModel`, `direction.otherSite`.
  init(_ probe: Probe, name: String, className: String?, in session: Session) throws {
    // The same checks as of the direction itself.
    let direction = try Direction.probe(probe, className: className, name: name, in: session.model)
    guard !direction.site.kind.isInExpert else {
      throw Fault(
        .usage, "direction.otherSite", "A probe inside an expert reads only the tokens that are routed there",
        file: name,
        expected: "a probe of another site", found: direction.site.name)
    }
    let classes = probe.record.classes
    let number = className.flatMap(classes.firstIndex) ?? 1
    let isBinary = probe.classifier.weights.rows == 1
    self.probe = probe
    site = direction.site
    model = session.model
    column = isBinary ? 0 : number
    sign = isBinary && number == 0 ? -1 : 1
    self.name = .init(name: name, site: site.name, className: classes[number])
  }

  /// The mean score of some tokens behind others; nil of none. One beyond the model's positions, which may be the last that
  /// it writes, is not read.
  func meanScore(of tokens: [Int32], after prompt: [Int32]) throws -> Double? {
    let text = Array((prompt + tokens).prefix(model.architecture.longestDocument ?? .max))
    let count = text.count - prompt.count
    guard count > 0 else { return nil }
    let rows = try model.cache(text, sites: [site]).values[0].elements
    let width = probe.classifier.width
    let scores = probe.classifier.scores(
      of: Matrix(rows: count, columns: width, elements: Array(rows[(prompt.count * width)...])))
    return sign * (0..<count).reduce(0.0) { $0 + Double(scores[$1, column]) } / Double(count)
  }
}
