import Activations
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

extension SAELensFolder {
  static func write(_ dictionary: SparseAutoencoder, to folder: URL, type: ComputeType) throws {
    var dictionary = dictionary
    // Only SAELens's TopK knows directions that count with norm 1; in others the norm is folded, which says the same.
    if dictionary.configuration.rescaleByDecoderNorm, dictionary.configuration.architecture != .topK {
      dictionary.foldDecoderNorms()
    }
    // The scale of the training's average is in the weights when a dictionary is saved.
    if dictionary.configuration.normalization == .expectedAverageOnlyIn {
      dictionary.configuration.normalization = .none
    }
    let (latents, width, outputs) = (dictionary.latents, dictionary.inputWidth, dictionary.outputWidth)
    var tensors = [
      tensor("W_enc", [width, latents], dictionary.encoder.transposed().elements, type),
      tensor("W_dec", [latents, outputs], dictionary.decoder.elements, type),
      tensor("b_dec", [outputs], dictionary.decoderBias, type),
    ]
    if dictionary.configuration.architecture != .gated {
      tensors.append(tensor("b_enc", [latents], dictionary.encoderBias, type))
    }
    let further: [(String, [Int], [Float]?)] = [
      ("threshold", [latents], dictionary.threshold), ("b_gate", [latents], dictionary.gateBias),
      ("b_mag", [latents], dictionary.magnitudeBias), ("r_mag", [latents], dictionary.magnitudeScale),
      ("W_skip", [outputs, width], dictionary.skip?.elements),
    ]
    for (name, shape, values) in further {
      if let values { tensors.append(tensor(name, shape, values, type)) }
    }
    try DictionaryFiles.write(tensors, named: weights, to: folder) {
      ConfigurationFile(dictionary, type: type, digest: $0)
    }
  }

  /// `cfg.json` as version 6 has it.
  private struct ConfigurationFile: Encodable {
    var architecture: String
    var dIn: Int
    var dOut: Int?
    var dSae: Int
    var dtype: String
    var device = "cpu"
    var applyBDecToInput: Bool
    var normalizeActivations: String
    var reshapeActivations: String
    var k: Int?
    var rescaleActsByDecoderNorm: Bool?
    var metadata: Metadata

    struct Metadata: Encodable {
      /// The version whose form this is; without it SAELens takes a file for the older flat one.
      var saeLensVersion = "6.0.0"
      var modelName: String?
      var hookName: String?
      var hookNameOut: String?
      var contextSize: Int?
      var prependBos: Bool?
      var unfold: Ours
    }

    /// What only we ask for.
    struct Ours: Encodable {
      var architecture: String
      var k: Int?
      var origin: Origin?
      var crosscoder: [CrosscoderSite]?
      /// SHA-256 of the weights' file.
      var weightsDigest: String
    }

    init(_ dictionary: SparseAutoencoder, type: ComputeType, digest: String) {
      let c = dictionary.configuration
      architecture = SAELensFolder.architecture(of: dictionary)
      dIn = c.inputWidth
      dOut = c.isTranscoder ? c.outputWidth : nil
      dSae = c.latents
      dtype = type.rawValue
      applyBDecToInput = c.applyDecoderBiasToInput
      normalizeActivations = c.normalization.rawValue
      reshapeActivations = c.flattensHeads ? "hook_z" : "none"
      k = c.architecture == .topK ? c.k : nil
      rescaleActsByDecoderNorm = c.architecture == .topK ? c.rescaleByDecoderNorm : nil
      metadata = Metadata(
        modelName: c.modelName, hookName: c.hookIn.isEmpty ? nil : c.hookIn,
        hookNameOut: c.isTranscoder && !c.hookOut.isEmpty ? c.hookOut : nil, contextSize: c.contextSize,
        prependBos: c.prependsBeginToken,
        unfold: Ours(
          architecture: c.architecture.rawValue, k: c.k, origin: c.origin, crosscoder: c.crosscoder,
          weightsDigest: digest))
    }
  }
}
