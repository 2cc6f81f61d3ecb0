import Foundation
import Neurons

extension RankingBenchmark.Result {
  /// A table for each generator: a line a measure, a column a condition; then what the consensus reaches.
  ///
  /// - Parameter markdown: as GitHub's Markdown in place of the terminal's columns.
  public func report(_ style: TerminalStyle, markdown: Bool = false) -> String {
    var parts: [String] = []
    var names: [String] = []
    for row in rows where !names.contains(row.condition.name) { names.append(row.condition.name) }
    for name in names {
      // With labels first, then without, each by noise.
      let own = rows.filter { $0.condition.name == name }.sorted {
        $0.condition.labelled != $1.condition.labelled
          ? $0.condition.labelled : $0.condition.noise < $1.condition.noise
      }
      var table = TextTable(
        [.left("\(name): measure")]
          + own.map { .right("\($0.condition.labelled ? "labels" : "none"), noise \($0.condition.noise)") }
          + [.right("mean"), .right("less lexical"), .right("against one concept")])
      for measure in NeuronMeasure.allCases {
        let values = own.map { $0.aurocs[measure.rawValue] }
        guard values.contains(where: { $0 != nil }) else { continue }
        let controlled = own.compactMap { $0.controlled[measure.rawValue] }
        let againstOne = own.compactMap { $0.againstOneConcept[measure.rawValue] }
        let there = values.compactMap { $0 }
        table.append(
          [measure.rawValue]
            + zip(own, values).map { row, value in
              let text = value.map { Format.fixed($0) } ?? "–"
              return markdown && row.best == measure.rawValue ? "**\(text)**" : text
            } + [
              Format.fixed(there.reduce(0, +) / Double(there.count)),
              Format.fixed(controlled.reduce(0, +) / Double(max(controlled.count, 1))),
              Format.fixed(againstOne.reduce(0, +) / Double(max(againstOne.count, 1))),
            ])
      }
      parts.append(markdown ? table.markdown() : table.rendered(style))
    }
    parts.append(
      "Consensus: mean AUROC \(Format.fixed(meanConsensus)) over \(rows.count) conditions of \(seeds.count) seeds; "
        + "at most \(Format.fixed(max(largestShortfall, 0))) below the best single measure of a condition.")
    return parts.joined(separator: "\n\n")
  }
}
