import Checkpoints
import Foundation

/// A picture of data as SVG: a title, a caption and panels in a grid.
///
/// The picture stands on a white card with its own border, so that it reads on light and on dark pages; series differ
/// by colour (Okabe and Ito's palette, safe for the colour-blind) and by dash and marker, so that it reads in black and
/// white. The text depends on the values alone: equal figures have equal bytes.
///
/// ```swift
/// let figure = Figure(
///   "Loss falls", caption: "A sentence on what is to be seen.",
///   panels: [
///     .init(
///       x: .init("step", scale: .logarithmic), y: .init("loss"),
///       marks: [.line("training", x: steps, y: losses), .line("held back", x: steps, y: others)])
///   ])
/// try figure.write(to: URL(filePath: "loss.svg"))
/// ```
public struct Figure: Sendable, Equatable {
  public var title: String
  /// What the reader is to see, in a sentence or two under the title; wrapped as needed.
  public var caption: String?
  /// Panels beside each other; `nil` chooses by their number.
  public var columns: Int?
  /// The width of one panel with its axes, in pixels.
  public var panelWidth: Double
  /// The height of one panel's plot, without title, axes and legend, in pixels.
  public var plotHeight: Double
  public var panels: [Panel]

  public init(
    _ title: String, caption: String? = nil, columns: Int? = nil, panelWidth: Double = 460, plotHeight: Double = 260,
    panels: [Panel]
  ) {
    precondition(columns.map { $0 >= 1 } ?? true, "\(columns ?? 0) columns of panels")
    precondition(
      panelWidth.isFinite && plotHeight.isFinite && panelWidth >= 80 && plotHeight >= 40,
      "panels of \(panelWidth)×\(plotHeight)")
    self.title = title
    self.caption = caption
    self.columns = columns
    self.panelWidth = panelWidth
    self.plotHeight = plotHeight
    self.panels = panels
  }

  /// One plot with its axes.
  public struct Panel: Sendable, Equatable {
    public var title: String?
    public var x: Axis
    public var y: Axis
    /// One unit is as long upwards as sideways; the plot gives way in one direction. For linear axes only.
    public var hasEqualScales: Bool
    /// Drawn in this order, the last on top.
    public var marks: [Mark]

    public init(
      _ title: String? = nil, x: Axis = Axis(), y: Axis = Axis(), hasEqualScales: Bool = false, marks: [Mark]
    ) {
      self.title = title
      self.x = x
      self.y = y
      self.hasEqualScales = hasEqualScales
      self.marks = marks
    }
  }

  /// The figure as the text of an SVG file: well-formed XML without scripts, styles or references to anything outside.
  public func svg() -> String { FigureLayout(self).text() }

  /// Writes the SVG file, complete or not at all.
  /// - Throws: `file.cannotCreate`, `file.write`.
  public func write(to url: URL) throws {
    try AtomicFile.write(svg().utf8, to: url)
  }
}
