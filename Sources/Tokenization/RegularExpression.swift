import Diagnostics

/// A regular expression made ready to match UTF-8 by backtracking, within a limit of steps.
///
/// Alternatives are tried in order and the leftmost match wins, as in Oniguruma. A pattern whose matching takes more
/// steps than twenty million and two hundred for each byte of the text is given up with a `Fault`, so that none can hang.
struct RegularExpression: Sendable {
  private(set) var instructions: [RegexInstruction] = []
  private(set) var sets: [ScalarBitmap] = []
  private(set) var registers = 0
  let pattern: String
  private let file: String
  private let place: String

  /// - Throws: `Fault` named `tokenizer.unsupportedPattern` where the pattern is ill-formed or uses what is not known.
  init(_ pattern: String, file: String, place: String) throws {
    self.pattern = pattern
    self.file = file
    self.place = place
    var compiler = RegexCompiler(pattern: pattern, file: file, place: place)
    try compiler.compile(try RegexParser.parse(pattern, file: file, place: place))
    try compiler.append(.accept)
    instructions = compiler.instructions
    sets = compiler.bitmaps
    registers = compiler.registers
  }

  /// The steps that may be taken on so many bytes.
  static func stepLimit(_ bytes: Int) -> Int { 20_000_000 + 200 * bytes }

  /// The matches within a range of the text, which is matched as if it stood alone. An empty match is one too, unless it
  /// touches the end of the match before.
  ///
  /// - Parameter steps: How many steps may be taken; those taken are taken off, so that one limit holds for many ranges.
  func matches(in bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, steps: inout Int) throws -> [Range<Int>] {
    guard let base = bytes.baseAddress else { return [] }
    var found: [Range<Int>] = []
    let failed = instructions.withUnsafeBufferPointer { instructions in
      sets.withUnsafeBufferPointer { sets in
        var matcher = RegexMatcher(
          bytes: base, start: range.lowerBound, end: range.upperBound, instructions: instructions, sets: sets,
          registers: [Int](repeating: -1, count: registers), stepsLeft: steps)
        defer { steps = matcher.stepsLeft }
        var position = range.lowerBound
        while position <= range.upperBound {
          let end = matcher.match(at: position)
          if matcher.stepsLeft < 0 { return true }
          if let end, end > position || found.last?.upperBound != position {
            found.append(position..<end)
            if end > position {
              position = end
              continue
            }
          }
          guard position < range.upperBound else { break }
          position += UTF8Reading.length(base[position])
        }
        return false
      }
    }
    if failed {
      throw Fault(
        .badData, "tokenizer.patternTooSlow", "A pattern of the tokenizer takes too many steps on a text", file: file,
        place: place, expected: "at most twenty million steps and two hundred for each byte",
        found: "the pattern \(pattern.prefix(300))",
        advice: "cut the text into smaller documents, or use another tokenizer")
    }
    return found
  }
}

/// One step of a compiled pattern.
enum RegexInstruction: Sendable {
  case set(Int)
  /// Repeats a set; `maximum` −1: without limit.
  case loop(set: Int, minimum: Int, maximum: Int, RegexNode.Greed)
  /// Goes on at `first`, and at `second` if that fails.
  case split(first: Int, second: Int)
  case jump(Int)
  /// The instructions up to `end` are matched by themselves.
  case atomic(end: Int)
  case lookAhead(end: Int, negated: Bool)
  /// Matched so as to end here, from as many scalars back as one of the lengths says.
  case lookBehind(end: Int, negated: Bool, lengths: [Int])
  case assertion(RegexNode.Assertion)
  /// Ends a part that is matched backwards: it must end where it was asked for.
  case endBehind
  /// Notes the position in a register.
  case mark(Int)
  /// Leaves a loop for `exit` where nothing has been consumed since the mark.
  case progress(Int, exit: Int)
  case accept
}

struct RegexCompiler {
  let pattern: String
  let file: String
  let place: String
  private(set) var instructions: [RegexInstruction] = []
  private(set) var bitmaps: [ScalarBitmap] = []
  private var known: [ScalarSet: Int] = [:]
  private(set) var registers = 0
  private var compiledNodes = 0

  init(pattern: String, file: String, place: String) {
    self.pattern = pattern
    self.file = file
    self.place = place
  }

  private func fault(_ problem: String) -> Fault {
    Fault(
      .badData, "tokenizer.unsupportedPattern", "A pattern of the tokenizer cannot be used", file: file, place: place,
      found: "\(problem) in \(pattern.prefix(300))")
  }

  mutating func append(_ instruction: RegexInstruction) throws {
    guard instructions.count < 20_000 else { throw fault("more than 20,000 steps") }
    instructions.append(instruction)
  }

  private mutating func index(of set: ScalarSet) throws -> Int {
    if let index = known[set] { return index }
    guard bitmaps.count < 200 else { throw fault("more than 200 different classes") }
    known[set] = bitmaps.count
    bitmaps.append(ScalarBitmap(set))
    return bitmaps.count - 1
  }

  mutating func compile(_ node: RegexNode) throws {
    // Repeated parts are compiled as often as they are repeated, even where they are empty.
    compiledNodes += 1
    guard compiledNodes < 100_000 else { throw fault("more than 100,000 parts with all repetitions") }
    switch node {
    case .empty: break
    case .set(let set): try append(.set(try index(of: set)))
    case .sequence(let nodes): for node in nodes { try compile(node) }
    case .alternatives(let branches): try compileAlternatives(branches)
    case .repetition(let body, let minimum, let maximum, let greed):
      try compileRepetition(body, minimum, maximum, greed)
    case .atomic(let body):
      try enclosed(body) { .atomic(end: $0) }
    case .look(let body, let behind, let negated):
      if behind {
        guard let lengths = Self.lengths(body) else { throw fault("a lookbehind of variable length") }
        try enclosed(body, last: .endBehind) { .lookBehind(end: $0, negated: negated, lengths: lengths.sorted()) }
      } else {
        try enclosed(body) { .lookAhead(end: $0, negated: negated) }
      }
    case .assertion(let assertion): try append(.assertion(assertion))
    }
  }

  /// A part that ends in `accept` and is matched by itself, behind the instruction that does so.
  private mutating func enclosed(
    _ body: RegexNode, last: RegexInstruction? = nil, _ opening: (Int) -> RegexInstruction
  ) throws {
    let start = instructions.count
    try append(.accept)
    try compile(body)
    if let last { try append(last) }
    try append(.accept)
    instructions[start] = opening(instructions.count)
  }

  private mutating func compileAlternatives(_ branches: [RegexNode]) throws {
    var jumps: [Int] = []
    for (i, branch) in branches.enumerated() {
      if i == branches.count - 1 {
        try compile(branch)
        break
      }
      let split = instructions.count
      try append(.accept)
      try compile(branch)
      jumps.append(instructions.count)
      try append(.accept)
      instructions[split] = .split(first: split + 1, second: instructions.count)
    }
    for jump in jumps { instructions[jump] = .jump(instructions.count) }
  }

  private mutating func compileRepetition(
    _ body: RegexNode, _ minimum: Int, _ maximum: Int?, _ greed: RegexNode.Greed
  ) throws {
    if case .set(let set) = body {
      try append(.loop(set: try index(of: set), minimum: minimum, maximum: maximum ?? -1, greed))
      return
    }
    if greed == .possessive {
      try compile(.atomic(.repetition(body, minimum: minimum, maximum: maximum, .greedy)))
      return
    }
    for _ in 0..<minimum { try compile(body) }
    func split(_ body: Int, _ exit: Int) -> RegexInstruction {
      greed == .lazy ? .split(first: exit, second: body) : .split(first: body, second: exit)
    }
    guard let maximum else {
      let register = registers
      registers += 1
      let start = instructions.count
      try append(.accept)
      try append(.mark(register))
      try compile(body)
      let end = instructions.count
      try append(.progress(register, exit: end + 2))
      try append(.jump(start))
      instructions[start] = split(start + 1, end + 2)
      return
    }
    var splits: [Int] = []
    for _ in minimum..<max(minimum, maximum) {
      splits.append(instructions.count)
      try append(.accept)
      try compile(body)
    }
    for at in splits { instructions[at] = split(at + 1, instructions.count) }
  }

  /// The numbers of scalars that a node can match, or nil where they are not bounded or more than twenty.
  private static func lengths(_ node: RegexNode) -> Set<Int>? {
    func combined(_ a: Set<Int>, _ b: Set<Int>) -> Set<Int>? {
      let all = Set(a.flatMap { x in b.map { x + $0 } })
      return all.count <= 20 ? all : nil
    }
    switch node {
    case .empty, .look, .assertion: return [0]
    case .set: return [1]
    case .atomic(let body): return lengths(body)
    case .sequence(let nodes):
      var all: Set<Int> = [0]
      for node in nodes {
        guard let lengths = lengths(node), let both = combined(all, lengths) else { return nil }
        all = both
      }
      return all
    case .alternatives(let branches):
      var all: Set<Int> = []
      for branch in branches {
        guard let lengths = lengths(branch) else { return nil }
        all.formUnion(lengths)
      }
      return all.count <= 20 ? all : nil
    case .repetition(let body, let minimum, let maximum, _):
      guard let maximum, maximum <= 20, let once = lengths(body) else { return nil }
      var all: Set<Int> = []
      var times: Set<Int> = [0]
      for count in 0...maximum {
        if count >= minimum { all.formUnion(times) }
        guard let more = combined(times, once) else { return nil }
        times = more
      }
      return all.count <= 20 ? all : nil
    }
  }
}
