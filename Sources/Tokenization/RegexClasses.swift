/// The classes and properties that patterns may name.
enum RegexClasses {
  static let space = ScalarSet(where: { $0 & ScalarTable.space != 0 })
  static let digit = ScalarSet(categories: mask(["Nd"]))
  /// Whatever is alphabetic, marks, decimal numbers, connectors, and Latin-1's small digits and fractions.
  static let word = ScalarSet(properties: \.isAlphabetic).union(ScalarSet(categories: mask(["M", "Nd", "Pc"])))
    .union(ScalarSet([0xB2...0xB3, 0xB9...0xB9, 0xBC...0xBE]))
  static let hexadecimal = ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66])

  /// The mask of the general categories named, a single letter standing for all that begin with it.
  static func mask(_ names: [String]) -> UInt32 {
    var mask: UInt32 = 0
    for (number, category) in ScalarTable.categoryNames.enumerated() {
      if names.contains(where: { $0 == category || ($0.utf8.count == 1 && category.hasPrefix($0)) }) {
        mask |= 1 << UInt32(number)
      }
    }
    return mask
  }

  /// A property by its name; case, spaces, dashes and underscores do not count.
  static func property(_ name: String) -> ScalarSet? {
    let plain = String(name.lowercased().filter { $0 != " " && $0 != "_" && $0 != "-" })
    if let category = categories[plain] { return ScalarSet(categories: mask([category])) }
    switch plain {
    case "lc": return ScalarSet(categories: mask(["Lu", "Ll", "Lt"]))
    case "any": return .all
    case "ascii": return ScalarSet([0...0x7F])
    case "whitespace": return space
    case "han", "script=han", "sc=han": return ScalarSet(han)
    case "hiragana", "script=hiragana": return ScalarSet(hiragana)
    case "katakana", "script=katakana": return ScalarSet(katakana)
    case "hangul", "script=hangul": return ScalarSet(hangul)
    default: return posix(plain)
    }
  }

  /// A bracket class of POSIX, in Unicode's extension.
  static func posix(_ name: String) -> ScalarSet? {
    switch name {
    case "alpha", "alphabetic": ScalarSet(properties: \.isAlphabetic)
    case "alnum": ScalarSet(properties: \.isAlphabetic).union(digit)
    case "upper", "uppercase": ScalarSet(properties: \.isUppercase)
    case "lower", "lowercase": ScalarSet(properties: \.isLowercase)
    case "space": space
    case "digit": digit
    case "xdigit": hexadecimal
    case "word": word
    case "cntrl": ScalarSet(categories: mask(["Cc"]))
    case "punct": ScalarSet(categories: mask(["P", "S"]))
    case "blank": ScalarSet(categories: mask(["Zs"])).union(ScalarSet(0x09))
    default: nil
    }
  }

  private static let categories: [String: String] = {
    var names: [String: String] = [
      "letter": "L", "mark": "M", "number": "N", "punctuation": "P", "symbol": "S", "separator": "Z", "other": "C",
      "uppercaseletter": "Lu", "lowercaseletter": "Ll", "titlecaseletter": "Lt", "modifierletter": "Lm",
      "otherletter": "Lo", "nonspacingmark": "Mn", "spacingmark": "Mc", "enclosingmark": "Me", "decimalnumber": "Nd",
      "letternumber": "Nl", "othernumber": "No", "connectorpunctuation": "Pc", "dashpunctuation": "Pd",
      "openpunctuation": "Ps", "closepunctuation": "Pe", "initialpunctuation": "Pi", "finalpunctuation": "Pf",
      "otherpunctuation": "Po", "mathsymbol": "Sm", "currencysymbol": "Sc", "modifiersymbol": "Sk", "othersymbol": "So",
      "spaceseparator": "Zs", "lineseparator": "Zl", "paragraphseparator": "Zp", "control": "Cc", "format": "Cf",
      "surrogate": "Cs", "privateuse": "Co", "unassigned": "Cn",
    ]
    for name in ScalarTable.categoryNames + ["L", "M", "N", "P", "S", "Z", "C"] { names[name.lowercased()] = name }
    return names
  }()
}

/// The classes that one pattern has asked for: some take milliseconds to gather.
struct KnownClasses {
  private var properties: [String: ScalarSet] = [:]
  private var brackets: [String: ScalarSet] = [:]

  mutating func property(_ name: String) -> ScalarSet? {
    if let known = properties[name] { return known }
    let set = RegexClasses.property(name)
    properties[name] = set
    return set
  }

  mutating func posix(_ name: String) -> ScalarSet? {
    if let known = brackets[name] { return known }
    let set = RegexClasses.posix(name)
    brackets[name] = set
    return set
  }
}
