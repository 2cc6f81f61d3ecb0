/// How a corpus is read.
public struct CorpusOptions: Sendable, Equatable {
  /// The field of a JSON line or the column of a table that holds the text.
  public var textField: String
  /// The fields or columns that hold labels.
  public var labelFields: [String]
  /// What the labels are.
  public var labelType: LabelType
  public var invalidUTF8: InvalidUTF8
  /// The longest document, in bytes: what keeps a damaged or hostile file from filling the memory.
  public var maximumDocumentBytes: Int

  /// What to do with bytes that are not UTF-8.
  public enum InvalidUTF8: String, Sendable, Codable, CaseIterable {
    /// Stop with a message that names file and line. Half of a surrogate pair in JSON counts as such bytes.
    case strict
    /// Put U+FFFD in their place.
    case replace
    /// Leave the document out, and count it.
    case skip
  }

  public init(
    textField: String = "text", labelFields: [String] = ["label"], labelType: LabelType = .automatic,
    invalidUTF8: InvalidUTF8 = .strict, maximumDocumentBytes: Int = 64 << 20
  ) {
    self.textField = textField
    self.labelFields = labelFields
    self.labelType = labelType
    self.invalidUTF8 = invalidUTF8
    self.maximumDocumentBytes = maximumDocumentBytes
  }
}
