import Foundation
import Synchronization
import Unfold

/// How commands open models.
extension Session {
  /// What `--memory` said, for all models of this process; 0: nothing.
  static let memoryLimit = Atomic<Int>(0)

  /// The model that a command line names, in the memory that it allows; says what must be known of how it is run.
  static func open(_ name: String, compute: ComputeType = .float32) throws -> Session {
    let memory = memoryLimit.load(ordering: .relaxed)
    let session = try Session(name, compute: compute, memory: memory > 0 ? memory : nil)
    for note in session.model.notes { Console.note(note) }
    return session
  }

  /// The model named, or the one whose name the store records if it is here; one that is another is an error where the
  /// user named it, and passed over where not.
  static func open(
    of source: any ActivationSource, named name: String?, _ common: CommonOptions? = nil
  ) throws -> Session? {
    if let name {
      let session = try open(name)
      var origin = source.origin
      origin.modelDigest = try session.model.checkpoint.digest()
      try requireSameModel(source.origin, origin, file: name)
      return session
    }
    guard let session = try? open(source.origin.model),
      try session.model.checkpoint.digest() == source.origin.modelDigest
    else {
      common?.note("The store's model, \(source.origin.model), was not found; name it with --model to see its weights.")
      return nil
    }
    return session
  }
}

/// Refuses to mix what comes from different models.
func requireSameModel(_ expected: Origin, _ found: Origin, file: String) throws {
  guard expected.modelDigest != found.modelDigest else { return }
  throw Fault(
    .badData, "tool.otherModel", "This belongs to another model", file: file,
    expected: "\(expected.model) (\(expected.modelDigest.prefix(12)))",
    found: "\(found.model) (\(found.modelDigest.prefix(12)))",
    advice: "use the store and the model that belong together")
}
