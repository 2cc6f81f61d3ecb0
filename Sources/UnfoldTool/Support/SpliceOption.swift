import ArgumentParser
import Foundation
import Unfold

/// Dictionaries that stand in a model while a command works on it.
struct SpliceOption: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Work on the model with what this dictionary rebuilds in the place of what it reads: its folder; repeatable.",
      valueName: "folder"))
  var splice: [String] = []

  /// The session with each dictionary spliced in, in the order given.
  func applied(to session: Session) throws -> Session {
    try splice.reduce(session) { session, folder in
      try session.splicing(.load(folder: URL(filePath: folder)))
    }
  }
}
