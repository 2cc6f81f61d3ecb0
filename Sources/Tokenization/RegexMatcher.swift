/// Runs a compiled pattern over valid UTF-8.
struct RegexMatcher {
  let bytes: UnsafePointer<UInt8>
  /// The text's bounds: lookaround sees nothing beyond them.
  let start: Int
  let end: Int
  let instructions: UnsafeBufferPointer<RegexInstruction>
  let sets: UnsafeBufferPointer<ScalarBitmap>
  var registers: [Int]
  /// Below 0 the match has been given up.
  var stepsLeft: Int
  /// While a part is matched backwards: where it must end.
  private var behindEnd = -1
  private var stack: [Choice] = []

  init(
    bytes: UnsafePointer<UInt8>, start: Int, end: Int, instructions: UnsafeBufferPointer<RegexInstruction>,
    sets: UnsafeBufferPointer<ScalarBitmap>, registers: [Int], stepsLeft: Int
  ) {
    self.bytes = bytes
    self.start = start
    self.end = end
    self.instructions = instructions
    self.sets = sets
    self.registers = registers
    self.stepsLeft = stepsLeft
  }

  /// What to try when a path fails.
  private enum Choice {
    case path(instruction: Int, position: Int)
    /// A greedy loop that may give back scalars down to `minimum`, then go on at the instruction.
    case giveBack(instruction: Int, minimum: Int, position: Int)
    /// A lazy loop that may take one more scalar of the set, then go on at the instruction.
    case takeMore(instruction: Int, set: Int, position: Int, left: Int)
    case restore(register: Int, value: Int)
  }

  /// The end of the match that begins at the position.
  mutating func match(at position: Int) -> Int? {
    run(from: 0, at: position)
  }

  private mutating func run(from first: Int, at begin: Int) -> Int? {
    let floor = stack.count
    var instruction = first
    var position = begin
    while true {
      stepsLeft -= 1
      if stepsLeft < 0 {
        stack.removeLast(stack.count - floor)
        return nil
      }
      var succeeded = true
      switch instructions[instruction] {
      case .accept:
        stack.removeLast(stack.count - floor)
        return position
      case .set(let set):
        if position < end {
          let (scalar, next) = UTF8Reading.scalar(bytes, position)
          succeeded = sets[set].contains(scalar)
          position = next
        } else {
          succeeded = false
        }
        instruction += 1
      case .loop(let set, let minimum, let maximum, let greed):
        succeeded = loop(set, minimum, maximum, greed, next: instruction + 1, &position)
        instruction += 1
      case .split(let first, let second):
        stack.append(.path(instruction: second, position: position))
        instruction = first
      case .jump(let target): instruction = target
      case .atomic(let target):
        if let stop = run(from: instruction + 1, at: position) { position = stop } else { succeeded = false }
        instruction = target
      case .lookAhead(let target, let negated):
        succeeded = (run(from: instruction + 1, at: position) != nil) != negated
        instruction = target
      case .lookBehind(let target, let negated, let lengths):
        succeeded = lookBehind(instruction + 1, lengths, position) != negated
        instruction = target
      case .assertion(let assertion):
        succeeded = holds(assertion, position)
        instruction += 1
      case .endBehind:
        succeeded = position == behindEnd
        instruction += 1
      case .mark(let register):
        stack.append(.restore(register: register, value: registers[register]))
        registers[register] = position
        instruction += 1
      case .progress(let register, let exit):
        instruction = registers[register] == position ? exit : instruction + 1
      }
      if succeeded { continue }
      guard let (resumed, at) = backtrack(to: floor) else { return nil }
      instruction = resumed
      position = at
    }
  }

  private mutating func backtrack(to floor: Int) -> (instruction: Int, position: Int)? {
    while stack.count > floor {
      switch stack.removeLast() {
      case .path(let instruction, let position): return (instruction, position)
      case .giveBack(let instruction, let minimum, let position):
        let previous = UTF8Reading.previous(bytes, position)
        if previous > minimum {
          stack.append(.giveBack(instruction: instruction, minimum: minimum, position: previous))
        }
        return (instruction, previous)
      case .takeMore(let instruction, let set, let position, let left):
        guard position < end else { continue }
        let (scalar, next) = UTF8Reading.scalar(bytes, position)
        guard sets[set].contains(scalar) else { continue }
        if left != 1 {
          stack.append(.takeMore(instruction: instruction, set: set, position: next, left: left - 1))
        }
        return (instruction, next)
      case .restore(let register, let value): registers[register] = value
      }
    }
    return nil
  }

  private mutating func loop(
    _ set: Int, _ minimum: Int, _ maximum: Int, _ greed: RegexNode.Greed, next: Int, _ position: inout Int
  ) -> Bool {
    var count = 0
    var leastEnd = position
    let wanted = greed == .lazy ? minimum : maximum
    while position < end, wanted < 0 || count < wanted {
      let (scalar, after) = UTF8Reading.scalar(bytes, position)
      guard sets[set].contains(scalar) else { break }
      position = after
      count += 1
      if count == minimum { leastEnd = position }
    }
    stepsLeft -= count
    guard count >= minimum else { return false }
    switch greed {
    case .possessive: break
    case .greedy:
      if position > leastEnd { stack.append(.giveBack(instruction: next, minimum: leastEnd, position: position)) }
    case .lazy:
      if maximum < 0 || count < maximum {
        stack.append(
          .takeMore(instruction: next, set: set, position: position, left: maximum < 0 ? -1 : maximum - count))
      }
    }
    return true
  }

  private mutating func lookBehind(_ instruction: Int, _ lengths: [Int], _ position: Int) -> Bool {
    for length in lengths {
      var begin = position
      var left = length
      while left > 0, begin > start {
        begin = UTF8Reading.previous(bytes, begin)
        left -= 1
      }
      if left == 0 {
        var behind = RegexMatcher(
          bytes: bytes, start: start, end: end, instructions: instructions, sets: sets, registers: registers,
          stepsLeft: stepsLeft)
        behind.behindEnd = position
        let stop = behind.run(from: instruction, at: begin)
        stepsLeft = behind.stepsLeft
        if stop != nil { return true }
      }
    }
    return false
  }

  private func holds(_ assertion: RegexNode.Assertion, _ position: Int) -> Bool {
    switch assertion {
    case .textStart: return position == start
    case .textEnd: return position == end
    case .textEndBeforeNewline: return position == end || (position == end - 1 && bytes[position] == 0x0A)
    case .lineStart: return position == start || (bytes[position - 1] == 0x0A && position < end)
    case .lineEnd: return position == end || bytes[position] == 0x0A
    case .wordBoundary: return isBoundary(position)
    case .notWordBoundary: return !isBoundary(position)
    }
  }

  private func isBoundary(_ position: Int) -> Bool {
    let before =
      position > start && RegexClasses.isWord(UTF8Reading.scalar(bytes, UTF8Reading.previous(bytes, position)).value)
    let after = position < end && RegexClasses.isWord(UTF8Reading.scalar(bytes, position).value)
    return before != after
  }
}

extension RegexClasses {
  private static let wordMap = ScalarBitmap(word)

  /// Whether `\w` matches a scalar.
  static func isWord(_ scalar: UInt32) -> Bool { wordMap.contains(scalar) }
}
