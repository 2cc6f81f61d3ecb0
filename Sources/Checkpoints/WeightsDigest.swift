import Diagnostics
import Digests
import Foundation
import Synchronization

/// The digest of weights' bytes, found once and remembered.
///
/// What was found is kept in a small file beside the user's other caches, by the file's path, size, number and times. The
/// time of the last change of the file's record is among them, which no program sets, so that a file with altered bytes is
/// read again whatever its other times say.
package enum WeightsDigest {
  /// That of one file.
  package static func hexadecimal(of url: URL) throws -> String {
    hexadecimal(of: [try MappedFile(contentsOf: url)])
  }

  /// SHA-256, in hexadecimal, over files in order. Reads those that are not remembered, on every core.
  static func hexadecimal(of files: [MappedFile]) -> String {
    var hash = SHA256()
    for file in files { hash.update(remembered(file)) }
    return hash.hexadecimal()
  }

  /// What a remembered digest is of: another file has another name or identity.
  struct Entry: Codable, Sendable, Equatable {
    var identity: String
    var digest: String
  }

  /// What this process knows, by path.
  private static let known = Mutex<[String: Entry]>([:])

  private static func remembered(_ file: MappedFile) -> String {
    let path = file.url.resolvingSymlinksInPath().path
    // One at a time: two at once would both read everything.
    return known.withLock { known in
      if let entry = known[path], entry.identity == file.identity { return entry.digest }
      var memory = WeightsMemory.read()
      if let entry = memory.files[path], entry.identity == file.identity {
        known[path] = entry
        return entry.digest
      }
      let digest = hashed(file)
      guard file.isSettled else { return digest }
      let entry = Entry(identity: file.identity, digest: digest)
      known[path] = entry
      memory.files[path] = entry
      memory.write()
      return digest
    }
  }

  /// The bytes that one core hashes at once.
  private static let piece = 16 << 20

  /// SHA-256 over the digests of the file's pieces, which several cores find at once.
  static func hashed(_ file: MappedFile) -> String {
    let count = (file.count + piece - 1) / piece
    let digests = Mutex([[UInt8]](repeating: [], count: count))
    DispatchQueue.concurrentPerform(iterations: count) { index in
      let range = index * piece..<min((index + 1) * piece, file.count)
      var hash = SHA256()
      file.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[range])) }
      file.advise(.done, on: range)
      let digest = hash.digest()
      digests.withLock { $0[index] = digest }
    }
    var hash = SHA256()
    withUnsafeBytes(of: UInt64(file.count).littleEndian) { hash.update($0) }
    for digest in digests.withLock({ $0 }) { hash.update(digest) }
    return hash.hexadecimal()
  }
}

/// The file of what was hashed.
struct WeightsMemory: Codable {
  var files: [String: WeightsDigest.Entry] = [:]

  private static let name = "weights.json"
  private static let mostBytes = 1 << 20
  private static let mostFiles = 2000

  /// What there is; nothing where it cannot be read, which costs reading the weights and no more.
  static func read(in folder: URL = UserCaches.folder) -> WeightsMemory {
    guard let file = try? MappedFile(contentsOf: folder.appending(path: name)), file.count <= mostBytes,
      let memory = file.withUnsafeBytes({ try? JSONDecoder().decode(WeightsMemory.self, from: Data($0)) }),
      memory.files.values.allSatisfy({ $0.digest.utf8.count == 64 })
    else { return WeightsMemory() }
    return memory
  }

  /// Keeps it, where that is allowed.
  func write(in folder: URL = UserCaches.folder) {
    var kept = self
    // Of models that are gone nothing need be known.
    if files.count > Self.mostFiles {
      kept.files = files.filter { FileManager.default.fileExists(atPath: $0.key) }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(kept), data.count <= Self.mostBytes else { return }
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try? data.write(to: folder.appending(path: Self.name), options: .atomic)
  }
}
