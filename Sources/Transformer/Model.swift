import Diagnostics
import Foundation
import LinearAlgebra

/// A transformer that can be run with hooks.
public final class Model: Sendable {
  public let configuration: Configuration
  /// The folder that the model was loaded from.
  public let folder: URL

  init(configuration: Configuration, folder: URL) {
    self.configuration = configuration
    self.folder = folder
  }

  /// Opens a model in Hugging Face layout: maps its weights and checks names and shapes; no weight is read yet.
  ///
  /// - Parameter type: In which numbers matrix products are computed; everything else is float32.
  public static func load(_ folder: URL) throws -> Model {
    throw Fault(.software, "transformer.notYet", "Loading lands in the next commit")
  }

  /// Which logits a run returns.
  public enum LogitRows: Sendable {
    case none
    /// Those of each document's last token, in the documents' order.
    case lastOfEachDocument
    case all
  }

  /// Runs the model over a batch, with hooks; ends after the last site that a hook wants, unless logits are wanted.
  ///
  /// - Returns: The logits asked for, [rows, d_vocab] row-major; nil for `.none`.
  @discardableResult
  public func run(_ batch: TokenBatch, hooks: [Hook] = [], logits: LogitRows = .none) throws -> [Float]? {
    throw Fault(.software, "transformer.notYet", "The forward pass lands in the next commit")
  }
}
