import Activations
import Diagnostics
import LinearAlgebra

/// The documents that neurons are judged on: their labels, the forms of their tokens, and an embedding of every context.
struct RankingContexts {
  /// Rows of the document table, ascending.
  let documents: [Int]
  /// For each row of the source its number among the contexts, or −1 where it takes no part.
  let contextOfRow: [Int32]
  /// For each context the row of the source, and the number of its document among `documents`.
  let rows: [Int]
  let documentOf: [Int32]
  /// For each context the number of its token's form in `forms`; empty where rows are whole documents.
  let formOf: [Int32]
  let forms: [String]
  /// How often each form stands among the contexts.
  let formCounts: [Int]
  /// The labels' names, and each document's label; nil where there are none or they are not to be used.
  let classes: [String]?
  let labels: [Int32]
  /// Why labels that are there are not used; nil where they are, or there are none.
  let labelsLeftAside: String?
  /// The site that contexts are embedded by; nil where the source holds no residual stream.
  let embeddingSite: String?
  /// [contexts, width]: the residual stream, averaged over the last `window` tokens, less its mean, at unit length.
  let embeddings: Matrix?

  var count: Int { rows.count }

  /// Chooses documents and reads what is needed of them: the tokens, and the residual stream in one pass.
  ///
  /// - Throws: `neurons.noTokens`, `neurons.noSuchEmbedding`, and what reading throws.
  init(_ source: some ActivationSource, settings: NeuronRanking, piece: (@Sendable (Int32) -> String)?) throws {
    let table = try source.documents
    let byToken = source.rowKind == .token
    let (column, leftAside) =
      settings.usesLabels
      ? try Self.labelColumn(settings.column, of: table, required: settings.needsLabels) : (nil, nil)
    labelsLeftAside = leftAside
    var candidates = (0..<table.count).filter { !byToken || table.tokenCounts[$0] > 0 }
    // Where some documents have labels and some not, those without take no part.
    if let column { candidates = candidates.filter { column[$0] != nil } }
    if candidates.count > settings.maximumDocuments {
      var generator = SeededGenerator(seed: settings.seed, stream: "neuron ranking")
      candidates = generator.choice(settings.maximumDocuments, of: candidates.count).map { candidates[$0] }
    }
    let site = try Self.embeddingSite(settings.embedding, of: source)

    var contextOfRow = [Int32](repeating: -1, count: source.rowCount)
    var (rows, documentOf, formOf) = ([Int](), [Int32](), [Int32]())
    var (chosen, forms) = ([Int](), FormTable())
    // Embeddings stay within half of the memory.
    let most = site.map { max(1000, settings.memory / 8 / max($0.width, 1)) } ?? Int.max
    for document in candidates {
      let all = byToken ? table.tokens(of: document) : document..<document + 1
      guard rows.count + all.count <= most || rows.isEmpty else { break }
      let tokens = byToken ? try source.tokens(in: all) : nil
      var text: [Unicode.Scalar]?
      let start = rows.count
      for (offset, row) in all.enumerated() {
        if let tokens {
          guard tokens.special[offset] == 0 else { continue }
          let id = tokens.ids[offset]
          if forms.number(of: id) == nil {
            if let piece {
              forms.add(id, text: piece(id))
            } else {
              if text == nil { text = try source.text(ofDocument: document).map { Array($0.unicodeScalars) } ?? [] }
              forms.add(id, text: Self.slice(text ?? [], tokens.starts[offset], tokens.ends[offset]))
            }
          }
          formOf.append(forms.number(of: id) ?? 0)
        }
        contextOfRow[row] = Int32(rows.count)
        rows.append(row)
        documentOf.append(Int32(chosen.count))
      }
      if rows.count > start { chosen.append(document) }
    }
    guard chosen.count >= 4 else {
      throw Fault(
        .badData, "neurons.noTokens", "There are too few documents to rank neurons by",
        expected: "at least 4 documents with tokens of their own", found: "\(chosen.count)",
        advice: "capture a corpus of many documents")
    }
    documents = chosen
    self.contextOfRow = contextOfRow
    self.rows = rows
    self.documentOf = documentOf
    self.formOf = formOf
    self.forms = forms.names
    var counts = [Int](repeating: 0, count: forms.names.count)
    for form in formOf { counts[Int(form)] += 1 }
    formCounts = counts
    if let column {
      let names = chosen.map { column[$0]?.description ?? "" }
      let sorted = Set(names).sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
      try Self.requireClasses(sorted, column: settings.column, of: table)
      let numbers = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, Int32($0)) })
      classes = sorted
      labels = names.map { numbers[$0] ?? 0 }
    } else {
      classes = nil
      labels = []
    }
    embeddingSite = site?.name
    embeddings = try site.map {
      try Self.embed(
        source, site: $0, window: byToken ? settings.window : 1, contextOfRow: contextOfRow, documentOf: documentOf,
        count: rows.count)
    }
  }

  /// The form of a context's token; nil where rows are whole documents.
  func form(_ context: Int) -> String? { formOf.isEmpty ? nil : forms[Int(formOf[context])] }

  /// Each document's mean embedding at unit length: [documents, width].
  func documentEmbeddings() -> Matrix? {
    guard let embeddings else { return nil }
    var means = Matrix(zeros: documents.count, columns: embeddings.columns)
    let width = embeddings.columns
    means.withUnsafeMutableElements { means in
      for context in 0..<count {
        let start = Int(documentOf[context]) * width
        for column in 0..<width { means[start + column] += embeddings.elements[context * width + column] }
      }
    }
    return means.withUnitRows
  }

  /// The contexts of the top examples that a capture gathered, first the strongest.
  func places(_ gathered: TopExamples, _ column: Int, most: Int) -> [Int] {
    (0..<min(gathered.k, most)).compactMap { rank in
      let row = Int(gathered.rows[column * gathered.k + rank])
      guard contextOfRow.indices.contains(row), contextOfRow[row] >= 0 else { return nil }
      return Int(contextOfRow[row])
    }
  }

  /// The numbers of labels that were named as one meaning.
  ///
  /// - Throws: `neurons.noSuchLabel`.
  func concepts(named lists: [[String]]) throws -> [[Int]] {
    try lists.map { list in
      try list.map { name in
        guard let number = classes?.firstIndex(of: name) else {
          throw Fault(
            .usage, "neurons.noSuchLabel", "A label named as related is not among the concepts", place: name,
            expected: classes.map { "some of \($0.joined(separator: ", "))" } ?? "labels to rank by",
            found: classes == nil ? "none" : name, advice: "list the labels with `unfold store info`")
        }
        return number
      }
    }
  }

  private static func slice(_ text: [Unicode.Scalar], _ start: Int32, _ end: Int32) -> String {
    let end = min(max(Int(end), 0), text.count)
    var characters = String.UnicodeScalarView()
    characters.append(contentsOf: text[min(max(Int(start), 0), end)..<end])
    return String(characters)
  }

  /// The labels that name the concepts, or why the default ones, which nobody asked for by name, cannot.
  private static func labelColumn(
    _ name: String, of table: DocumentTable, required: Bool
  ) throws -> (column: [Label?]?, leftAside: String?) {
    let isAskedFor = required || name != DocumentTable.defaultLabels
    if let column = table.labels[name], column.contains(where: { $0 != nil }) {
      let names = Set(column.compactMap { $0?.description })
      if isAskedFor || ClassCount.isUsable(names.count) { return (column, nil) }
      let others = ClassCount.usableColumns(of: table, but: name)
      return (
        nil,
        "the documents' \(names.count) labels are too \(names.count < 3 ? "few to tell meanings by" : "many to be concepts")"
          + (others.isEmpty ? "" : "; --label takes \(others.joined(separator: ", "))")
      )
    }
    guard isAskedFor else { return (nil, nil) }
    let names = table.labels.keys.sorted()
    throw Fault(
      .badData, "neurons.noLabels", "The documents have no labels of this name", place: name,
      expected: names.isEmpty ? "labelled documents" : "one of \(names.joined(separator: ", "))",
      found: names.isEmpty ? "no labels at all" : name,
      advice: "add labels with `unfold store label`, or rank by a measure that needs none")
  }

  private static func requireClasses(_ names: [String], column: String, of table: DocumentTable) throws {
    guard !ClassCount.isUsable(names.count) else { return }
    let others = ClassCount.usableColumns(of: table, but: column)
    throw Fault(
      .badData, names.count < 3 ? "neurons.tooFewLabels" : "neurons.tooManyLabels",
      names.count < 3
        ? "Two meanings cannot be told from the rest of the corpus" : "The labels are too many to be concepts",
      place: "label column \(column)", expected: "3 to 200 labels",
      found: "\(names.count), such as \(names.prefix(3).joined(separator: ", "))",
      advice: others.isEmpty
        ? "capture a corpus of several labelled domains, or rank without labels (--no-labels)"
        : "name another column (--label \(others.joined(separator: " or --label "))), or rank without labels (--no-labels)"
    )
  }

  /// The site to embed contexts by: the one named, or the middle one of the residual stream.
  private static func embeddingSite(_ name: String?, of source: some ActivationSource) throws -> StoredSite? {
    if let name { return try source.site(named: name) }
    let residual = source.sites.filter { $0.name.hasSuffix("hook_resid_post") }
    return residual.isEmpty ? nil : residual[residual.count / 2]
  }

  /// Each context's trailing mean of the residual stream over its document's last `window` tokens.
  private static func embed(
    _ source: some ActivationSource, site: StoredSite, window: Int, contextOfRow: [Int32], documentOf: [Int32],
    count: Int
  ) throws -> Matrix {
    let width = site.width
    var result = Matrix(zeros: count, columns: width)
    var recent: [[Float]] = []  // the document's last rows, at most `window`
    var place = 0
    var sum = [Double](repeating: 0, count: width)
    var current: Int32 = -1
    try source.stream([site.name], maximumRows: max(64, (4 << 20) / max(width, 1))) { block in
      for (offset, row) in block.rows.enumerated() where contextOfRow[row] >= 0 {
        let context = Int(contextOfRow[row])
        if documentOf[context] != current {
          current = documentOf[context]
          recent.removeAll(keepingCapacity: true)
          place = 0
          for column in 0..<width { sum[column] = 0 }
        }
        let values = block.values[0].row(offset)
        if recent.count == window {
          for column in 0..<width { sum[column] += Double(values[column]) - Double(recent[place][column]) }
          recent[place] = values
          place = (place + 1) % window
        } else {
          for column in 0..<width { sum[column] += Double(values[column]) }
          recent.append(values)
        }
        let factor = 1 / Double(recent.count)
        result.withUnsafeMutableElements { elements in
          for column in 0..<width { elements[context * width + column] = Float(sum[column] * factor) }
        }
      }
    }
    return Monosemanticity.unitEmbeddings(result)
  }
}

/// The forms of tokens, numbered: tokens of one form (case and white space aside) share a number.
private struct FormTable {
  private(set) var names: [String] = []
  private var numbers: [String: Int32] = [:]
  private var ofToken: [Int32: Int32] = [:]

  func number(of token: Int32) -> Int32? { ofToken[token] }

  mutating func add(_ token: Int32, text: String) {
    // A token that is part of a character has a form of its own.
    let form = text.isEmpty ? "⟨\(token)⟩" : tokenForm(text)
    let number = numbers[form] ?? Int32(names.count)
    if numbers[form] == nil {
      numbers[form] = number
      names.append(form)
    }
    ofToken[token] = number
  }
}

/// How many labels can be concepts.
private enum ClassCount {
  /// Two meanings are told from a third; and each needs documents.
  static func isUsable(_ count: Int) -> Bool { (3...200).contains(count) }

  /// The other label columns that could name concepts.
  static func usableColumns(of table: DocumentTable, but name: String) -> [String] {
    table.labels.filter { $0.key != name && isUsable(Set($0.value.compactMap { $0?.description }).count) }.keys.sorted()
  }
}
