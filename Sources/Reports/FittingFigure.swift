import Foundation
import Geometry

extension Fitting {
  /// What the network of each size has learnt, with the line that each neuron draws, and the error against the size.
  public func figure() -> Figure { Self.figure([self]) }

  /// One shape: a panel a size and the errors; several: a row a shape.
  public static func figure(_ fittings: [Fitting]) -> Figure {
    let isSingle = fittings.count == 1
    var panels: [Figure.Panel] = []
    for fitting in fittings {
      panels += fitting.fits.map { fitting.panel($0, namesShape: !isSingle) }
      if isSingle { panels.append(fitting.errors) }
    }
    let names = fittings.map(\.target.name).joined(separator: ", ")
    let isCurve = fittings.contains { $0.target.isDrawnAsCurve }
    let isRegion = fittings.contains { !$0.target.isDrawnAsCurve }
    let regions =
      "Each neuron folds the plane along one straight line (grey); the blue area is what the network takes to be inside."
    let curves = "Each neuron bends the curve at one place (dot); the blue curve is the network's."
    return Figure(
      isSingle ? "A hidden layer learns a shape: \(names)" : "What few neurons can draw: \(names)",
      caption: [isRegion ? regions : nil, isCurve ? curves : nil, "Dashed: what was to be learnt."]
        .compactMap(\.self).joined(separator: " "),
      columns: isSingle ? 3 : fittings.first?.fits.count, panelWidth: 260, plotHeight: isSingle ? 230 : 240,
      panels: panels)
  }

  private func title(_ fit: Fit, namesShape: Bool) -> String {
    let count = fit.neurons == 1 ? "1 neuron" : "\(fit.neurons) neurons"
    let error =
      target.isDrawnAsCurve ? "error \(Format.fixed(fit.error, 4))" : "\(Format.percent(fit.error)) wrong"
    return namesShape ? "\(target.name), \(count):\n\(error)" : "\(count): \(error)"
  }

  private func panel(_ fit: Fit, namesShape: Bool) -> Figure.Panel {
    switch target {
    case .curve(let curve): curvePanel(fit, curve, title: title(fit, namesShape: namesShape))
    case .region(let region): regionPanel(fit, region, title: title(fit, namesShape: namesShape))
    }
  }

  private func regionPanel(_ fit: Fit, _ region: FittingTarget.Region, title: String) -> Figure.Panel {
    let side = 120
    let places = (0..<side).map { 2 * Double($0) / Double(side - 1) - 1 }
    let outputs = fit.network.outputs(places.flatMap { y in places.flatMap { x in [x, y] } })
    let lines = (0..<fit.neurons).compactMap { fit.network.line(of: $0) }.map {
      Figure.Mark.Segment(from: .init($0.from.x, $0.from.y), to: .init($0.to.x, $0.to.y))
    }
    let inside = Contour.outlines(in: -1...1, side: side, values: outputs)
    let edge: [Figure.Mark.Point] = [.init(-1, -1), .init(1, -1), .init(1, 1), .init(-1, 1)]
    let width = fit.neurons > 30 ? 0.5 : fit.neurons > 8 ? 0.9 : 1.4
    var marks: [Figure.Mark] = [
      .area(outlines: inside, width: 2, ink: .series(0)),
      .segments(segments: lines, width: width, ink: fit.neurons > 30 ? .faint : .grey),
      .polygon(corners: edge, width: 1, ink: .faint),
    ]
    if inside.isEmpty { marks.append(.text(["nothing is taken to be inside"], at: [.init(0, 0)], size: 11)) }
    for outline in region.outlines {
      let closed = outline + outline[..<1]
      // In the ink of text, dashed by pieces, so that what was learnt shows through.
      marks.append(.segments(segments: Self.dashes(closed), width: 1.3, ink: .black))
    }
    return Figure.Panel(
      title, x: .hidden(-1.02...1.02), y: .hidden(-1.02...1.02), hasEqualScales: true, marks: marks)
  }

  /// A line cut into dashes of equal length.
  private static func dashes(_ line: [(x: Double, y: Double)]) -> [Figure.Mark.Segment] {
    let dash = 0.05
    var pieces: [Figure.Mark.Segment] = []
    var walked = 0.0
    for (a, b) in zip(line, line.dropFirst()) {
      let length = ((b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y)).squareRoot()
      guard length > 0 else { continue }
      var start = 0.0
      while start < length {
        let phase = (walked + start).truncatingRemainder(dividingBy: 2 * dash)
        let isDash = phase < dash
        let end = min(length, start + max(1e-6, (isDash ? dash : 2 * dash) - phase))
        if isDash {
          func at(_ distance: Double) -> Figure.Mark.Point {
            .init(a.x + (b.x - a.x) * distance / length, a.y + (b.y - a.y) * distance / length)
          }
          pieces.append(.init(from: at(start), to: at(end)))
        }
        start = end
      }
      walked += length
    }
    return pieces
  }

  private func curvePanel(_ fit: Fit, _ curve: FittingTarget.Curve, title: String) -> Figure.Panel {
    let x = (0...200).map { Double($0) / 100 - 1 }
    let wanted = zip(x, x.dropFirst()).enumerated().filter { $0.offset / 4 % 2 == 0 }.map {
      Figure.Mark.Segment(from: .init($0.element.0, curve($0.element.0)), to: .init($0.element.1, curve($0.element.1)))
    }
    let bends = (0..<fit.neurons).compactMap { neuron -> Double? in
      let weight = fit.network.weights(of: neuron)[0]
      let place = -fit.network.bias(of: neuron) / weight
      return abs(place) <= 1 ? place : nil
    }
    var marks: [Figure.Mark] = []
    if fit.neurons <= 6 {
      for neuron in 0..<fit.neurons {
        marks.append(.line(x: x, y: x.map { fit.network.contribution(of: neuron, at: [$0]) }, width: 1, ink: .grey))
      }
    }
    marks += [
      .line(x: x, y: fit.network.outputs(x), width: 2.5, ink: .series(0)),
      .segments(segments: wanted, width: 1.5, ink: .black),
      .points(x: bends, y: fit.network.outputs(bends), size: fit.neurons > 30 ? 4 : 7, ink: .series(0)),
    ]
    return Figure.Panel(
      title, x: .init(range: -1...1, ticks: .labelled([.init(-1, "−1"), .init(0, "0"), .init(1, "1")])),
      y: .init(range: -1.3...1.3, ticks: .labelled([.init(-1, "−1"), .init(0, "0"), .init(1, "1")])), marks: marks)
  }

  private var errors: Figure.Panel {
    let isCurve = target.isDrawnAsCurve
    return Figure.Panel(
      "Error by neurons", x: .init("neurons", scale: .logarithmic),
      y: .init(isCurve ? "root mean square error" : "wrong (% of the square)", scale: .logarithmic),
      marks: [
        .line(
          x: fits.map { Double($0.neurons) }, y: fits.map { $0.error * (isCurve ? 1 : 100) }, hasMarkers: true,
          ink: .series(0))
      ])
  }
}

extension FittingTarget {
  fileprivate var isDrawnAsCurve: Bool { if case .curve = self { true } else { false } }
}
