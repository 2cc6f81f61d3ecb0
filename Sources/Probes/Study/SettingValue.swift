import Diagnostics
import Foundation
import Yams

/// A setting's value as a person wrote it, in a file or on a command line, and what it can be read as.
struct SettingValue {
  let key: String
  /// The words of it; empty where it is something else, such as keys and values.
  private let words: [String]
  private let isList: Bool
  private let shape: String
  /// The file and the line in it; nil on a command line.
  private let file: String?
  private let line: Int?

  /// A flag's value.
  init(key: String, text: String) {
    self.key = key
    words = text.isEmpty ? [] : [text]
    isList = false
    shape = text.isEmpty ? "nothing" : text
    file = nil
    line = nil
  }

  /// A key's value in YAML.
  init(key: String, node: Node, line: Int, file: String?) {
    self.key = key
    self.file = file
    self.line = line
    isList = node.sequence != nil
    words = node.sequence.map { $0.compactMap { $0.scalar?.string } } ?? node.scalar.map { [$0.string] } ?? []
    shape =
      switch node {
      case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : scalar.string
      case .sequence(let nodes): nodes.isEmpty ? "an empty list" : words.joined(separator: ", ")
      case .mapping: "keys and values"
      case .alias: "an alias"
      }
  }

  /// What is wrong, and where it was written.
  func fault(_ problem: String, expected: String, found: String? = nil, advice: String? = nil) -> Fault {
    Fault(
      line == nil ? .usage : .badData, "specification.value", problem, file: file,
      place: line.map { "line \($0), key \(key)" } ?? "--\(key.replacing("_", with: "-"))", expected: expected,
      found: found ?? shape, advice: advice)
  }

  /// A text, which may look like a number: a label can be `1`.
  func text() throws -> String {
    guard !isList, let text = words.first, !text.isEmpty else {
      throw fault("The key needs a text", expected: "a word or words")
    }
    return text
  }

  /// A text, or a list of texts; a text with commas is a list too.
  func texts() throws -> [String] {
    guard !parts.isEmpty, parts.allSatisfy({ !$0.isEmpty }) else {
      throw fault("The key needs a value", expected: "a word or a list")
    }
    return parts
  }

  func word<Choice: RawRepresentable & CaseIterable>(of type: Choice.Type) throws -> Choice
  where Choice.RawValue == String {
    let text = try text()
    guard let choice = Choice(rawValue: text) else { throw unknown(text, among: Choice.allCases.map(\.rawValue)) }
    return choice
  }

  /// `all`, `none` where that is possible, or a list of names.
  func words<Choice>(
    _ names: [String], all: [Choice], none: Bool = false, _ choice: (String) -> Choice?
  ) throws -> [Choice] {
    let words = try texts()
    if words == ["all"] { return all }
    if none, words == ["none"] { return [] }
    return try words.map {
      guard let choice = choice($0) else { throw unknown($0, among: ["all"] + (none ? ["none"] : []) + names) }
      return choice
    }
  }

  func number(_ expected: String, where isAllowed: (Double) -> Bool) throws -> Double {
    guard !isList, let number = words.first.flatMap(Double.init), isAllowed(number) else {
      throw fault("The key needs another number", expected: expected)
    }
    return number
  }

  func numbers(_ expected: String, where isAllowed: (Double) -> Bool) throws -> [Double] {
    guard !parts.isEmpty else { throw fault("The key needs a number", expected: expected) }
    return try parts.map { word in
      guard let number = Double(word), isAllowed(number) else {
        throw fault("The key needs another number", expected: expected, found: word)
      }
      return number
    }
  }

  func whole(_ expected: String, in range: ClosedRange<Int>) throws -> Int {
    guard !isList, let number = words.first.flatMap({ Int($0) }), range.contains(number) else {
      throw fault("The key needs another number", expected: expected)
    }
    return number
  }

  private func unknown(_ word: String, among names: [String]) -> Fault {
    let near = nearestNames(to: word, among: names)
    return fault(
      "The key has no such value", expected: "one of \(names.joined(separator: ", "))", found: word,
      advice: near.isEmpty ? nil : "did you mean \(near.joined(separator: " or "))?")
  }

  /// The words of a list, or of a text with commas.
  private var parts: [String] {
    isList
      ? words
      : words.flatMap { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) } }
  }
}
