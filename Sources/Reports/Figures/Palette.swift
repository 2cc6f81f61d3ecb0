import Foundation

/// How one series looks: three signs that each tell it apart.
struct SeriesLook: Equatable {
  enum Marker: CaseIterable { case circle, square, triangle, diamond, cross, plus, ring, invertedTriangle }

  var color: String
  /// SVG's dash pattern; empty is a whole line.
  var dash: String
  var marker: Marker
}

enum Palette {
  static let ink = "#1a1a1a"
  static let quiet = "#555555"
  static let grid = "#e3e3e3"
  static let faint = "#c4c4c4"
  static let grey = "#767676"
  static let card = "#ffffff"
  static let border = "#d0d0d0"
  static let empty = "#f0f0f0"

  /// Okabe and Ito's colours (2008, https://jfly.uni-koeln.de/color/), without their yellow, which fades on white.
  private static let colors = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9", "#7a5195",
  ]
  private static let dashes = ["", "7 4", "2 3", "9 3 2 3", "12 5", "5 2 1 2", "1 5", "14 3 3 3"]

  static func look(_ number: Int) -> SeriesLook {
    let index = ((number % colors.count) + colors.count) % colors.count
    return SeriesLook(color: colors[index], dash: dashes[index], marker: SeriesLook.Marker.allCases[index])
  }

  /// From near black to pale yellow, its lightness rising evenly: what printing in grey keeps. Points of cividis
  /// (Nuñez, Anderton and Renslow 2018), made for the colour-blind.
  private static let sequentialStops: [(Double, Double, Double)] = [
    (0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115), (138, 134, 120), (165, 156, 116),
    (195, 179, 105), (225, 204, 85), (254, 232, 56),
  ]
  private static let divergingStops: [(Double, Double, Double)] = [
    (5, 74, 120), (49, 130, 178), (140, 190, 220), (247, 247, 247), (245, 185, 130), (217, 108, 30), (140, 55, 0),
  ]
  private static let categoryColors = ["#f2f2f2", "#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#0072b2", "#d55e00"]

  /// The colour of a fraction 0 … 1, of 64 steps, so that neighbouring cells can be one shape.
  static func sequential(_ fraction: Double) -> String { blend(sequentialStops, fraction) }

  /// 0 is the far blue, 0.5 white, 1 the far orange.
  static func diverging(_ fraction: Double) -> String { blend(divergingStops, fraction) }

  static func category(_ number: Int) -> String {
    categoryColors[((number % categoryColors.count) + categoryColors.count) % categoryColors.count]
  }

  /// Black or white, whichever can be read on a colour `#rrggbb`.
  static func text(on color: String) -> String {
    guard let value = Int(color.dropFirst(), radix: 16) else { return ink }
    let (r, g, b) = (Double(value >> 16 & 255), Double(value >> 8 & 255), Double(value & 255))
    return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? ink : card
  }

  private static func blend(_ stops: [(Double, Double, Double)], _ fraction: Double) -> String {
    let clamped = fraction.isFinite ? min(1, max(0, fraction)) : 0
    let place = (clamped * 64).rounded() / 64 * Double(stops.count - 1)
    let index = min(stops.count - 2, Int(place))
    let part = place - Double(index)
    let (a, b) = (stops[index], stops[index + 1])
    func mixed(_ x: Double, _ y: Double) -> Int { Int((x + (y - x) * part).rounded()) }
    return String(format: "#%02x%02x%02x", mixed(a.0, b.0), mixed(a.1, b.1), mixed(a.2, b.2))
  }
}
