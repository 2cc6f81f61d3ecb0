/// How large a pattern is when its counted repetitions are written out.
///
/// A few nested counts, such as `((a{1000}){1000}){1000}`, ask for as many steps as nobody can wait for, some of them in
/// ways that no limit of the matching library counts; lookbehinds inside one another take it twice as long to compile each,
/// absent groups as often to match as the text is long. So the parts are counted before the library sees the pattern.
struct PatternSize {
  /// What is known of a group while it is read.
  private struct Group {
    /// Parts before the last one.
    var parts = 0
    /// The size of the last part, which a count multiplies.
    var last = 0
    /// Whether white space and comments count as nothing: the option x.
    var isExtended: Bool
    /// How much more what is inside weighs.
    var weight = 1

    mutating func append(_ size: Int) {
      parts = PatternSize.sum(parts, last)
      last = size
    }
  }

  private let scalars: [Unicode.Scalar]
  private var position = 0

  /// The number of characters, classes and the like, each as often as the counts around it say.
  static func parts(of scalars: [Unicode.Scalar]) -> Int {
    var size = PatternSize(scalars: scalars)
    return size.count()
  }

  private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

  private static func sum(_ a: Int, _ b: Int) -> Int {
    let (value, overflows) = a.addingReportingOverflow(b)
    return overflows ? .max : value
  }

  private static func product(_ a: Int, _ b: Int) -> Int {
    let (value, overflows) = a.multipliedReportingOverflow(by: b)
    return overflows ? .max : value
  }

  private mutating func count() -> Int {
    var groups: [Group] = []
    var group = Group(isExtended: false)
    while position < scalars.count {
      let scalar = scalars[position]
      position += 1
      switch scalar {
      case "\\":
        passEscape()
        group.append(1)
      case "[":
        passClass()
        group.append(1)
      case "(":
        if take("?#") {
          pass(to: ")")
        } else if let (isExtended, opens) = options(group.isExtended) {
          if opens { groups.append(group) }
          if opens { group = Group(isExtended: isExtended) } else { group.isExtended = isExtended }
        } else {
          groups.append(group)
          let weight = take("?<=") || take("?<!") ? 4 : take("?~") ? 10 : 1
          group = Group(isExtended: group.isExtended, weight: weight)
        }
      case ")":
        let size = Self.product(max(1, Self.sum(group.parts, group.last)), group.weight)
        guard let outer = groups.popLast() else { break }
        group = outer
        group.append(size)
      case "{":
        guard let times = interval() else {
          group.append(1)
          break
        }
        group.last = Self.product(group.last, max(1, times))
      case "#" where group.isExtended: pass(to: "\n")
      case "*", "+", "?": break
      case _ where group.isExtended && scalar.properties.isWhitespace: break
      default: group.append(1)
      }
    }
    return groups.reduce(Self.sum(group.parts, group.last)) { Self.sum($0, Self.sum($1.parts, $1.last)) }
  }

  private mutating func take(_ text: String) -> Bool {
    let wanted = text.unicodeScalars
    guard scalars[position...].starts(with: wanted) else { return false }
    position += wanted.count
    return true
  }

  private mutating func pass(to end: Unicode.Scalar) {
    while position < scalars.count, scalars[position] != end { position += scalars[position] == "\\" ? 2 : 1 }
    position = min(position + 1, scalars.count)
  }

  /// What follows a backslash: the braces that belong to it, and the character after `\c`, `\C-` and `\M-`.
  private mutating func passEscape() {
    while position < scalars.count {
      let letter = scalars[position]
      position += 1
      switch letter {
      case "p", "P", "x", "o":
        if take("{") { pass(to: "}") }
        return
      case "c": break
      case "C", "M": guard take("-") else { return }
      default: return
      }
      // What is changed may itself be written with a backslash, as in \M-\C-x.
      guard take("\\") else {
        position = min(position + 1, scalars.count)
        return
      }
    }
  }

  /// A class, whose opening bracket has been read, and the classes in it.
  private mutating func passClass() {
    var depth = 1
    // A bracket that would close an empty class stands for itself.
    var isFirst = true
    _ = take("^")
    while position < scalars.count {
      let scalar = scalars[position]
      position += 1
      switch scalar {
      case "\\":
        position = min(position + 1, scalars.count)
        isFirst = false
      case "[":
        depth += 1
        isFirst = true
        _ = take("^")
      case "]" where !isFirst:
        depth -= 1
        if depth == 0 { return }
      default: isFirst = false
      }
    }
  }

  /// Options such as `(?i-x:` and `(?x)`, whose first parenthesis has been read: whether x holds from there, and whether
  /// a group begins.
  private mutating func options(_ before: Bool) -> (isExtended: Bool, opens: Bool)? {
    guard position < scalars.count, scalars[position] == "?" else { return nil }
    var isExtended = before
    var turnsOn = true
    var place = position + 1
    while place < scalars.count {
      switch scalars[place] {
      case "-": turnsOn = false
      case "x": isExtended = turnsOn
      case ":", ")":
        position = place + 1
        return (isExtended, scalars[place] == ":")
      case "a"..."z", "A"..."Z", "{", "}": break
      default: return nil
      }
      place += 1
    }
    return nil
  }

  /// The larger number of `{n}`, `{n,}`, `{,m}` or `{n,m}`, whose first brace has been read; anything else is literal.
  private mutating func interval() -> Int? {
    var place = position
    func number() -> Int? {
      var value: Int?
      while place < scalars.count, case let digit = scalars[place], digit >= "0", digit <= "9" {
        value = min((value ?? 0) * 10 + Int(digit.value - 0x30), 1_000_000)
        place += 1
      }
      return value
    }
    var largest = number()
    if place < scalars.count, scalars[place] == "," {
      place += 1
      largest = [largest, number()].compactMap { $0 }.max()
    }
    guard let largest, place < scalars.count, scalars[place] == "}" else { return nil }
    position = place + 1
    return largest
  }
}
