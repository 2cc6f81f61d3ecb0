import Foundation
import Interventions

extension LogitLens {
  /// A grid of the likeliest tokens, layers downwards and positions across, and a table of one position.
  ///
  /// - Parameter position: The position of the table.
  public func report(_ style: TerminalStyle, position: Int) -> String {
    var parts = [grid(style), table(at: position).rendered(style)]
    let last = layers[layers.count - 1].top[position].first
    if let last {
      let place = layers[settled[position]].title
      parts.append(
        "After \(pieces[position].quotedOnOneLine) the output says \(last.piece.quotedOnOneLine) (\(Format.percent(last.probability))); "
          + (settled[position] == layers.count - 1
            ? "no earlier place does." : "so does every place from \(place) on."))
    }
    return parts.joined(separator: "\n\n")
  }

  /// The likeliest token of each cell on a colour of its probability; as many lines of blocks as the positions need.
  func grid(_ style: TerminalStyle) -> String {
    let labels = layers.map(\.title)
    let labelWidth = labels.map(\.displayWidth).max() ?? 0
    let texts = layers.map { $0.top.map { ($0.first?.piece ?? "").onOneLine } }
    let widest = (texts.joined() + pieces.map(\.onOneLine)).map(\.displayWidth).max() ?? 1
    let cell = min(max(widest, 3), 12)
    let across = max(1, (style.width - labelWidth - 1) / (cell + 1))
    func padded(_ text: String) -> String {
      let shown = text.truncated(toDisplayWidth: cell)
      return shown + String(repeating: " ", count: cell - shown.displayWidth)
    }
    var lines: [String] = []
    for first in stride(from: 0, to: tokens.count, by: across) {
      let some = first..<min(first + across, tokens.count)
      if first > 0 { lines.append("") }
      let header = some.map { padded(pieces[$0].onOneLine) }.joined(separator: " ")
      lines.append(String(repeating: " ", count: labelWidth + 1) + style.bold(header))
      for (number, layer) in layers.enumerated() {
        let cells = some.map { position in
          style.shaded(padded(texts[number][position]), intensity: layer.top[position].first?.probability ?? 0)
        }
        let space = String(repeating: " ", count: labelWidth - labels[number].displayWidth)
        lines.append(labels[number] + space + " " + cells.joined(separator: " "))
      }
    }
    return lines.joined(separator: "\n")
  }

  private func table(at position: Int) -> TextTable {
    var columns: [TextTable.Column] = [
      .left("after \(pieces[position].quotedOnOneLine)"), .right("entropy"), .right("KL to the output"),
    ]
    if let targetPiece { columns += [.right("p(\(targetPiece.quotedOnOneLine))"), .right("rank")] }
    var table = TextTable(columns + [.text("likeliest tokens")])
    for layer in layers {
      var row = [
        layer.title, Format.fixed(layer.entropy[position], 2), Format.fixed(layer.divergence[position], 3),
      ]
      if let target = layer.target?[position] {
        row += [Format.percent(target.probability), Format.count(target.rank)]
      }
      let tokens = layer.top[position].map { "\($0.piece.quotedOnOneLine) \(Format.percent($0.probability))" }
      table.append(row + [tokens.joined(separator: "  ")])
    }
    return table
  }

  /// A cell a site and position: the likeliest token, coloured by its probability; with a token asked for, a second panel of
  /// that token's probability.
  public func figure() -> Figure {
    let places = layers.map(\.title)
    func panel(
      _ title: String?, upTo most: Double = 1, _ values: (Layer) -> [Double], _ words: (Layer) -> [String]
    ) -> Figure.Panel {
      .init(
        title,
        x: .init(
          range: -0.5...(Double(tokens.count) - 0.5),
          ticks: .labelled(pieces.enumerated().map { .init(Double($0.offset), $0.element.onOneLine) })),
        y: .categories(places),
        marks: [
          .heatmap(
            .init(
              values: layers.map(values), label: "probability", colors: .sequential(0...most), words: layers.map(words))
          )
        ])
    }
    var panels = [
      panel(target == nil ? nil : "The likeliest token") { layer in
        layer.top.map { $0.first?.probability ?? .nan }
      } _: { layer in
        layer.top.map { ($0.first?.piece ?? "").onOneLine.truncated(toDisplayWidth: 12) }
      }
    ]
    if let targetPiece {
      let most = layers.flatMap { $0.target ?? [] }.map(\.probability).max() ?? 1
      panels.append(
        panel("How likely \(targetPiece.quotedOnOneLine) is", upTo: max(most, 0.01)) { layer in
          (layer.target ?? []).map(\.probability)
        } _: { layer in
          (layer.target ?? []).map { $0.probability < 0.005 ? "" : Format.fixed($0.probability, 2) }
        })
    }
    return Figure(
      "What \(model) would say after each layer",
      caption: "From the embeddings at the bottom to the model's own output at the top, the residual stream read "
        + (isTuned ? "through a tuned lens" : "through the final norm and the unembedding")
        + "; each cell names what the text below it would be followed by.",
      columns: 1, panelWidth: max(460, 140 + 62 * Double(tokens.count)),
      plotHeight: max(120, 30 * Double(places.count)),
      panels: panels)
  }
}

extension TunedLens.Record {
  /// The divergence on documents held out, plain and tuned, by site.
  public func report(_ style: TerminalStyle) -> String {
    var table = TextTable([
      .left("read at"), .right("plain KL"), .right("tuned KL"), .right("falls by"), .right("± s.e."), .right("left"),
    ])
    for site in heldOut {
      table.append([
        site.title, Format.fixed(site.plain, 3), Format.fixed(site.tuned, 3), Format.fixed(site.plain - site.tuned, 3),
        Format.fixed(site.standardError, 3), site.plain > 0 ? Format.percent(site.tuned / site.plain) : "–",
      ])
    }
    var lines = [
      style.bold("KL from the model's output, nats a token")
        + ", on \(Format.count(heldOutTokens)) tokens of \(Format.count(heldOutDocuments)) documents held out",
      table.rendered(style),
      "\(Format.count(steps)) steps over \(Format.count(tokens)) tokens of \(Format.count(trainingDocuments)) documents",
    ]
    let worse = heldOut.filter { $0.tuned >= $0.plain }.map(\.title)
    if !worse.isEmpty { lines.append("Not better than the plain lens: \(worse.joined(separator: ", ")).") }
    return lines.joined(separator: "\n")
  }

  /// Both divergences by depth.
  public func figure() -> Figure {
    let places = heldOut.indices.map(Double.init)
    return Figure(
      "A tuned lens for \(model)",
      caption:
        "The divergence of what each place of the residual stream says from the model's output, on documents held "
        + "out: read as it is, and through a trained affine map.",
      panels: [
        .init(
          x: .categories(heldOut.map(\.title), label: "read at"), y: .init("KL, nats a token", scale: .logarithmic),
          marks: [
            .line("plain", x: places, y: heldOut.map(\.plain), hasMarkers: true),
            .line("tuned", x: places, y: heldOut.map(\.tuned), hasMarkers: true),
          ])
      ])
  }
}
