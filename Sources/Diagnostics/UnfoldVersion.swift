/// The version of Unfold, as result files record it.
public enum UnfoldVersion {
  public static let current = "0.1.0"
}
