import Diagnostics
import Foundation

/// Reads the documents of a corpus one after another. Memory grows with the longest document, and by a few bytes for
/// each document that has an id of its own.
public final class CorpusReader {
  public let corpus: Corpus
  /// Documents left out because they hold nothing, so far.
  public private(set) var emptyDocuments = 0
  /// Documents left out because their bytes are not UTF-8, so far.
  public private(set) var invalidDocuments = 0
  /// Documents that hold U+0000 in a text, an id or a label, so far: a store's texts cannot, and have U+FFFD there.
  public private(set) var documentsWithNUL = 0
  /// Bytes of the corpus's files read so far, as they lie on disk.
  public var bytesRead: Int { finishedBytes + (records?.bytesRead ?? 0) }

  private var nextFile = 0
  private var nextInMemory = 0
  private var records: (any RecordReader)?
  private var finishedBytes = 0
  private var identities: IdentitySet

  init(_ corpus: Corpus) {
    self.corpus = corpus
    identities = IdentitySet(corpus)
  }

  /// The next document, or nil after the last. Empty documents are counted, and left out unless they are asked for.
  /// - Throws: `Fault` of the kinds `badData` and `inputOutput`, with file and line: `corpus.invalidUTF8`,
  ///   `corpus.json`, `corpus.missingText`, `corpus.duplicateID`, `corpus.documentTooLong`, `corpus.csv`,
  ///   `corpus.gzip` and their like.
  public func next(keepsEmpty: Bool = false) throws -> Document? {
    while let document = try following() {
      if document.holdsNUL { documentsWithNUL += 1 }
      if !document.isEmpty { return document }
      emptyDocuments += 1
      if keepsEmpty { return document }
    }
    return nil
  }

  private func following() throws -> Document? {
    if let documents = corpus.inMemory {
      guard nextInMemory < documents.count else { return nil }
      nextInMemory += 1
      return documents[nextInMemory - 1]
    }
    return try nextRecord(checkingIdentity: true)
  }

  private func nextRecord(checkingIdentity: Bool) throws -> Document? {
    while true {
      if records == nil {
        guard nextFile < corpus.files.count else { return nil }
        records = try makeRecords(corpus.files[nextFile])
        nextFile += 1
      }
      guard let records else { return nil }
      switch try records.next() {
      case .end:
        finishedBytes += records.bytesRead
        self.records = nil
      case .invalid: invalidDocuments += 1
      case .document(var document, let hasOwnID):
        if !hasOwnID { document.id = generatedID(for: document) }
        if checkingIdentity, let earlier = try identities.insert(document, hasOwnID: hasOwnID) {
          throw Fault(
            .badData, "corpus.duplicateID", "Two documents have the same id", file: document.place.file,
            place: document.place.line.map { "line \($0)" }, expected: "every id once",
            found: "\"\(document.id.prefix(80))\", which stands in \(earlier) too",
            advice: "make the ids unique, or leave them out")
        }
        return document
      }
    }
  }

  /// The line's number; with the file's name before it where there are several files; the name alone where a file is
  /// one document.
  private func generatedID(for document: Document) -> String {
    let stem = corpus.files[nextFile - 1].stem
    guard let line = document.place.line else { return stem }
    return corpus.files.count > 1 ? "\(stem):\(line)" : "\(line)"
  }

  private func makeRecords(_ file: CorpusFile) throws -> any RecordReader {
    let options = corpus.options
    let stream = try ByteStream(file.url)
    switch file.form {
    case .wholeFile: return WholeFileRecords(stream, options: options)
    case .jsonLines: return JSONLinesRecords(LineReader(stream, maximumBytes: options.maximumDocumentBytes), options)
    case .lines: return LineRecords(LineReader(stream, maximumBytes: options.maximumDocumentBytes), options)
    case .sniffed: return SniffedRecords(LineReader(stream, maximumBytes: options.maximumDocumentBytes), options)
    case .delimited(let separator):
      let lines = LineReader(stream, maximumBytes: options.maximumDocumentBytes)
      return try DelimitedRecords(
        DelimitedReader(lines, separator: separator, maximumBytes: options.maximumDocumentBytes), options)
    }
  }

  /// Where the first document with an id stands, found by reading the corpus again.
  static func place(of id: String, in corpus: Corpus, before limit: Document.Place) throws -> Document.Place? {
    let reader = CorpusReader(corpus)
    let wanted = Array(id.utf8)
    while let document = try reader.nextRecord(checkingIdentity: false), document.place != limit {
      if document.id.utf8.elementsEqual(wanted) { return document.place }
    }
    return nil
  }
}

/// The ids seen so far, as 64-bit hashes.
private struct IdentitySet {
  private let corpus: Corpus
  private var hashes = Set<UInt64>()
  /// The generated ids that were not put in because no document had an id of its own yet.
  private var generated: [(id: String, place: Document.Place)] = []
  private var anyOwn = false
  private let mayHaveOwn: Bool

  init(_ corpus: Corpus) {
    self.corpus = corpus
    mayHaveOwn = corpus.files.contains { $0.form != .lines }
  }

  /// Puts an id in.
  /// - Returns: where an earlier document has the same id, if one does.
  mutating func insert(_ document: Document, hasOwnID: Bool) throws -> String? {
    // Generated ids differ from each other by themselves; files of lines have no others.
    guard mayHaveOwn, hasOwnID || anyOwn || document.place.line == nil else { return nil }
    anyOwn = anyOwn || hasOwnID
    guard !hashes.insert(hash(document.id)).inserted else { return nil }
    if corpus.isStream { return "an earlier document" }
    // Equal hashes of different ids are told apart by reading the corpus again: slow, and once in 10⁸ documents.
    return try CorpusReader.place(of: document.id, in: corpus, before: document.place)?.description
  }

  /// FNV-1a with a final mix, over the id's bytes: the same in every run.
  private func hash(_ id: String) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    hash = (hash ^ hash >> 32) &* 0xD6E8_FEB8_6659_FD93
    return hash ^ hash >> 32
  }
}
