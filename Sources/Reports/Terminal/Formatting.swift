import Foundation

/// Numbers as people read them.
public enum Format {
  /// A number with a fixed count of decimals; "–" where it is not finite.
  public static func fixed(_ value: Double, _ decimals: Int = 3) -> String {
    value.isFinite ? String(format: "%.\(decimals)f", value) : "–"
  }

  /// A share as a percentage with one decimal.
  public static func percent(_ fraction: Double) -> String {
    fraction.isFinite ? String(format: "%.1f %%", fraction * 100) : "–"
  }

  /// A count with thin groups of three: 1,234,567.
  public static func count(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var grouped = ""
    for (offset, digit) in digits.enumerated() {
      if offset > 0, (digits.count - offset) % 3 == 0 { grouped.append(",") }
      grouped.append(digit)
    }
    return value < 0 ? "-" + grouped : grouped
  }

  /// A size in bytes with a binary prefix: 1.5 GiB.
  public static func bytes(_ value: Int) -> String {
    var size = Double(value)
    for unit in ["B", "KiB", "MiB", "GiB"] {
      if abs(size) < 1024 { return unit == "B" ? "\(value) B" : String(format: "%.1f %@", size, unit) }
      size /= 1024
    }
    return String(format: "%.1f TiB", size)
  }

  /// A duration: 0.8 s, 42 s, 3 min 20 s, 2 h 5 min.
  public static func duration(seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "–" }
    if seconds < 10 { return String(format: "%.1f s", seconds) }
    let whole = Int(min(seconds.rounded(), 1e15))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}
