import ArgumentParser
import Foundation
import Unfold

extension DictionaryFormat: ExpressibleByArgument {}

struct SAEExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a dictionary as SAELens, sparsify or Unfold keeps it.",
    discussion: """
      Examples:
        unfold sae export dictionary -o for-saelens --format saelens
        unfold sae export dictionary -o layers.4 --format sparsify --type bfloat16
      """)

  @Argument(help: "A dictionary's folder: one of ours, of SAELens or of sparsify.") var dictionary: String
  @Option(name: .shortAndLong, help: "The folder to write.") var output: String
  @Option(name: .long, help: "saelens, sparsify or unfold.") var format = DictionaryFormat.saelens
  @Option(name: .long, help: "The numbers in the file: float32 or bfloat16.") var type = ComputeType.float32
  @OptionGroup var common: CommonOptions

  private struct Summary: Encodable {
    var folder: String
    var format: DictionaryFormat
    var architecture: String
    var latents: Int
  }

  func run() throws {
    common.apply()
    let found = try SparseAutoencoder.load(folder: URL(filePath: dictionary))
    let folder = URL(filePath: output)
    guard !FileManager.default.fileExists(atPath: folder.appending(path: "cfg.json").path) else {
      throw Fault(
        .cannotCreate, "tool.outputExists", "The folder holds a dictionary already", file: folder.path,
        expected: "a name that is free", advice: "choose another with -o")
    }
    try found.save(folder: folder, format: format, type: type)
    let summary = Summary(
      folder: output, format: format, architecture: found.configuration.architecture.rawValue, latents: found.latents)
    try common.show(summary) { _ in
      "\(output): \(summary.architecture) of \(Format.count(found.latents)) latents, for \(format.rawValue)"
    }
  }
}

struct SAEEncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode",
    abstract: "Write the latents of activations into a safetensors file.",
    discussion: """
      Examples:
        unfold sae encode dictionary store -o latents.safetensors
        unfold sae encode dictionary unfold-mini demo-corpus -o latents.safetensors
        unfold sae encode dictionary activations.safetensors --dense \\
            -o latents.safetensors

      The file holds compressed sparse rows: `offsets` [rows + 1], `indices` and `values`, and `row`, the source's number
      of each row; with --dense in their place `acts` [rows, latents] and `out` [rows, width], what the dictionary makes
      of each row. A safetensors file is read where its tensor has the dictionary's width. Everything is held in memory.
      """)

  @OptionGroup var arguments: TrainedDictionaryArguments
  @Option(name: .shortAndLong, help: "The file to write.") var output: String
  @Flag(name: .long, help: "Write all values with their zeros, and the dictionary's output.") var dense = false
  @Option(name: .long, help: "Rows to encode at most (default: all).") var rows: Int?
  @Option(name: .long, help: "Of a safetensors file, the tensor to read (default: the only one, or x).")
  var tensor: String?
  @Flag(name: .long, help: "Encode tokens that the tokenizer added too.") var specialTokens = false
  @OptionGroup var replace: ReplaceOption
  @OptionGroup var common: CommonOptions

  private struct Summary: Encodable {
    var file: String
    var rows: Int
    var latents: Int
    var l0: Double
  }

  func validate() throws {
    if let rows, rows < 1 { throw ValidationError("--rows must be at least 1.") }
  }

  func run() throws {
    common.apply()
    try replace.check(output)
    let dictionary = try arguments.load()
    let activations = try self.activations(dictionary)
    let latents = dictionary.encode(activations.values)
    var tensors: [SafetensorsWriter.Tensor]
    if dense {
      let out = dictionary.decode(latents, input: activations.values)
      tensors = [
        .init(name: "acts", shape: [latents.rows, latents.latents], floats: latents.dense.elements),
        .init(name: "out", shape: [out.rows, out.columns], floats: out.elements),
      ]
    } else {
      tensors = [
        integers("offsets", latents.offsets.map(Int64.init)), integers("indices", latents.indices.map(Int64.init)),
        .init(name: "values", shape: [latents.count], floats: latents.values),
      ]
    }
    tensors.append(integers("row", activations.rows.map(Int64.init)))
    try SafetensorsWriter.write(
      tensors, metadata: ["format": "unfold-latents", "latents": "\(dictionary.latents)"], to: URL(filePath: output))
    let summary = Summary(
      file: output, rows: latents.rows, latents: latents.latents,
      l0: Double(latents.count) / Double(max(latents.rows, 1)))
    try common.show(summary) { _ in
      "\(output): \(Format.count(summary.rows)) rows, \(Format.fixed(summary.l0, 1)) of "
        + "\(Format.count(summary.latents)) latents active"
    }
  }

  private func integers(_ name: String, _ values: [Int64]) -> SafetensorsWriter.Tensor {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * 8)
    for value in values { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
    return SafetensorsWriter.Tensor(name: name, type: .int64, shape: [values.count], bytes: bytes)
  }

  /// The rows to encode and their numbers in the source.
  private func activations(_ dictionary: SparseAutoencoder) throws -> (values: Matrix, rows: [Int]) {
    guard arguments.source.hasSuffix(".safetensors") else {
      let source = try arguments.open(dictionary, common: common).source
      return try dictionary.rows(of: source, specialTokens: specialTokens, most: rows)
    }
    let file = try SafetensorsFile(contentsOf: URL(filePath: arguments.source))
    let name = tensor ?? (file.tensors.count == 1 ? file.tensors[0].name : "x")
    guard let view = file[name], view.shape.count == 2, view.shape[1] == dictionary.inputWidth else {
      throw Fault(
        .badData, "dictionary.width", "The file has no activations for this dictionary", file: arguments.source,
        place: name, expected: "a tensor [rows, \(dictionary.inputWidth)]",
        found: file.tensors.prefix(8).map { "\($0.name) \($0.shape)" }.joined(separator: ", "),
        advice: "name the tensor with --tensor")
    }
    let all = Matrix(rows: view.shape[0], columns: view.shape[1], elements: try view.floats())
    if let bad = all.elements.firstIndex(where: { !$0.isFinite }) {
      throw Fault(
        .badData, "dictionary.notFiniteActivations", "An activation is NaN or infinite", file: arguments.source,
        place: "\(name), row \(bad / all.columns), column \(bad % all.columns)", expected: "finite numbers",
        found: "\(all.elements[bad])", advice: "make the file anew from finite activations")
    }
    let count = min(rows ?? all.rows, all.rows)
    return (all.selectingRows(0..<count), Array(0..<count))
  }
}
