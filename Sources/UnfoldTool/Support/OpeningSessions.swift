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
      let (own, found) = (source.origin, try session.origin)
      guard !own.isOfSameModel(as: found) else { return session }
      throw Fault(
        .badData, "tool.otherModel", "The model that was named is not the store's", place: name,
        expected: "\(own.model) (\(ModelIdentity.short(own.modelDigest)))",
        found: "\(found.model) (\(ModelIdentity.short(found.modelDigest)))",
        advice: "name the model that the store was captured with, or name none")
    }
    let session: Session?
    do {
      session = try open(source.origin.model)
    } catch let fault as Fault where fault.kind == .noInput {
      // It is not here, which is no error.
      session = nil
    }
    guard let session, try session.origin.isOfSameModel(as: source.origin) else {
      common?.note("The store's model, \(source.origin.model), was not found; name it with --model to see its weights.")
      return nil
    }
    return session
  }
}

/// How commands open stores.
extension ActivationStore {
  /// The store that a command line names. Of one that is not finished it is said how much it holds.
  ///
  /// - Parameter advice: What is to be done where the name is a model's; nil where models are taken as well.
  /// - Throws: `tool.noStore`, and what opening a store throws.
  static func open(_ name: String, ofModel advice: String? = "name a corpus behind the model") throws -> ActivationStore
  {
    let url = URL(filePath: name)
    guard FileManager.default.fileExists(atPath: url.path) else { throw Fault.noStore(name, ofModel: advice) }
    let store = try ActivationStore(opening: url)
    if let note = store.unfinishedNote {
      Console.note(note)
      UnfinishedStore.opened.withLock { $0.append(UnfinishedStore(store, name: name)) }
    }
    return store
  }
}

/// A store that a command used though its capture has not come to its end.
struct UnfinishedStore: Encodable, Sendable {
  let store: String
  /// Rows of the document table that it holds, and that it will hold; nil where they were not counted before.
  let documents: Int
  let expectedDocuments: Int?

  init(_ store: ActivationStore, name: String) {
    (self.store, documents, expectedDocuments) = (name, store.documentCount, store.run.expectedDocuments)
  }

  /// Those of this process, which every JSON document names.
  static let opened = Mutex<[UnfinishedStore]>([])
}

extension Fault {
  /// Nothing lies where a store was named; says whether the name is that of something else.
  ///
  /// - Parameters:
  ///   - advice: What is to be done where the name is a model's; nil where models are taken as well.
  ///   - specification: The same where it is a specification's; nil: that is not looked up.
  static func noStore(
    _ name: String, ofModel advice: String? = "name a corpus behind the model",
    ofSpecification specification: String? = nil
  ) -> Fault {
    let (found, then) =
      if let specification, (try? SpecificationFile(named: name)) != nil {
        ("the name of a specification", specification)
      } else if let advice, (try? ModelLocation.resolve(name)) != nil {
        ("the name of a model", advice)
      } else {
        ("no such file or folder", "make one with `unfold capture`")
      }
    return Fault(
      .noInput, "tool.noStore", "There is no store \(advice == nil ? "or model " : "")of this name",
      file: URL(filePath: name).path, expected: advice == nil ? "a store, or a model" : "a store", found: found,
      advice: then)
  }
}

/// Refuses to mix what comes from different models.
func requireSameModel(_ expected: Origin, _ found: Origin, file: String) throws {
  guard !expected.isOfSameModel(as: found) else { return }
  throw Fault(
    .badData, "tool.otherModel", "This belongs to another model", file: file,
    expected: "\(expected.model) (\(ModelIdentity.short(expected.modelDigest)))",
    found: "\(found.model) (\(ModelIdentity.short(found.modelDigest)))",
    advice: "use the store and the model that belong together")
}
