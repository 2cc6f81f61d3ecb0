/// How long text is in pixels, roughly and rather too long: fonts differ, and nothing may overlap in any of them.
enum TextMeasure {
  static func width(_ text: String, size: Double, isBold: Bool = false) -> Double {
    text.reduce(0) { $0 + ems(of: $1) } * size * (isBold ? 1.08 : 1)
  }

  /// The text in lines of at most `width` pixels, broken at spaces; a word longer than a line stands alone.
  static func wrapped(_ text: String, size: Double, width limit: Double, isBold: Bool = false) -> [String] {
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: true) {
      var line = ""
      for word in paragraph.split(separator: " ") {
        let longer = line.isEmpty ? String(word) : line + " " + word
        if !line.isEmpty, width(longer, size: size, isBold: isBold) > limit {
          lines.append(line)
          line = String(word)
        } else {
          line = longer
        }
      }
      if !line.isEmpty { lines.append(line) }
    }
    return lines
  }

  /// The text cut to `width` pixels, an ellipsis where something was cut.
  static func truncated(_ text: String, size: Double, width limit: Double) -> String {
    guard width(text, size: size) > limit else { return text }
    var kept = ""
    for character in text {
      guard width(kept + String(character) + "…", size: size) <= limit else { break }
      kept.append(character)
    }
    return kept + "…"
  }

  /// Widths in ems, of the wider of the usual sans-serif fonts.
  private static func ems(of character: Character) -> Double {
    if character.displayWidth == 0 { return 0 }
    if character.displayWidth == 2 { return 1.05 }
    switch character {
    case "i", "j", "l", "'", "|", "!", ".", ",", ":", ";", "·": return 0.32
    case "f", "r", "t", "(", ")", "[", "]", " ", "I", "-", "/": return 0.4
    case "m", "w", "M", "W", "%", "@", "—", "…": return 0.98
    case "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹", "⁻": return 0.42
    case "=", "+", "<", ">", "−", "×", "≤", "≥", "→", "±": return 0.84
    case _ where character.isUppercase: return 0.72
    default: return 0.62
    }
  }
}
