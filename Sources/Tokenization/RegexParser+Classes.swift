extension RegexParser {
  mutating func escape(_ options: Options) throws -> RegexNode {
    switch next {
    case "A": return assertion(.textStart)
    case "z": return assertion(.textEnd)
    case "Z": return assertion(.textEndBeforeNewline)
    case "b": return assertion(.wordBoundary)
    case "B": return assertion(.notWordBoundary)
    default:
      if let set = try escapedSet() { return .set(set) }
      let value = try escapedScalar()
      return .set(literal(value, options))
    }
  }

  private mutating func assertion(_ assertion: RegexNode.Assertion) -> RegexNode {
    position += 1
    return .assertion(assertion)
  }

  /// A class such as `\s` or `\p{L}`; the position is after the backslash.
  private mutating func escapedSet() throws -> ScalarSet? {
    guard let letter = next else { throw fault("a backslash with nothing after it") }
    let set: ScalarSet
    switch letter {
    case "s", "S": set = RegexClasses.space
    case "d", "D": set = RegexClasses.digit
    case "w", "W": set = RegexClasses.word
    case "h", "H": set = RegexClasses.hexadecimal
    case "p", "P": return try property()
    case "R", "X", "K", "G", "k", "g", "y", "Y", "N", "O": throw fault("the escape \\\(letter)")
    case "1"..."9": throw fault("a back reference")
    default: return nil
    }
    position += 1
    return letter.properties.isUppercase ? set.complement : set
  }

  private mutating func property() throws -> ScalarSet {
    var isNegated = next == "P"
    position += 1
    guard take("{") else { throw fault("a property without braces") }
    if take("^") { isNegated.toggle() }
    var name = ""
    while let scalar = next, scalar != "}" {
      name.unicodeScalars.append(scalar)
      position += 1
    }
    guard take("}") else { throw fault("a property that does not end") }
    guard let set = classes.property(name) else { throw fault("the property \\p{\(name)}") }
    return isNegated ? set.complement : set
  }

  /// A single character written with a backslash; the position is after the backslash.
  private mutating func escapedScalar() throws -> UInt32 {
    guard let letter = next else { throw fault("a backslash with nothing after it") }
    position += 1
    switch letter {
    case "n": return 0x0A
    case "r": return 0x0D
    case "t": return 0x09
    case "f": return 0x0C
    case "v": return 0x0B
    case "a": return 0x07
    case "e": return 0x1B
    case "0": return 0
    case "u": return try hexadecimal(digits: 4)
    case "x":
      if take("{") {
        let value = try hexadecimal(digits: nil)
        guard take("}") else { throw fault("a hexadecimal number that does not end") }
        return value
      }
      return try hexadecimal(digits: 2)
    default:
      guard !letter.properties.isAlphabetic, !(letter >= "0" && letter <= "9") else {
        throw fault("the escape \\\(letter)")
      }
      return letter.value
    }
  }

  private mutating func hexadecimal(digits: Int?) throws -> UInt32 {
    var value: UInt32 = 0
    var count = 0
    while let scalar = next, count < digits ?? 8, let digit = Character(scalar).hexDigitValue, scalar.isASCII {
      value = value << 4 | UInt32(digit)
      position += 1
      count += 1
    }
    guard count > 0, digits == nil || count == digits || digits == 2, Unicode.Scalar(value) != nil else {
      throw fault("a hexadecimal number that names no character")
    }
    return value
  }

  /// A class in brackets; the position is after the opening one.
  mutating func bracketed(_ options: Options) throws -> ScalarSet {
    depth += 1
    defer { depth -= 1 }
    guard depth < 100 else { throw fault("more than 100 classes inside one another") }
    let isNegated = take("^")
    var set = ScalarSet.Builder()
    var intersected: ScalarSet?
    var isFirst = true
    while let scalar = next {
      if scalar == "]", !isFirst {
        position += 1
        var result = set.set
        if let other = intersected { result = other.intersection(result) }
        if options.ignoresCase { result = result.ignoringCase }
        return isNegated ? result.complement : result
      }
      isFirst = false
      if take("&&") {
        intersected = intersected?.intersection(set.set) ?? set.set
        set = ScalarSet.Builder()
        continue
      }
      if scalar == "[" {
        set.add(try posixClass() ?? nested(options))
        continue
      }
      position += 1
      var low = scalar.value
      if scalar == "\\" {
        if next == "b" {
          position += 1
          low = 0x08
        } else if let escaped = try escapedSet() {
          set.add(escaped)
          continue
        } else {
          low = try escapedScalar()
        }
      }
      guard next == "-", let end = peek(1), end != "]", end != "[" else {
        set.add(low...low)
        continue
      }
      position += 2
      var high = end.value
      if end == "\\" {
        if let escaped = try escapedSet() {
          // A class cannot end a range: the dash stands for itself.
          set.add(escaped)
          set.add(low...low)
          set.add(0x2D...0x2D)
          continue
        }
        high = try escapedScalar()
      }
      guard low <= high else { throw fault("a range whose end lies before its start") }
      set.add(low...high)
    }
    throw fault("a class that does not end")
  }

  private mutating func nested(_ options: Options) throws -> ScalarSet {
    position += 1
    return try bracketed(options)
  }

  /// `[:alpha:]` and its like, or nil where none stands here.
  private mutating func posixClass() throws -> ScalarSet? {
    let start = position
    guard take("[:") else { return nil }
    let isNegated = take("^")
    var name = ""
    while let scalar = next, scalar != ":", scalar.properties.isAlphabetic {
      name.unicodeScalars.append(scalar)
      position += 1
    }
    guard take(":]"), let set = classes.posix(name) else {
      position = start
      return nil
    }
    return isNegated ? set.complement : set
  }
}
