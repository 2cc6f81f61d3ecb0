/// One document of a corpus, as it was read.
public struct Document: Sendable, Equatable {
  /// Unique within the corpus; where the corpus gives none, the line's number (with the file's name before it where the
  /// corpus is made of several files).
  public var id: String
  /// The text, or nil where the corpus gives tokens alone.
  public var text: String?
  /// Token ids, taken as they are; nil where the text is to be tokenized.
  public var tokens: [Int32]?
  /// The values of the label fields asked for that this document has, by the field's name.
  public var labels: [String: Label]
  /// What ties documents together that must not be split between training and test, such as a contrast pair.
  public var group: String?
  /// Labelled stretches of the text, in Unicode scalars; of the tokens where there is no text.
  public var spans: [Span]
  /// Where it was read.
  public var place: Place

  /// A labelled stretch of a document.
  public struct Span: Sendable, Equatable {
    /// The offset of its first Unicode scalar (or token, where the document has no text).
    public var start: Int
    /// The offset after its last.
    public var end: Int
    public var label: Label

    public init(start: Int, end: Int, label: Label) {
      self.start = start
      self.end = end
      self.label = label
    }
  }

  /// A place in a corpus, for messages.
  public struct Place: Sendable, Equatable, CustomStringConvertible {
    public var file: String
    /// The number of the document's first line, from 1; nil where the whole file is the document.
    public var line: Int?

    public init(file: String, line: Int?) {
      self.file = file
      self.line = line
    }

    public var description: String { line.map { "\(file), line \($0)" } ?? file }
  }

  public init(
    id: String, text: String? = nil, tokens: [Int32]? = nil, labels: [String: Label] = [:], group: String? = nil,
    spans: [Span] = [], place: Place = Place(file: "", line: nil)
  ) {
    self.id = id
    self.text = text
    self.tokens = tokens
    self.labels = labels
    self.group = group
    self.spans = spans
    self.place = place
  }

  /// Whether U+0000 stands in what a store keeps of the document as text.
  var holdsNUL: Bool {
    ([text, id, group].compactMap { $0 } + (labels.values + spans.map(\.label)).map(\.description))
      .contains { $0.utf8.contains(0) }
  }

  /// Whether there is nothing to run a model on.
  var isEmpty: Bool { tokens?.isEmpty ?? text?.isEmpty ?? true }
}
