import Foundation
import LinearAlgebra

/// The cosines and sines of rotary positions, for all positions of a batch.
final class RotaryTable {
  private let shape: Configuration.Rotary
  private let headWidth: Int
  /// The position of each token in its document. Shape: [n].
  private let positions: [Int32]
  /// Shape: [longest document, rotated / 2].
  private let cosines: [Float]
  private let sines: [Float]

  /// The table for a batch, or nil where the architecture has no rotary positions.
  init?(_ configuration: Configuration, batch: TokenBatch) {
    guard case .rotary(let rotary) = configuration.positions else { return nil }
    shape = rotary
    headWidth = configuration.attention.headWidth
    positions = batch.lengths.flatMap { (0..<Int32($0)).map { $0 } }
    let frequencies = rotary.frequencies
    // Single precision, as in the implementations that models are trained with: at far positions the rounding of an
    // angle shows.
    let angles = (0..<(batch.lengths.max() ?? 0)).flatMap { position in frequencies.map { $0 * Float(position) } }
    cosines = angles.map { Float(cos(Double($0))) }
    sines = angles.map { Float(sin(Double($0))) }
  }

  /// Turns each head's pairs by its token's angles, in place. Shape: [n, heads, d_head].
  func rotate(_ values: UnsafeMutablePointer<Float>, heads: Int) {
    positions.withUnsafeBufferPointer { positions in
      cosines.withUnsafeBufferPointer { cosines in
        sines.withUnsafeBufferPointer { sines in
          guard let positions = positions.baseAddress, let cosines = cosines.baseAddress, let sines = sines.baseAddress
          else { return }
          Kernels.rotary(
            values, into: values, rows: self.positions.count, heads: heads, headSize: headWidth,
            rotated: shape.rotated, pairs: .halves, positions: positions, cosine: cosines, sine: sines)
        }
      }
    }
  }
}

extension Configuration.Rotary {
  /// The angle by which each pair turns from one position to the next. Shape: [rotated / 2].
  var frequencies: [Float] {
    (0..<rotated / 2).map { pair in
      let plain = 1 / Float(pow(base, Double(Float(2 * pair) / Float(rotated))))
      switch scaling {
      case .none: return plain
      case .linear(let factor): return plain / Float(factor)
      case .llama3(let factor, let low, let high, let context):
        let turns = Double(context) * Double(plain) / (2 * Double.pi)  // Within the context of the first training.
        if turns < low { return plain / Float(factor) }
        if turns > high { return plain }
        let smooth = Float((turns - low) / (high - low))
        return (1 - smooth) * plain / Float(factor) + smooth * plain
      }
    }
  }
}
