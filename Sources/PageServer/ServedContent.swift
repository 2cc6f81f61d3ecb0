import Activations
import Diagnostics
import Dictionaries
import Probes

/// What a server shows: what was opened when it was started, and nothing else.
public struct ServedContent: Sendable {
  public var store: ActivationStore?
  /// The model: the store's, or one that is looked at alone.
  public var session: Session?
  public var dictionary: (name: String, dictionary: SparseAutoencoder)?
  public var probe: (name: String, probe: Probe)?
  /// The column of the store's labels.
  public var column: String
  public var seed: UInt64

  /// - Throws: `server.nothing` where there is neither a store nor a model.
  public init(
    store: ActivationStore? = nil, session: Session? = nil,
    dictionary: (name: String, dictionary: SparseAutoencoder)? = nil, probe: (name: String, probe: Probe)? = nil,
    column: String = DocumentTable.defaultLabels, seed: UInt64 = 0
  ) throws {
    guard store != nil || session != nil else {
      throw Fault(
        .usage, "server.nothing", "There is nothing to show", expected: "a store or a model", found: "neither")
    }
    (self.store, self.session, self.dictionary, self.probe) = (store, session, dictionary, probe)
    (self.column, self.seed) = (column, seed)
  }

  func requireStore() throws -> ActivationStore {
    guard let store else {
      throw Fault(
        .noInput, "server.noStore", "This page needs a store of activations", expected: "a store",
        found: "a model alone",
        advice: "capture one with `unfold capture`, and start `unfold serve` with it")
    }
    try store.requireTokenRows()
    return store
  }

  func requireSession() throws -> Session {
    guard let session else {
      throw Fault(
        .noInput, "server.noModel", "This page runs a model", expected: "the model of the store",
        found: "none of its name on this machine", advice: "start `unfold serve` again and name its folder with --model"
      )
    }
    return session
  }

  func requireDictionary() throws -> (name: String, dictionary: SparseAutoencoder) {
    guard let dictionary else {
      throw Fault(
        .noInput, "server.noDictionary", "No dictionary was opened", expected: "a dictionary's folder", found: "none",
        advice: "start `unfold serve` again with --dictionary FOLDER")
    }
    return dictionary
  }

  func requireProbe() throws -> (name: String, probe: Probe) {
    guard let probe else {
      throw Fault(
        .noInput, "server.noProbe", "No probe was opened", expected: "a probe's file", found: "none",
        advice: "start `unfold serve` again with --probe FILE")
    }
    return probe
  }
}
