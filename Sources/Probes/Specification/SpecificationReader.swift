import Diagnostics
import Yams

/// The fields of a flat YAML file, each with its line, for messages that say where and what was meant.
struct SpecificationReader {
  private let file: String?
  private let fields: [String: Field]

  /// Parses the text and refuses keys that aren't among `keys`.
  init(_ text: String, keys: [String], file: String?) throws {
    self.file = file
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw Self.syntaxFault(error, file: file)
    }
    guard let mapping = root?.mapping else {
      throw Fault(
        .badData, "specification.syntax", "A specification is a list of keys and values", file: file,
        place: root?.mark.map { "line \($0.line)" }, expected: "lines such as \"concept: sarcasm\"",
        found: root == nil ? "an empty file" : "something else")
    }
    var fields: [String: Field] = [:]
    for (keyNode, value) in mapping {
      let line = keyNode.mark?.line ?? 0
      guard let key = keyNode.scalar?.string, keys.contains(key) else {
        let found = keyNode.scalar?.string ?? "a key that is not a word"
        let near = nearestNames(to: found, among: keys)
        throw Fault(
          .badData, "specification.unknownKey", "A specification has no such key", file: file, place: "line \(line)",
          expected: near.isEmpty ? "one of \(keys.joined(separator: ", "))" : near.joined(separator: ", "),
          found: found, advice: near.first.map { "did you mean \"\($0)\"?" })
      }
      fields[key] = Field(key: key, node: value, line: value.mark?.line ?? line, file: file)
    }
    self.fields = fields
  }

  func field(_ key: String) -> Field? { fields[key] }

  func required(_ key: String) throws -> Field {
    guard let field = fields[key] else {
      throw Fault(
        .badData, "specification.missingKey", "The specification lacks a key", file: file, place: "the whole file",
        expected: "a line \"\(key): …\"", found: fields.keys.sorted().joined(separator: ", "))
    }
    return field
  }

  private static func syntaxFault(_ error: YamlError, file: String?) -> Fault {
    var place: String?
    var found = "\(error)"
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      place = "line \(mark.line), column \(mark.column)"
      found = problem
    case .duplicatedKeysInMapping(let duplicates, let context):
      place = "line \(context.mark.line)"
      found = "\(duplicates.joined(separator: ", ")) more than once"
    default: break
    }
    return Fault(
      .badData, "specification.syntax", "The file is not well-formed YAML", file: file, place: place,
      expected: "keys and values, each key once", found: found)
  }
}

extension SpecificationReader {
  /// A key's value.
  struct Field {
    let key: String
    let node: Node
    let line: Int
    let file: String?

    func fault(_ problem: String, expected: String, found: String, advice: String? = nil) -> Fault {
      Fault(
        .badData, "specification.value", problem, file: file, place: "line \(line), key \(key)", expected: expected,
        found: found, advice: advice)
    }

    func unknownWord(_ word: String, among words: [String]) -> Fault {
      let near = nearestNames(to: word, among: words)
      return fault(
        "The key has no such value", expected: "one of \(words.joined(separator: ", "))", found: word,
        advice: near.isEmpty ? nil : "did you mean \(near.joined(separator: " or "))?")
    }

    /// A text, which may look like a number: a label can be `1`.
    func text() throws -> String {
      guard let text = node.scalar?.string, !text.isEmpty else {
        throw fault("The key needs a text", expected: "a word or words", found: shape)
      }
      return text
    }

    /// A text, or a list of texts; a text with commas is a list too.
    func texts() throws -> [String] {
      let texts: [String]
      if let nodes = node.sequence {
        texts = try nodes.map { try Field(key: key, node: $0, line: $0.mark?.line ?? line, file: file).text() }
      } else {
        texts = try text().split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }
      }
      guard !texts.isEmpty else { throw fault("The key needs a value", expected: "a word or a list", found: shape) }
      return texts
    }

    func word<Choice: RawRepresentable & CaseIterable>(of type: Choice.Type) throws -> Choice
    where Choice.RawValue == String {
      let text = try text()
      guard let choice = Choice(rawValue: text) else {
        throw unknownWord(text, among: Choice.allCases.map(\.rawValue))
      }
      return choice
    }

    func number(expected: String, where isAllowed: (Double) -> Bool) throws -> Double {
      guard let number = node.float ?? node.int.map(Double.init), isAllowed(number) else {
        throw fault("The key needs another number", expected: expected, found: shape)
      }
      return number
    }

    func numbers(expected: String, where isAllowed: (Double) -> Bool) throws -> [Double] {
      guard let nodes = node.sequence else { return [try number(expected: expected, where: isAllowed)] }
      guard nodes.count > 0 else { throw fault("The key needs a number", expected: expected, found: "an empty list") }
      return try nodes.map {
        try Field(key: key, node: $0, line: $0.mark?.line ?? line, file: file)
          .number(expected: expected, where: isAllowed)
      }
    }

    func whole(expected: String, where isAllowed: (Int) -> Bool) throws -> Int {
      guard let number = node.int, isAllowed(number) else {
        throw fault("The key needs another number", expected: expected, found: shape)
      }
      return number
    }

    /// The value as a message shows it.
    private var shape: String {
      switch node {
      case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : scalar.string
      case .sequence: "a list"
      case .mapping: "keys and values"
      case .alias: "an alias"
      }
    }
  }
}

extension Substring {
  fileprivate var trimmed: String {
    var part = self
    while part.first?.isWhitespace == true { part.removeFirst() }
    while part.last?.isWhitespace == true { part.removeLast() }
    return String(part)
  }
}
