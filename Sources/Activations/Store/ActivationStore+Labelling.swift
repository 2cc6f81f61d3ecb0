import Diagnostics
import Foundation
import HDF5

extension ActivationStore {
  /// Adds labels or spans to a finished store: capture once, probe new concepts later.
  ///
  /// They go to a file of their own beside the shards, which the manifest then names, all at once; the shards stay as they
  /// are. A column that is there already is replaced; spans replace those that were there. Every piece of a document that
  /// was split gets its label and spans.
  /// - Throws: `Fault` named `store.unknownDocument` where an id is not in the store.
  /// - Returns: the store as it is then, and how many documents each column labels.
  @discardableResult
  public static func label(_ folder: URL, with labels: StoreLabels) throws -> (
    store: ActivationStore, labelled: [String: Int]
  ) {
    try label(folder, with: labels, operations: .standard)
  }

  @discardableResult
  package static func label(
    _ folder: URL, with labels: StoreLabels, operations: StoreOperations
  ) throws -> (store: ActivationStore, labelled: [String: Int]) {
    let lock = try StoreLock(folder)
    defer { withExtendedLifetime(lock) {} }
    let store = try ActivationStore(opening: folder)
    guard var manifest = store.manifest, store.isComplete else {
      throw Fault(
        .badData, "store.incomplete", "Labels can be added to a finished store in a folder alone", file: folder.path,
        advice: "finish the capture with --resume first")
    }
    let documents = try store.documents
    try checkIDs(labels, documents, folder)
    // What was added before stays, save where a new column has its name.
    var columns: [String: [Label?]] = [:]
    for name in (manifest.labels?.columns ?? [:]).keys { columns[name] = documents.labels[name] }
    for (name, values) in labels.columns { columns[name] = documents.ids.map { values[$0] } }
    var spans: [SpanRow]?
    if manifest.labels?.spans != nil { spans = try store.spans.rows }
    if !labels.spans.isEmpty { spans = try store.rows(of: labels.spans, documents) }
    let old = manifest.labels?.file
    // Another name than the last one's, so that a reader of the old manifest still finds the old file.
    let number = old.flatMap { Int($0.dropFirst("labels-".count).prefix(5)) } ?? -1
    let digits = String(number + 1)
    let name = "labels-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".h5"
    let (before, path) = (manifest, folder.appendingPathComponent(StoreManifest.fileName).path)
    do {
      manifest.labels = try writeLabels(name, columns, spans, manifest.run, in: folder, operations)
      // The manifest's line last: it is what counts, and nothing can fail behind it.
      try storeIndex(manifest, in: folder).write(operations)
      try operations.replace(path, with: manifest.encoded())
    } catch {
      // As it was before; nothing that the manifest may still name is removed.
      if (try? operations.replace(path, with: before.encoded())) != nil {
        try? storeIndex(before, in: folder).write(operations)
        try? operations.remove(folder.appendingPathComponent(name))
      }
      guard var fault = error as? Fault, fault.name == "store.outOfSpace" else { throw error }
      fault.problem = "The disk is full; no labels were added, and the store is as it was"
      fault.advice = "make room, then run the same command again"
      throw fault
    }
    if let old { try operations.remove(folder.appendingPathComponent(old)) }
    let labelled = labels.columns.mapValues { column in documents.ids.count { column[$0] != nil } }
    return (try ActivationStore(opening: folder), labelled)
  }

  private static func checkIDs(_ labels: StoreLabels, _ documents: DocumentTable, _ folder: URL) throws {
    let known = Set(documents.ids)
    let named = Set(labels.columns.values.flatMap(\.keys)).union(labels.spans.keys)
    let unknown = named.subtracting(known).sorted()
    guard let first = unknown.first else { return }
    throw Fault(
      .badData, "store.unknownDocument", "Labels are given for documents that the store does not hold",
      file: folder.path, place: "id \(first)",
      expected: "ids such as \(documents.ids.prefix(3).joined(separator: ", "))",
      found: "\(unknown.count) of \(named.count) ids are not in the store",
      advice: "check that the labels belong to the corpus that was captured")
  }

  /// The spans of each row of the document table. Pieces of a document follow one another, and what of a span lies in a
  /// piece becomes the piece's own, with offsets from its start.
  private func rows(of spans: [String: [StoreLabels.Span]], _ documents: DocumentTable) throws -> [SpanRow] {
    var rows: [SpanRow] = []
    var offset = 0
    for (document, id) in documents.ids.enumerated() {
      if documents.pieces[document] == 0 { offset = 0 }
      guard let own = spans[id] else { continue }
      let isSplit = document + 1 < documents.count && documents.pieces[document + 1] > 0
      let end = isSplit ? offset + (try length(ofDocument: document, documents)) : Int.max
      for span in own.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
        guard span.start >= 0, span.end > span.start, span.end <= Int(Int32.max) else {
          throw Fault(
            .badData, "store.span", "A span is not a stretch of text", file: url.path, place: "id \(id)",
            expected: "0 ≤ start < end", found: "\(span.start)..<\(span.end)",
            advice: "mend the span in the file of labels: offsets count the characters of the text from 0")
        }
        let (first, last) = (max(span.start, offset), min(span.end, end))
        guard first < last else { continue }
        rows.append(
          SpanRow(
            document: Int32(document), start: Int32(first - offset), end: Int32(last - offset), label: span.label))
      }
      if isSplit { offset = end }
    }
    return rows
  }

  /// The Unicode scalars of a row's text; of a document given as tokens, the tokens that are its own.
  private func length(ofDocument document: Int, _ documents: DocumentTable) throws -> Int {
    if let text = try text(ofDocument: document) { return text.unicodeScalars.count }
    return Int(try tokens(in: documents.tokens(of: document)).ends.max() ?? 0)
  }

  private static func writeLabels(
    _ name: String, _ columns: [String: [Label?]], _ spans: [SpanRow]?, _ run: StoreRun, in folder: URL,
    _ operations: StoreOperations
  ) throws -> LabelsEntry {
    let final = folder.appendingPathComponent(name).path
    let part = final + ".part"
    try operations.before(.create, part)
    let (bytes, crc) = try ShardFile.outOfSpaceNamed(part) {
      let file = try H5File(creating: part)
      try file.setRunAttributes(run)
      let group = try file.makeGroup("labels")
      for name in columns.keys.sorted() { try group.write(labels: columns[name] ?? [], as: name) }
      try group.close()
      if let spans {
        let group = try file.makeGroup("spans")
        try group.write(spans.map(\.document), as: "document")
        try group.write(spans.map(\.start), as: "start")
        try group.write(spans.map(\.end), as: "end")
        try group.write(labels: spans.map(\.label), as: "label")
        try group.close()
      }
      return try ShardFile.close(file, part, operations)
    }
    try operations.sync(part)
    try operations.publish(part, as: final)
    return LabelsEntry(
      file: name, bytes: bytes, crc32c: crc, columns: columns.mapValues { LabelKind($0) }, spans: spans?.count,
      spanLabelKind: LabelKind(spans?.map(\.label) ?? []))
  }
}
