import Diagnostics
import Foundation
import StrictJSON

extension Tokenizer {
  /// Reads a tokenizer from a folder in Hugging Face layout.
  ///
  /// `tokenizer.json` must be there; `tokenizer_config.json`, `special_tokens_map.json`, `generation_config.json` and
  /// `config.json` may be, and name the begin token, the end tokens and their like; `tokenizer_config.json` and
  /// `added_tokens.json` may name further tokens.
  ///
  /// - Throws: `Fault` named `tokenizer.notFound`, `tokenizer.unsupported` (naming the part and its place) or another of
  ///   `tokenizer.` and `json.`, whose message says what is wrong and where.
  public convenience init(folder: URL) throws {
    let file = folder.appending(path: "tokenizer.json")
    var reader = TokenizerReader(try Self.read(file))
    reader.neighbours = try Self.readers(["tokenizer_config.json", "added_tokens.json"], in: folder)
    let parts = try reader.parts()
    let names = try SpecialTokenNames(folder: folder)
    self.init(
      parts, namedIDs: try names.ids(in: parts.vocabulary), endIDs: try names.endIDs(in: parts.vocabulary))
  }

  /// Reads a tokenizer from its tokenizer.json alone; see `init(folder:)`.
  public convenience init(contentsOf tokenizerJSON: URL) throws {
    self.init(try TokenizerReader(Self.read(tokenizerJSON)).parts(), namedIDs: [:])
  }

  /// Reads a tokenizer from the text of a tokenizer.json.
  ///
  /// - Parameter file: The name that messages give.
  public convenience init(json: some ContiguousBytesSequence, file: String) throws {
    let root = JSONReader(try JSONValue(parsing: json, file: file), file: file)
    self.init(try TokenizerReader(root).parts(), namedIDs: [:])
  }

  /// Those of a folder's files that are there.
  static func readers(_ names: [String], in folder: URL) throws -> [JSONReader] {
    try names.map { folder.appending(path: $0) }.filter { FileManager.default.fileExists(atPath: $0.path) }.map(read)
  }

  static func read(_ file: URL) throws -> JSONReader {
    let data: Data
    do {
      data = try Data(contentsOf: file, options: .mappedIfSafe)
    } catch {
      throw Fault(
        .noInput, "tokenizer.notFound", "The tokenizer cannot be read", file: file.path,
        expected: "a tokenizer.json",
        found: FileManager.default.fileExists(atPath: file.path) ? "an unreadable file" : "no such file",
        advice: "give a folder that holds a tokenizer.json")
    }
    let value = try data.withUnsafeBytes { try JSONValue(parsing: $0, file: file.path) }
    return JSONReader(value, file: file.path)
  }
}

/// The special tokens that the files beside a tokenizer.json name.
struct SpecialTokenNames {
  static let keys = ["bos_token", "eos_token", "unk_token", "pad_token", "cls_token", "sep_token", "mask_token"]

  private let readers: [JSONReader]
  private let configurations: [JSONReader]

  init(folder: URL) throws {
    readers = try Tokenizer.readers(["tokenizer_config.json", "special_tokens_map.json"], in: folder)
    configurations = try Tokenizer.readers(["generation_config.json", "config.json"], in: folder)
  }

  /// The ids by key. A name that the vocabulary lacks is passed over, as is an id out of its range.
  func ids(in vocabulary: Vocabulary) throws -> [String: Int32] {
    var ids: [String: Int32] = [:]
    for key in Self.keys {
      for reader in readers where ids[key] == nil {
        guard case .object = reader.value, let entry = try reader.optional(key) else { continue }
        switch entry.value {
        case .string(let name): ids[key] = vocabulary.ids.value(name)
        case .object: ids[key] = try entry.optional("content").flatMap { vocabulary.ids.value(try $0.string()) }
        default: break
        }
      }
      for reader in configurations where ids[key] == nil {
        guard case .object = reader.value, let entry = try reader.optional("\(key)_id") else { continue }
        ids[key] = Self.ids(entry.value, vocabulary).first
      }
    }
    return ids
  }

  /// Every token at which a model may end: that of the tokenizer's files, then those of generation_config.json, or where
  /// it names none, of config.json; either may name one or a list.
  func endIDs(in vocabulary: Vocabulary) throws -> [Int32] {
    var ends = try ids(in: vocabulary)["eos_token"].map { [$0] } ?? []
    for reader in configurations {
      guard case .object = reader.value, let entry = try reader.optional("eos_token_id") else { continue }
      for id in Self.ids(entry.value, vocabulary) where !ends.contains(id) { ends.append(id) }
      break
    }
    return ends
  }

  /// The ids that a number or a list of numbers gives, those without a token left out.
  private static func ids(_ value: JSONValue, _ vocabulary: Vocabulary) -> [Int32] {
    var values = [value]
    if case .array(let several) = value { values = several }
    return values.compactMap { value in
      guard case .integer(let id) = value, let known = Int32(exactly: id), vocabulary.piece(known) != nil else {
        return nil
      }
      return known
    }
  }
}
