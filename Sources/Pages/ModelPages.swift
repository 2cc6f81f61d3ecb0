import Activations
import Anatomy
import Architectures
import Geometry
import Reports

extension Page {
  /// A model's anatomy: the pass as a diagram, in which all that depends on the width D is marked, and every count.
  public init(_ report: AnatomyReport) {
    let anatomy = report.anatomy
    self.init(
      kind: "Anatomy", title: anatomy.architecture.name,
      lead: "What one pass computes and what it costs, from the configuration alone. Steps with a thick frame and the "
        + "letter D grow with the width of the residual stream.",
      facts: [
        .init("parameters", Format.count(anatomy.parameters)), .init("layers", "\(anatomy.architecture.layers)"),
        .init("width D", Format.count(anatomy.architecture.width)),
        .init("operations a token", Format.operations(anatomy.flopsPerToken)),
        .init("rule of thumb 12·L·D²", Format.count(anatomy.ruleOfThumb)),
      ], source: "From the configuration of \(anatomy.architecture.name).")
    add("The pass", [.drawing(AnatomyDiagram(anatomy).svg())])
    for (title, table) in report.tables { add(title, [.table(PageTable("", table))]) }
    add("Notes", anatomy.notes.map { .note($0) })
  }

  /// How far directions of a layer are in superposition.
  public init(_ measure: SuperpositionMeasure) {
    self.init(
      kind: "Superposition", title: measure.origin,
      lead:
        "\(Format.count(measure.directions)) directions in \(Format.count(measure.dimensions)) dimensions; the largest "
        + "cosine of two of them is \(Format.fixed(measure.interference.largest)), of random ones "
        + "\(Format.fixed(measure.theory.randomLargest)).",
      facts: [
        .init("directions", Format.count(measure.directions)), .init("dimensions", Format.count(measure.dimensions)),
        .init("dimensions used up", Format.fixed(measure.usedDimensions, 1)),
        .init("spread over evenly", Format.fixed(measure.effectiveDimensions, 1)),
      ], source: "From \(measure.origin).")
    add("How much they interfere", [.figure(measure.figure())])
    add("Directions with the least room", [.table(PageTable("", measure.table()))])
  }
}
