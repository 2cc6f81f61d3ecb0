import Anatomy
import Architectures
import Foundation

/// The forward pass as a drawing, every step whose cost depends on the width marked.
public struct AnatomyDiagram {
  public let anatomy: ModelAnatomy

  public init(_ anatomy: ModelAnatomy) { self.anatomy = anatomy }

  private var architecture: Architecture { anatomy.architecture }

  /// The steps before, in, and after the blocks.
  var parts: (before: [PassStep], block: [PassStep], after: [PassStep]) {
    let all = anatomy.operations
    let first = all.firstIndex { $0.isInBlock } ?? all.count
    let last = all.lastIndex { $0.isInBlock } ?? all.count - 1
    return (Array(all[..<first]), Array(all[first...last]), Array(all[(last + 1)...]))
  }

  /// A step's share of all operations, over all its layers.
  func share(_ operation: PassStep) -> Double {
    anatomy.flopsPerToken > 0 ? operation.flops * Double(operation.layers) / anatomy.flopsPerToken : 0
  }

  /// "layers 0–2" where not all layers do the step.
  func layersNote(_ operation: PassStep) -> String {
    guard operation.isInBlock, operation.layers < architecture.layers else { return "" }
    return "in \(operation.layers) layers"
  }

  /// Whether a step begins another of the MLP's ways, and so does not follow on the step before it.
  func beginsAnotherWay(_ step: PassStep, after last: PassStep.Way) -> Bool {
    step.way != .all && last != .all && step.way != last
  }

  // MARK: Terminal

  /// Lines of text: the stream runs down the left, branches stand to its right; `D` marks what depends on the width.
  public func terminal(_ style: TerminalStyle) -> String {
    let (before, block, after) = parts
    let titles = anatomy.operations.map { $0.title.displayWidth }.max() ?? 0
    let shapes = anatomy.operations.map { $0.shape.displayWidth }.max() ?? 0
    func line(_ rail: String, _ operation: PassStep) -> String {
      let mark = operation.dependsOnWidth ? style.bold(style.yellow("D")) : " "
      let title = operation.title.padded(to: titles)
      let cost = operation.flops > 0 ? Format.percent(share(operation)).leftPadded(to: 7) : ""
      let bar = operation.flops > 0 ? TerminalChart.bar(share(operation), width: 16) : ""
      let note = layersNote(operation)
      let text =
        "\(rail)\(mark) \(operation.dependsOnWidth ? style.bold(title) : title)  "
        + "\(operation.shape.padded(to: shapes))  \(cost) \(operation.dependsOnWidth ? style.yellow(bar) : bar)"
        + (note.isEmpty ? "" : " " + style.dim(note))
      return text.trimmingCharacters(in: .whitespaces.subtracting(CharacterSet(charactersIn: "\u{1B}")))
    }
    var lines = ["tokens"]
    lines += before.map { line("│  ", $0) }
    lines.append("├─ block, × \(architecture.layers) " + String(repeating: "─", count: 24))
    var branch = PassStep.Branch.stream
    var way = PassStep.Way.all
    for operation in block {
      if beginsAnotherWay(operation, after: way) {
        lines.append("│ │ │   " + style.dim(operation.way == .shared ? "and beside them" : "or"))
      }
      way = operation.way
      if operation.branch != branch, operation.branch != .stream {
        lines.append("│ ├─╮ " + style.dim(operation.branch == .attention ? "attention" : "MLP"))
      }
      let joins = operation.branch == .stream && branch != .stream
      lines.append(line(operation.branch == .stream ? (joins ? "│ ├─╯ " : "│ │   ") : "│ │ │ ", operation))
      branch = operation.branch
    }
    lines.append("├" + String(repeating: "─", count: 36))
    lines += after.map { line("│  ", $0) }
    lines.append(architecture.head.kind == .none ? "residual stream" : "next token")
    let width = anatomy.operations.filter(\.dependsOnWidth).reduce(0.0) { $0 + share($1) }
    lines.append(
      style.dim(
        "\(style.isColored ? "" : "D: ")the cost depends on the width D: \(Format.percent(width)) of all operations. "
          + "The rest grows with heads, neurons and text."))
    return lines.joined(separator: "\n")
  }

  // MARK: Mermaid

  /// A flowchart in Mermaid's language; steps that depend on the width have the class `width`.
  public func mermaid() -> String {
    let (before, block, after) = parts
    var lines = ["flowchart TD", "  tokens([\"tokens\"])"]
    var number = 0
    var marked: [String] = []
    var tail = "tokens"
    /// The value that the current branch started from, to be joined by its end.
    var fork: String?
    func node(_ operation: PassStep, indent: String) -> String {
      number += 1
      let name = "n\(number)"
      var label = "\(operation.title)<br/><small>\(operation.shape)</small>"
      if operation.flops > 0 { label += "<br/><small>\(Format.percent(share(operation)))</small>" }
      let note = layersNote(operation)
      if !note.isEmpty { label += "<br/><small>\(note)</small>" }
      lines.append("\(indent)\(name)[\"\(label)\"]")
      if operation.dependsOnWidth { marked.append(name) }
      return name
    }
    var edges: [String] = []
    /// Where the ways of an MLP begin, and the ends of those before the current one.
    var waysStart = tail
    var waysEnds: [String] = []
    var way = PassStep.Way.all
    func chain(_ operation: PassStep, indent: String) {
      let name = node(operation, indent: indent)
      if beginsAnotherWay(operation, after: way) {
        waysEnds.append(tail)
        tail = waysStart
      } else if operation.way != way {
        waysStart = tail
        edges += waysEnds.map { "  \($0) --> \(name)" }
        waysEnds = []
      }
      way = operation.way
      if operation.branch == .stream {
        edges.append("  \(tail) --> \(name)")
        if let start = fork, start != tail { edges.append("  \(start) -- residual stream --> \(name)") }
        fork = nil
      } else {
        if fork == nil { fork = tail }
        edges.append("  \(tail) --> \(name)")
      }
      tail = name
    }
    for operation in before { chain(operation, indent: "  ") }
    lines.append("  subgraph block [\"block, × \(architecture.layers)\"]")
    for operation in block { chain(operation, indent: "    ") }
    lines.append("  end")
    for operation in after { chain(operation, indent: "  ") }
    lines += edges
    lines.append("  classDef width fill:#ffd9a0,stroke:#b35c00,stroke-width:3px,color:#222")
    lines.append("  class \(marked.joined(separator: ",")) width")
    return lines.joined(separator: "\n")
  }
}

extension String {
  /// This string behind spaces up to a number of columns.
  func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(0, width - displayWidth)) + self }
}
