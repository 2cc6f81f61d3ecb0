import Diagnostics

/// A regular expression taken apart.
indirect enum RegexNode: Sendable {
  case empty
  case set(ScalarSet)
  case sequence([RegexNode])
  case alternatives([RegexNode])
  case repetition(RegexNode, minimum: Int, maximum: Int?, Greed)
  case atomic(RegexNode)
  case look(RegexNode, behind: Bool, negated: Bool)
  case assertion(Assertion)

  enum Greed: Sendable { case greedy, lazy, possessive }

  enum Assertion: Sendable {
    case textStart, textEnd, textEndBeforeNewline, lineStart, lineEnd, wordBoundary, notWordBoundary
  }
}

/// Reads the part of Oniguruma's syntax (as Ruby has it) that tokenizers use.
///
/// Groups capture nothing, since nothing refers to them. Back references, calls, conditionals and absent operators are
/// refused by name.
struct RegexParser {
  /// Longer patterns are refused; the longest in use have some 500 characters.
  private static let maximumLength = 10_000

  let scalars: [Unicode.Scalar]
  var position = 0
  var depth = 0
  /// Classes asked for before.
  var classes = KnownClasses()
  private let file: String
  private let place: String

  struct Options {
    var ignoresCase = false
    var isExtended = false
    var dotMatchesNewline = false
  }

  static func parse(_ pattern: String, file: String, place: String) throws -> RegexNode {
    var parser = RegexParser(scalars: Array(pattern.unicodeScalars), file: file, place: place)
    guard parser.scalars.count <= maximumLength else { throw parser.fault("more than \(maximumLength) characters") }
    let node = try parser.alternatives(Options())
    guard parser.position == parser.scalars.count else { throw parser.fault("an unmatched )") }
    return node
  }

  private init(scalars: [Unicode.Scalar], file: String, place: String) {
    self.scalars = scalars
    self.file = file
    self.place = place
  }

  func fault(_ problem: String) -> Fault {
    Fault(
      .badData, "tokenizer.unsupportedPattern", "A pattern of the tokenizer cannot be used", file: file, place: place,
      expected: "a regular expression of groups, classes, properties, quantifiers and lookaround",
      found: "\(problem) at character \(position) of \(String(String.UnicodeScalarView(scalars)).prefix(300))")
  }

  var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  func peek(_ offset: Int) -> Unicode.Scalar? {
    position + offset < scalars.count ? scalars[position + offset] : nil
  }

  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    position += 1
    return true
  }

  mutating func take(_ text: String) -> Bool {
    let wanted = Array(text.unicodeScalars)
    guard position + wanted.count <= scalars.count, scalars[position..<position + wanted.count].elementsEqual(wanted)
    else { return false }
    position += wanted.count
    return true
  }

  // MARK: Structure

  mutating func alternatives(_ options: Options) throws -> RegexNode {
    depth += 1
    defer { depth -= 1 }
    guard depth < 100 else { throw fault("more than 100 groups inside one another") }
    var options = options
    var branches = [try sequence(&options)]
    while take("|") { branches.append(try sequence(&options)) }
    return branches.count == 1 ? branches[0] : .alternatives(branches)
  }

  private mutating func sequence(_ options: inout Options) throws -> RegexNode {
    var nodes: [RegexNode] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      if options.isExtended, scalar.properties.isWhitespace {
        position += 1
        continue
      }
      guard var node = try atom(&options) else { continue }
      var quantifiers = 0
      while let quantified = try quantifier(node) {
        node = quantified
        quantifiers += 1
        guard quantifiers <= 10 else { throw fault("more than 10 quantifiers on one another") }
      }
      nodes.append(node)
    }
    return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
  }

  private mutating func quantifier(_ node: RegexNode) throws -> RegexNode? {
    var minimum = 0
    var maximum: Int?
    var isInterval = false
    switch next {
    case "*": position += 1
    case "+":
      position += 1
      minimum = 1
    case "?":
      position += 1
      maximum = 1
    case "{":
      guard let interval = interval() else { return nil }
      (minimum, maximum) = interval
      if let maximum, maximum < minimum { throw fault("an interval whose end lies before its start") }
      guard minimum <= 1000, maximum ?? 0 <= 1000 else { throw fault("more than 1000 repetitions") }
      isInterval = true
    default: return nil
    }
    if take("?") { return .repetition(node, minimum: minimum, maximum: maximum, .lazy) }
    // After an interval, + repeats the interval; elsewhere it forbids giving back.
    if !isInterval, take("+") { return .repetition(node, minimum: minimum, maximum: maximum, .possessive) }
    return .repetition(node, minimum: minimum, maximum: maximum, .greedy)
  }

  /// `{n}`, `{n,}`, `{,m}` or `{n,m}`; anything else in braces is literal.
  private mutating func interval() -> (Int, Int?)? {
    let start = position
    position += 1
    func digits(_ parser: inout Self) -> Int? {
      var value: Int?
      while let digit = parser.next, digit >= "0", digit <= "9" {
        value = min((value ?? 0) * 10 + Int(digit.value - 0x30), 1_000_000)
        parser.position += 1
      }
      return value
    }
    let low = digits(&self)
    if take(",") {
      let high = digits(&self)
      if low != nil || high != nil, take("}") { return (low ?? 0, high) }
    } else if let low, take("}") {
      return (low, low)
    }
    position = start
    return nil
  }

  private mutating func atom(_ options: inout Options) throws -> RegexNode? {
    guard let scalar = next else { return nil }
    position += 1
    switch scalar {
    case "(": return try group(&options)
    case "[": return .set(try bracketed(options))
    case ".":
      return .set(options.dotMatchesNewline ? .all : ScalarSet(0x0A).complement)
    case "^": return .assertion(.lineStart)
    case "$": return .assertion(.lineEnd)
    case "\\": return try escape(options)
    case "*", "+", "?": throw fault("a quantifier with nothing before it")
    case "#" where options.isExtended:
      while let comment = next, comment != "\n" {
        _ = comment
        position += 1
      }
      return nil
    default: return .set(literal(scalar.value, options))
    }
  }

  func literal(_ value: UInt32, _ options: Options) -> ScalarSet {
    options.ignoresCase ? ScalarSet(value).ignoringCase : ScalarSet(value)
  }

  private mutating func group(_ options: inout Options) throws -> RegexNode? {
    guard take("?") else { return try closed(try alternatives(options)) }
    if take(":") { return try closed(try alternatives(options)) }
    if take(">") { return try closed(.atomic(try alternatives(options))) }
    if take("=") { return try closed(.look(try alternatives(options), behind: false, negated: false)) }
    if take("!") { return try closed(.look(try alternatives(options), behind: false, negated: true)) }
    if take("<=") { return try closed(.look(try alternatives(options), behind: true, negated: false)) }
    if take("<!") { return try closed(.look(try alternatives(options), behind: true, negated: true)) }
    if take("#") {
      while let scalar = next, scalar != ")" {
        _ = scalar
        position += 1
      }
      _ = try closed(.empty)
      return nil
    }
    if next == "<" || next == "'" {
      let end: Unicode.Scalar = next == "<" ? ">" : "'"
      position += 1
      while let scalar = next, scalar.properties.isAlphabetic || scalar == "_" || scalar.properties.numericType != nil {
        position += 1
      }
      guard take(end) else { throw fault("a group name that does not end") }
      return try closed(try alternatives(options))
    }
    // Options, for the group or for what follows in the enclosing one.
    var changed = options
    var on = true
    while let letter = next {
      position += 1
      switch letter {
      case "-": on = false
      case "i": changed.ignoresCase = on
      case "x": changed.isExtended = on
      case "m": changed.dotMatchesNewline = on
      case ":": return try closed(try alternatives(changed))
      case ")":
        options = changed
        return nil
      default:
        position -= 1
        throw fault("the group (?\(letter)")
      }
    }
    throw fault("a group that does not end")
  }

  private mutating func closed(_ node: RegexNode) throws -> RegexNode {
    guard take(")") else { throw fault("a group that does not end") }
    return node
  }
}
