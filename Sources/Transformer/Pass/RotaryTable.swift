import Architectures
import Foundation
import LinearAlgebra

/// The cosines and sines of one kind of rotary positions, for all positions of a batch.
final class RotaryTable {
  private let shape: Rotary
  private let headWidth: Int
  /// The row of the table of each token. Shape: [n].
  private let rows: [Int32]
  /// Shape: [rows, rotated / 2].
  private var cosines: [Float] = []
  private var sines: [Float] = []

  init(_ rotary: Rotary, headWidth: Int, batch: TokenBatch, _ start: RunStart) {
    shape = rotary
    self.headWidth = headWidth
    // Documents whose wavelengths are the same share a part of the table, for all positions that any of them has.
    var rows = [Int32](repeating: 0, count: batch.count)
    let positions = batch.lengths.enumerated().map { document, length in
      let past = start.past(document).count
      return past..<past + length
    }
    var parts: [Int: (first: Int, positions: Range<Int>)] = [:]
    for own in positions {
      let key = rotary.lengthClass(own.upperBound)
      let known = parts[key]?.positions ?? own
      parts[key] = (0, min(known.lowerBound, own.lowerBound)..<max(known.upperBound, own.upperBound))
    }
    var count = 0
    for key in parts.keys.sorted() {
      guard let part = parts[key] else { continue }
      parts[key]?.first = count - part.positions.lowerBound
      let frequencies = rotary.frequencies(length: key)
      let factor = rotary.factor
      // Single precision, as in the implementations that models are trained with: at far positions the rounding of an
      // angle shows.
      for position in part.positions {
        for frequency in frequencies {
          let angle = Double(frequency * Float(position))
          cosines.append(Float(cos(angle)) * factor)
          sines.append(Float(sin(angle)) * factor)
        }
      }
      count += part.positions.count
    }
    for document in 0..<batch.documentCount {
      let first = parts[rotary.lengthClass(positions[document].upperBound)]?.first ?? 0
      for (position, token) in zip(positions[document], batch.rows(of: document)) {
        rows[token] = Int32(first + position)
      }
    }
    self.rows = rows
  }

  /// Turns each head's pairs by its token's angles, in place. Shape: [n, heads, d_head].
  func rotate(_ values: UnsafeMutablePointer<Float>, heads: Int) {
    if shape.pairs == .neighboursIntoHalves { putApart(values, heads: heads) }
    rows.withUnsafeBufferPointer { rows in
      cosines.withUnsafeBufferPointer { cosines in
        sines.withUnsafeBufferPointer { sines in
          guard let rows = rows.baseAddress, let cosines = cosines.baseAddress, let sines = sines.baseAddress
          else { return }
          turn(values, heads: heads, rows, cosines, sines)
        }
      }
    }
  }

  private func turn(
    _ values: UnsafeMutablePointer<Float>, heads: Int, _ rows: UnsafePointer<Int32>, _ cosines: UnsafePointer<Float>,
    _ sines: UnsafePointer<Float>
  ) {
    let pairs: RotaryPairs = shape.pairs == .neighbours ? .neighbours : .halves
    guard shape.first > 0 else {
      return Kernels.rotary(
        values, into: values, rows: self.rows.count, heads: heads, headSize: headWidth, rotated: shape.rotated,
        pairs: pairs, positions: rows, cosine: cosines, sine: sines)
    }
    // The rotated part lies at the end of each head: it is turned beside, as heads of its own width.
    withPart(values, heads: heads) { part in
      Kernels.rotary(
        part, into: part, rows: self.rows.count, heads: heads, headSize: shape.rotated, rotated: shape.rotated,
        pairs: pairs, positions: rows, cosine: cosines, sine: sines)
    }
  }

  /// Lends the rotated parts of all heads side by side, [n, heads, rotated], and puts them back.
  private func withPart(
    _ values: UnsafeMutablePointer<Float>, heads: Int, _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    let (count, rotated) = (rows.count * heads, shape.rotated)
    let part = UnsafeMutablePointer<Float>.allocate(capacity: max(count * rotated, 1))
    defer { part.deallocate() }
    for head in 0..<count {
      (part + head * rotated).update(from: values + head * headWidth + shape.first, count: rotated)
    }
    body(part)
    for head in 0..<count {
      (values + head * headWidth + shape.first).update(from: part + head * rotated, count: rotated)
    }
  }

  /// Puts neighbouring pairs into halves: the first of each pair, then the second.
  private func putApart(_ values: UnsafeMutablePointer<Float>, heads: Int) {
    let half = shape.rotated / 2
    withPart(values, heads: heads) { part in
      Threads.forRanges(0..<rows.count * heads, grain: 1024) { some in
        let copy = UnsafeMutablePointer<Float>.allocate(capacity: shape.rotated)
        defer { copy.deallocate() }
        for head in some {
          let values = part + head * shape.rotated
          copy.update(from: values, count: shape.rotated)
          for pair in 0..<half {
            values[pair] = copy[2 * pair]
            values[pair + half] = copy[2 * pair + 1]
          }
        }
      }
    }
  }
}

extension Architecture {
  /// Whether keys that were rotated in a text of `earlier` tokens are those of a text of `later` ones: not where the
  /// wavelengths change with the length.
  func keysHold(from earlier: Int, to later: Int) -> Bool {
    blocks.allSatisfy { block in
      block.attention.rotary.map { $0.lengthClass(earlier) == $0.lengthClass(later) } ?? true
    }
  }
}

extension Rotary {
  /// What a document's length changes: documents of one class have the same wavelengths.
  func lengthClass(_ length: Int) -> Int {
    switch scaling {
    case .dynamic(_, let context): length > context ? length : 0
    case .longRoPE(_, _, let context, _): length > context ? context + 1 : 0
    default: 0
    }
  }

  /// What cosines and sines are multiplied by.
  var factor: Float {
    switch scaling {
    case .yarn(let yarn): Float(yarn.attention)
    case .longRoPE(_, _, _, let attention): Float(attention)
    default: 1
    }
  }

  /// The angle by which each pair turns from one position to the next, in documents of one class. Shape: [rotated / 2].
  func frequencies(length: Int) -> [Float] {
    func plain(_ pair: Int, base: Double) -> Float { 1 / Float(pow(base, Double(Float(2 * pair) / Float(rotated)))) }
    let pairs = 0..<rotated / 2
    switch scaling {
    case .none: return pairs.map { plain($0, base: base) }
    case .linear(let factor): return pairs.map { plain($0, base: base) / Float(factor) }
    case .dynamic(let factor, let context):
      let reach = Double(max(length, context)) / Double(context)
      let grown = base * pow(factor * reach - (factor - 1), Double(rotated) / Double(rotated - 2))
      return pairs.map { plain($0, base: grown) }
    case .llama3(let factor, let low, let high, let context):
      return pairs.map { pair in
        let plain = plain(pair, base: base)
        let turns = Double(context) * Double(plain) / (2 * Double.pi)  // Within the context of the first training.
        if turns < low { return plain / Float(factor) }
        if turns > high { return plain }
        let smooth = Float((turns - low) / (high - low))
        return (1 - smooth) * plain / Float(factor) + smooth * plain
      }
    case .yarn(let yarn): return pairs.map { yarn.frequency($0, plain($0, base: base), base: base, rotated: rotated) }
    case .longRoPE(let short, let long, let context, _):
      let factors = length > context ? long : short
      return pairs.map { 1 / (Float(factors[$0]) * Float(pow(base, Double(Float(2 * $0) / Float(rotated))))) }
    }
  }
}

extension Rotary.YaRN {
  /// The pair's frequency: kept where it turns often within the first context, divided where it turns little.
  func frequency(_ pair: Int, _ plain: Float, base: Double, rotated: Int) -> Float {
    func bound(_ turns: Double) -> Double {
      Double(rotated) * log(Double(originalContext) / (turns * 2 * .pi)) / (2 * log(base))
    }
    var (low, high) = (bound(fast), bound(slow))
    if truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
    (low, high) = (max(low, 0), min(high, Double(rotated - 1)))
    if low == high { high += 0.001 }
    let ramp = Float(min(max((Double(pair) - low) / (high - low), 0), 1))
    return plain / Float(factor) * ramp + plain * (1 - ramp)
  }
}
