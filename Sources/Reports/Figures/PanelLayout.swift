import Foundation

/// How large the parts of a panel are: what its words need, and what that leaves for the plot.
struct PanelLayout {
  static let tickSize = 11.0
  static let labelSize = 12.0
  static let slant = 35.0

  let panel: Figure.Panel
  let width: Double
  let plotHeight: Double
  let legend: Legend
  let titleLines: [String]
  let xTicks: AxisTicks
  let yTicks: AxisTicks
  let xAxis: ScaledAxis
  let yAxis: ScaledAxis
  let yLabelLines: [String]
  let xLabelLines: [String]
  let isSlanted: Bool
  /// The plot within the panel: from its left edge, and from the top of the room for plots.
  let plot: (x: Double, y: Double, width: Double, height: Double)
  let colorBar: ColorBar?

  init(_ panel: Figure.Panel, width: Double, plotHeight: Double, legend: Legend, looks: SeriesLooks) {
    self.panel = panel
    self.width = width
    self.plotHeight = plotHeight
    self.legend = legend
    titleLines =
      panel.title.map {
        TextMeasure.wrapped($0, size: FigureLayout.panelTitleSize, width: width, isBold: true)
      } ?? []
    let extent = Extent(panel)
    var (xAxis, yAxis) = (
      ScaledAxis(panel.x, values: extent.x, includesZero: false, isTight: extent.isTight),
      ScaledAxis(panel.y, values: extent.y, includesZero: extent.standsOnZero, isTight: extent.isTight)
    )
    yTicks = AxisTicks(yAxis, most: Int(plotHeight / 34)).thinned(yAxis, length: plotHeight)
    yLabelLines = Array(TextMeasure.wrapped(panel.y.label, size: Self.labelSize, width: plotHeight).prefix(2))
    let tickWidth =
      yTicks.labelled.map { Self.tickText($0.label) }
      .map { TextMeasure.width($0, size: Self.tickSize) }.max() ?? 0
    let left = Self.leftWidth(labels: yLabelLines.count, ticks: tickWidth)
    let bar = ColorBar(panel, height: plotHeight)
    colorBar = bar
    let right = bar.map { $0.width + 14 } ?? 14
    let room = max(40, width - left - right)
    // As many labels as fit beside each other.
    var most = max(2, Int(room / 44))
    var ticks = AxisTicks(xAxis, most: most)
    while !ticks.fitsBeside(xAxis, length: room), most > 2, panel.x.ticks == .automatic || panel.x.ticks == .integers {
      most -= 1
      ticks = AxisTicks(xAxis, most: most)
    }
    isSlanted = !ticks.fitsBeside(xAxis, length: room)
    var extraLeft = 0.0
    if isSlanted {
      ticks = ticks.thinned(xAxis, length: room, apart: 19)
      for tick in ticks.labelled {
        let reach = TextMeasure.width(Self.tickText(tick.label), size: Self.tickSize) * cos(Self.slant * .pi / 180)
        extraLeft = max(extraLeft, reach - left - (xAxis.fraction(tick.position) ?? 0) * room)
      }
    }
    xTicks = ticks
    let plotLeft = left + min(extraLeft, width / 3)
    let plotWidth = max(40, width - plotLeft - right)
    xLabelLines = TextMeasure.wrapped(panel.x.label, size: Self.labelSize, width: plotWidth)
    var plot = (x: plotLeft, y: 0.0, width: plotWidth, height: plotHeight)
    if panel.hasEqualScales, panel.x.scale == .linear, panel.y.scale == .linear {
      let unit = min(plot.width / xAxis.span, plot.height / yAxis.span)
      let (w, h) = (unit * xAxis.span, unit * yAxis.span)
      if w >= 40, h >= 40 {
        plot = (plot.x + (plot.width - w) / 2, (plot.height - h) / 2, w, h)
      } else {
        // Very unequal ranges: the short one is widened, so that a plot remains.
        xAxis.widen(to: plot.width / unit)
        yAxis.widen(to: plot.height / unit)
      }
    }
    self.plot = plot
    self.xAxis = xAxis
    self.yAxis = yAxis
  }

  /// What the words left of a plot take.
  static func leftWidth(labels: Int, ticks: Double) -> Double {
    (labels > 0 ? Double(labels) * 16 + 5 : 0) + (ticks > 0 ? ticks + 8 : 2)
  }

  /// Long words of an axis are cut.
  static func tickText(_ label: String) -> String { TextMeasure.truncated(label, size: tickSize, width: 150) }

  var topHeight: Double { titleLines.isEmpty ? 6 : Double(titleLines.count) * 18 + 8 }

  /// From the plot's lower end to the words below the ticks.
  var tickHeight: Double {
    guard !xTicks.labelled.isEmpty else { return 4 }
    guard isSlanted else { return 20 }
    let longest =
      xTicks.labelled.map { TextMeasure.width(Self.tickText($0.label), size: Self.tickSize) }.max() ?? 0
    return longest * sin(Self.slant * .pi / 180) + 18
  }

  var bottomHeight: Double {
    let legendHeight = legend.height(width: width)
    return tickHeight + Double(xLabelLines.count) * 16 + (xLabelLines.isEmpty ? 0 : 2)
      + (legendHeight > 0 ? legendHeight + 8 : 0)
  }
}

extension AxisTicks {
  /// Whether no label touches its neighbour when all stand upright along `length` pixels.
  func fitsBeside(_ axis: ScaledAxis, length: Double) -> Bool {
    var end = -Double.infinity
    for tick in labelled.sorted(by: { $0.position < $1.position }) {
      guard let fraction = axis.fraction(tick.position) else { continue }
      let half = TextMeasure.width(PanelLayout.tickText(tick.label), size: PanelLayout.tickSize) / 2
      if fraction * length - half < end { return false }
      end = fraction * length + half + 6
    }
    return true
  }

  /// Without the labels that stand closer to the one before than words need.
  func thinned(_ axis: ScaledAxis, length: Double, apart: Double = 13) -> AxisTicks {
    var result = self
    var last = -Double.infinity
    result.labelled = labelled.sorted { $0.position < $1.position }.filter { tick in
      guard let fraction = axis.fraction(tick.position), fraction * length - last >= apart else { return false }
      last = fraction * length
      return true
    }
    return result
  }
}

/// What a panel's marks reach over.
struct Extent {
  var x: [Double] = []
  var y: [Double] = []
  var standsOnZero = false
  /// A heatmap fills its plot to the edges.
  var isTight = false

  init(_ panel: Figure.Panel) {
    for mark in panel.marks {
      switch mark.shape {
      case .line(let xs, let ys, let lower, let upper, _, _):
        x += xs
        y += ys + lower + upper
      case .points(let xs, let ys, _, _):
        x += xs
        y += ys
      case .bars(let xs, let heights, let lower, let upper, let width):
        let half = (width ?? 1) / 2
        x += xs.flatMap { [$0 - half, $0 + half] }
        y += heights + lower + upper
        standsOnZero = true
      case .heatmap(let map):
        x += [map.xRange.lowerBound, map.xRange.upperBound]
        y += [map.yRange.lowerBound, map.yRange.upperBound]
        isTight = true
      case .segments(let segments, _, _):
        x += segments.flatMap { [$0.from.x, $0.to.x] }
        y += segments.flatMap { [$0.from.y, $0.to.y] }
      case .polygon(let outlines, _, _):
        x += outlines.joined().map(\.x)
        y += outlines.joined().map(\.y)
      case .rule(let ruleX, let ruleY, _):
        x += ruleX.map { [$0] } ?? []
        y += ruleY.map { [$0] } ?? []
      case .text(let places, _, _):
        x += places.map(\.x)
        y += places.map(\.y)
      }
    }
  }
}
