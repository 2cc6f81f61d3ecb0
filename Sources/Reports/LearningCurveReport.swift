import Activations
import Foundation
import Probes

extension LearningCurve {
  /// The scores by the number of examples, as a table and a chart.
  public func report(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .right("examples"), .right("draws"), .right(measure), .left("deviation"), .right(isRegression ? "" : "AUROC"),
    ])
    for point in points {
      table.append([
        Format.fixed(point.examples, 0), "\(point.repeats)", Format.fixed(score(point)),
        point.repeats > 1 && !isRegression ? "± \(Format.fixed(point.deviation))" : "",
        isRegression ? "" : point.scores.auroc.map { Format.fixed($0) } ?? "–",
      ])
    }
    let values = points.map(score)
    let chance = isRegression ? 0 : 1 / Double(max(2, classes.count))
    let least = min(chance, values.filter(\.isFinite).min() ?? chance)
    return style.bold("Learning curve")
      + ", at \(site), judged on the same \(testExamples) examples held back\n" + table.rendered(style) + "\n\n"
      + TerminalChart.lines(
        [(name: measure, values: values)], labels: points.map { Format.fixed($0.examples, 0) }, height: 7,
        lower: max(least, -1), upper: 1)
  }

  /// The scores by the number of examples, with a band of one deviation.
  public func figure() -> Figure {
    let values = points.map(score)
    let band = isRegression ? [] : points.map(\.deviation)
    return Figure(
      "How \(site) learns \(classes.count == 2 && !isRegression ? classes[1] : "\(classes.count) classes")",
      caption:
        "\(measure.prefix(1).uppercased() + measure.dropFirst()) on the same \(testExamples) examples held back, "
        + "by the number of examples learnt from; the band is one standard deviation over draws of them.",
      panels: [
        .init(
          x: .init("examples learnt from", scale: .logarithmic), y: .init(measure),
          marks: [
            .line(
              origin.model, x: points.map(\.examples), y: values, lower: band.isEmpty ? [] : zip(values, band).map(-),
              upper: band.isEmpty ? [] : zip(values, band).map(+), hasMarkers: true)
          ])
      ])
  }

  private var isRegression: Bool { settings.method.predictsNumbers }
  private var measure: String { isRegression ? "R²" : "balanced accuracy" }
  private func score(_ point: Point) -> Double { isRegression ? point.r2 ?? .nan : point.scores.balancedAccuracy }
}
