import Activations
import Diagnostics
import Dictionaries
import Foundation

/// What dashboards hold.
public struct DashboardSettings: Sendable {
  /// The latents; nil: all.
  public var latents: [Int]?
  /// Sequences around the strongest places, at most one a document.
  public var top = 20
  /// Equal intervals of each latent's values that further sequences are drawn from.
  public var intervals = 5
  /// Sequences drawn from each.
  public var perInterval = 5
  /// Tokens shown before and after the marked one.
  public var before = 24
  public var after = 12
  /// Tokens, neurons and latents listed for each.
  public var related = 10
  public var seed: UInt64 = 0
  /// The site to read, in place of the one that the dictionary names.
  public var site: String?

  public init() {}

  static let bars = 40

  /// - Throws: `dictionary.noSuchLatent`, `export.settings`.
  func chosen(of dictionary: SparseAutoencoder) throws -> [Int] {
    let ranges = [
      ("top", top, 1...1000), ("intervals", intervals, 0...50), ("per-interval", perInterval, 0...200),
      ("before", before, 0...4096), ("after", after, 0...4096), ("related", related, 1...1000),
    ]
    for (name, value, range) in ranges where !range.contains(value) {
      throw Fault(
        .usage, "export.settings", "A number of the export cannot be used", place: name,
        expected: "\(range.lowerBound) to \(range.upperBound)", found: "\(value)")
    }
    let chosen = latents.map { Set($0).sorted() } ?? Array(0..<dictionary.latents)
    try dictionary.requireLatents(chosen)
    guard !chosen.isEmpty else {
      throw Fault(
        .usage, "export.settings", "No latents were chosen", expected: "at least one", found: "none",
        advice: "name some with --latents, or leave it out for all")
    }
    // What is held: the places of the latents, and the windows of one batch of them.
    let sequences = top + intervals * perInterval
    let places = chosen.count.multipliedReportingOverflow(by: 4 * top + intervals * perInterval)
    guard !places.overflow, places.partialValue <= 1 << 27,
      sequences * (before + after + 1) <= ColumnWindows.most / 256
    else {
      throw Fault(
        .usage, "export.settings", "So many examples would not fit memory",
        expected: "at most \((ColumnWindows.most / 256).formatted()) tokens of examples for each latent",
        found: "\(sequences) sequences of \(before + after + 1) tokens for each of \(chosen.count) latents",
        advice: "lower --top, --intervals, --per-interval, --before or --after")
    }
    return chosen
  }
}
