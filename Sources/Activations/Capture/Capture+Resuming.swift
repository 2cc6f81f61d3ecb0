import Foundation

extension Capture {
  /// What the size of batches, and the libraries of products, are called in a run's record.
  static let batchTokensName = "batch-tokens"
  static let productsName = "products"

  /// The settings of a run that was begun; empty where there is none that can be read.
  static func settings(ofRunAt url: URL) -> [String: String] {
    let isPlain = url.pathExtension == "h5"
    let folder = isPlain ? url.appendingPathExtension("shards") : url
    let run =
      isPlain && FileManager.default.fileExists(atPath: url.path)
      ? try? ActivationStore(opening: url).run : (try? StoreManifest.read(folder))?.run
    return run?.settings ?? [:]
  }
}
