import Foundation
import Neurons

extension RankingBenchmark.Result {
  /// The consensus by condition and by what it is told from; every measure over all conditions; and what is reached.
  ///
  /// - Parameter markdown: as GitHub's Markdown in place of the terminal's columns.
  public func report(_ style: TerminalStyle, markdown: Bool = false) -> String {
    let tables = [consensusTable(), measureTable(labelled: true), measureTable(labelled: false)]
    return (tables.map { markdown ? $0.markdown() : $0.rendered(style) } + [conclusion]).joined(separator: "\n\n")
  }

  /// A line for each condition: the consensus's mean over the seeds, and ± the standard deviation between them.
  private func consensusTable() -> TextTable {
    var table = TextTable(
      [.left("consensus on"), .left("labels"), .right("noise"), .right("all")]
        + PlantedKind.negatives.map { .right("against \($0.rawValue)") })
    for row in rows {
      func cell(_ kind: PlantedKind?) -> String {
        row.auroc(.consensus, against: kind).map { "\(Format.fixed($0.mean)) ± \(Format.fixed($0.deviation))" } ?? "–"
      }
      table.append(
        [row.condition.name, row.condition.labelled ? "yes" : "none", "\(row.condition.noise)", cell(nil)]
          + PlantedKind.negatives.map { cell($0) })
    }
    return table
  }

  /// A line for each measure: means over the conditions with labels, or without.
  private func measureTable(labelled: Bool) -> TextTable {
    var table = TextTable(
      [.left(labelled ? "with labels" : "without labels"), .right("all")]
        + PlantedKind.negatives.map { .right("against \($0.rawValue)") })
    for measure in NeuronMeasure.allCases {
      guard let all = mean(measure, labelled: labelled) else { continue }
      table.append(
        [measure.rawValue, Format.fixed(all)]
          + PlantedKind.negatives.map { mean(measure, against: $0, labelled: labelled).map { Format.fixed($0) } ?? "–" }
      )
    }
    return table
  }

  /// What the consensus reaches with and without labels, over all conditions and on real text, and where it is worst.
  private var conclusion: String {
    func line(_ name: String, _ variant: String?) -> String? {
      let parts = [true, false].compactMap { labelled -> String? in
        guard let all = mean(.consensus, labelled: labelled, variant: variant),
          let broad = mean(.consensus, against: .broadMeaning, labelled: labelled, variant: variant)
        else { return nil }
        return "\(labelled ? "with" : "without") labels \(Format.fixed(all)), against one broad meaning "
          + "\(Format.fixed(broad))"
      }
      return parts.isEmpty ? nil : "\(name): \(parts.joined(separator: "; "))."
    }
    let worst = rows.compactMap { row in row.auroc(.consensus).map { (row.condition, $0.mean) } }.min { $0.1 < $1.1 }
    return [
      "Consensus, mean AUROC over \(rows.count) conditions of \(seeds.count) \(seeds.count == 1 ? "seed" : "seeds").",
      line("All", nil), line("Of these on real text", RankingBenchmark.Variant.text.rawValue),
      worst.map { condition, value in
        "Lowest: \(Format.fixed(value)) (\(condition.name), \(condition.labelled ? "with" : "without") labels, "
          + "noise \(condition.noise))."
      },
    ]
    .compactMap(\.self).joined(separator: "\n")
  }
}
