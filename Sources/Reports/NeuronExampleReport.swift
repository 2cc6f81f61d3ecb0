import Activations
import Foundation
import Neurons

extension NeuronExample {
  /// The tokens around the place, each on a background as strong as the neuron's activation there, the marked one
  /// between brackets where there is no colour.
  public func line(_ style: TerminalStyle, scale: Float) -> String {
    tokens.enumerated().map { position, token in
      let text = token.text.onOneLine
      guard style.isColored else { return position == marked ? "[\(text)]" : text }
      let value = position == marked ? self.value : token.value ?? 0
      let shaded = style.shaded(text, intensity: Double(value / max(abs(scale), 1e-9)))
      return position == marked ? style.bold(shaded) : shaded
    }
    .joined()
  }
}

extension NeuronExamples {
  /// The top examples, strongest first; for gated neurons the most negative ones too.
  public func report(_ style: TerminalStyle, count: Int = 10) -> String {
    var lines: [String] = []
    let scale = max(abs(top.first?.value ?? 0), abs(bottom.first?.value ?? 0))
    func list(_ title: String, _ examples: [NeuronExample]) {
      guard !examples.isEmpty else { return }
      lines.append(style.bold(title))
      for example in examples.prefix(count) {
        let value = Format.fixed(Double(example.value), 2)
        let name = (example.label ?? example.document).truncated(toDisplayWidth: 14)
        let padding = String(repeating: " ", count: max(0, 7 - value.count))
        let space = String(repeating: " ", count: 14 - name.displayWidth)
        lines.append("\(padding)\(value)  \(style.dim(name))\(space)  \(example.line(style, scale: scale))")
      }
    }
    list("top examples", top)
    list("most negative examples", bottom)
    return lines.joined(separator: "\n")
  }
}
