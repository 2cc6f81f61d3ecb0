import Diagnostics
import Foundation
import StrictJSON

/// A GGUF file, mapped: its metadata, and a table of tensors and their bytes where they lie.
///
/// Versions 2 and 3, little-endian. The header is checked completely before anything of it is believed. Cost: one pass
/// over the header; the data is not touched. A header of 260,000 tokens and 500,000 merges takes about 5 ms.
public struct GGUFFile: Sendable {
  public let url: URL
  /// 2 or 3: the two differ only in the order of bytes that they allow.
  public let version: Int
  public let metadata: GGUFMetadata
  /// The tensors in the order in which they lie in the file. Shapes are outermost first: the reverse of the file's order.
  public let tensors: [TensorView]
  /// What each tensor's place is a multiple of, in bytes.
  public let alignment: Int
  /// The size of the file in bytes.
  public var byteCount: Int { file.count }

  let file: MappedFile
  private let header: Range<Int>
  private let metadataRanges: [Range<Int>]
  private let indices: [ExactString: Int]

  /// Maps a file and checks its header.
  /// - Throws: `Fault`: those of `MappedFile` where it cannot be opened; of the kind `badData` where its content is not
  ///   what the format demands (`checkpoints.truncated`, `checkpoints.header`, `checkpoints.ggufVersion`,
  ///   `checkpoints.tensorRange` and their like).
  public init(contentsOf url: URL) throws {
    let file = try MappedFile(contentsOf: url)
    let parsed = try file.withUnsafeBytes { try GGUFHeader(checking: $0, of: file) }
    self.url = url
    self.file = file
    version = parsed.version
    alignment = parsed.alignment
    header = parsed.range
    metadata = GGUFMetadata(parsed.metadata, file: url.path)
    metadataRanges = parsed.metadataRanges
    tensors = parsed.entries.map {
      TensorView(name: $0.name, type: $0.type, shape: $0.shape, file: file, range: $0.range)
    }
    indices = Dictionary(uniqueKeysWithValues: parsed.entries.enumerated().map { (ExactString($1.name), $0) })
  }

  /// The tensor of a name, compared by bytes.
  public subscript(name: String) -> TensorView? { indices[ExactString(name)].map { tensors[$0] } }

  /// Lends the header's bytes: the magic, the metadata and the table of tensors.
  public func withUnsafeHeaderBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try file.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[header])) }
  }

  /// Lends the bytes of each key, type and value whose key begins with a prefix, in the file's order.
  func forEachEntry(withPrefix prefix: String, _ body: (UnsafeRawBufferPointer) -> Void) {
    file.withUnsafeBytes { bytes in
      for (entry, range) in zip(metadata.entries, metadataRanges) where entry.key.utf8.starts(with: prefix.utf8) {
        body(UnsafeRawBufferPointer(rebasing: bytes[range]))
      }
    }
  }
}
