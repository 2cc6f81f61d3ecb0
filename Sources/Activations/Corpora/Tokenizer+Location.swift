import Checkpoints
import Diagnostics
import Foundation
import Tokenization
import Transformer

extension Tokenizer {
  /// The tokenizer of a model, wherever the model lies: a folder with tokenizer.json, or a GGUF file (or a folder that
  /// holds one), which carries its vocabulary. nil where there is none.
  ///
  /// - Throws: Those of `Tokenizer.init(folder:)`, `Tokenizer.init(gguf:file:)` and `openTensorSource(at:)`.
  public static func of(model location: URL) throws -> Tokenizer? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: location.path, isDirectory: &isFolder) else {
      throw Fault(
        .noInput, "tokenizer.notFound", "There is no such model", file: location.path,
        advice: "check the path: names are case-sensitive")
    }
    if isFolder.boolValue {
      if FileManager.default.fileExists(atPath: location.appending(path: "tokenizer.json").path) {
        return try Tokenizer(folder: location)
      }
      let files = (try? FileManager.default.contentsOfDirectory(atPath: location.path)) ?? []
      guard files.contains(where: { $0.lowercased().hasSuffix(".gguf") }) else { return nil }
    }
    guard let file = try openTensorSource(at: location) as? GGUFCheckpoint else { return nil }
    return try Tokenizer(gguf: file.metadata)
  }

  /// The tokenizer that a GGUF file's metadata describe; nil where they hold no vocabulary.
  public static func of(_ metadata: GGUFMetadata) throws -> Tokenizer? { try Tokenizer(gguf: metadata) }

  private convenience init?(gguf metadata: GGUFMetadata) throws {
    let prefix = "tokenizer.ggml."
    guard let tokens = try metadata.optional(prefix + "tokens")?.strings() else { return nil }
    func integer(_ key: String) throws -> Int? { try metadata.optional(prefix + key)?.integer() }
    // The largest number of 32 bits stands for "none".
    func id(_ key: String) throws -> Int? { try integer(key).flatMap { $0 == Int(UInt32.max) || $0 < 0 ? nil : $0 } }
    func flag(_ key: String) throws -> Bool? { try metadata.optional(prefix + key)?.bool() }
    var vocabulary = GGUFVocabulary(model: try metadata.required(prefix + "model").string(), tokens: tokens)
    vocabulary.preTokenizer = try metadata.optional(prefix + "pre")?.string()
    vocabulary.scores = try metadata.optional(prefix + "scores")?.numbers().map(Float.init) ?? []
    vocabulary.types = try metadata.optional(prefix + "token_type")?.integers().map(Int32.init(clamping:)) ?? []
    vocabulary.merges = try metadata.optional(prefix + "merges")?.strings() ?? []
    vocabulary.beginID = try id("bos_token_id")
    vocabulary.endID = try id("eos_token_id")
    vocabulary.furtherEndIDs = try ["eot_token_id", "eom_token_id"].compactMap(id)
    vocabulary.unknownID = try id("unknown_token_id")
    vocabulary.separatorID = try id("seperator_token_id")
    vocabulary.paddingID = try id("padding_token_id")
    vocabulary.classificationID = try id("cls_token_id")
    vocabulary.maskID = try id("mask_token_id")
    vocabulary.addsBegin = try flag("add_bos_token")
    vocabulary.addsEnd = try flag("add_eos_token")
    vocabulary.addsSeparator = try flag("add_sep_token")
    vocabulary.addsSpacePrefix = try flag("add_space_prefix")
    vocabulary.removesExtraWhitespace = try flag("remove_extra_whitespaces")
    vocabulary.lowercases = try flag("normalizer.lowercase")
    vocabulary.stripsAccents = try flag("normalizer.strip_accents")
    vocabulary.characterMap =
      try metadata.optional(prefix + "precompiled_charsmap")?.integers().map { UInt8(truncatingIfNeeded: $0) } ?? []
    try self.init(gguf: vocabulary, file: metadata.file)
  }
}
