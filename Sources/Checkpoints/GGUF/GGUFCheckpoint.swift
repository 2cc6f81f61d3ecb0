import Diagnostics
import Digests
import Foundation
import StrictJSON

/// A model in GGUF: one file, or the parts of a split one, read as one table of tensors.
///
/// Opening maps the files and checks their headers; no weight is read.
public struct GGUFCheckpoint: TensorSource {
  /// The file, or the first part.
  public let location: URL
  /// The parts in order; one where the file is not split.
  public let files: [GGUFFile]
  /// The metadata of the file; of a split one, that of its first part, which holds the model's.
  public let metadata: GGUFMetadata
  public let names: [String]
  private let tensors: [ExactString: TensorView]

  /// Opens a GGUF file. Of one that is split (`NAME-00001-of-00003.gguf`), any part opens them all.
  /// - Throws: `Fault`: `checkpoints.missingShard`, which names the parts that are not there,
  ///   `checkpoints.partsDisagree`, those of `GGUFFile`, and `checkpoints.metadata` where metadata contradicts itself or
  ///   the tensors.
  public init(_ url: URL) throws {
    if let part = GGUFPart(fileName: url.lastPathComponent), part.count > 1 {
      try self.init(files: try Self.open(part, of: url))
    } else {
      let file = try GGUFFile(contentsOf: url)
      let count = try file.metadata.optional("split.count")?.integer() ?? 1
      guard count <= 1 else {
        throw Fault(
          .badData, "checkpoints.partsDisagree", "This is one part of a split file under another name",
          file: url.path, place: "key split.count", expected: "a name such as NAME-00001-of-\(count).gguf",
          found: url.lastPathComponent, advice: "give the parts the names that they were published under")
      }
      try self.init(files: [file])
    }
    try checkMeaning()
  }

  private init(files: [GGUFFile]) throws {
    location = files[0].url
    self.files = files
    metadata = files[0].metadata
    var tensors: [ExactString: TensorView] = [:]
    tensors.reserveCapacity(files.reduce(0) { $0 + $1.tensors.count })
    for file in files {
      for tensor in file.tensors {
        if let other = tensors.updateValue(tensor, forKey: ExactString(tensor.name)) {
          throw Fault(
            .badData, "checkpoints.partsDisagree", "Two parts hold a tensor of the same name", file: file.url.path,
            place: "tensor \(tensor.name)", expected: "it in one part",
            found: "it also in \(other.file.url.lastPathComponent)", advice: "download the model again")
        }
      }
    }
    self.tensors = tensors
    names = tensors.keys.sorted().map(\.string)
  }

  public func tensor(named name: String) -> TensorView? { tensors[ExactString(name)] }

  public var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

  private static func open(_ part: GGUFPart, of url: URL) throws -> [GGUFFile] {
    let folder = url.deletingLastPathComponent()
    let there = Set(try ModelFolder.content(of: folder).map { ExactString($0) })
    let names = (1...part.count).map { part.name($0) }
    let missing = names.filter { !there.contains(ExactString($0)) }
    guard missing.isEmpty else {
      throw Fault(
        .noInput, "checkpoints.missingShard", "Parts of this GGUF file are not there",
        file: folder.appending(path: missing[0]).path, expected: "\(part.count) parts",
        found: "\(part.count - missing.count); missing: \(missing.prefix(4).joined(separator: ", "))"
          + (missing.count > 4 ? " and \(missing.count - 4) more" : ""),
        advice: "download the missing files into the same folder")
    }
    let files = try names.map { try GGUFFile(contentsOf: folder.appending(path: $0)) }
    for (index, file) in files.enumerated() {
      for (key, expected) in [("split.count", part.count), ("split.no", index)] {
        let field = try file.metadata.required(key)
        guard try field.integer() == expected else {
          throw disagreement(
            file, key, expected: "\(expected), as the file's name says", found: "\(try field.integer())")
        }
      }
    }
    let total = files.reduce(0) { $0 + $1.tensors.count }
    if let field = files[0].metadata.optional("split.tensors.count"), try field.integer() != total {
      throw disagreement(
        files[0], field.key, expected: "\(try field.integer()) tensors in all parts", found: "\(total)")
    }
    return files
  }

  private static func disagreement(_ file: GGUFFile, _ key: String, expected: String, found: String) -> Fault {
    Fault(
      .badData, "checkpoints.partsDisagree", "The parts of this GGUF file do not belong together", file: file.url.path,
      place: "key \(key)", expected: expected, found: found, advice: "download the model again")
  }
}

extension GGUFCheckpoint {
  /// SHA-256 over the size and the header of every file, which holds the metadata and the table of tensors; a dot; SHA-256
  /// over the weights' bytes, which are read once and remembered.
  public func digest() throws -> String {
    var hash = SHA256()
    for file in files {
      withUnsafeBytes(of: UInt64(file.byteCount).littleEndian) { hash.update($0) }
      file.withUnsafeHeaderBytes { hash.update($0) }
    }
    return "\(hash.hexadecimal()).\(WeightsDigest.hexadecimal(of: files.map(\.file)))"
  }

  /// SHA-256 over all metadata whose keys begin with `tokenizer.`, in the file's order.
  public func tokenizerDigest() throws -> String? {
    var hash = SHA256()
    var isEmpty = true
    files[0].forEachEntry(withPrefix: "tokenizer.") {
      hash.update($0)
      isEmpty = false
    }
    return isEmpty ? nil : hash.hexadecimal()
  }
}
