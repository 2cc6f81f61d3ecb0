/// What an export wrote.
public struct ExportSummary: Codable, Sendable, Equatable {
  /// The format's name, as the command has it.
  public var format: String
  /// The file or folder.
  public var output: String
  public var files: Int
  /// What was written, by what it is: `features`, `activations`, `rows`, …
  public var counts: [String: Int]
}
