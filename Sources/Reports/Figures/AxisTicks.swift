import Foundation

/// The places of an axis that are marked, and the words there.
struct AxisTicks {
  typealias Tick = Figure.Axis.Tick

  /// With words, from the lower end to the upper.
  var labelled: [Tick] = []
  /// Without words: the unlabelled steps of a logarithmic axis.
  var minor: [Double] = []

  /// - Parameter most: How many labels there is room for.
  init(_ scaled: ScaledAxis, most: Int) {
    let most = max(2, most)
    func isInside(_ value: Double) -> Bool {
      guard let fraction = scaled.fraction(value) else { return false }
      return fraction >= -1e-6 && fraction <= 1 + 1e-6
    }
    switch scaled.axis.ticks {
    case .hidden: return
    case .labelled(let ticks): labelled = ticks.filter { isInside($0.position) }
    case .automatic, .integers:
      if scaled.axis.scale == .logarithmic {
        logarithmic(scaled, most: most, isInside)
      } else {
        linear(scaled, most: most, isInside)
      }
    }
  }

  private mutating func linear(_ scaled: ScaledAxis, most: Int, _ isInside: (Double) -> Bool) {
    let rough = scaled.span / Double(most)
    let power = floor(log10(rough))
    let size = pow(10, power)
    // A step of 1, 2 or 5 times a power of ten, the least that leaves at most `most` of them.
    let steps = [1, 2, 5, 10].map { $0 * size }
    var step = steps.first { $0 >= rough * (1 - 1e-9) } ?? 10 * size
    if scaled.axis.ticks == .integers { step = max(1, step.rounded()) }
    guard step.isFinite, step > 0 else { return }
    let first = ceil(scaled.lower / step - 1e-6)
    let last = floor(scaled.upper / step + 1e-6)
    guard first.isFinite, last.isFinite, last >= first, last - first < 1000 else { return }
    let decimals = max(0, min(12, -Int(floor(log10(step) + 1e-9))))
    let largest = max(abs(first), abs(last)) * step
    var number = first
    while number <= last {
      let value = number * step
      if isInside(value) {
        labelled.append(Tick(value, Self.text(value, decimals: decimals, largest: largest)))
      }
      number += 1
    }
  }

  private mutating func logarithmic(_ scaled: ScaledAxis, most: Int, _ isInside: (Double) -> Bool) {
    let (low, high) = (Int(floor(scaled.lower - 1e-9)), Int(ceil(scaled.upper + 1e-9)))
    guard high - low < 700 else { return }
    let decades = (low...high).filter { isInside(pow(10, Double($0))) }
    let isPlain = low >= -4 && high <= 6
    let stride = max(1, (decades.count + most - 1) / most)
    func add(_ power: Int, times factor: Double) {
      let value = factor * pow(10, Double(power))
      if isInside(value) { labelled.append(Tick(value, Self.logarithmicText(factor, power, isPlain: isPlain))) }
    }
    // Within less than two decades the steps between need words too.
    let factors: [Double] =
      decades.count >= 3 ? [1] : scaled.span * 9 <= Double(most) ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : [1, 2, 5]
    for power in low...high where power.isMultiple(of: stride) {
      for factor in factors { add(power, times: factor) }
    }
    if labelled.count > most, factors.count > 1 {
      labelled = []
      for power in low...high { for factor in [1.0, 3] { add(power, times: factor) } }
    }
    guard stride == 1, decades.count <= 12 else {
      minor = decades.map { pow(10, Double($0)) }
      return
    }
    for power in low...high {
      for factor in 2...9 where isInside(Double(factor) * pow(10, Double(power))) {
        minor.append(Double(factor) * pow(10, Double(power)))
      }
    }
  }

  /// A number as people write it: grouped thousands, a true minus sign, a power of ten where digits would be many.
  static func text(_ value: Double, decimals: Int, largest: Double) -> String {
    if value == 0 { return "0" }
    if largest >= 1e7 || decimals > 5 {
      let power = Int(floor(log10(abs(value)) + 1e-9))
      let factor = value / pow(10, Double(power))
      let text = String(format: "%.2f", factor).trimmingZeros()
      return (text + "·10" + superscript(power)).replacingOccurrences(of: "-", with: "−")
    }
    var text =
      decimals == 0 && abs(value) >= 10_000 ? Format.count(Int(value)) : String(format: "%.\(decimals)f", value)
    if text.hasPrefix("-") { text = "−" + text.dropFirst() }
    return text
  }

  /// One way of writing for a whole axis: digits where they are few, powers of ten else.
  static func logarithmicText(_ factor: Double, _ power: Int, isPlain: Bool) -> String {
    if isPlain {
      let value = factor * pow(10, Double(power))
      return power >= 0 ? Format.count(Int(value.rounded())) : String(format: "%.\(-power)f", value)
    }
    return (factor == 1 ? "" : "\(Int(factor))·") + "10" + superscript(power)
  }

  static func superscript(_ number: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return (number < 0 ? "⁻" : "")
      + String(String(number.magnitude).compactMap { $0.wholeNumberValue.map { digits[$0] } })
  }
}

extension String {
  /// Without the zeros behind the point, and without the point where nothing follows it.
  fileprivate func trimmingZeros() -> String {
    guard contains(".") else { return self }
    var text = self
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}
