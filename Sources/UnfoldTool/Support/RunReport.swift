import Foundation
import Unfold

/// What `unfold run` says in words.
struct RunReport {
  let result: RunCommand.Result
  let session: Session

  func text(_ style: TerminalStyle) -> String {
    var parts: [String] = []
    if let loss = result.loss, loss.predictions > 0 { parts.append(self.loss(loss)) }
    if let next = result.next { parts.append(predictions(next, style)) }
    if let attention = result.attention { parts.append(self.attention(attention, style)) }
    if let attribution = result.attribution {
      parts.append(attribution.report(style, text: session.text(of:)))
      parts += (result.features ?? []).map { $0.report(style) }
    }
    if let routes = result.routes { parts.append(routes.report(pieces: result.pieces, style)) }
    if let sites = result.sites { parts.append(values(sites, style)) }
    if parts.isEmpty {
      parts.append(
        "\(result.tokens.count) tokens; this model predicts no next token: see its values with --sites, its attention "
          + "with --attend")
    }
    return parts.joined(separator: "\n\n")
  }

  private func loss(_ loss: Loss) -> String {
    "\(result.tokens.count) tokens; loss \(Format.fixed(loss.total, 4)) nats over \(loss.predictions) predictions "
      + "(\(Format.fixed(loss.mean, 4)) each)"
  }

  private func predictions(_ next: [RunCommand.Prediction], _ style: TerminalStyle) -> String {
    var table = TextTable([.left("next token"), .right("probability"), .right("logit"), .left("")])
    for prediction in next {
      table.append([
        prediction.text.quotedOnOneLine, Format.percent(prediction.probability),
        Format.fixed(Double(prediction.logit), 2),
        TerminalChart.bar(prediction.probability / max(next[0].probability, 1e-12), width: 24),
      ])
    }
    return table.rendered(style)
  }

  private func attention(_ heads: [AttentionSources], _ style: TerminalStyle) -> String {
    var table = TextTable([.right("layer"), .right("head"), .text("strongest sources")])
    for head in heads {
      let sources = head.sources.map { source in
        "\(result.pieces[source.index].quotedOnOneLine)@\(source.index) \(Format.percent(Double(source.value)))"
      }
      table.append(["\(head.layer)", "\(head.head)", sources.joined(separator: "   ")])
    }
    return table.rendered(style)
  }

  private func values(_ sites: [RunCommand.SiteValues], _ style: TerminalStyle) -> String {
    sites.map { site in
      let width = site.shape.dropFirst().reduce(1, *)
      var table = TextTable([.right("position"), .left("token"), .right("norm"), .text("values")])
      let rows = width > 0 ? site.values.count / width : 0
      for row in 0..<rows {
        let values = site.values[row * width..<(row + 1) * width]
        let norm = values.reduce(0.0) { $0 + ($1.isFinite ? Double($1) * Double($1) : 0) }.squareRoot()
        let shown = values.prefix(8).map { Format.fixed(Double($0), 3) }.joined(separator: " ")
        let token = result.pieces.indices.contains(row) ? result.pieces[row] : ""
        table.append(["\(row)", token.quotedOnOneLine, Format.fixed(norm, 3), shown + (width > 8 ? " …" : "")])
      }
      return style.bold("\(site.site) \(site.shape)") + "\n" + table.rendered(style)
    }
    .joined(separator: "\n\n")
  }
}
