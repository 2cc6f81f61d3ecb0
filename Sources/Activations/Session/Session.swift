import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import Tokenization
import Transformer

/// A model and its tokenizer, opened together: what texts are run on.
///
/// ```swift
/// let session = try Session("unfold-mini")
/// let cache = try session.run("The king and the", caching: "resid_post,z")
/// ```
public struct Session: Sendable {
  /// What the user called the model, without folders.
  public let name: String
  public let model: Model
  /// nil where the model has none: enough for corpora of token ids.
  public let tokenizer: Tokenizer?

  /// Opens a model by what a user calls it; see `ModelLocation.resolve`.
  ///
  /// - Parameters:
  ///   - compute: The numbers that matrix products compute with.
  ///   - memory: The bytes that weights and runs may take; nil: what the machine has free.
  /// - Throws: `checkpoints.modelNotFound`, and those of `Model.load` and `Tokenizer.of(model:)`.
  public init(_ name: String, compute: ComputeType = .float32, memory: Int? = nil) throws {
    let location = try ModelLocation.resolve(name)
    let model = try Model.load(location, compute: compute, memory: memory)
    let tokenizer = try Tokenizer.of(model: location)
    try tokenizer?.check(embeddingRows: model.architecture.vocabularySize, of: location.path)
    self.init(
      model: model, tokenizer: tokenizer, name: name.split(separator: "/").last.map(String.init) ?? name)
  }

  /// A session of what is open already.
  public init(model: Model, tokenizer: Tokenizer?, name: String) {
    self.model = model
    self.tokenizer = tokenizer
    self.name = name
  }

  /// The tokenizer, for what needs one.
  /// - Throws: `Fault` named `session.noTokenizer`.
  public func requireTokenizer() throws -> Tokenizer {
    guard let tokenizer else {
      throw Fault(
        .noInput, "session.noTokenizer", "The model has no tokenizer", file: model.folder.path,
        expected: "tokenizer.json beside the weights, or a vocabulary in the GGUF file",
        advice: "give a corpus of token ids, or add the file")
    }
    return tokenizer
  }

  /// What results of this model alone come from.
  ///
  /// - Throws: What reading the checkpoint throws.
  public var origin: Origin {
    get throws {
      Origin(model: name, modelDigest: try model.checkpoint.digest(), version: UnfoldVersion.current)
    }
  }

  /// A corpus's activations, computed whenever they are read.
  ///
  /// - Parameters:
  ///   - sites: Hook points, as users type them.
  /// - Throws: As `LiveActivations.init`.
  public func activations(
    of corpus: Corpus, sites: String = CaptureSettings.usualSites, layers: String? = nil
  ) throws -> LiveActivations {
    try LiveActivations(
      model: model, tokenizer: tokenizer, corpus: corpus, settings: CaptureSettings(sites: sites, layers: layers),
      modelName: name)
  }
}

// MARK: - Texts and tokens

extension Session {
  /// A token's text by its id, bytes of a partial character as `<0xEB>`; nil where there is no tokenizer.
  public var piece: (@Sendable (Int32) -> String)? {
    guard let tokenizer else { return nil }
    return { id in tokenizer.shownText(of: id) ?? "" }
  }

  /// A token's text to be shown: its number in brackets where it has none.
  public func text(of token: Int32) -> String { tokenizer?.shownText(of: token) ?? "[\(token)]" }

  /// The texts of tokens to be shown.
  public func pieces(of tokens: [Int32]) -> [String] { tokens.map(text(of:)) }

  /// The tokens of a text, with those that the tokenizer adds; of an empty text the begin token.
  ///
  /// - Throws: `Fault` named `session.noTokenizer`, or `session.emptyText` where there is no token at all.
  public func tokens(of text: String, addSpecialTokens: Bool = true) throws -> [Int32] {
    let tokenizer = try requireTokenizer()
    let tokens = try tokenizer.encode(text, addSpecialTokens: addSpecialTokens).ids
    if !tokens.isEmpty { return tokens }
    guard let begin = tokenizer.beginID else {
      throw Fault(
        .usage, "session.emptyText", "There is nothing to run the model on", expected: "a text of at least one token",
        found: "none", advice: "give a text in quotes")
    }
    return [begin]
  }

  /// The id of a token named by its text, with a space before it where only that is one token. Where the tokenizer itself
  /// puts a space in front of a text, one that was given is taken for it.
  ///
  /// - Throws: `Fault` named `session.notOneToken`.
  public func token(named name: String) throws -> Int32 {
    let tokenizer = try requireTokenizer()
    for candidate in [name, " " + name] {
      let ids = try tokenizer.encode(candidate, addSpecialTokens: false).ids
      if ids.count == 1 { return ids[0] }
    }
    if name.hasPrefix(" ") {
      let ids = try tokenizer.encode(String(name.dropFirst()), addSpecialTokens: false).ids
      if ids.count == 1, tokenizer.text(of: ids[0]) == name { return ids[0] }
    }
    let pieces = pieces(of: try tokenizer.encode(name, addSpecialTokens: false).ids)
    // A space that stands alone says nothing of what was meant.
    let first = pieces.first { !$0.allSatisfy(\.isWhitespace) } ?? pieces.first ?? ""
    throw Fault(
      .usage, "session.notOneToken", "This is not one token of the vocabulary", place: "\"\(name)\"",
      expected: "a single token", found: pieces.map { "\"\($0)\"" }.joined(separator: " "),
      advice: "name one of its tokens, such as \"\(first)\"")
  }

  /// The position of a token of a text, named by its number or by its text (the last such).
  ///
  /// - Throws: `Fault` named `session.noSuchToken`.
  public func position(of name: String, in tokens: [Int32]) throws -> Int {
    if let number = Int(name), tokens.indices.contains(number) { return number }
    let texts = pieces(of: tokens)
    if let exact = texts.lastIndex(of: name) { return exact }
    let bare = name.trimmingCharacters(in: .whitespaces)
    if let like = texts.lastIndex(where: { $0.trimmingCharacters(in: .whitespaces) == bare }) { return like }
    throw Fault(
      .usage, "session.noSuchToken", "The text has no such token", place: "\"\(name)\"",
      expected: "the text of one of its tokens, or a position from 0 to \(tokens.count - 1)",
      found: texts.enumerated().map { "\($0):\($1)" }.joined(separator: " "))
  }
}

// MARK: - Running

extension Session {
  /// Runs the model on a text and keeps the values of some sites.
  ///
  /// - Parameters:
  ///   - sites: Hook points: shorthands (`resid_post`), full names, names with `*`; separated by commas.
  ///   - layers: Which layers shorthands speak of: `all`, `last`, or such as `0,4-8`.
  ///   - hooks: Edits of this run; values are kept as they are after them.
  /// - Throws: `session.noTokenizer`, `transformer.unknownSite`, and those of `Model.run`.
  public func run(
    _ text: String, caching sites: String, layers: String? = nil, hooks: [Hook] = []
  ) throws -> ActivationCache {
    try model.cache(
      tokens(of: text), sites: model.architecture.select(sites: sites, layers: layers), hooks: hooks)
  }
}
