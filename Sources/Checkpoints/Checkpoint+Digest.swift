import Diagnostics
import Digests
import Foundation

extension Checkpoint {
  /// What tells this model from another: SHA-256, in hexadecimal, over config.json, tokenizer.json, and the name, size
  /// and header of every safetensors file; a dot; SHA-256 over the weights' bytes, which are read once and remembered.
  public func digest() throws -> String {
    var hash = try filesDigest()
    for file in files {
      hash.update(file.url.lastPathComponent)
      withUnsafeBytes(of: UInt64(file.byteCount).littleEndian) { hash.update($0) }
      file.withUnsafeHeaderBytes { hash.update($0) }
    }
    return "\(hash.hexadecimal()).\(WeightsDigest.hexadecimal(of: files.map(\.file)))"
  }

  /// The digest of the folder's tokenizer.json, or nil where there is none.
  public func tokenizerDigest() throws -> String? {
    let url = folder.appending(path: "tokenizer.json")
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    var hash = SHA256()
    try MappedFile(contentsOf: url).withUnsafeBytes { hash.update($0) }
    return hash.hexadecimal()
  }

  private func filesDigest() throws -> SHA256 {
    var hash = SHA256()
    for name in ["config.json", "tokenizer.json"] {
      let url = folder.appending(path: name)
      hash.update(name)
      guard FileManager.default.fileExists(atPath: url.path) else {
        withUnsafeBytes(of: UInt64.max) { hash.update($0) }
        continue
      }
      let file = try MappedFile(contentsOf: url)
      withUnsafeBytes(of: UInt64(file.count).littleEndian) { hash.update($0) }
      file.withUnsafeBytes { hash.update($0) }
    }
    return hash
  }
}
