import Diagnostics
import LinearAlgebra
import Tokenization

/// A document, or a piece of one that was split, as the model gets it.
package struct DocumentPiece: Sendable, Equatable {
  package var id: String
  package var text: String?
  /// The value of the first label field.
  package var label: Label?
  /// The values of all label fields but one that is called `label`, by name.
  package var labels: [String: Label]
  package var group: String?
  package var number: Int
  package var ids: [Int32]
  /// Offsets in `text` in Unicode scalars; token numbers where there is no text.
  package var starts: [Int32]
  package var ends: [Int32]
  package var special: [Bool]
  package var spans: [Document.Span]
  package var place: Document.Place
  /// Tokens of the document that were cut off behind this piece.
  package var cutTokens = 0
}

/// Turns documents into pieces that fit the model: tokenized, and split, cut or refused where they are too long.
package struct DocumentCutter: Sendable {
  let tokenizer: Tokenizer?
  let context: Int
  let overflow: CaptureSettings.Overflow
  let addsSpecialTokens: Bool
  let vocabularySize: Int
  /// The fields whose values go to the document table; those of the first (or of the one called `label`) to its column
  /// `label`, too.
  let labelFields: [String]

  /// The columns of labels beside `label`.
  var labelColumns: [String] { labelFields.filter { $0 != DocumentTable.defaultLabels } }
  private var mainField: String {
    labelColumns.count < labelFields.count ? DocumentTable.defaultLabels : labelFields.first ?? ""
  }

  package init(
    tokenizer: Tokenizer?, context: Int, overflow: CaptureSettings.Overflow, addsSpecialTokens: Bool = true,
    vocabularySize: Int, labelFields: [String] = [DocumentTable.defaultLabels]
  ) {
    self.tokenizer = tokenizer
    self.context = context
    self.overflow = overflow
    self.addsSpecialTokens = addsSpecialTokens
    self.vocabularySize = vocabularySize
    self.labelFields = labelFields
  }

  /// The pieces of a document, in order; none where it has no token but special ones.
  func pieces(of document: Document) throws -> [DocumentPiece] {
    let encoding = try encode(document)
    let content = encoding.special.indices.filter { !encoding.special[$0] }
    guard let firstContent = content.first, let lastContent = content.last else { return [] }
    if encoding.count <= context { return [piece(document, encoding, number: 0)] }
    guard overflow != .refuse else {
      throw Fault(
        .badData, "capture.documentTooLong", "A document is longer than the context", file: document.place.file,
        place: document.place.line.map { "line \($0)" }, expected: "at most \(context) tokens",
        found: "\(encoding.count) in document \"\(document.id.prefix(80))\"",
        advice: "let such documents be split or truncated, or raise the context if the model allows it")
    }
    // Each piece gets the special tokens that the tokenizer put around the whole.
    let before = Array(0..<firstContent)
    let after = Array((lastContent + 1)..<encoding.count)
    let room = context - before.count - after.count
    guard room > 0 else {
      throw Fault(
        .usage, "capture.context", "The context has no room beside the special tokens", expected: "more tokens",
        found: "\(context), of which \(before.count + after.count) are special")
    }
    let middle = Array(firstContent...lastContent)
    let starts = Array(stride(from: 0, to: overflow == .truncate ? 1 : middle.count, by: room))
    if overflow == .truncate {
      let kept = before + middle.prefix(room) + after
      var piece = piece(document, encoding.select(kept), number: 0)
      piece.cutTokens = middle.count - room
      return [piece]
    }
    return starts.enumerated().map { number, start in
      let some = middle[start..<min(start + room, middle.count)]
      let limits = (
        number == 0 ? 0 : encoding.starts[middle[start]],
        start + room < middle.count ? encoding.starts[middle[start + room]] : nil
      )
      return piece(
        document, encoding.select(before + some + after), number: number, from: limits.0, to: limits.1)
    }
  }

  private func encode(_ document: Document) throws -> Encoding {
    if let ids = document.tokens {
      if let bad = ids.indices.first(where: { ids[$0] < 0 || Int(ids[$0]) >= vocabularySize }) {
        throw Fault(
          .badData, "capture.token", "A token is not in the model's vocabulary", file: document.place.file,
          place: (document.place.line.map { "line \($0), " } ?? "") + "tokens[\(bad)]",
          expected: "a token id from 0 to \(vocabularySize - 1)", found: "\(ids[bad])",
          advice: "use the model that the tokens were made for")
      }
      let numbers = ids.indices.map { Int32($0) }
      return Encoding(
        ids: ids, starts: numbers, ends: numbers.map { $0 + 1 }, special: Array(repeating: false, count: ids.count))
    }
    guard let tokenizer else {
      throw Fault(
        .noInput, "capture.noTokenizer", "This corpus holds text, and the model has no tokenizer",
        file: document.place.file, place: document.place.line.map { "line \($0)" }, expected: "a tokenizer.json",
        advice: "put tokenizer.json into the model's folder, or give the corpus as \"tokens\"")
    }
    return try tokenizer.encode(document.text ?? "", addSpecialTokens: addsSpecialTokens)
  }

  /// The part of a document's text and spans that lies between two offsets becomes the piece's own.
  private func piece(
    _ document: Document, _ encoding: Encoding, number: Int, from start: Int32 = 0, to end: Int32? = nil
  ) -> DocumentPiece {
    // Tokens stand for themselves: their offsets are their numbers, and the text beside them is kept as it is.
    let isText = document.tokens == nil
    var text = document.text
    if isText, let whole = text, start > 0 || end != nil {
      let scalars = whole.unicodeScalars.dropFirst(Int(start)).prefix(end.map { Int($0 - start) } ?? Int.max)
      text = String(String.UnicodeScalarView(scalars))
    }
    let last = Int(end ?? Int32.max)
    let spans = document.spans.compactMap { span -> Document.Span? in
      let (from, to) = (max(span.start, Int(start)), min(span.end, last))
      guard from < to || (span.start == span.end && from == to) else { return nil }
      return Document.Span(start: from - Int(start), end: to - Int(start), label: span.label)
    }
    // A token may reach over the border of two pieces (half a character): its offsets are kept within the text.
    func clamp(_ offset: Int32) -> Int32 { max(0, min(offset, end ?? offset) - start) }
    return DocumentPiece(
      id: document.id, text: text, label: document.labels[mainField],
      labels: document.labels.filter { labelColumns.contains($0.key) }, group: document.group, number: number,
      ids: encoding.ids, starts: encoding.starts.map(clamp), ends: encoding.ends.map(clamp),
      special: encoding.special, spans: spans, place: document.place)
  }
}

extension Encoding {
  fileprivate func select(_ tokens: [Int]) -> Encoding {
    Encoding(
      ids: tokens.map { ids[$0] }, starts: tokens.map { starts[$0] }, ends: tokens.map { ends[$0] },
      special: tokens.map { special[$0] })
  }
}
