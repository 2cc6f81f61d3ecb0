import ArgumentParser
import Foundation
import Unfold

/// Where a command draws its result.
struct FigureOption: ParsableArguments {
  @Option(name: .long, help: "Draw the result into this SVG file.") var figure: String?

  /// Writes the figure where one was asked for.
  func write(_ make: @autoclosure () -> Figure, _ common: CommonOptions) throws {
    guard let figure else { return }
    try make().write(to: URL(filePath: figure))
    common.note("drawn into \(figure)")
  }
}
