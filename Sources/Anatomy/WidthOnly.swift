/// A model of which the world knows, or guesses, the width alone.
public struct WidthOnly: Sendable, Equatable, Codable {
  public let name: String
  public let title: String
  /// D, the number of dimensions of an embedding.
  public let width: Int
  /// How far the number can be trusted.
  public let standing: String

  /// What 12·D² says of one block of the usual shape.
  public var parametersPerUsualBlock: Int { 12 * width * width }

  public static let all = [
    WidthOnly(
      name: "claude-3-opus", title: "Claude 3 Opus", width: 12_288,
      standing: "unofficial: an outside estimate of about 12,288, never confirmed; its makers published no dimension")
  ]

  /// The model of a name, whatever its case and separators.
  public static func named(_ name: String) -> WidthOnly? {
    let wanted = name.lowercased().filter { $0.isLetter || $0.isNumber }
    return all.first { $0.name.filter { $0.isLetter || $0.isNumber } == wanted }
  }
}
