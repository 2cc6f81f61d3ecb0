import Dictionaries
import Foundation
import Transformer

extension LogitAttribution {
  /// The logit as the sum of its parts, with the strongest heads, neurons and experts of each layer.
  ///
  /// - Parameter text: A token's text.
  public func report(_ style: TerminalStyle, text: (Int32) -> String) -> String {
    func quoted(_ token: Int32) -> String { text(token).quotedOnOneLine }
    let other = against.map { " − \(quoted($0))" } ?? ""
    let cap = cappedLogit.map { " (before the cap, which makes it \(Format.fixed($0)))" } ?? ""
    var lines = ["logit of \(quoted(token))\(other): \(Format.fixed(logit))\(cap) = the sum of"]
    var table = TextTable([.left("source"), .right("contribution"), .text("strongest within")])
    table.append(["token embedding", Format.fixed(tokenEmbedding)])
    if positionEmbedding != 0 { table.append(["position embedding", Format.fixed(positionEmbedding)]) }
    for (number, layer) in layers.enumerated() {
      table.append([
        "layer \(number) attention", Format.fixed(layer.attention), Self.strongest(layer.heads, "head"),
      ])
      if let experts = layer.experts {
        let own = experts.sorted { abs($0.contribution) > abs($1.contribution) }.map {
          "expert \($0.expert) \(Format.fixed($0.contribution, 2))"
        }
        let shared = layer.sharedExpert.map { ["shared \(Format.fixed($0, 2))"] } ?? []
        table.append([
          "layer \(number) experts", Format.fixed(layer.mlp), (own + shared).joined(separator: ", "),
        ])
      } else {
        table.append([
          "layer \(number) neurons", Format.fixed(layer.mlp), Self.strongest(layer.neurons, "neuron"),
        ])
      }
    }
    table.append(["constant", Format.fixed(constant)])
    table.append(["sum", Format.fixed(sum)])
    lines.append(table.rendered(style))
    return lines.joined(separator: "\n")
  }

  private static func strongest(_ values: [Double], _ name: String) -> String {
    let order = values.indices.sorted { abs(values[$0]) > abs(values[$1]) }.prefix(3)
    return order.map { "\(name) \($0) \(Format.fixed(values[$0], 2))" }.joined(separator: ", ")
  }
}

extension LatentAttribution {
  /// The site's part of the logit as the sum of its features, the strongest by name, and what they leave.
  ///
  /// - Parameter count: Features listed.
  public func report(_ style: TerminalStyle, count: Int = 10) -> String {
    var table = TextTable([.left("feature"), .right("activation"), .right("effect"), .right("contribution")])
    for part in latents.prefix(count) {
      table.append([
        "\(part.latent)", Format.fixed(part.activation), Format.fixed(part.effect, 4), Format.fixed(part.contribution),
      ])
    }
    if latents.count > count {
      table.append([
        "\(Format.count(latents.count - count)) more", "", "",
        Format.fixed(latents.dropFirst(count).reduce(0) { $0 + $1.contribution }),
      ])
    }
    table.append(["decoder bias", "", "", Format.fixed(decoderBias)])
    if let skip { table.append(["linear path", "", "", Format.fixed(skip)]) }
    table.append(["error", "", "", Format.fixed(error)])
    table.append(["sum", "", "", Format.fixed(sum)])
    return style.bold("\(dictionary), \(site)")
      + ": \(Format.fixed(part)) of the logit's \(Format.fixed(logit)) = the sum of\n" + table.rendered(style)
  }
}
