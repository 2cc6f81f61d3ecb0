import Activations
import Checkpoints
import Foundation
import Reports

/// What a page shows, before it is HTML: a head, sections and the blocks in them.
///
/// A page is one file that opens offline in any browser: no network, no framework. Its style and its script are part of it, and its
/// security policy lets nothing else run or load, so that a text of a corpus stays text.
///
/// ```swift
/// var page = Page(kind: "Neuron", title: "L2.30", origin: store.origin)
/// page.add("Where it fires", [.examples(examples)])
/// try page.write(to: URL(filePath: "neuron.html"))
/// ```
public struct Page: Sendable {
  /// What is shown, in a word or two: "Neuron".
  public var kind: String
  public var title: String
  /// What the reader is to take away, in a sentence or two.
  public var lead: String?
  /// Figures under the title.
  public var facts: [Fact]
  public var sections: [Section]
  /// Other pages, in the head.
  public var links: [Link]
  /// What it was made from, in the foot.
  public var source: String

  /// A name and what stands for it.
  public struct Fact: Sendable, Equatable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Words that lead to another page, or to a place of this one (`#place`).
  public struct Link: Sendable, Equatable {
    public var words: String
    public var target: String

    public init(_ words: String, _ target: String) {
      self.words = words
      self.target = target
    }
  }

  /// A part of the page with a heading of its own.
  public struct Section: Sendable {
    /// Where links lead, unlike that of any other section.
    public var place: String
    public var title: String
    /// What there is to see, in a sentence.
    public var note: String?
    public var blocks: [PageBlock]
  }

  public init(kind: String, title: String, lead: String? = nil, facts: [Fact] = [], source: String) {
    (self.kind, self.title, self.lead, self.facts, self.source) = (kind, title, lead, facts, source)
    sections = []
    links = []
  }

  /// Adds a section, where it has anything to show.
  public mutating func add(_ title: String, note: String? = nil, _ blocks: [PageBlock]) {
    guard !blocks.isEmpty else { return }
    sections.append(Section(place: "part-\(sections.count + 1)", title: title, note: note, blocks: blocks))
  }

  /// Adds a section in front of all others, where it has anything to show.
  public mutating func addFirst(_ title: String, note: String? = nil, _ blocks: [PageBlock]) {
    let count = sections.count
    add(title, note: note, blocks)
    if sections.count > count { sections.insert(sections.removeLast(), at: 0) }
  }

  /// Says on the page, where its store's capture has not come to its end, that it is of what there is so far.
  public mutating func noteUnfinished(_ store: ActivationStore) {
    guard let note = store.unfinishedNote else { return }
    lead = lead.map { "\($0) \(note)" } ?? note
  }

  /// Writes the page, complete or not at all.
  /// - Throws: `file.cannotCreate`, `file.write`.
  public func write(to file: URL) throws { try AtomicFile.write(try html().utf8, to: file) }
}
