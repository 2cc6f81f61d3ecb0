import Diagnostics
import Synchronization

/// Turns text into a model's tokens and back, as a Hugging Face `tokenizer.json` describes.
///
/// Ids and offsets are those of Hugging Face's `tokenizers` without padding and truncation. A tokenizer may be used from
/// any number of threads at once: each call works in a workspace of its own, kept for the next call, with a cache of the
/// words met before (at most 8 MiB).
public final class Tokenizer: Sendable {
  /// The model proper: from a word to its tokens.
  enum Model: Sendable {
    case bytePairs(BytePairModel)
    case wordPiece(WordPieceModel)
    case wordLevel(WordLevelModel)
    case unigram(UnigramModel)
  }

  let vocabulary: Vocabulary
  let added: AddedTokens
  let normalizer: Normalizer?
  /// The pre-tokenizer's steps, but for a scanner at their end.
  let preTokenizerSteps: [PreTokenizer]
  /// The scanner whose words go straight to the model.
  let finalScanner: WordScanner?
  let model: Model
  /// What to say where a word needs an unknown token that the vocabulary lacks.
  let missingUnknown: MissingUnknownToken
  let postProcessor: PostProcessor
  let decoder: Decoder?
  /// Whether pieces are spelt in GPT-2's alphabet.
  let isByteLevel: Bool
  /// White space at the start and end of each piece, in characters: low and high half of 32 bits; for trimming.
  let pieceSpaces: [UInt32]
  /// The ids that tokenizer_config.json and its like name, by their keys there.
  let namedIDs: [String: Int32]
  /// Every token at which a model may end, `endID` first: a generation_config.json or config.json may name several.
  public let endIDs: [Int32]
  private let workspaces = Mutex<[Workspace]>([])

  init(_ parts: TokenizerParts, namedIDs: [String: Int32], endIDs: [Int32]? = nil) {
    vocabulary = parts.vocabulary
    added = parts.added
    normalizer = parts.normalizer
    var steps = parts.preTokenizer?.steps ?? []
    if case .scanner(let scanner)? = steps.last {
      finalScanner = scanner
      steps.removeLast()
    } else {
      finalScanner = nil
    }
    preTokenizerSteps = steps
    model = parts.model
    missingUnknown = parts.missingUnknown
    postProcessor = parts.postProcessor
    decoder = parts.decoder
    isByteLevel = parts.isByteLevel
    pieceSpaces = parts.postProcessor.trimmings.isEmpty ? [] : Self.spaces(of: parts.vocabulary)
    self.namedIDs = namedIDs
    self.endIDs = endIDs ?? namedIDs["eos_token"].map { [$0] } ?? []
  }

  /// The highest id plus one: the rows that an embedding must have at least.
  public var vocabularySize: Int { vocabulary.pieces.count }

  /// The number of tokens; less than `vocabularySize` where the numbering has holes.
  public var tokenCount: Int { vocabulary.count }

  /// All pieces by id, spelt as in the vocabulary; nil where the numbering has a hole.
  public var pieces: [String?] { vocabulary.pieces }

  /// The piece of an id, spelt as in the vocabulary ("Ġthe", "▁the", "##ing").
  public func piece(_ id: Int32) -> String? { vocabulary.piece(id) }

  /// The id of a piece, spelt as in the vocabulary and compared by its bytes.
  public func id(_ piece: String) -> Int32? { vocabulary.ids.value(piece) }

  /// Whether an id is one of the vocabulary's special tokens.
  public func isSpecial(_ id: Int32) -> Bool { added.all[id]?.isSpecial ?? false }

  /// Whether `encode` puts tokens around a text unless told otherwise.
  public var addsSpecialTokens: Bool { !postProcessor.prefix.isEmpty || !postProcessor.suffix.isEmpty }

  /// The token that begins a document (`bos_token`), where the tokenizer's folder names one.
  public var beginID: Int32? { namedIDs["bos_token"] }
  /// The token that ends a document (`eos_token`), where the tokenizer's folder names one.
  public var endID: Int32? { namedIDs["eos_token"] }
  /// The token of what the vocabulary cannot spell (`unk_token`).
  public var unknownID: Int32? { namedIDs["unk_token"] }
  /// The token that fills up batches (`pad_token`); Unfold never needs it.
  public var paddingID: Int32? { namedIDs["pad_token"] }
  /// BERT's first token (`cls_token`).
  public var classificationID: Int32? { namedIDs["cls_token"] }
  /// BERT's separator (`sep_token`).
  public var separatorID: Int32? { namedIDs["sep_token"] }
  /// The token that stands for a hidden word (`mask_token`).
  public var maskID: Int32? { namedIDs["mask_token"] }

  /// Refuses a model whose embedding has too few rows for this vocabulary.
  ///
  /// - Throws: `Fault` named `tokenizer.idBeyondEmbedding` that names the first token without a row.
  public func check(embeddingRows rows: Int, of model: String) throws {
    guard rows < vocabulary.pieces.count,
      let first = vocabulary.pieces.indices.first(where: { $0 >= rows && vocabulary.pieces[$0] != nil })
    else { return }
    throw Fault(
      .badData, "tokenizer.idBeyondEmbedding", "The vocabulary has tokens for which the model has no embedding",
      file: model, place: "token \(first), \"\(vocabulary.pieces[first] ?? "")\"",
      expected: "at least \(vocabulary.pieces.count) rows of the embedding", found: "\(rows)",
      advice: "use the tokenizer that belongs to the model")
  }

  private static func spaces(of vocabulary: Vocabulary) -> [UInt32] {
    func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.value == 0x120 || UnicodeFacts.isWhitespace(scalar.value) }
    return vocabulary.pieces.map { piece in
      guard let scalars = piece?.unicodeScalars else { return 0 }
      let leading = scalars.prefix(while: isSpace).count
      let trailing = leading == scalars.count ? leading : scalars.reversed().prefix(while: isSpace).count
      return UInt32(min(leading, 0xFFFF)) | UInt32(min(trailing, 0xFFFF)) << 16
    }
  }

  /// Lends a workspace to `body`: the only place where one is taken or given back.
  func withWorkspace<R>(_ body: (Workspace) throws -> R) rethrows -> R {
    let workspace = workspaces.withLock { $0.popLast() } ?? Workspace()
    defer {
      workspaces.withLock { kept in
        if kept.count < 64 { kept.append(workspace) }
      }
    }
    return try body(workspace)
  }
}

/// What the loader hands to a tokenizer.
struct TokenizerParts {
  var vocabulary: Vocabulary
  var added: AddedTokens
  var normalizer: Normalizer?
  var preTokenizer: PreTokenizer?
  var model: Tokenizer.Model
  var missingUnknown: MissingUnknownToken
  var postProcessor: PostProcessor
  var decoder: Decoder?
  var isByteLevel: Bool
}
