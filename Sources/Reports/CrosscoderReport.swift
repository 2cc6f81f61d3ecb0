import Dictionaries
import Foundation
import Probes

extension CrosscoderEvaluation {
  /// Each site's figures, what splicing it alone costs, and where the latents live.
  func report(_ style: TerminalStyle) -> String {
    let isSpliced = sites.contains { $0.splice != nil }
    let spliced: [TextTable.Column] =
      isSpliced ? [.right("spliced alone"), .right("the mean"), .right("recovered")] : []
    var table = TextTable(
      [
        .left("site"), .right("FVU"), .left("95 %"), .right("cosine"), .right("norm ratio"), .right("largest here"),
        .right("here alone"),
      ] + spliced)
    for site in sites {
      var cells = [
        site.site.lastPart, Format.fixed(site.fvu, 4),
        site.fvuInterval.map { "\(Format.fixed($0.low, 4)) … \(Format.fixed($0.high, 4))" } ?? "",
        Format.fixed(site.cosine, 4), Format.fixed(site.normRatio, 4), Format.count(site.latentsLargest),
        Format.count(site.latentsAlone),
      ]
      if let splice = site.splice {
        cells += [
          Format.fixed(splice.spliced.loss, 4), Format.fixed(splice.mean.loss, 4),
          Format.percent(splice.lossRecoveredFromMean),
        ]
      } else if isSpliced {
        cells += ["", "", ""]
      }
      table.append(cells)
    }
    let spread = latentsBySites.enumerated().map { "\($0 + 1): \(Format.count($1))" }.joined(separator: ", ")
    return style.bold("by site") + " (the figures above are of all sites, each scaled to an equal mean norm)\n"
      + table.rendered(style)
      + "\nactive latents by the sites that their directions are spread over, (Σ‖d‖)²/Σ‖d‖²: \(spread)"
  }
}
