import Activations
import Diagnostics

/// What a probe tells apart: which labels, of documents or of tokens, and which of them count as the concept.
public struct Concept: Codable, Sendable, Equatable {
  /// What carries a label.
  public enum Level: String, Codable, Sendable, CaseIterable {
    /// A document's label; its tokens are pooled into one example.
    case document
    /// Spans of a document; each token is an example, and has a span's label where the two overlap.
    case token
  }

  public var level: Level
  /// The column of document labels, such as `label`; without meaning for tokens.
  public var column: String
  /// The label to tell from all others; nil takes the labels as they are: two classes, or several at once.
  public var positive: String?
  /// The labels to tell the positive one from; those of others take no part. Nil takes all others.
  public var negative: [String]?
  /// The labels that take part; nil for all.
  public var only: [String]?

  public init(
    level: Level = .document, column: String = DocumentTable.defaultLabels, positive: String? = nil,
    negative: [String]? = nil, only: [String]? = nil
  ) {
    self.level = level
    self.column = column
    self.positive = positive
    self.negative = negative
    self.only = only
  }

  /// The labels that take part; nil for all.
  private var chosen: Set<String>? {
    if let negative { return Set(negative + [positive].compactMap(\.self)) }
    return only.map { Set($0) }
  }

  /// Whether examples of a label take part.
  func takes(_ label: String) -> Bool { chosen?.contains(label) ?? true }

  /// The labels that take part, of those that are present.
  ///
  /// - Throws: `probe.unknownLabel` for one that was named and that no example has.
  func taking(_ present: Set<String>, place: String) throws -> Set<String> {
    guard let chosen else { return present }
    for label in chosen.sorted() where !present.contains(label) {
      throw unknownLabel(label, present: present, place: place)
    }
    return chosen
  }
}

/// No example has a label that was named.
private func unknownLabel(_ label: String, present: Set<String>, place: String) -> Fault {
  let sorted = present.sorted()
  let near = nearestNames(to: label, among: sorted)
  return Fault(
    .usage, "probe.unknownLabel", "No example has the label to be found", place: place,
    expected: "one of \((near.isEmpty ? sorted : near).prefix(12).joined(separator: ", "))", found: label,
    advice: near.first.map { "did you mean \($0)?" } ?? "name a label that the corpus has; --label chooses its column")
}

/// How a document's tokens become one example.
public enum Pooling: String, Codable, Sendable, CaseIterable {
  /// The last token, which has seen all others.
  case last
  /// The mean over tokens.
  case mean
  /// Each column's largest value over tokens.
  case max
}

extension Pooling {
  /// Takes one more row of some into that of an example; of a mean the sum, which `finish` divides.
  func add(
    _ row: Int, of values: UnsafeBufferPointer<Float>, to example: Int, of target: UnsafeMutableBufferPointer<Float>,
    width: Int, isFirst: Bool
  ) {
    let (source, start) = (row * width, example * width)
    switch self {
    case .mean: for column in 0..<width { target[start + column] += values[source + column] }
    case .max where !isFirst:
      // A NaN must come through, so that it is found.
      for column in 0..<width where !(values[source + column] <= target[start + column]) {
        target[start + column] = values[source + column]
      }
    case .max, .last: for column in 0..<width { target[start + column] = values[source + column] }
    }
  }

  /// Makes means of the sums of so many rows each.
  func finish(_ rows: UnsafeMutableBufferPointer<Float>, counts: [Int]) {
    guard self == .mean, !counts.isEmpty else { return }
    let width = rows.count / counts.count
    for (row, count) in counts.enumerated() where count > 1 {
      let factor = 1 / Float(count)
      for index in row * width..<(row + 1) * width { rows[index] *= factor }
    }
  }
}

/// The name of the class of everything that is not the positive label.
func complement(of label: String) -> String { "not \(label)" }

/// The labels of a concept as classes, in an order that doesn't depend on the order of the examples.
struct ClassNames {
  let names: [String]
  private let numbers: [String: Int32]
  private let positive: String?

  /// - Parameters:
  ///   - present: the labels that occur.
  ///   - positive: the label to tell from the rest.
  ///   - place: where the labels come from, for faults.
  init(present: Set<String>, positive: String?, addingBackground: Bool, place: String) throws {
    self.positive = positive
    // By UTF-8 bytes: the same on every platform, whatever the language.
    let sorted = present.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    if let positive {
      guard present.contains(positive) else { throw unknownLabel(positive, present: present, place: place) }
      // Beside one other label the negative class keeps its own name.
      let others = sorted.filter { $0 != positive }
      names = [others.count == 1 && !addingBackground ? others[0] : complement(of: positive), positive]
      numbers = [:]
      return
    }
    if addingBackground {
      guard let only = sorted.first, sorted.count == 1 else {
        names = sorted
        numbers = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, Int32($0)) })
        return
      }
      names = [complement(of: only), only]
      numbers = [only: 1]
      return
    }
    guard sorted.count >= 2 else {
      throw Fault(
        .badData, "probe.singleClass", "All examples have the same label, so there is nothing to tell apart",
        place: place, expected: "at least two labels", found: sorted.first ?? "none",
        advice: "add examples without the concept")
    }
    guard sorted.count <= 100 else {
      throw Fault(
        .badData, "probe.tooManyClasses", "The labels are too many to be classes", place: place,
        expected: "at most 100", found: "\(sorted.count), such as \(sorted.prefix(3).joined(separator: ", "))",
        advice: "name one of them as the positive label, or another column")
    }
    var ordered = sorted
    // Of two labels, one that says "the rest" is the negative class, though its name comes later in the alphabet.
    if ordered.count == 2, Self.negatives.contains(ordered[1].lowercased()),
      !Self.negatives.contains(ordered[0].lowercased())
    {
      ordered.swapAt(0, 1)
    }
    names = ordered
    numbers = Dictionary(uniqueKeysWithValues: ordered.enumerated().map { ($1, Int32($0)) })
  }

  /// Labels that a set of two uses for "without the concept".
  private static let negatives: Set<String> = [
    "0", "false", "no", "none", "other", "rest", "negative", "neutral", "control",
  ]

  /// The class of a label.
  func number(of label: String) -> Int32 {
    if let positive { return label == positive ? 1 : 0 }
    return numbers[label] ?? -1
  }
}
