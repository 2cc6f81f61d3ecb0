import Diagnostics
import Foundation

/// JSON as the formats of others want it: nothing escaped that need not be.
enum JSONText {
  /// - Parameter isSnakeCase: whether `neuronId` is called `neuron_id`.
  /// - Throws: `export.notFinite` where a number is NaN or infinite, which JSON cannot say.
  static func bytes(_ value: some Encodable, isSnakeCase: Bool = false) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    if isSnakeCase { encoder.keyEncodingStrategy = .convertToSnakeCase }
    do {
      return Array(try encoder.encode(value))
    } catch {
      throw Fault(
        .badData, "export.notFinite", "A number cannot be written as JSON", expected: "finite numbers",
        found: Fault.words(of: error), advice: "see where it comes from with `unfold store verify`")
    }
  }
}
