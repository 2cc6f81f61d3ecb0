/// Where activations come from: what must agree before two results may be mixed.
public struct Origin: Codable, Sendable, Hashable {
  /// The model as the user named it, without folders that only this machine has.
  public var model: String
  /// SHA-256, in hexadecimal, over configuration, tokenizer, tensor headers and sizes, a dot, and that over the weights'
  /// bytes; what older versions recorded has no second part. Compare by `isOfSameModel(as:)`.
  public var modelDigest: String
  /// SHA-256 of the tokenizer's definition; nil where the corpus came as token ids.
  public var tokenizerDigest: String?
  /// The corpora's names.
  public var corpus: [String]
  /// SHA-256 over the corpora's bytes; nil where they came as a stream.
  public var corpusDigest: String?
  /// The version of Unfold that computed the values.
  public var version: String

  public init(
    model: String, modelDigest: String, tokenizerDigest: String? = nil, corpus: [String] = [],
    corpusDigest: String? = nil, version: String
  ) {
    self.model = model
    self.modelDigest = modelDigest
    self.tokenizerDigest = tokenizerDigest
    self.corpus = corpus
    self.corpusDigest = corpusDigest
    self.version = version
  }
}
