import Foundation
import Synchronization

/// Files and folders that are being written under names of their own, and have not been given their final names yet.
///
/// Whoever ends the process on a signal removes them first, so that a command that is stopped leaves nothing behind.
public enum UnfinishedOutputs {
  private static let paths = Mutex<Set<String>>([])

  /// Takes note of a file or folder that is not finished.
  package static func begin(_ path: String) { paths.withLock { _ = $0.insert(path) } }

  /// It has its final name, or is gone.
  package static func end(_ path: String) { paths.withLock { _ = $0.remove(path) } }

  /// Removes all of them. What another thread still writes into them is lost: the process is about to end.
  public static func removeAll() {
    let found = paths.withLock { paths in
      defer { paths = [] }
      return paths
    }
    for path in found { try? FileManager.default.removeItem(atPath: path) }
  }
}
