import Geometry

extension Fitting {
  /// The error against the number of neurons, as a table.
  public func report(_ style: TerminalStyle) -> String {
    let isCurve = if case .curve = target { true } else { false }
    var table = TextTable([
      .right("neurons"), .right(isCurve ? "root mean square error" : "share of the square that is wrong"), .left(""),
    ])
    let largest = max(constantError, 1e-9)
    table.append(["0", text(constantError), TerminalChart.bar(1, width: 30)])
    for fit in fits {
      table.append(["\(fit.neurons)", text(fit.error), TerminalChart.bar(fit.error / largest, width: 30)])
    }
    return [style.bold("One hidden layer learns: \(target.name)"), table.rendered(style)].joined(separator: "\n")
  }

  private func text(_ error: Double) -> String {
    if case .curve = target { Format.fixed(error, 5) } else { Format.percent(error).replacingZero }
  }
}

extension String {
  /// A share that rounds to nothing is said to be below the last digit.
  fileprivate var replacingZero: String { self == "0.0 %" ? "below 0.1 %" : self }
}
