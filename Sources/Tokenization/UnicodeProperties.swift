import COnig

/// Unicode's properties as the matching library is to know them.
///
/// Hugging Face's tokenizers cut words by Unicode 16; the library of a distribution may know an older version (Debian 12's
/// knows 14), to which thousands of letters are unassigned and no sign outside ASCII is punctuation. Properties that
/// vocabularies name are therefore given to the library as our own, from `ScalarTable`; these come before its own. What
/// has no name in braces, such as `\w` and `[:punct:]`, is written as such a property first. `\b` and the case of letters
/// stay the library's.
struct UnicodeProperties {
  /// The library has room for so many.
  private static let limit = 20

  /// Names as patterns spell them, since the library compares them so.
  private var defined: Set<String> = []

  /// The pattern as the library is to read it, with the properties in it made known. Not safe on two threads at once.
  mutating func prepared(_ pattern: [Unicode.Scalar]) -> [Unicode.Scalar] {
    let pattern = Self.asProperties(pattern)
    var rest = pattern[...]
    while let start = rest.firstIndex(of: "\\") {
      rest = rest[(start + 1)...]
      guard let letter = rest.popFirst(), letter == "p" || letter == "P" else { continue }
      guard rest.first == "{", let end = rest.firstIndex(of: "}") else { continue }
      define(rest[(rest.startIndex + 1)..<end].drop { $0 == "^" })
      rest = rest[(end + 1)...]
    }
    return pattern
  }

  /// The pattern with `\w`, `\d`, `[:alpha:]` and their like written as properties in braces.
  private static func asProperties(_ pattern: [Unicode.Scalar]) -> [Unicode.Scalar] {
    // Options such as (?W) make them ASCII's, which the library knows itself.
    let areASCII = pattern.split(separator: "(").contains { group in
      let letters = group.dropFirst().prefix { $0.properties.isAlphabetic || $0 == "-" }
      return group.first == "?" && letters.contains { ["W", "D", "P"].contains($0) }
    }
    if areASCII { return pattern }
    var result: [Unicode.Scalar] = []
    var depth = 0  // of brackets
    var rest = pattern[...]
    while let scalar = rest.popFirst() {
      result.append(scalar)
      switch scalar {
      case "\\":
        guard let letter = rest.popFirst() else { break }
        // Small digits and fractions of Latin-1 are in \w, but not in a class that holds it.
        let word = depth > 0 ? "{UnfoldWord}" : "{UnfoldWordAlone}"
        if let name = ["w": word, "d": "{Nd}"][letter.properties.lowercaseMapping] {
          result += [letter.properties.isUppercase ? "P" : "p"] + name.unicodeScalars
        } else {
          result.append(letter)
          // The character after \c is no escape.
          if letter == "c", let control = rest.popFirst() { result.append(control) }
        }
      case "[":
        if depth > 0, let (name, isNegated, after) = bracketClass(rest) {
          result.removeLast()
          result += (isNegated ? "\\P{\(name)}" : "\\p{\(name)}").unicodeScalars
          rest = after
          break
        }
        depth += 1
        if rest.first == "^" { result.append(rest.removeFirst()) }
        // Here it stands for itself.
        if rest.first == "]" { result.append(rest.removeFirst()) }
      case "]": depth = max(0, depth - 1)
      default: break
      }
    }
    return result
  }

  /// The property for what follows the bracket of `[:alpha:]` or `[:^alpha:]`, and what comes behind it.
  private static func bracketClass(
    _ rest: ArraySlice<Unicode.Scalar>
  ) -> (name: String, isNegated: Bool, after: ArraySlice<Unicode.Scalar>)? {
    for (name, property) in [("alpha", "Alphabetic"), ("alnum", "Alnum"), ("punct", "UnfoldPunct"), ("digit", "Nd")] {
      for sign in ["", "^"] {
        let text = ":\(sign)\(name):]".unicodeScalars
        if rest.starts(with: text) { return (property, !sign.isEmpty, rest.dropFirst(text.count)) }
      }
    }
    return nil
  }

  private mutating func define(_ spelling: ArraySlice<Unicode.Scalar>) {
    // Spaces, dashes and underscores do not count.
    let name = String(String.UnicodeScalarView(spelling.filter { ![" ", "-", "_"].contains($0) }))
    guard defined.count < Self.limit, !defined.contains(name), name.utf8.allSatisfy({ $0 < 0x80 && $0 > 0 }),
      let ranges = Self.ranges(named: name.lowercased())
    else { return }
    // The library keeps the memory for as long as the process lives.
    let memory = UnsafeMutablePointer<OnigCodePoint>.allocate(capacity: 1 + 2 * ranges.count)
    memory[0] = OnigCodePoint(ranges.count)
    for (index, range) in ranges.enumerated() {
      memory[1 + 2 * index] = range.lowerBound
      memory[2 + 2 * index] = range.upperBound
    }
    if onig_unicode_define_user_property(name, memory) == ONIG_NORMAL {
      defined.insert(name)
    } else {
      memory.deallocate()
    }
  }

  /// The scalars that have a property, in order, or nil where it is left to the library.
  private static func ranges(named name: String) -> [ClosedRange<UInt32>]? {
    switch name {
    case "han": han
    case "hiragana": hiragana
    case "katakana": katakana
    case "alphabetic", "alpha": ranges(alphabeticOr: 0)
    case "alnum": ranges(alphabeticOr: mask(["nd"]))
    case "unfoldword": ranges(alphabeticOr: mask(["m", "nd", "pc"]))
    case "unfoldwordalone":
      ranges(alphabeticOr: mask(["m", "nd", "pc"]), or: [0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE])
    case "unfoldpunct": ranges(in: mask(["p", "s"]))
    default: mask([categories[name] ?? name]) == 0 ? nil : ranges(in: mask([categories[name] ?? name]))
    }
  }

  /// The general categories named, as bits; a single letter stands for all that begin with it.
  private static func mask(_ names: [String]) -> UInt32 {
    var mask: UInt32 = 0
    for (number, known) in ScalarTable.categoryNames.enumerated() {
      let known = known.lowercased()
      if names.contains(where: { $0 == known || ($0.utf8.count == 1 && known.hasPrefix($0)) }) {
        mask |= 1 << UInt32(number)
      }
    }
    return mask
  }

  private static func ranges(alphabeticOr mask: UInt32, or others: Set<UInt32> = []) -> [ClosedRange<UInt32>] {
    let unassigned = ScalarTable.category(.unassigned)
    return ranges { value, category in
      mask >> category & 1 != 0 || others.contains(value)
        || (category != unassigned && Unicode.Scalar(value)?.properties.isAlphabetic == true)
    }
  }

  private static func ranges(in mask: UInt32) -> [ClosedRange<UInt32>] { ranges { mask >> $1 & 1 != 0 } }

  /// The scalars that pass a test of themselves and their general category.
  private static func ranges(where test: (_ value: UInt32, _ category: UInt8) -> Bool) -> [ClosedRange<UInt32>] {
    let table = ScalarTable.shared
    var ranges: [ClosedRange<UInt32>] = []
    var start: UInt32?
    for (block, page) in table.pages.enumerated() {
      for i in 0..<256 {
        let value = UInt32(block) << 8 | UInt32(i)
        if test(value, table.entries[Int(page) + i] & ScalarTable.categoryMask) {
          if start == nil { start = value }
        } else if let first = start {
          ranges.append(first...value - 1)
          start = nil
        }
      }
    }
    if let start { ranges.append(start...0x10FFFF) }
    return ranges
  }

  /// The long names of general categories.
  private static let categories = [
    "letter": "l", "mark": "m", "number": "n", "punctuation": "p", "symbol": "s", "separator": "z", "other": "c",
    "uppercaseletter": "lu", "lowercaseletter": "ll", "titlecaseletter": "lt", "modifierletter": "lm",
    "otherletter": "lo", "nonspacingmark": "mn", "spacingmark": "mc", "enclosingmark": "me", "decimalnumber": "nd",
    "letternumber": "nl", "othernumber": "no", "connectorpunctuation": "pc", "dashpunctuation": "pd",
    "openpunctuation": "ps", "closepunctuation": "pe", "initialpunctuation": "pi", "finalpunctuation": "pf",
    "otherpunctuation": "po", "mathsymbol": "sm", "currencysymbol": "sc", "modifiersymbol": "sk", "othersymbol": "so",
    "spaceseparator": "zs", "lineseparator": "zl", "paragraphseparator": "zp", "control": "cc", "format": "cf",
    "surrogate": "cs", "privateuse": "co", "unassigned": "cn",
  ]

  // Scripts, as of version 16.

  private static let han: [ClosedRange<UInt32>] = [
    0x2E80...0x2E99, 0x2E9B...0x2EF3, 0x2F00...0x2FD5, 0x3005...0x3005, 0x3007...0x3007, 0x3021...0x3029,
    0x3038...0x303B, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFA6D, 0xFA70...0xFAD9, 0x16FE2...0x16FE3,
    0x16FF0...0x16FF1, 0x20000...0x2A6DF, 0x2A700...0x2B739, 0x2B740...0x2B81D, 0x2B820...0x2CEA1,
    0x2CEB0...0x2EBE0, 0x2EBF0...0x2EE5D, 0x2F800...0x2FA1D, 0x30000...0x3134A, 0x31350...0x323AF,
  ]

  private static let hiragana: [ClosedRange<UInt32>] = [
    0x3041...0x3096, 0x309D...0x309F, 0x1B001...0x1B11F, 0x1B132...0x1B132, 0x1B150...0x1B152, 0x1F200...0x1F200,
  ]

  private static let katakana: [ClosedRange<UInt32>] = [
    0x30A1...0x30FA, 0x30FD...0x30FF, 0x31F0...0x31FF, 0x32D0...0x32FE, 0x3300...0x3357, 0xFF66...0xFF6F,
    0xFF71...0xFF9D, 0x1AFF0...0x1AFF3, 0x1AFF5...0x1AFFB, 0x1AFFD...0x1AFFE, 0x1B000...0x1B000, 0x1B120...0x1B122,
    0x1B155...0x1B155, 0x1B164...0x1B167,
  ]
}
