/// What went wrong, said so that a person can act on it: which file, where in it, what was expected, what was found, and
/// what to do next.
///
/// Every error that a user, a file or the system can cause is a `Fault`. A programmer's error traps instead.
public struct Fault: Error, Sendable, Equatable {
  /// The class of a fault; its raw value is the exit code of the process, as in `sysexits.h`.
  public enum Kind: Int32, Sendable {
    /// The command line or a call's arguments cannot be used.
    case usage = 64
    /// The content of a file is not what it must be.
    case badData = 65
    /// A file or folder that was named is not there or cannot be opened.
    case noInput = 66
    /// Unfold's own mistake.
    case software = 70
    /// An output cannot be created.
    case cannotCreate = 73
    /// Reading or writing failed, out of space too.
    case inputOutput = 74
    /// Stopped on request; the work can be resumed.
    case interrupted = 75
  }

  public var kind: Kind
  /// A stable name for programs, such as `checkpoint.truncated`: the module, a dot, the fault in camel case.
  public var name: String
  /// What went wrong, in one sentence without a full stop.
  public var problem: String
  /// The file that holds the fault.
  public var file: String?
  /// Where in the file: a line, a key path, a tensor, a byte offset.
  public var place: String?
  public var expected: String?
  public var found: String?
  /// What to do next, in one sentence without a full stop.
  public var advice: String?

  public init(
    _ kind: Kind, _ name: String, _ problem: String, file: String? = nil, place: String? = nil,
    expected: String? = nil, found: String? = nil, advice: String? = nil
  ) {
    self.kind = kind
    self.name = name
    self.problem = problem
    self.file = file
    self.place = place
    self.expected = expected
    self.found = found
    self.advice = advice
  }
}

extension Fault: CustomStringConvertible {
  /// The problem on the first line, then one indented line for each thing known.
  public var description: String {
    var lines = [problem]
    if let file { lines.append("  file:     \(file)") }
    if let place { lines.append("  at:       \(place)") }
    if let expected { lines.append("  expected: \(expected)") }
    if let found { lines.append("  found:    \(found)") }
    if let advice { lines.append("  try:      \(advice)") }
    return lines.joined(separator: "\n")
  }
}
