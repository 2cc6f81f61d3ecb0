extension String {
  /// The columns that this string takes on a terminal: 2 for wide East Asian characters and emoji, 0 for combining
  /// marks and control characters, 1 for the rest. Escape sequences are not expected in it.
  public var displayWidth: Int { reduce(0) { $0 + $1.displayWidth } }

  /// This string cut to at most `width` columns, its last column an ellipsis where something was cut.
  public func truncated(toDisplayWidth width: Int) -> String {
    guard displayWidth > width else { return self }
    guard width > 0 else { return "" }
    var used = 0
    var kept = ""
    for character in self {
      guard used + character.displayWidth <= width - 1 else { break }
      used += character.displayWidth
      kept.append(character)
    }
    return kept + "…"
  }

  /// This string on one line, between quotes, so that the space that a token begins with is seen.
  public var quotedOnOneLine: String { "\"\(onOneLine)\"" }

  /// This string on one line: line feeds, tabs and other control characters as visible signs.
  public var onOneLine: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { scalar in
          switch scalar {
          case "\n": "⏎"
          case "\t": "⇥"
          case "\r": "␍"
          case _ where scalar.value < 0x20 || scalar.value == 0x7F: "␣"
          default: scalar
          }
        }))
  }
}

extension Character {
  /// The columns that this character takes on a terminal.
  var displayWidth: Int {
    guard let scalar = unicodeScalars.first else { return 0 }
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0xFEFF: return 0
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default:
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark, .format: return 0
      default: return 1
      }
    }
  }
}
