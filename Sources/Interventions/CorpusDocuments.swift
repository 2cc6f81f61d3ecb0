import Activations
import Architectures
import Diagnostics
import LinearAlgebra
import Transformer

/// The first documents of a corpus as tokens, as many as a bound allows.
struct CorpusDocuments {
  struct Document {
    var ids: [Int32]
    /// Which tokens the tokenizer added.
    var special: [Bool]
    /// Documents of one number are pieces of one text.
    var number: Int
  }

  private(set) var documents: [Document] = []
  /// Whether the bound was reached before the corpus's end.
  private(set) var isCut = false

  /// - Parameters:
  ///   - tokens: No further document is read once there are so many tokens.
  ///   - context: Longer documents are split; nil: the model's own.
  /// - Throws: `interventions.noDocuments` where no document has two tokens; what reading and tokenizing the corpus throws.
  init(_ corpus: Corpus, in session: Session, tokens most: Int, context: Int? = nil) throws {
    let architecture = session.model.architecture
    let cutter = DocumentCutter(
      tokenizer: session.tokenizer,
      context: min(context ?? architecture.context, architecture.longestDocument ?? .max), overflow: .split,
      vocabularySize: architecture.vocabularySize)
    let reader = try PieceReader(corpus, cutter: cutter, share: nil, cursor: DocumentCursor())
    var (count, number) = (0, -1)
    while let piece = try reader.next() {
      if piece.number == 0 { number += 1 }
      guard piece.ids.count > 1 else { continue }
      guard count < most else {
        isCut = true
        break
      }
      count += piece.ids.count
      documents.append(Document(ids: piece.ids, special: piece.special, number: number))
    }
    guard !documents.isEmpty else {
      throw Fault(
        .badData, "interventions.noDocuments", "No document of the corpus has two tokens",
        file: corpus.names.joined(separator: ", "), expected: "texts", found: "none")
    }
  }
}
