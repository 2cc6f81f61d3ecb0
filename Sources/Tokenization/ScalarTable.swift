/// What the scanners and patterns ask about Unicode scalars, in one byte each.
///
/// The standard library answers such questions by binary search; a text asks millions of times. The table is built once
/// (a few milliseconds) from the standard library's properties and read through two stages: a page number for each block
/// of 256 scalars, then the page.
///
/// It holds Unicode 16, the version by which Hugging Face's tokenizers cut words, whatever later version the standard
/// library knows: scalars assigned since count as unassigned.
final class ScalarTable: Sendable {
  static let shared = ScalarTable()

  /// Bits of an entry above the general category's five.
  static let space: UInt8 = 0x20  // White_Space
  static let letter: UInt8 = 0x40  // general category L
  static let number: UInt8 = 0x80  // general category N
  static let categoryMask: UInt8 = 0x1F

  /// For each block of 256 scalars, where its page begins in `entries`.
  let pages: [UInt32]
  let entries: [UInt8]

  private init() {
    var pages: [UInt32] = []
    var entries: [UInt8] = []
    var uniform: [UInt8: UInt32] = [:]
    pages.reserveCapacity(0x1100)
    for block in 0..<UInt32(0x1100) {
      var page = [UInt8](repeating: 0, count: 256)
      if let entry = Self.uniformEntry(ofBlock: block) {
        if let known = uniform[entry] {
          pages.append(known)
          continue
        }
        page = [UInt8](repeating: entry, count: 256)
        uniform[entry] = UInt32(entries.count)
      } else {
        for i in 0..<256 { page[i] = Self.entry(block << 8 | UInt32(i)) }
      }
      pages.append(UInt32(entries.count))
      entries += page
    }
    self.pages = pages
    self.entries = entries
  }

  /// The entry shared by a whole block that lies within one of the large uniform ranges, so that those need not be asked
  /// scalar by scalar. Its first and last scalars are asked all the same.
  private static func uniformEntry(ofBlock block: UInt32) -> UInt8? {
    switch block {
    case 0x35...0x4C, 0x4E...0x9E, 0xAC...0xD6, 0x200...0x2A5, 0x2A8...0x2B6, 0x2B9...0x2CD, 0x2CF...0x2EA,
      0x301...0x312, 0x314...0x322, 0xE0...0xF8, 0xF01...0xFFE, 0x1001...0x10FE, 0x340...0xDFF, 0xE02...0xEFF,
      0x171...0x186:
      let first = entry(block << 8)
      return first == entry(block << 8 | 0xFF) ? first : nil
    case 0xD8...0xDF: return category(.surrogate)
    default: return nil
    }
  }

  private static func entry(_ value: UInt32) -> UInt8 {
    guard let scalar = Unicode.Scalar(value) else { return category(.surrogate) }
    var general = scalar.properties.generalCategory
    if general != .unassigned, let age = scalar.properties.age, age.major > 16 { general = .unassigned }
    if value == 0x295 { general = .lowercaseLetter }  // "Lo" since version 17
    var entry = category(general)
    switch general {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: entry |= letter
    case .decimalNumber, .letterNumber, .otherNumber: entry |= number
    default: break
    }
    if scalar.properties.isWhitespace { entry |= space }
    return entry
  }

  func entry(of scalar: UInt32) -> UInt8 { entries[Int(pages[Int(scalar >> 8)]) + Int(scalar & 0xFF)] }

  /// The number by which a general category stands in the table.
  static func category(_ category: Unicode.GeneralCategory) -> UInt8 {
    switch category {
    case .uppercaseLetter: 0
    case .lowercaseLetter: 1
    case .titlecaseLetter: 2
    case .modifierLetter: 3
    case .otherLetter: 4
    case .nonspacingMark: 5
    case .spacingMark: 6
    case .enclosingMark: 7
    case .decimalNumber: 8
    case .letterNumber: 9
    case .otherNumber: 10
    case .connectorPunctuation: 11
    case .dashPunctuation: 12
    case .openPunctuation: 13
    case .closePunctuation: 14
    case .initialPunctuation: 15
    case .finalPunctuation: 16
    case .otherPunctuation: 17
    case .mathSymbol: 18
    case .currencySymbol: 19
    case .modifierSymbol: 20
    case .otherSymbol: 21
    case .spaceSeparator: 22
    case .lineSeparator: 23
    case .paragraphSeparator: 24
    case .control: 25
    case .format: 26
    case .surrogate: 27
    case .privateUse: 28
    case .unassigned: 29
    @unknown default: 29
    }
  }

  /// The two-letter names of the general categories, by their numbers here.
  static let categoryNames = [
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm",
    "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
  ]
}

/// The table's two stages as pointers, for loops that read it once a scalar.
struct ScalarTablePointers {
  let pages: UnsafePointer<UInt32>
  let entries: UnsafePointer<UInt8>

  @inline(__always) func entry(_ scalar: UInt32) -> UInt8 {
    entries[Int(pages[Int(scalar >> 8)]) + Int(scalar & 0xFF)]
  }
}

extension ScalarTable {
  /// Runs `body` with pointers into the table, which hold for that time.
  func withPointers<R>(_ body: (ScalarTablePointers) throws -> R) rethrows -> R {
    try pages.withUnsafeBufferPointer { pages in
      try entries.withUnsafeBufferPointer { entries in
        guard let page = pages.baseAddress, let entry = entries.baseAddress else { preconditionFailure("empty table") }
        return try body(ScalarTablePointers(pages: page, entries: entry))
      }
    }
  }
}
