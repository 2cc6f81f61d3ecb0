import Checkpoints
import Digests

extension Corpus {
  /// SHA-256, in hexadecimal, over the bytes of the files in order, with their sizes: the same wherever they lie. Nil
  /// where the corpus is a stream. Reads every file once.
  public func digest() throws -> String? {
    guard !isStream else { return nil }
    var hash = SHA256()
    if let inMemory {
      for document in inMemory { hash.update(document) }
      return hash.hexadecimal()
    }
    for file in files {
      guard let url = file.url else { return nil }
      let mapped = try MappedFile(contentsOf: url)
      withUnsafeBytes(of: UInt64(mapped.count).littleEndian) { hash.update($0) }
      let piece = 64 << 20
      for start in stride(from: 0, to: mapped.count, by: piece) {
        let range = start..<min(start + piece, mapped.count)
        mapped.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[range])) }
        mapped.advise(.done, on: range)
      }
    }
    return hash.hexadecimal()
  }
}
