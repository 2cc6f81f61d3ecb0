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

extension Fault {
  /// What to do next: the advice, and where there is none, what holds for every fault of its kind.
  public var nextStep: String {
    if let advice { return advice }
    return switch kind {
    case .usage: "give what is expected here; --help shows the choices and an example"
    case .badData where file != nil: "mend the file at this place, or take another one"
    case .badData: "change the input to what is expected"
    case .noInput: "check the name, and that the file is there and may be read"
    case .software: "report this with the command that you ran"
    case .cannotCreate: "choose another name or folder"
    case .inputOutput: "check the disk and the permissions, then run it again"
    case .interrupted: "run the same command again"
    }
  }

  /// What stands in place of a file that Git LFS has not fetched.
  package static func pointerOfGitLFS(_ start: some Collection<UInt8>, file: String?) -> Fault? {
    guard start.starts(with: Array("version https://git-lfs".utf8)) else { return nil }
    return Fault(
      .badData, "file.gitLFSPointer", "This file is a pointer of Git LFS, and not the file itself", file: file,
      expected: "the file's content", found: "version https://git-lfs.github.com/…",
      advice: "run `git lfs pull` in the folder, or download the file again")
  }
}

extension Fault: CustomStringConvertible {
  /// The problem on the first line, then one indented line for each thing known.
  public var description: String {
    var lines = [problem]
    if let file { lines.append("  file:     \(file)") }
    // What a file holds may be long.
    if let place { lines.append("  at:       \(place.shortened(to: 400))") }
    if let expected { lines.append("  expected: \(expected.shortened(to: 1000))") }
    if let found { lines.append("  found:    \(found.shortened(to: 400))") }
    lines.append("  try:      \(nextStep)")
    return lines.joined(separator: "\n").withoutControls
  }
}
