import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import StrictJSON

/// The folders of EleutherAI's sparsify: `cfg.json` and `sae.safetensors`, one folder a hook point.
///
/// Names and meaning follow sparsify 1.3 (`sparsify/sparse_coder.py`): TopK over max(p, 0), the decoder's bias taken off
/// the input unless it is a transcoder.
enum SparsifyFolder {
  static let weights = "sae.safetensors"

  static func read(_ folder: URL) throws -> SparseAutoencoder {
    let config = try dictionaryConfiguration(in: folder)
    try KnownKeys.checkSparsify(config)
    if let activation = try config.optional("activation"), try activation.string() != "topk" {
      throw Fault(
        .badData, "dictionary.architecture", "Dictionaries with this activation cannot be read", file: config.file,
        place: "activation", expected: "topk", found: "\"\(try activation.string().prefix(60))\"")
    }
    let width = try config.size("d_in")
    var latents = try config.optional("num_latents")?.integer() ?? 0
    if latents == 0 {
      let product = width.multipliedReportingOverflow(by: try config.size("expansion_factor"))
      latents = product.overflow ? 0 : product.partialValue
    }
    guard latents >= 1, latents <= 1 << 30, latents * width <= 1 << 36 else {
      throw Fault(
        .badData, "dictionary.configuration", "The number of latents is not one", file: config.file,
        place: "num_latents", expected: "1 to \(1 << 30)", found: "\(latents)")
    }
    let k = try config.size("k")
    guard k <= latents else {
      throw Fault(
        .badData, "dictionary.configuration", "The number of active latents is not one", file: config.file,
        place: "k", expected: "1 to \(latents)", found: "\(k)")
    }
    let isTranscoder = try config.flag("transcode", default: false)
    var tensors = try DictionaryTensors(contentsOf: folder.appending(path: weights))
    let hooks = hooks(ofFolder: folder.lastPathComponent, isTranscoder: isTranscoder)
    let hasSkip = try config.flag("skip_connection", default: false)
    let dictionary = SparseAutoencoder(
      configuration: SparseAutoencoder.Configuration(
        architecture: .topK, inputWidth: width, latents: latents, k: k, hookIn: hooks.input, hookOut: hooks.output,
        applyDecoderBiasToInput: !isTranscoder, isTranscoder: isTranscoder),
      encoder: Matrix(
        rows: latents, columns: width, elements: try tensors.floats("encoder.weight", [latents, width])),
      encoderBias: try tensors.floats("encoder.bias", [latents]),
      decoder: Matrix(rows: latents, columns: width, elements: try tensors.floats("W_dec", [latents, width])),
      decoderBias: try tensors.floats("b_dec", [width]),
      skip: hasSkip
        ? Matrix(rows: width, columns: width, elements: try tensors.floats("W_skip", [width, width])) : nil)
    try tensors.requireAllUsed(architecture: "topk")
    return dictionary
  }

  /// What sparsify would have to have, or nil.
  static func problem(with dictionary: SparseAutoencoder) -> String? {
    let c = dictionary.configuration
    if dictionary.isCrosscoder { return "a dictionary of one site" }
    if c.architecture != .topK { return "architecture topk" }
    if c.normalization.isUndoneAtOutput { return "no normalization" }
    if c.inputWidth != c.outputWidth { return "one width at input and output" }
    return nil
  }

  static func write(_ dictionary: SparseAutoencoder, to folder: URL, type: ComputeType) throws {
    var dictionary = dictionary
    if dictionary.configuration.rescaleByDecoderNorm { dictionary.foldDecoderNorms() }
    let (latents, width) = (dictionary.latents, dictionary.inputWidth)
    if !dictionary.isTranscoder, !dictionary.configuration.applyDecoderBiasToInput {
      // W·x + b = W·(x − b_dec) + (b + W·b_dec)
      for latent in 0..<latents {
        dictionary.encoderBias[latent] += dictionary.encoder.withUnsafeRow(latent) { row in
          Float(zip(row, dictionary.decoderBias).reduce(0.0) { $0 + Double($1.0) * Double($1.1) })
        }
      }
    }
    var tensors = [
      tensor("W_dec", [latents, width], dictionary.decoder.elements, type),
      tensor("b_dec", [width], dictionary.decoderBias, type),
      tensor("encoder.bias", [latents], dictionary.encoderBias, type),
      tensor("encoder.weight", [latents, width], dictionary.encoder.elements, type),
    ]
    if let skip = dictionary.skip { tensors.append(tensor("W_skip", [width, width], skip.elements, type)) }
    let file = ConfigurationFile(
      numLatents: latents, k: dictionary.configuration.k ?? 1, skipConnection: dictionary.skip != nil,
      transcode: dictionary.isTranscoder, dIn: width)
    try DictionaryFiles.write(tensors, named: weights, to: folder) { _ in file }
  }

  private struct ConfigurationFile: Encodable {
    var activation = "topk"
    var expansionFactor = 32
    var normalizeDecoder = true
    var numLatents: Int
    var k: Int
    var multiTopk = false
    var skipConnection: Bool
    var transcode: Bool
    var dIn: Int
  }

  /// The sites of a hook point, which sparsify names by modules and keeps in the folder's name: `layers.4` is a block's
  /// output, `h.4.mlp` an MLP's. Empty where the name says something else.
  private static func hooks(ofFolder name: String, isTranscoder: Bool) -> (input: String, output: String) {
    let parts = name.split(separator: ".").map(String.init)
    guard let place = parts.lastIndex(where: { Int($0) != nil }), place > 0, let layer = Int(parts[place]), layer >= 0
    else { return ("", "") }
    let block = "blocks.\(layer)."
    switch parts[(place + 1)...].joined(separator: ".") {
    case "": return (isTranscoder ? "\(block)hook_resid_pre" : "\(block)hook_resid_post", "\(block)hook_resid_post")
    case "mlp": return (isTranscoder ? "\(block)mlp.hook_in" : "\(block)hook_mlp_out", "\(block)hook_mlp_out")
    case "attn", "self_attn", "attention":
      return isTranscoder ? ("", "") : ("\(block)hook_attn_out", "\(block)hook_attn_out")
    default: return ("", "")
    }
  }
}
