import Diagnostics

extension GGUFCheckpoint {
  /// Holds what the metadata says of a model against the tensors and against itself: the parts that are the same for
  /// every architecture. Keys that are absent are not asked for.
  /// - Throws: `Fault` named `checkpoints.metadata`.
  func checkMeaning() throws {
    guard let architecture = try metadata.optional("general.architecture")?.string() else { return }
    try checkBlocks(architecture)
    let tokens = try checkTokenizer()
    guard let embedding = tensor(named: "token_embd.weight"), embedding.shape.count == 2 else { return }
    if let tokens, tokens > embedding.shape[0] {
      throw try metadata.required("tokenizer.ggml.tokens").unexpected(
        "at most \(embedding.shape[0]) tokens, the rows of token_embd.weight", found: "\(tokens)")
    }
    if let width = metadata.optional("\(architecture).embedding_length"), try width.integer() != embedding.shape[1] {
      throw width.unexpected("\(embedding.shape[1]), the columns of token_embd.weight")
    }
  }

  /// No tensor may belong to a block beyond those that are counted.
  private func checkBlocks(_ architecture: String) throws {
    guard let field = metadata.optional("\(architecture).block_count") else { return }
    let count = try field.integer()
    guard count >= 0 else { throw field.unexpected("a number of blocks") }
    for name in names where name.utf8.starts(with: "blk.".utf8) {
      guard let number = name.dropFirst(4).split(separator: ".", maxSplits: 1).first.flatMap({ Int($0) }) else {
        continue
      }
      guard number < count else {
        throw field.unexpected("more than \(number), since there is a tensor \(name)")
      }
    }
  }

  /// The lists that describe the tokens must have their types and one length, and special tokens must be among them.
  /// Returns the number of tokens.
  private func checkTokenizer() throws -> Int? {
    guard let field = metadata.optional("tokenizer.ggml.tokens") else { return nil }
    let tokens = try field.array()
    guard tokens.elementType == .string else { throw field.unexpected("an array of strings") }
    for (key, isNumber) in [("tokenizer.ggml.scores", true), ("tokenizer.ggml.token_type", false)] {
      guard let field = metadata.optional(key) else { continue }
      let list = try field.array()
      guard isNumber ? list.elementType == .float32 : list.elementType.word == "an integer" else {
        throw field.unexpected(isNumber ? "an array of 32-bit floats" : "an array of integers")
      }
      guard list.count == tokens.count else {
        throw field.unexpected("\(tokens.count) elements, one for each token", found: "\(list.count)")
      }
    }
    if let field = metadata.optional("tokenizer.ggml.merges"), try field.array().elementType != .string {
      throw field.unexpected("an array of strings")
    }
    for (key, value) in metadata.entries
    where key.utf8.starts(with: "tokenizer.ggml.".utf8) && key.hasSuffix("_token_id")
      // Nothing is ever padded here, and published files have padding beyond the vocabulary.
      && key != "tokenizer.ggml.padding_token_id"
    {
      let field = GGUFField(value: value, key: key, file: metadata.file)
      let id = try field.integer()
      // Converters write −1, in 32 bits without a sign, for a token that the model lacks.
      guard 0..<tokens.count ~= id || id == -1 || id == Int(UInt32.max) else {
        throw field.unexpected("a token's id, from 0 to \(tokens.count - 1)")
      }
    }
    return tokens.count
  }
}
