import Activations
import Diagnostics
import Dictionaries
import LinearAlgebra

extension SparseAutoencoder {
  /// The neurons of a site as a dictionary: latent i is neuron i where it is above zero, its direction the neuron's own
  /// axis. What is made for dictionaries then shows neurons.
  ///
  /// Values below zero read as 0.
  /// - Throws: `export.tooWide` where the two square matrices would take more than 2 GiB.
  public static func neurons(of site: StoredSite, origin: Origin) throws -> SparseAutoencoder {
    guard site.width <= 1 << 14 else {
      throw Fault(
        .usage, "export.tooWide", "The site is too wide to be shown as a dictionary of neurons", place: site.name,
        expected: "at most \(1 << 14) columns", found: "\(site.width)")
    }
    var axes = Matrix(zeros: site.width, columns: site.width)
    for column in 0..<site.width { axes[column, column] = 1 }
    let zeros = [Float](repeating: 0, count: site.width)
    return SparseAutoencoder(
      configuration: .init(
        architecture: .standard, inputWidth: site.width, latents: site.width, hookIn: site.name, origin: origin),
      encoder: axes, encoderBias: zeros, decoder: axes, decoderBias: zeros)
  }
}
