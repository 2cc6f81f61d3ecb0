import Foundation

/// A count in groups of three.
func grouped(_ value: Int) -> String {
  let digits = String(value.magnitude)
  var text = ""
  for (offset, digit) in digits.enumerated() {
    if offset > 0, (digits.count - offset) % 3 == 0 { text.append(",") }
    text.append(digit)
  }
  return value < 0 ? "-" + text : text
}

/// A number with at most one decimal.
func rounded(_ value: Double) -> String {
  let tenths = Int((value * 10).rounded())
  return tenths % 10 == 0 ? grouped(tenths / 10) : "\(grouped(tenths / 10)).\(tenths % 10)"
}

func percent(_ part: Int, of whole: Int) -> String {
  let tenths = Int((Double(part) / Double(max(1, whole)) * 1000).rounded())
  return "\(tenths / 10).\(tenths % 10) %"
}

/// A number as people write it: without a fraction where it has none.
func plain(_ value: Double) -> String {
  value.rounded() == value && abs(value) < 1e15 ? String(Int(value)) : String(value)
}

/// A number with at most four digits that count.
func short(_ value: Double) -> String { String(format: "%.4g", value) }
