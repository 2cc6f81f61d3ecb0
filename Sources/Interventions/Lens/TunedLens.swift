import Activations
import Architectures
import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra
import Transformer

/// A tuned lens (Belrose et al. 2023, arXiv 2303.08112): for each site of the residual stream an affine map h + A·h + b,
/// trained so that the model's head makes of it what it makes of the last layer's stream.
public struct TunedLens: Sendable {
  /// The map of one site.
  public struct Translator: Sendable, Equatable {
    public var site: String
    /// A; zeros change nothing. Shape: [d_model, d_model].
    public var weights: Matrix
    /// b. Shape: [d_model].
    public var bias: [Float]

    public init(site: String, width: Int) {
      self.site = site
      weights = Matrix(zeros: width, columns: width)
      bias = Array(repeating: 0, count: width)
    }

    public init(site: String, weights: Matrix, bias: [Float]) {
      self.site = site
      self.weights = weights
      self.bias = bias
    }

    /// h + A·h + b of each row. Shape: [rows, d_model].
    public func translate(_ stream: [Float]) -> [Float] {
      let width = bias.count
      precondition(stream.count % width == 0, "\(stream.count) values of streams of width \(width)")
      let rows = stream.count / width
      var result = stream
      result.withUnsafeMutableBufferPointer { result in
        for row in 0..<rows { for column in 0..<width { result[row * width + column] += bias[column] } }
        stream.withUnsafeBufferPointer { stream in
          weights.elements.withUnsafeBufferPointer { weights in
            guard let a = stream.baseAddress, let b = weights.baseAddress, let c = result.baseAddress else { return }
            gemm(
              m: rows, n: width, k: width, a: a, aStride: width, b: b, bStride: width, transposeB: true, beta: 1, c: c,
              cStride: width)
          }
        }
      }
      return result
    }
  }

  /// How well a site is read on documents that no step saw.
  public struct HeldOut: Sendable, Codable, Equatable {
    public var site: String
    public var title: String
    /// The mean over tokens of the divergence of the site's own stream, read as it is, from the model's output, in nats.
    public var plain: Double
    /// The same of the translated stream.
    public var tuned: Double
    /// The standard error over documents of plain − tuned.
    public var standardError: Double
  }

  /// What a lens was trained with, as its file says it.
  public struct Record: Sendable, Codable, Equatable {
    public var model: String
    public var modelDigest: String
    public var corpora: [String]
    public var seed: UInt64
    public var steps: Int
    public var learningRate: Double
    /// Tokens that steps saw, each time they were seen.
    public var tokens: Int
    public var trainingDocuments: Int
    public var heldOutDocuments: Int
    public var heldOutTokens: Int
    public var heldOut: [HeldOut]
  }

  public var translators: [Translator]
  public var record: Record

  /// The translator of a site; nil where the lens has none.
  public func translator(at site: Site) -> Translator? { translators.first { $0.site == site.name } }

  /// Fails where this lens was not trained for a model, or has no translator for a site.
  ///
  /// - Throws: `lens.otherModel`, `lens.tunedSites`.
  func require(_ model: Model, sites: [Site]) throws {
    let digest = try model.checkpoint.digest()
    guard ModelIdentity.agree(digest, record.modelDigest),
      translators.allSatisfy({ $0.bias.count == model.architecture.width })
    else {
      throw Fault(
        .badData, "lens.otherModel", "This tuned lens belongs to another model", file: model.folder.path,
        expected: "\(record.model) (\(ModelIdentity.short(record.modelDigest)))", found: ModelIdentity.short(digest),
        advice: "train one for this model with `unfold lens train`")
    }
    guard let missing = sites.first(where: { translator(at: $0) == nil }) else { return }
    throw Fault(
      .usage, "lens.tunedSites", "The tuned lens has no translator for this site", place: missing.name,
      expected: "one of \(translators.map(\.site).joined(separator: ", "))",
      advice: "leave --sites out, or train a lens with the same --sites")
  }
}
