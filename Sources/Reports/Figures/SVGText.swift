import Foundation

/// The text of an SVG file as it grows: numbers of two decimals, escaped words, never a value that is not finite.
struct SVGText {
  private(set) var text = ""

  enum Anchor: String { case start, middle, end }

  /// A number in pixels, as short as two decimals allow.
  static func number(_ value: Double) -> String {
    precondition(value.isFinite, "a coordinate that is not a number")
    let hundredths = Int((min(1e7, max(-1e7, value)) * 100).rounded())
    if hundredths.isMultiple(of: 100) { return String(hundredths / 100) }
    let magnitude = hundredths.magnitude
    let decimals = magnitude % 100
    let fraction = decimals.isMultiple(of: 10) ? "\(decimals / 10)" : decimals < 10 ? "0\(decimals)" : "\(decimals)"
    return (hundredths < 0 ? "-" : "") + "\(magnitude / 100).\(fraction)"
  }

  /// Text between tags or in an attribute; what XML 1.0 does not allow becomes the replacement character.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n", "\t", "\r": result += " "
      default:
        let isAllowed = scalar.value >= 0x20 && scalar.value != 0xFFFE && scalar.value != 0xFFFF
        result.unicodeScalars.append(isAllowed ? scalar : "\u{FFFD}")
      }
    }
    return result
  }

  mutating func add(_ line: String) {
    text += line
    text += "\n"
  }

  mutating func open(_ tag: String, _ attributes: String) { add("<\(tag) \(attributes)>") }
  mutating func close(_ tag: String) { add("</\(tag)>") }

  mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, stroke: String, width: Double = 1, dash: String = ""
  ) {
    let places = [x1, y1, x2, y2].map(Self.number)
    add(
      "<line x1=\"\(places[0])\" y1=\"\(places[1])\" x2=\"\(places[2])\" y2=\"\(places[3])\""
        + Self.stroke(stroke, width, dash) + "/>")
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, fill: String, stroke: String? = nil,
    radius: Double = 0,
    opacity: Double = 1
  ) {
    let places = [x, y, max(0, width), max(0, height)].map(Self.number)
    add(
      "<rect x=\"\(places[0])\" y=\"\(places[1])\" width=\"\(places[2])\" height=\"\(places[3])\" fill=\"\(fill)\""
        + (opacity < 1 ? " fill-opacity=\"\(Self.number(opacity))\"" : "")
        + (radius > 0 ? " rx=\"\(Self.number(radius))\"" : "") + (stroke.map { Self.stroke($0, 1, "") } ?? "") + "/>")
  }

  /// A path of straight pieces; a closed one may be filled.
  mutating func path(
    _ pieces: [[(x: Double, y: Double)]], stroke: String?, width: Double = 1, dash: String = "", fill: String = "none",
    opacity: Double = 1, isClosed: Bool = false
  ) {
    let drawn = pieces.filter { !$0.isEmpty }
    guard !drawn.isEmpty else { return }
    let data = drawn.map { piece in
      let places = piece.map { "\(Self.number($0.x)) \(Self.number($0.y))" }
      // A single point is drawn as a dot, by a line of no length.
      let whole = places.count == 1 ? places + places : places
      return "M" + whole.joined(separator: "L") + (isClosed ? "Z" : "")
    }
    add(
      "<path d=\"\(data.joined())\" fill=\"\(fill)\""
        + (isClosed && drawn.count > 1 && fill != "none" ? " fill-rule=\"evenodd\"" : "")
        + (opacity < 1 && fill != "none" ? " fill-opacity=\"\(Self.number(opacity))\"" : "")
        + (stroke.map { Self.stroke($0, width, dash) + " stroke-linejoin=\"round\" stroke-linecap=\"round\"" } ?? "")
        + "/>")
  }

  /// - Parameters:
  ///   - y: The base line.
  ///   - turn: Degrees about the place, clockwise.
  ///   - halo: A white edge, for words over lines.
  mutating func words(
    _ words: String, _ x: Double, _ y: Double, size: Double, anchor: Anchor = .start, color: String = Palette.ink,
    isBold: Bool = false, turn: Double = 0, halo: Bool = false
  ) {
    guard !words.isEmpty else { return }
    let place = "\(Self.number(x)) \(Self.number(y))"
    add(
      "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" font-size=\"\(Self.number(size))\" fill=\"\(color)\""
        + (anchor == .start ? "" : " text-anchor=\"\(anchor.rawValue)\"")
        + (isBold ? " font-weight=\"600\"" : "")
        + (turn == 0 ? "" : " transform=\"rotate(\(Self.number(turn)) \(place))\"")
        + (halo
          ? " stroke=\"\(Palette.card)\" stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\"" : "")
        + ">\(Self.escaped(words))</text>")
  }

  private static func stroke(_ color: String, _ width: Double, _ dash: String) -> String {
    " stroke=\"\(color)\" stroke-width=\"\(number(width))\""
      + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"")
  }
}
