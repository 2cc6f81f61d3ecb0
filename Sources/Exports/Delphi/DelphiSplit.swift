import Checkpoints
import Diagnostics
import Foundation
import LinearAlgebra

/// The active places of a stretch of latents, as one file holds them.
struct DelphiSplit {
  let latents: Range<Int>
  /// Whether 16 bits hold every line and latent; delphi's own rule.
  private let isNarrow: Bool
  private var narrow: [UInt16] = []
  private var wide: [UInt32] = []
  private var values: [Float] = []

  var count: Int { values.count }

  init(_ latents: Range<Int>, rows: Int) {
    self.latents = latents
    isNarrow = rows <= 1 << 16 && latents.count <= 1 << 16
  }

  mutating func append(line: Int, position: Int, latent: Int, value: Float) {
    if isNarrow {
      narrow.append(UInt16(line))
      narrow.append(UInt16(position))
      narrow.append(UInt16(latent - latents.lowerBound))
    } else {
      wide.append(UInt32(line))
      wide.append(UInt32(position))
      wide.append(UInt32(latent - latents.lowerBound))
    }
    values.append(value)
  }

  /// - Throws: `export.overflow`, `file.cannotCreate`, `file.write`.
  func write(tokens: TokenRectangle, to url: URL) throws {
    var halves = [UInt16](repeating: 0, count: values.count)
    let overflow = values.withUnsafeBufferPointer { input in
      halves.withUnsafeMutableBufferPointer { output -> Int? in
        guard let input = input.baseAddress, let output = output.baseAddress else { return nil }
        return Kernels.toFloat16(input, into: output, count: values.count)
      }
    }
    if let overflow {
      throw Fault(
        .badData, "export.overflow", "A latent's value does not fit the format's float16", expected: "below 65520",
        found: "\(values[overflow])", advice: "scale the dictionary, or write its latents with `unfold sae encode`")
    }
    let type = isNarrow ? ElementType.uint16 : .uint32
    try SafetensorsWriter.write(
      lent: [
        .init(name: "locations", type: type, shape: [count, 3]) { body in
          try isNarrow ? narrow.withUnsafeBytes { try body($0) } : wide.withUnsafeBytes { try body($0) }
        },
        .init(name: "activations", type: .float16, shape: [count]) { body in
          try halves.withUnsafeBytes { try body($0) }
        },
        .init(name: "tokens", type: .int64, shape: [tokens.rows, tokens.context]) { try tokens.lend($0) },
      ], to: url)
  }
}
