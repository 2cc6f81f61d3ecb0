import Checkpoints
import Foundation
import Probes
import Testing

/// What a labelled set that ships must keep: size, balance, groups, spans, and no trivial cue that its card hides.
@Suite struct ConceptSetTests {
  static let names = ShippedFiles.datasets.names.filter { $0 != "demo-corpus" }

  /// The AUROC that a cue may reach without being named under *Known shortcuts*.
  static let limit = 0.65

  @Test func everySetHasASpecification() throws {
    let used = try Set(
      SpecificationFile.shippedNames.flatMap { try SpecificationFile(named: $0).specification.dataset })
    #expect(Self.names.count >= 14)
    #expect(Set(Self.names).isSubset(of: used))
    #expect(used.isSubset(of: Set(Self.names + ["demo-corpus"])))
  }

  @Test(arguments: names)
  func isBigBalancedAndGrouped(name: String) throws {
    let set = try ConceptSet(name)
    #expect(set.texts.count >= 400)
    #expect(Set(set.texts).count == set.texts.count, "texts repeat")
    #expect(Set(set.ids).count == set.ids.count, "ids repeat")
    #expect(!set.groups.contains(""), "an example has no group")
    let sizes = Dictionary(grouping: set.groups, by: \.self).mapValues(\.count)
    #expect(sizes.count >= 20)
    #expect(Double(sizes.values.max() ?? 0) <= 0.05 * Double(set.groups.count), "a template yields over 5 %")
    for item in set.items where item.span != nil {
      let scalars = set.scalars[item.text]
      let span = try #require(item.span)
      #expect(span.lowerBound >= 0 && span.lowerBound < span.upperBound && span.upperBound <= scalars.count)
    }
    if !set.isNumeric {
      let counts = Dictionary(grouping: set.items, by: \.label).mapValues(\.count).values
      #expect(counts.count >= 2)
      #expect(
        Double(counts.max() ?? 0) <= 1.25 * Double(counts.min() ?? 0), "labels are not balanced: \(counts.sorted())")
    }
  }

  @Test(arguments: names)
  func namesItsShortcuts(name: String) throws {
    let set = try ConceptSet(name)
    let card = try String(
      contentsOf: try #require(ShippedFiles.datasets.find(name)).deletingPathExtension().appendingPathExtension("md"),
      encoding: .utf8)
    let section = card.components(separatedBy: "## Known shortcuts\n").dropFirst().first?
      .components(separatedBy: "\n## ").first
    let known = section?.components(separatedBy: "\n").compactMap { line in
      line.hasPrefix("- **") ? line.dropFirst(4).components(separatedBy: "**").first : nil
    }
    for (cue, area) in set.cues() where area > Self.limit {
      #expect(known?.contains(cue) == true, "\(cue) alone reaches \(area), which the card does not say")
    }
  }
}

/// A set as it lies in its file.
private struct ConceptSet {
  /// What carries a label: a text, or a span of one.
  struct Item {
    var text: Int
    var span: Range<Int>?
    var label: String
    var group: String
  }

  var ids: [String] = []
  var texts: [String] = []
  var scalars: [[Unicode.Scalar]] = []
  var groups: [String] = []
  var items: [Item] = []
  var isNumeric = false

  init(_ name: String) throws {
    let url = try #require(ShippedFiles.datasets.find(name))
    var numbers: [Double] = []
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
      let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let text = try #require(row["text"] as? String)
      let group = row["group"] as? String ?? ""
      ids.append(try #require(row["id"] as? String))
      texts.append(text)
      scalars.append(Array(text.unicodeScalars))
      groups.append(group)
      let place = texts.count - 1
      if let spans = row["spans"] as? [[String: Any]] {
        for span in spans {
          let (start, end) = (try #require(span["start"] as? Int), try #require(span["end"] as? Int))
          items.append(
            Item(text: place, span: start..<end, label: try #require(span["label"] as? String), group: group))
        }
      } else if let label = row["label"] as? String {
        items.append(Item(text: place, label: label, group: group))
      } else {
        numbers.append(try #require(row["label"] as? Double))
        items.append(Item(text: place, label: "", group: group))
      }
    }
    guard !numbers.isEmpty else { return }
    isNumeric = true
    let median = numbers.sorted()[numbers.count / 2]
    for index in items.indices { items[index].label = numbers[index] >= median ? "above" : "below" }
  }

  private typealias Cues = (numeric: [(String, (Item) -> Double)], keyed: [(String, (Item) -> String)])

  private var spanCues: Cues {
    var cues: Cues = ([], [])
    cues.numeric.append(("length", { item in Double(item.span?.count ?? 0) }))
    cues.numeric.append(
      ("place", { item in Double(item.span?.lowerBound ?? 0) / Double(self.scalars[item.text].count) }))
    cues.numeric.append(
      ("upper case", { item in self.word(item).first?.properties.isUppercase == true ? 1 : 0 }))
    cues.keyed.append(
      ("last letters", { item in Self.text(self.word(item).suffix(2)).lowercased() }))
    cues.keyed.append(("word before", { item in self.words(self.before(item)).last?.lowercased() ?? "(start)" }))
    return cues
  }

  private var textCues: Cues {
    var cues: Cues = ([], [])
    cues.numeric.append(("length", { item in Double(self.scalars[item.text].count) }))
    cues.numeric.append(("words", { item in Double(self.words(self.texts[item.text]).count) }))
    cues.numeric.append(
      ("punctuation", { item in self.share(item) { !$0.isWordSign && !$0.properties.isWhitespace } }))
    cues.numeric.append(
      ("digits", { item in self.share(item) { $0.properties.numericType == .decimal } }))
    cues.numeric.append(("upper case", { item in self.share(item) { $0.properties.isUppercase } }))
    cues.keyed.append(("first word", { item in self.firstWord(self.texts[item.text]) }))
    cues.keyed.append(
      ("last sign", { item in self.scalars[item.text].last.map { $0.isWordSign ? "none" : String($0) } ?? "none" }))
    return cues
  }

  private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  /// For each cue the AUROC of the label that it tells best, from 0.5.
  func cues() -> [(cue: String, area: Double)] {
    let labels = Set(items.map(\.label)).sorted()
    let targets = labels.count == 2 ? Array(labels.prefix(1)) : labels
    let isToken = items.contains { $0.span != nil }
    let (numeric, keyed) = isToken ? spanCues : textCues
    var found: [(String, Double)] = []
    for (cue, value) in numeric {
      let scores = items.map(value)
      found.append((cue, best(targets) { _ in scores }))
    }
    for (cue, key) in keyed {
      let keys = items.map(key)
      found.append((cue, best(targets, isSigned: true) { self.encoded(keys, $0) }))
    }
    return found
  }

  /// The AUROC of the label told best; a score that was learnt from labels has its sign.
  private func best(_ targets: [String], isSigned: Bool = false, scores: ([Bool]) -> [Double]) -> Double {
    var best = 0.5
    for target in targets {
      let positive = items.map { $0.label == target }
      let area = AUROC.area(scores: scores(positive), positive: positive) ?? 0.5
      best = max(best, isSigned ? area : max(area, 1 - area))
    }
    return best
  }

  /// For each item the share of positives among those of other groups with the same key, drawn to one half by one of each.
  private func encoded(_ keys: [String], _ positive: [Bool]) -> [Double] {
    var all: [String: (count: Double, positive: Double)] = [:]
    var own: [String: (count: Double, positive: Double)] = [:]
    for (index, key) in keys.enumerated() {
      for (name, isOwn) in [(key, false), (key + "\u{0}" + items[index].group, true)] {
        var entry = (isOwn ? own[name] : all[name]) ?? (0, 0)
        entry.count += 1
        entry.positive += positive[index] ? 1 : 0
        if isOwn { own[name] = entry } else { all[name] = entry }
      }
    }
    return keys.enumerated().map { index, key in
      let (total, inside) = (all[key] ?? (0, 0), own[key + "\u{0}" + items[index].group] ?? (0, 0))
      return (total.positive - inside.positive + 1) / (total.count - inside.count + 2)
    }
  }

  private func share(_ item: Item, _ test: (Unicode.Scalar) -> Bool) -> Double {
    Double(scalars[item.text].count(where: test)) / Double(max(scalars[item.text].count, 1))
  }

  private func word(_ item: Item) -> ArraySlice<Unicode.Scalar> { scalars[item.text][item.span ?? 0..<0] }

  private func before(_ item: Item) -> String { Self.text(scalars[item.text][..<(item.span?.lowerBound ?? 0)]) }

  private func words(_ text: String) -> [Substring] { text.split(whereSeparator: \.isWhitespace) }

  /// Without the punctuation that follows it.
  private func firstWord(_ text: String) -> String {
    guard let first = words(text).first else { return "" }
    var own = Array(first.lowercased().unicodeScalars)
    while let last = own.last, !last.isWordSign, last != "_" { own.removeLast() }
    return own.isEmpty ? String(first) : Self.text(own[...])
  }
}

extension Unicode.Scalar {
  /// Whether it is a letter or a number.
  fileprivate var isWordSign: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .otherNumber:
      true
    default: false
    }
  }
}
