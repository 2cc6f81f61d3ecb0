import ArgumentParser

/// An amount of memory as people write it: 800MB, 2GiB, 1.5 G, or a number of bytes.
struct MemorySize {
  let bytes: Int

  private static let units: [String: Double] = [
    "": 1, "b": 1, "k": 0x1p10, "m": 0x1p20, "g": 0x1p30, "t": 0x1p40, "kib": 0x1p10, "mib": 0x1p20, "gib": 0x1p30,
    "tib": 0x1p40, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
  ]

  /// - Throws: `ValidationError` where the text is no amount.
  init(_ argument: String) throws {
    let text = argument.lowercased()
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard let number = Double(digits), let factor = Self.units[String(unit)] else {
      throw ValidationError("an amount of memory is a number and a unit, such as 800MB, 1.5GiB or 4g")
    }
    let bytes = (number * factor).rounded()
    guard bytes >= 1, bytes < 0x1p62 else { throw ValidationError("memory must be at least one byte and below 4 EiB") }
    self.bytes = Int(bytes)
  }
}
