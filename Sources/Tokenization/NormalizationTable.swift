import Foundation

/// Decompositions, composites and combining classes, gathered once from the standard library and Foundation.
///
/// Only the blocks that hold decompositions are asked (10 to 25 ms, when the first text that may change is met); a test
/// holds that list against all of Unicode.
final class NormalizationTable: Sendable {
  static let canonical = NormalizationTable(isCompatible: false)
  static let compatible = NormalizationTable(isCompatible: true)

  /// Bits: has a decomposition (1); may change or be changed in a composed form (2); combining class is not 0 (4).
  private let pages: [UInt16]
  private let flags: [UInt8]
  private let decompositions: [UInt32: [UInt32]]
  private let composites: [UInt64: UInt32]
  private let combiningClasses: [UInt32: UInt8]

  /// The blocks of 256 scalars in which a scalar has a decomposition, Hangul syllables aside.
  static func blocks(isCompatible: Bool) -> [ClosedRange<UInt32>] {
    let canonical: [ClosedRange<UInt32>] = [
      0x00...0x04, 0x06...0x06, 0x09...0x0D, 0x0F...0x10, 0x1B...0x1B, 0x1E...0x23, 0x2A...0x2A, 0x30...0x30,
      0xF9...0xFB,
      0x105...0x105, 0x110...0x11F, 0x161...0x161, 0x16D...0x16D, 0x1D1...0x1D1, 0x2F8...0x2FA,
    ]
    if !isCompatible { return canonical }
    return [
      0x00...0x06, 0x09...0x11, 0x1B...0x1B, 0x1D...0x24, 0x2A...0x2A, 0x2C...0x33, 0xA6...0xA7, 0xAB...0xAB,
      0xF9...0xFF,
      0x105...0x107, 0x110...0x11F, 0x161...0x161, 0x16D...0x16D, 0x1CC...0x1CC, 0x1D1...0x1D7, 0x1E0...0x1EE,
      0x1F1...0x1F2, 0x1FB...0x1FB, 0x2F8...0x2FA,
    ]
  }

  private init(isCompatible: Bool) {
    var decompositions: [UInt32: [UInt32]] = [:]
    var composites: [UInt64: UInt32] = [:]
    var joinsPrevious: Set<UInt32> = []
    var changesComposed: Set<UInt32> = []
    for block in Self.blocks(isCompatible: isCompatible).joined() {
      for value in block << 8...(block << 8 | 0xFF) where value >= 0xA0 {
        guard let scalar = Unicode.Scalar(value), Self.isKnown(scalar) else { continue }
        let text = String(scalar)
        let full =
          isCompatible ? text.decomposedStringWithCompatibilityMapping : text.decomposedStringWithCanonicalMapping
        let parts = full.unicodeScalars.map(\.value)
        if parts != [value] { decompositions[value] = parts }
        let canonical = isCompatible ? text.decomposedStringWithCanonicalMapping.unicodeScalars.map(\.value) : parts
        let isComposite = Self.composed(canonical) == [value]
        if parts != [value], !(isComposite && parts == canonical) { changesComposed.insert(value) }
        guard canonical.count > 1, isComposite, let last = canonical.last else { continue }
        let head = Self.composed(Array(canonical.dropLast()))
        guard head.count == 1 else { continue }
        composites[UInt64(head[0]) << 32 | UInt64(last)] = value
        joinsPrevious.insert(last)
      }
    }
    var pages: [UInt16] = []
    var flags = [UInt8](repeating: 0, count: 256)
    var classes: [UInt32: UInt8] = [:]
    let hangul = [UInt8](repeating: 1, count: 256)
    for block in 0..<UInt32(0x1100) {
      switch block {
      case 0xAC...0xD6:
        pages.append(UInt16(flags.count >> 8))
        flags += hangul
        continue
      case 0x34...0x9F, 0xD8...0xF8, 0x170...0x1BB, 0x200...0x2F7, 0x2FB...0x10FF:
        pages.append(0)
        continue
      default: break
      }
      var page = [UInt8](repeating: 0, count: 256)
      for i in 0..<UInt32(256) {
        let value = block << 8 | i
        guard value >= 0x80, let scalar = Unicode.Scalar(value) else { continue }
        let combining = Self.isKnown(scalar) ? scalar.properties.canonicalCombiningClass.rawValue : 0
        if combining != 0 {
          classes[value] = combining
          page[Int(i)] |= 4
        }
        if decompositions[value] != nil || (value >= 0xAC00 && value <= 0xD7A3) { page[Int(i)] |= 1 }
        let isJamo = (value >= 0x1161 && value <= 0x1175) || (value >= 0x11A8 && value <= 0x11C2)
        if joinsPrevious.contains(value) || changesComposed.contains(value) || isJamo { page[Int(i)] |= 2 }
      }
      if page.allSatisfy({ $0 == 0 }) {
        pages.append(0)
      } else {
        pages.append(UInt16(flags.count >> 8))
        flags += page
      }
    }
    self.pages = pages
    self.flags = flags
    self.decompositions = decompositions
    self.composites = composites
    self.combiningClasses = classes
  }

  /// Scalars assigned after Unicode 9 are left alone, as by Hugging Face's normalizers.
  static func isKnown(_ scalar: Unicode.Scalar) -> Bool { (scalar.properties.age?.major ?? 99) <= 9 }

  private static func composed(_ scalars: [UInt32]) -> [UInt32] {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars.compactMap { Unicode.Scalar($0) })
    return String(view).precomposedStringWithCanonicalMapping.unicodeScalars.map(\.value)
  }

  private func flags(of scalar: UInt32) -> UInt8 { flags[Int(pages[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)] }

  /// Whether a scalar may change in the form, or may join with or move past one before it.
  func isActive(_ scalar: UInt32, _ composes: Bool) -> Bool {
    flags(of: scalar) & (composes ? 6 : 5) != 0
  }

  /// The position of the first active scalar.
  func firstActive(_ bytes: UnsafePointer<UInt8>, from start: Int, end: Int, composes: Bool) -> Int? {
    let mask: UInt8 = composes ? 6 : 5
    return flags.withUnsafeBufferPointer { flags in
      pages.withUnsafeBufferPointer { pages in
        var position = start
        while position < end {
          if bytes[position] < 0x80 {
            position += 1
            continue
          }
          let (scalar, next) = UTF8Reading.scalar(bytes, position)
          if flags[Int(pages[Int(scalar >> 8)]) << 8 | Int(scalar & 0xFF)] & mask != 0 { return position }
          position = next
        }
        return nil
      }
    }
  }

  func combiningClass(of scalar: UInt32) -> UInt8 {
    flags(of: scalar) & 4 == 0 ? 0 : combiningClasses[scalar] ?? 0
  }

  /// Gives the full decomposition, scalar by scalar, saying which is the first.
  func decompose(_ scalar: UInt32, _ body: (UInt32, Bool) -> Void) {
    guard flags(of: scalar) & 1 != 0 else { return body(scalar, true) }
    if scalar >= 0xAC00, scalar <= 0xD7A3 {
      let index = scalar - 0xAC00
      body(0x1100 + index / 588, true)
      body(0x1161 + index % 588 / 28, false)
      if index % 28 != 0 { body(0x11A7 + index % 28, false) }
      return
    }
    for (i, part) in (decompositions[scalar] ?? [scalar]).enumerated() { body(part, i == 0) }
  }

  /// The scalar that two compose to, if any.
  func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if first >= 0x1100, first <= 0x1112, second >= 0x1161, second <= 0x1175 {
      return 0xAC00 + (first - 0x1100) * 588 + (second - 0x1161) * 28
    }
    if first >= 0xAC00, first <= 0xD7A3, (first - 0xAC00) % 28 == 0, second >= 0x11A8, second <= 0x11C2 {
      return first + (second - 0x11A7)
    }
    return composites[UInt64(first) << 32 | UInt64(second)]
  }
}
