import Diagnostics
import Foundation
import StrictJSON

/// A safetensors file, mapped: a table of tensors and their bytes where they lie.
///
/// The header is checked completely before anything of it is believed: the format's own rules
/// (https://huggingface.co/docs/safetensors) and no leniency beyond white space around the header. Cost: one pass over
/// the header; the data is not touched.
public struct SafetensorsFile: Sendable {
  public let url: URL
  /// The tensors in the order in which they lie in the file.
  public let tensors: [TensorView]
  /// The header's `__metadata__`, in its own order.
  public let metadata: [(key: String, value: String)]
  /// The size of the file in bytes.
  public var byteCount: Int { file.count }

  let file: MappedFile
  private let header: Range<Int>
  private let indices: [ExactString: Int]

  /// No header is longer than this; the same limit as the reference implementation's.
  public static let maximumHeaderLength = 100_000_000

  /// Maps a file and checks its header.
  /// - Throws: `Fault`: those of `MappedFile` where it cannot be opened; of the kind `badData` where its content is not
  ///   what the format demands (`checkpoints.truncated`, `checkpoints.header`, `checkpoints.tensorRange` and their like).
  public init(contentsOf url: URL) throws {
    let file = try MappedFile(contentsOf: url)
    let parsed = try file.withUnsafeBytes { try SafetensorsHeader(checking: $0, file: url.path) }
    self.url = url
    self.file = file
    header = parsed.range
    metadata = parsed.metadata
    tensors = parsed.entries.map {
      TensorView(name: $0.name, type: $0.type, shape: $0.shape, file: file, range: $0.range)
    }
    indices = Dictionary(uniqueKeysWithValues: tensors.indices.map { (ExactString(parsed.entries[$0].name), $0) })
  }

  /// The tensor of a name, compared by bytes.
  public subscript(name: String) -> TensorView? { indices[ExactString(name)].map { tensors[$0] } }

  /// Lends the header's bytes, the eight of its length included.
  public func withUnsafeHeaderBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try file.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[0..<header.upperBound])) }
  }
}
