/// A set of Unicode scalars as sorted, separate ranges: exact under union, complement and intersection.
struct ScalarSet: Sendable, Hashable {
  private(set) var ranges: [ClosedRange<UInt32>] = []

  static let maximum: UInt32 = 0x10FFFF
  static let all = ScalarSet([0...maximum])

  init(_ ranges: [ClosedRange<UInt32>] = []) { self.ranges = Self.merged(ranges) }

  init(_ scalar: UInt32) { ranges = [scalar...scalar] }

  /// The scalars whose general category's number is in the mask.
  init(categories mask: UInt32) {
    self.init(where: { mask >> UInt32($0 & ScalarTable.categoryMask) & 1 != 0 })
  }

  /// The scalars whose entry in the scalar table passes a test.
  init(where test: (UInt8) -> Bool) {
    let table = ScalarTable.shared
    var start: UInt32?
    for (block, page) in table.pages.enumerated() {
      let base = UInt32(block) << 8
      for i in 0..<256 {
        let value = base | UInt32(i)
        if test(table.entries[Int(page) + i]) {
          if start == nil { start = value }
        } else if let first = start {
          ranges.append(first...value - 1)
          start = nil
        }
      }
    }
    if let start { ranges.append(start...Self.maximum) }
  }

  /// The scalars whose properties pass a test; asks every scalar, about 20 ms.
  init(properties test: (Unicode.Scalar.Properties) -> Bool) {
    var start: UInt32?
    for value in 0...Self.maximum {
      if let scalar = Unicode.Scalar(value), test(scalar.properties),
        ScalarTable.shared.entry(of: value) & ScalarTable.categoryMask != ScalarTable.category(.unassigned)
      {
        if start == nil { start = value }
      } else if let first = start {
        ranges.append(first...value - 1)
        start = nil
      }
    }
    if let start { ranges.append(start...Self.maximum) }
  }

  private static func merged(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, range.lowerBound <= last.upperBound &+ 1 {
        result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    return result
  }

  /// Gathers ranges and joins them once.
  struct Builder {
    private var ranges: [ClosedRange<UInt32>] = []

    mutating func add(_ range: ClosedRange<UInt32>) { ranges.append(range) }
    mutating func add(_ set: ScalarSet) { ranges += set.ranges }
    var set: ScalarSet { ScalarSet(ranges) }
  }

  func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

  var complement: ScalarSet {
    var result: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
      next = range.upperBound + 1
    }
    if next <= Self.maximum { result.append(next...Self.maximum) }
    return ScalarSet(result)
  }

  func intersection(_ other: ScalarSet) -> ScalarSet {
    complement.union(other.complement).complement
  }

  func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }

  /// The set with the other cases of its members: simple mappings, and the two signs that fold to ASCII letters.
  var ignoringCase: ScalarSet {
    var added: [ClosedRange<UInt32>] = []
    for range in ranges {
      // What folds at all lies in these stretches.
      for stretch: ClosedRange<UInt32> in [
        0x41...0x587, 0x10A0...0x10FF, 0x13A0...0x13FF, 0x1C80...0x1CBF, 0x1D79...0x1D8E, 0x1E00...0x1FFF,
        0x2126...0x2188, 0x24B6...0x24E9, 0x2C00...0x2D2D, 0xA640...0xA7FF, 0xAB53...0xABBF, 0xFF21...0xFF5A,
        0x10400...0x10D7F, 0x118A0...0x118DF, 0x16E40...0x16E7F, 0x1E900...0x1E943,
      ] where range.overlaps(stretch) {
        for value in range.clamped(to: stretch) {
          guard let scalar = Unicode.Scalar(value) else { continue }
          let properties = scalar.properties
          for mapping in [properties.lowercaseMapping, properties.uppercaseMapping, properties.titlecaseMapping] {
            let scalars = mapping.unicodeScalars
            if let other = scalars.first, scalars.count == 1, other != scalar {
              added.append(other.value...other.value)
            }
          }
          switch value {
          case 0x53, 0x73: added.append(0x17F...0x17F)
          case 0x4B, 0x6B: added.append(0x212A...0x212A)
          case 0xE5, 0xC5: added.append(0x212B...0x212B)
          case 0x17F: added.append(contentsOf: [0x53...0x53, 0x73...0x73])
          case 0x212A: added.append(contentsOf: [0x4B...0x4B, 0x6B...0x6B])
          default: break
          }
        }
      }
    }
    return added.isEmpty ? self : ScalarSet(ranges + added)
  }
}

/// A scalar set laid out for asking: one bit for each scalar.
struct ScalarBitmap: Sendable {
  private var words: [UInt64]

  init(_ set: ScalarSet) {
    words = [UInt64](repeating: 0, count: 0x110000 / 64)
    for range in set.ranges {
      var value = range.lowerBound
      while value <= range.upperBound {
        if value & 63 == 0, range.upperBound - value >= 63 {
          words[Int(value >> 6)] = .max
          value += 64
        } else {
          words[Int(value >> 6)] |= 1 << UInt64(value & 63)
          value += 1
        }
      }
    }
  }

  @inline(__always) func contains(_ scalar: UInt32) -> Bool {
    words.withUnsafeBufferPointer { $0[Int(scalar >> 6)] >> UInt64(scalar & 63) & 1 != 0 }
  }
}
