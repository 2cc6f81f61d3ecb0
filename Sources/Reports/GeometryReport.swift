import Foundation
import Geometry

/// What `unfold geometry` says in words.
public enum GeometryReport {
  /// Neighbours with their similarity.
  public static func neighbours(_ list: [Neighbour], of what: String, in space: String, _ style: TerminalStyle)
    -> String
  {
    var table = TextTable([.left("token"), .right("cosine"), .left("")])
    for neighbour in list {
      table.append([
        "\"\(neighbour.text.onOneLine)\"", Format.fixed(neighbour.similarity),
        TerminalChart.bar(max(0, neighbour.similarity), width: 24),
      ])
    }
    return style.bold(what) + style.dim("  in: \(space)") + "\n" + table.rendered(style)
  }

  /// Analogies answered, by relation.
  public static func scores(_ scores: [AnalogyScore], in space: String, tokens: Int, _ style: TerminalStyle) -> String {
    var table = TextTable([
      .text("relation"), .right("questions"), .right("asked"), .right("3CosAdd"), .right("3CosMul"), .right("in five"),
      .right("nearest to c"), .right("nearest to b"),
    ])
    for score in scores where score.asked > 0 {
      func share(_ count: Int) -> String { Format.percent(Double(count) / Double(score.asked)) }
      table.append([
        score.relation, Format.count(score.questions), Format.count(score.asked), share(score.add),
        share(score.multiply), share(score.five), share(score.nearestToC), share(score.nearestToB),
      ])
    }
    let silent = scores.count { $0.asked == 0 }
    let rest =
      silent == 0
      ? "" : "\n" + style.dim("\(silent) more relations have no question whose four words are single tokens here.")
    return style.bold("a is to b as c is to …")
      + style.dim("  in: \(space), \(Format.count(tokens)) tokens to choose from")
      + "\n" + table.rendered(style) + rest
  }

  /// The best dimensions of each site.
  public static func detectors(_ results: [DimensionDetectors], _ style: TerminalStyle) -> String {
    results.map { result in
      var table = TextTable([
        .right("dimension"), .left("with the concept"), .right("AUROC held out"), .right("AUROC chosen on"),
        .right("effect d"), .left(""),
      ])
      for detector in result.best {
        table.append([
          "\(detector.dimension)", detector.sign > 0 ? "larger" : "smaller",
          detector.judging.map { Format.fixed($0) } ?? "–", Format.fixed(detector.choosing),
          Format.fixed(detector.effect, 2),
          TerminalChart.bar(max(0, ((detector.judging ?? 0.5) - 0.5) * 2), width: 20),
        ])
      }
      let together = result.together.map { Format.fixed($0) } ?? "–"
      return style.bold(result.site) + "  \(result.concept)\n"
        + style.dim(
          "\(result.examples.choosing[0]) + \(result.examples.choosing[1]) examples choose, "
            + "\(result.examples.judging[0]) + \(result.examples.judging[1]) judge; "
            + "the best of \(result.width) dimensions by chance: \(Format.fixed(result.chance)); "
            + "all dimensions together, held out: \(together)")
        + "\n" + table.rendered(style)
    }.joined(separator: "\n\n")
  }
}
