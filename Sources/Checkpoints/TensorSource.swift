import Diagnostics
import Foundation

/// Where a model's tensors come from: a folder of safetensors files or a GGUF file, mapped and read as one table.
///
/// Opening checks the headers; no weight is read.
public protocol TensorSource: Sendable {
  /// What was opened: a folder or a file. Of a split GGUF file, its first part.
  var location: URL { get }
  /// The names of all tensors, sorted by bytes.
  var names: [String] { get }
  /// The tensor of a name (compared by bytes), or nil where there is none. O(1).
  func tensor(named name: String) -> TensorView?
  /// The sum of the files' sizes in bytes.
  var byteCount: Int { get }

  /// What tells this model from another: SHA-256, in hexadecimal, over everything but the weights; a dot; SHA-256 over the
  /// weights' bytes. The first time the weights are read, on every core; what was found is remembered by path, size, number
  /// and times of the files, and costs nothing from then on.
  func digest() throws -> String
  /// The digest of what the source says of its tokenizer, or nil where it has none.
  func tokenizerDigest() throws -> String?
}

/// Opens a model's weights, whatever they are: a `.gguf` file (of a split one, any part), a safetensors file, or a folder
/// that holds safetensors files or just one model in GGUF.
///
/// In a folder, safetensors files come before GGUF. Beside a model's GGUF file may lie one of its image encoder, whose
/// name begins with `mmproj`: it is passed over.
///
/// - Throws: `Fault`: those of `Checkpoint` and `GGUFCheckpoint`; `checkpoints.severalModels` where a folder holds
///   several models.
public func openTensorSource(at url: URL) throws -> any TensorSource {
  if let file = try ggufFile(at: url) { return try GGUFCheckpoint(file) }
  return try ModelFolder.isFolder(url) ? Checkpoint(folder: url) : Checkpoint(url)
}

/// The GGUF file that `openTensorSource(at:)` opens (of a split one, any part), or nil where it looks for safetensors.
///
/// - Throws: `Fault`: `checkpoints.severalModels`, and where nothing lies there.
package func ggufFile(at url: URL) throws -> URL? {
  guard try ModelFolder.isFolder(url) else {
    if url.pathExtension.lowercased() == "gguf" { return url }
    return try MappedFile(contentsOf: url).withUnsafeBytes { $0.starts(with: GGUFHeader.magic) } ? url : nil
  }
  let content = try ModelFolder.content(of: url)
  let hasSafetensors = content.contains { $0.hasSuffix(".safetensors") || $0 == ShardIndex.fileName }
  let files = content.filter { $0.lowercased().hasSuffix(".gguf") }.sorted()
  guard !hasSafetensors, !files.isEmpty else { return nil }
  let models = files.filter { !$0.lowercased().hasPrefix("mmproj") }
  let candidates = models.isEmpty ? files : models
  // The parts of one split file count as one model.
  let names = Set(candidates.map { GGUFPart(fileName: $0)?.family ?? $0 })
  guard names.count == 1 else {
    throw Fault(
      .noInput, "checkpoints.severalModels", "This folder holds several models", file: url.path,
      expected: "one model, or the path of one of the files",
      found: names.sorted().prefix(6).joined(separator: ", ")
        + (names.count > 6 ? " and \(names.count - 6) more" : ""),
      advice: "give the path of the file that you want, such as \(url.appending(path: candidates[0]).path)")
  }
  return url.appending(path: candidates[0])
}
