/// Whether models are the same, by the digests that records of them hold: that of everything but the weights, a dot, and
/// that of the weights' bytes. Records made before weights were read have the first part alone.
public enum ModelIdentity {
  /// Whether two digests may be of the same model: all that both of them say is equal.
  public static func agree(_ first: String, _ second: String) -> Bool {
    let (first, second) = (parts(first), parts(second))
    guard first.description == second.description else { return false }
    return first.weights == nil || second.weights == nil || first.weights == second.weights
  }

  /// A digest as messages show it: the beginning of each part.
  public static func short(_ digest: String) -> String {
    let (description, weights) = parts(digest)
    return description.prefix(12) + (weights.map { ".\($0.prefix(8))" } ?? "")
  }

  private static func parts(_ digest: String) -> (description: Substring, weights: Substring?) {
    guard let dot = digest.firstIndex(of: ".") else { return (digest[...], nil) }
    return (digest[..<dot], digest[digest.index(after: dot)...])
  }
}

extension Origin {
  /// Whether values of both may be mixed as those of one model.
  public func isOfSameModel(as other: Origin) -> Bool { ModelIdentity.agree(modelDigest, other.modelDigest) }
}
