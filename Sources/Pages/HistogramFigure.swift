import Activations
import Foundation
import Reports

extension Figure {
  /// Counts between edges, on a logarithmic scale: a bin of one has a tenth of the height of a bin of ten.
  static func histogram(
    _ title: String, of label: String, _ histogram: ValueHistogram, noun: String
  ) -> Figure {
    let (counts, edges) = (histogram.counts, histogram.edges.map(Double.init))
    // A bar of a single count is still seen: its logarithm stands a little above 0.
    let heights = counts.map { $0 > 0 ? log10(Double($0)) + 0.15 : 0 }
    let most = Int(ceil(heights.max() ?? 1))
    // Bins may differ in width: each is an outline of its own.
    let outlines = counts.indices.filter { counts[$0] > 0 }.map { bin -> [Figure.Mark.Point] in
      let (left, right) = (edges[bin], edges[bin + 1])
      return [.init(left, 0), .init(left, heights[bin]), .init(right, heights[bin]), .init(right, 0)]
    }
    return Figure(
      title, panelWidth: 620, plotHeight: 180,
      panels: [
        .init(
          x: .init(label, range: edges[0]...max(edges[edges.count - 1], edges[0] + 1e-12)),
          y: .init(
            "\(noun) (log)", range: 0...Double(max(most, 1)),
            ticks: .labelled(
              (0...max(most, 1)).map { .init(Double($0) + 0.15, Format.count(Int(pow(10, Double($0))))) })),
          marks: outlines.map { .area(outlines: [$0], width: 1, ink: .series(0)) })
      ])
  }
}
