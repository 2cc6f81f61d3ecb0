import Foundation

extension Capture {
  /// What the size of batches is called in a run's record.
  static let batchTokensName = "batch-tokens"

  /// The size of batches of a run that was begun; nil where there is none that can be read.
  static func batchTokens(ofRunAt url: URL) -> Int? {
    let isPlain = url.pathExtension == "h5"
    let folder = isPlain ? url.appendingPathExtension("shards") : url
    let run =
      isPlain && FileManager.default.fileExists(atPath: url.path)
      ? try? ActivationStore(opening: url).run : (try? StoreManifest.read(folder))?.run
    return run?.settings[batchTokensName].flatMap { Int($0) }
  }
}
