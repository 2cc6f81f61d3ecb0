import Diagnostics
import Digests

/// Reads the pieces of a corpus's documents in order, and knows where it stands.
package final class PieceReader {
  /// Documents that held no token but special ones.
  private(set) var documentsWithoutTokens = 0
  /// Pieces taken beyond the first of their documents, and what was cut off by truncating; an earlier part of the run
  /// included.
  private(set) var counts = Counts()
  let reader: CorpusReader
  private let cutter: DocumentCutter
  private let share: CaptureSettings.Share?
  /// Documents of the corpus that were read.
  private var read = 0
  private var pending: ArraySlice<DocumentPiece> = []
  /// The document that `pending` belongs to, until its last piece is taken.
  private var open: Document?
  private var digest = SHA256()
  /// Documents done: all of their pieces were taken.
  private var done = 0
  /// Pieces taken of the document after those.
  private var taken = 0

  struct Counts: Equatable {
    var furtherPieces = 0
    var cutDocuments = 0
    var cutTokens = 0
  }

  /// Begins at a cursor: the documents before it are read again and must be those that the cursor was made behind.
  /// - Throws: what `CorpusReader.next` throws; `Fault` named `capture.corpusChanged`.
  package init(_ corpus: Corpus, cutter: DocumentCutter, share: CaptureSettings.Share?, cursor: DocumentCursor) throws {
    reader = try corpus.makeReader()
    self.cutter = cutter
    self.share = share
    while done < cursor.documents {
      guard let document = try reader.next() else { throw Self.changed(cursor, reader.corpus, ended: done) }
      read += 1
      close(document)
    }
    if let digest = cursor.state["digest"], digest != self.digest.hexadecimal() {
      throw Self.changed(cursor, reader.corpus, ended: nil)
    }
    for _ in 0..<max(0, cursor.state["pieces"].flatMap { Int($0) } ?? 0) {
      guard try next() != nil else { throw Self.changed(cursor, reader.corpus, ended: done) }
    }
    let counted = (cursor.state["counts"] ?? "").split(separator: ",").compactMap { Int($0) }
    if counted.count == 3 {
      counts = Counts(furtherPieces: counted[0], cutDocuments: counted[1], cutTokens: counted[2])
    }
  }

  /// The next piece, or nil at the corpus's end.
  package func next() throws -> DocumentPiece? {
    while true {
      if let piece = pending.popFirst() {
        taken += 1
        if piece.number > 0 { counts.furtherPieces += 1 }
        if piece.cutTokens > 0 {
          counts.cutDocuments += 1
          counts.cutTokens += piece.cutTokens
        }
        if pending.isEmpty, let open {
          close(open)
          self.open = nil
        }
        return piece
      }
      guard let document = try reader.next() else { return nil }
      let number = read
      read += 1
      if let share, number % share.count != share.index {
        close(document)
        continue
      }
      pending = try cutter.pieces(of: document)[...]
      if pending.isEmpty {
        documentsWithoutTokens += 1
        close(document)
      } else {
        open = document
      }
    }
  }

  /// Where a run goes on that has done everything taken so far.
  package var cursor: DocumentCursor {
    DocumentCursor(
      documents: done,
      state: [
        "digest": digest.hexadecimal(), "pieces": String(taken),
        "counts": "\(counts.furtherPieces),\(counts.cutDocuments),\(counts.cutTokens)",
      ])
  }

  private func close(_ document: Document) {
    digest.update(document)
    done += 1
    taken = 0
  }

  private static func changed(_ cursor: DocumentCursor, _ corpus: Corpus, ended: Int?) -> Fault {
    Fault(
      .badData, "capture.corpusChanged", "The corpus is not the one that this run began with",
      file: corpus.names.joined(separator: ", "), expected: "the \(cursor.documents) documents already captured",
      found: ended.map { "a corpus that ends after \($0)" } ?? "other documents among the first \(cursor.documents)",
      advice: "resume with the corpus as it was, or begin a new store")
  }
}

extension SHA256 {
  /// Takes in everything of a document but its place: with lengths before the parts, so that no two documents mix.
  mutating func update(_ document: Document) {
    func number(_ value: Int, _ hash: inout SHA256) {
      withUnsafeBytes(of: Int64(value).littleEndian) { hash.update($0) }
    }
    func part(_ text: String?, _ hash: inout SHA256) {
      number(text?.utf8.count ?? -1, &hash)
      if let text { hash.update(text) }
    }
    func label(_ label: Label, _ hash: inout SHA256) {
      switch label {
      case .text(let text): part(text, &hash)
      case .number(let value): number(Int(bitPattern: UInt(truncatingIfNeeded: value.bitPattern)), &hash)
      }
    }
    part(document.id, &self)
    part(document.text, &self)
    part(document.group, &self)
    number(document.tokens?.count ?? -1, &self)
    document.tokens?.withUnsafeBytes { update($0) }
    number(document.labels.count, &self)
    for (name, value) in document.labels.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      part(name, &self)
      label(value, &self)
    }
    number(document.spans.count, &self)
    for span in document.spans {
      number(span.start, &self)
      number(span.end, &self)
      label(span.label, &self)
    }
  }
}
