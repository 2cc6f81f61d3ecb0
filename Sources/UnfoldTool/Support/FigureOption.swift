import ArgumentParser
import Foundation
import Unfold

/// Whether files that are there may be replaced.
struct ReplaceOption: ParsableArguments {
  @Flag(name: .long, help: "Replace files that are there.") var force = false

  /// Refuses names that are taken, before any work is done.
  func check(_ files: String?...) throws {
    for file in files.compactMap({ $0 }) { try AtomicFile.requireFree(URL(filePath: file), replaces: force) }
  }
}

/// Where a command draws its result.
struct FigureOption: ParsableArguments {
  @Option(name: .long, help: "Draw the result into this SVG file.") var figure: String?
  @OptionGroup var replace: ReplaceOption

  /// Refuses a name that is taken, and those of the command's other outputs, before any work is done.
  func check(_ others: String?...) throws {
    try replace.check(figure)
    for other in others { try replace.check(other) }
  }

  /// Writes the figure where one was asked for.
  func write(_ make: @autoclosure () -> Figure, _ common: CommonOptions) throws {
    guard let figure else { return }
    try make().write(to: URL(filePath: figure))
    common.note("drawn into \(figure)")
  }
}
