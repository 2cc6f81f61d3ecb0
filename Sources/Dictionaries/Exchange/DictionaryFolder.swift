import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import StrictJSON

/// Who a dictionary's files are made for.
public enum DictionaryFormat: String, Codable, Sendable, CaseIterable {
  /// Ours: SAELens's layout with the origin in its metadata, and names of our own for what SAELens has not (such as
  /// `topk_transcoder`). SAELens loads all others.
  case unfold
  /// `cfg.json` and `sae_weights.safetensors`, as SAELens 6 writes them.
  case saelens
  /// `cfg.json` and `sae.safetensors`, as EleutherAI's sparsify writes them.
  case sparsify
}

extension SparseAutoencoder {
  /// Reads a dictionary from a folder: one of ours, of SAELens (version 6 or the older flat form) or of sparsify.
  ///
  /// Nothing in the folder is believed unchecked: the configuration's meaning, each tensor's shape against it, and every
  /// number for NaN and infinity.
  ///
  /// - Throws: `Fault`: `dictionary.notADictionary`, `dictionary.pickle`, `dictionary.architecture`,
  ///   `dictionary.unknownKey`, `dictionary.configuration`, `dictionary.tensors`, `dictionary.notFinite`, and those of the files' own formats.
  public static func load(folder: URL) throws -> SparseAutoencoder {
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.appending(path: name).path) }
    let dictionary: SparseAutoencoder
    if exists("cfg.json"), exists(SAELensFolder.weights) {
      dictionary = try SAELensFolder.read(folder)
    } else if exists("cfg.json"), exists(SparsifyFolder.weights) {
      dictionary = try SparsifyFolder.read(folder)
    } else {
      throw refusal(of: folder, exists: exists)
    }
    try dictionary.validate()
    return dictionary
  }

  /// Writes the dictionary into a folder, which is made where it is not there.
  ///
  /// Each file appears under its name only when it is whole and on disk; `cfg.json` last. `batchtopk` and `matryoshka`
  /// are written as `jumprelu`, as SAELens does; our own metadata remember what they were.
  ///
  /// - Parameter type: the numbers in the file: float32, or bfloat16 to nearest.
  /// - Throws: `dictionary.notFinite`; `dictionary.cannotExport` where the format has no such dictionary;
  ///   `file.cannotCreate`, `file.write`.
  public func save(folder: URL, format: DictionaryFormat = .unfold, type: ComputeType = .float32) throws {
    try validate()
    if format != .unfold { try requireExpressible(in: format) }
    try AtomicFile.makeFolder(folder)
    switch format {
    case .unfold, .saelens: try SAELensFolder.write(self, to: folder, type: type)
    case .sparsify: try SparsifyFolder.write(self, to: folder, type: type)
    }
  }

  private func requireExpressible(in format: DictionaryFormat) throws {
    let problem = format == .saelens ? SAELensFolder.problem(with: self) : SparsifyFolder.problem(with: self)
    guard let problem else { return }
    throw Fault(
      .badData, "dictionary.cannotExport", "This dictionary cannot be written in the format", expected: problem,
      found: "\(SAELensFolder.architecture(of: self)) with normalization \(configuration.normalization.rawValue)",
      advice: "keep it in our own format, or export it in another")
  }

  /// Why a folder holds no dictionary that can be read.
  private static func refusal(of folder: URL, exists: (String) -> Bool) -> Fault {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder) else {
      return Fault(
        .noInput, "dictionary.missing", "There is no such dictionary", file: folder.path,
        expected: "a folder with cfg.json and \(SAELensFolder.weights)", found: "no such folder",
        advice: "train one with `unfold sae train`")
    }
    let isPickleItself = ["pt", "pth", "bin", "pkl"].contains(folder.pathExtension.lowercased()) && !isFolder.boolValue
    if let pickle = ["ae.pt", "sae.pt", "sae_weights.pt"].first(where: exists) ?? (isPickleItself ? "" : nil) {
      let path = pickle.isEmpty ? folder.path : folder.appending(path: pickle).path
      let home = isPickleItself ? folder.deletingLastPathComponent().path : folder.path
      return Fault(
        .badData, "dictionary.pickle", "These weights are a Python pickle, which can run any code when it is opened",
        file: path, expected: "cfg.json and \(SAELensFolder.weights)", found: URL(filePath: path).lastPathComponent,
        advice: """
          convert it once in Python, where you trust its source: python -c "import torch, safetensors.torch as s; \
          s.save_file({k: v.contiguous() for k, v in torch.load('\(path)', weights_only=True).items()}, \
          '\(home)/\(SAELensFolder.weights)')", name its tensors W_enc [d, F], b_enc, W_dec [F, d], b_dec, and write \
          cfg.json beside it
          """)
    }
    let contents = (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?.sorted() ?? []
    let inside = contents.filter {
      FileManager.default.fileExists(atPath: folder.appending(path: $0).appending(path: "cfg.json").path)
    }
    return Fault(
      .badData, "dictionary.notADictionary", "This is not a folder of a dictionary", file: folder.path,
      expected: "cfg.json with \(SAELensFolder.weights) (SAELens) or \(SparsifyFolder.weights) (sparsify)",
      found: !isFolder.boolValue
        ? "a file" : contents.isEmpty ? "an empty folder" : contents.prefix(8).joined(separator: ", "),
      advice: inside.first.map { "name the folder of one dictionary, such as \(folder.appending(path: $0).path)" }
        ?? "name a folder that `unfold sae train`, SAELens or sparsify has written")
  }
}

/// Reads `cfg.json`.
func dictionaryConfiguration(in folder: URL) throws -> JSONReader {
  let url = folder.appending(path: "cfg.json")
  let file = try MappedFile(contentsOf: url)
  guard file.count <= 1 << 24 else {
    throw Fault(
      .badData, "dictionary.configuration", "The configuration is too long to be one", file: url.path,
      expected: "at most 16 MiB", found: "\(file.count) bytes")
  }
  let value = try file.withUnsafeBytes { try JSONValue(parsing: $0, file: url.path) }
  let reader = JSONReader(value, file: url.path)
  _ = try reader.members()
  return reader
}

extension JSONReader {
  /// A length that a matrix can have.
  func size(_ key: String) throws -> Int {
    let reader = try required(key)
    let value = try reader.integer()
    guard value >= 1, value <= 1 << 30 else { throw reader.unexpected("a whole number from 1 to \(1 << 30)") }
    return value
  }

  func flag(_ key: String, default value: Bool) throws -> Bool { try optional(key)?.bool() ?? value }
}

/// The tensors of a dictionary's file, each of which has to be used.
struct DictionaryTensors {
  let file: SafetensorsFile
  private var unused: Set<ExactString>

  init(contentsOf url: URL) throws {
    file = try SafetensorsFile(contentsOf: url)
    unused = Set(file.tensors.map { ExactString($0.name) })
  }

  func has(_ name: String) -> Bool { file[name] != nil }

  /// The numbers of a tensor, held against the shape that the configuration gives it.
  mutating func floats(_ name: String, _ shape: [Int]) throws -> [Float] {
    guard let view = file[name] else {
      throw Fault(
        .badData, "dictionary.tensors", "The dictionary lacks a tensor", file: file.url.path, place: name,
        expected: "\(name) \(shape)",
        found: file.tensors.prefix(12).map { "\($0.name) \($0.shape)" }.joined(separator: ", "))
    }
    guard view.shape == shape else {
      throw Fault(
        .badData, "dictionary.tensors", "A tensor of the dictionary does not fit its configuration",
        file: file.url.path, place: name, expected: "\(shape)", found: "\(view.shape)",
        advice: "check that cfg.json belongs to these weights")
    }
    unused.remove(ExactString(name))
    return try view.floats()
  }

  /// Leaves out a tensor that says nothing we need.
  mutating func ignore(_ name: String) { unused.remove(ExactString(name)) }

  func requireAllUsed(architecture: String) throws {
    guard !unused.isEmpty else { return }
    throw Fault(
      .badData, "dictionary.tensors", "The dictionary holds tensors that its architecture has not",
      file: file.url.path, place: "architecture \(architecture)",
      found: unused.map(\.description).sorted().prefix(8).joined(separator: ", "),
      advice: "check that cfg.json belongs to these weights")
  }
}

/// A tensor to be written, in float32 or rounded to bfloat16.
func tensor(_ name: String, _ shape: [Int], _ values: [Float], _ type: ComputeType) -> SafetensorsWriter.Tensor {
  guard type == .bfloat16 else { return SafetensorsWriter.Tensor(name: name, shape: shape, floats: values) }
  var rounded = [UInt16](repeating: 0, count: values.count)
  values.withUnsafeBufferPointer { values in
    rounded.withUnsafeMutableBufferPointer { rounded in
      guard let from = values.baseAddress, let to = rounded.baseAddress else { return }
      _ = Kernels.toBFloat16(from, into: to, count: values.count)
    }
  }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(rounded.count * 2)
  for bits in rounded { withUnsafeBytes(of: bits.littleEndian) { bytes.append(contentsOf: $0) } }
  return SafetensorsWriter.Tensor(name: name, type: .bfloat16, shape: shape, bytes: bytes)
}
