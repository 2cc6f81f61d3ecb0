import Anatomy
import Architectures
import Foundation

extension AnatomyDiagram {
  /// The pass as an SVG of its own: light background, readable without colour (what depends on the width has a thick
  /// frame and the letter D).
  public func svg() -> String {
    SVGPass(diagram: self).drawn()
  }
}

/// Lays the steps out from top to bottom: the residual stream a thick line on the left, branches to its right.
private struct SVGPass {
  let diagram: AnatomyDiagram
  private let streamX = 128.0
  private let boxX = 176.0
  private let boxWidth = 470.0
  private let boxHeight = 38.0
  private let gap = 12.0
  private let width = 890.0

  init(diagram: AnatomyDiagram) { self.diagram = diagram }

  private typealias Step = PassStep

  func drawn() -> String {
    let architecture = diagram.anatomy.architecture
    let (before, block, after) = diagram.parts
    var body: [String] = []
    var y = 96.0
    func text(
      _ x: Double, _ y: Double, _ content: String, size: Double = 14, anchor: String = "start",
      weight: String = "normal",
      fill: String = "#222"
    ) {
      body.append(
        "<text x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(number(size))\" text-anchor=\"\(anchor)\" "
          + "font-weight=\"\(weight)\" fill=\"\(fill)\">\(SVGText.escaped(content))</text>")
    }
    text(24, 36, "\(architecture.name): one pass", size: 20, weight: "bold")
    text(
      24, 60,
      "\(Format.count(diagram.anatomy.parameters)) parameters, \(Format.operations(diagram.anatomy.flopsPerToken)) a token"
        + " in texts of \(Format.count(diagram.anatomy.sequence)) tokens", size: 13, fill: "#555")

    // The stream is drawn first, under everything, once its length is known.
    let streamTop = y
    let most = max(diagram.anatomy.operations.map(diagram.share).max() ?? 1, 1e-12)
    func pill(_ content: String) {
      body.append(
        "<rect x=\"\(number(streamX - 60))\" y=\"\(number(y))\" width=\"120\" height=\"28\" rx=\"14\" fill=\"#eef2f7\" "
          + "stroke=\"#5b6b80\"/>")
      text(streamX, y + 19, content, size: 13, anchor: "middle")
      y += 28 + gap
    }
    func box(_ step: Step, x: Double) {
      let isMarked = step.dependsOnWidth
      body.append(
        "<rect x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(boxWidth - (x - boxX)))\" "
          + "height=\"\(number(boxHeight))\" rx=\"6\" fill=\"\(isMarked ? "#ffe3b8" : "#f4f5f7")\" "
          + "stroke=\"\(isMarked ? "#b35c00" : "#9aa5b1")\" stroke-width=\"\(isMarked ? "2.6" : "1")\"/>")
      text(x + 12, y + 16, step.title, size: 14, weight: isMarked ? "bold" : "normal")
      let note = diagram.layersNote(step)
      text(x + 12, y + 32, step.shape + (note.isEmpty ? "" : " · \(note)"), size: 11.5, fill: "#444")
      let right = boxX + boxWidth
      if !step.formula.isEmpty {
        text(right - (isMarked ? 34 : 10), y + 16, step.formula, size: 11.5, anchor: "end", fill: "#444")
      }
      if isMarked {
        body.append(
          "<circle cx=\"\(number(right - 16))\" cy=\"\(number(y + boxHeight / 2))\" r=\"10\" fill=\"#b35c00\"/>")
        text(right - 16, y + boxHeight / 2 + 4.5, "D", size: 12.5, anchor: "middle", weight: "bold", fill: "#fff")
      }
      if step.flops > 0 {
        let share = diagram.share(step)
        body.append(
          "<rect x=\"\(number(right + 28))\" y=\"\(number(y + 11))\" width=\"\(number(max(1, 110 * share / most)))\" "
            + "height=\"16\" fill=\"\(isMarked ? "#b35c00" : "#6b7785")\"/>")
        text(right + 34 + 110 * share / most, y + 24, Format.percent(share), size: 12)
      }
    }
    func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, arrow: Bool = false) {
      body.append(
        "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" stroke=\"#5b6b80\" "
          + "stroke-width=\"1.6\"\(arrow ? " marker-end=\"url(#arrow)\"" : "")/>")
    }
    /// A step on the stream itself.
    func onStream(_ step: Step) {
      line(streamX, y + boxHeight / 2, boxX, y + boxHeight / 2)
      body.append("<circle cx=\"\(number(streamX))\" cy=\"\(number(y + boxHeight / 2))\" r=\"5\" fill=\"#5b6b80\"/>")
      box(step, x: boxX)
      y += boxHeight + gap
    }

    text(boxX + boxWidth + 28, y + 20, "share of operations", size: 12, fill: "#555")
    pill("tokens")
    before.forEach(onStream)

    let blockTop = y
    y += 30
    let branchX = boxX + 24
    var branch = Step.Branch.stream
    // An MLP's ways, where it has several, begin at a rail on their left and end at one on their right.
    let hasWays = Set(block.map(\.way)).subtracting([.all]).count > 1
    var way = Step.Way.all
    var (railTop, lastRow) = (y, y)
    var outTop: Double?
    let (inRail, outRail) = (branchX + 12, boxX + boxWidth + 8)
    for step in block {
      let endsWay = hasWays && way != .all && step.way != way
      if endsWay {
        line(boxX + boxWidth, lastRow, outRail, lastRow)
        outTop = outTop ?? lastRow
      }
      if step.branch == .stream {
        if branch != .stream {
          // The branch's result comes down to the sum, which lies on the stream.
          if endsWay {
            line(outRail, outTop ?? lastRow, outRail, y + boxHeight / 2)
            line(outRail, y + boxHeight / 2, boxX + boxWidth, y + boxHeight / 2, arrow: true)
          } else {
            line(branchX + 24, y - gap, branchX + 24, y, arrow: true)
          }
          line(boxX, y + boxHeight / 2, streamX + 9, y + boxHeight / 2, arrow: true)
          body.append(
            "<circle cx=\"\(number(streamX))\" cy=\"\(number(y + boxHeight / 2))\" r=\"9\" fill=\"#fff\" "
              + "stroke=\"#5b6b80\" stroke-width=\"2\"/>")
          text(streamX, y + boxHeight / 2 + 5, "+", size: 15, anchor: "middle", weight: "bold")
          box(step, x: boxX)
          y += boxHeight + gap * 1.6
        } else {
          onStream(step)
        }
      } else {
        let left = branchX + (hasWays && step.way != .all ? 28 : 0)
        if branch != step.branch {
          text(
            28, y + boxHeight / 2 + 5, step.branch == .attention ? "attention" : "MLP", size: 14, weight: "bold",
            fill: "#5b6b80")
          line(streamX, y + boxHeight / 2, left, y + boxHeight / 2, arrow: true)
          railTop = y + boxHeight / 2
        } else if hasWays, step.way != way {
          if way == .all { railTop = y - gap }
          line(inRail, railTop, inRail, y + boxHeight / 2)
          line(inRail, y + boxHeight / 2, left, y + boxHeight / 2, arrow: true)
        } else {
          line(left + 24, y - gap, left + 24, y, arrow: true)
        }
        box(step, x: left)
        lastRow = y + boxHeight / 2
        y += boxHeight + gap
      }
      branch = step.branch
      way = step.way
    }
    y += 4
    let frame =
      "<rect x=\"14\" y=\"\(number(blockTop))\" width=\"\(number(boxX + boxWidth + 2))\" "
      + "height=\"\(number(y - blockTop))\" rx=\"12\" fill=\"none\" stroke=\"#5b6b80\" stroke-dasharray=\"6 4\"/>"
    text(28, blockTop + 22, "block, × \(architecture.layers)", size: 14, weight: "bold", fill: "#5b6b80")
    y += gap + 4
    after.forEach(onStream)
    let streamBottom = y
    pill(architecture.head.kind == .none ? "stream" : "next token")
    y += 14
    let dependent = diagram.anatomy.operations.filter(\.dependsOnWidth).reduce(0.0) { $0 + diagram.share($1) }
    body.append(
      "<rect x=\"24\" y=\"\(number(y))\" width=\"22\" height=\"16\" rx=\"3\" fill=\"#ffe3b8\" stroke=\"#b35c00\" "
        + "stroke-width=\"2.6\"/>")
    text(
      54, y + 13,
      "The width D stands in the cost (\(Format.percent(dependent)) of all operations): D numbers are read or written.",
      size: 12.5)
    text(
      54, y + 31,
      "T̄: the keys that a token sees on average. Shares count matrix products, over all layers.",
      size: 12.5, fill: "#555")
    y += 52
    let stream =
      "<line x1=\"\(number(streamX))\" y1=\"\(number(streamTop + 28))\" x2=\"\(number(streamX))\" "
      + "y2=\"\(number(streamBottom))\" stroke=\"#5b6b80\" stroke-width=\"5\"/>"
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(y))" width="\(number(width))" \
      height="\(number(y))" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" role="img">
      <title>\(SVGText.escaped(architecture.name)): the forward pass</title>
      <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">\
      <path d="M0 0 L8 4 L0 8 z" fill="#5b6b80"/></marker></defs>
      <rect width="100%" height="100%" fill="#fff"/>
      \(frame)
      \(stream)
      \(body.joined(separator: "\n"))
      </svg>

      """
  }

  private func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))"
  }
}
