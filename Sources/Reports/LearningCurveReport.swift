import Activations
import Foundation
import Probes

extension LearningCurve {
  /// The scores by the number of examples, as a table and a chart.
  public func report(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .right("examples"), .right("draws"), .right(measure.title), .left("deviation"),
      .right(measure == .r2 ? "" : "AUROC"),
    ])
    for point in points {
      table.append([
        Format.fixed(point.examples, 0), "\(point.repeats)", Format.fixed(point.score),
        point.repeats > 1 ? "± \(Format.fixed(point.deviation))" : "",
        measure == .r2 ? "" : point.auroc.map { Format.fixed($0) } ?? "–",
      ])
    }
    let values = points.map(\.score)
    let chance = measure == .r2 ? 0 : 1 / Double(max(2, classes.count))
    let least = min(chance, values.filter(\.isFinite).min() ?? chance)
    return style.bold("Learning curve")
      + ", of the whole procedure, judged on the same \(testExamples) examples\n" + table.rendered(style) + "\n\n"
      + TerminalChart.lines(
        [(name: measure.title, values: values)], labels: points.map { Format.fixed($0.examples, 0) }, height: 7,
        lower: max(least, -1), upper: 1)
  }

  /// The scores by the number of examples, with a band of one deviation.
  public func figure() -> Figure {
    let values = points.map(\.score)
    return Figure(
      "How \(measure == .r2 ? "a number" : classes.count == 2 ? classes[1] : "\(classes.count) classes") is learnt",
      caption:
        "\(measure.title.prefix(1).uppercased() + measure.title.dropFirst()) of the whole procedure on the same "
        + "\(testExamples) examples held back, by the number of examples learnt from; the band is one standard deviation over "
        + "draws of them.",
      panels: [
        .init(
          x: .init("examples learnt from", scale: .logarithmic), y: .init(measure.title),
          marks: [
            .line(
              origin.model, x: points.map(\.examples), y: values, lower: points.map { $0.score - $0.deviation },
              upper: points.map { $0.score + $0.deviation }, hasMarkers: true)
          ])
      ])
  }
}
