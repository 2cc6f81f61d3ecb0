import CKernels

extension TensorView {
  /// Decodes consecutive elements to float32, in the calling thread.
  ///
  /// Any range will do: a block that lies only partly within it is decoded beside the target and copied. Values are
  /// exact for every type of at most 32 bits, and those of ggml's reference implementation for block types. F64 is
  /// rounded. From memory, above 20 GB/s of output on a processor of 2024.
  ///
  /// - Parameters:
  ///   - elements: Places in row-major order, within 0..<`count`.
  ///   - target: Room for as many floats.
  /// - Precondition: `type.isFloatingPoint`.
  public func read(_ elements: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    precondition(
      elements.lowerBound >= 0 && elements.upperBound <= count, "elements \(elements) of \(count) of \(name)")
    precondition(type.isFloatingPoint, "\(name) is of type \(type.rawValue)")
    guard !elements.isEmpty else { return }
    withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      switch (type, scales?.layout) {
      case (_, .exponents?): readBlocks(elements, of: 32, into: target) { readPairs($0, from: start, into: $1) }
      case (_, .tiles(let rows, let columns, let scaleType)?):
        readTiles(elements, from: start, rows: rows, columns: columns, scaleType: scaleType, into: target)
      case (.float32, _):
        UnsafeMutableRawPointer(target).copyMemory(from: start + elements.lowerBound * 4, byteCount: elements.count * 4)
      case (.float16, _): convert(elements, from: start, UInt16.self, into: target, by: unfold_from_half)
      case (.bfloat16, _): convert(elements, from: start, UInt16.self, into: target, by: unfold_from_bfloat)
      case (.float64, _): convert(elements, from: start, Double.self, into: target, by: unfold_from_double)
      case (.float8e4m3, _), (.float8e5m2, _): decode8(start, elements, scale: 1, into: target)
      default:
        let decode = blockDecoder
        readBlocks(elements, of: type.blockLength, into: target) { blocks, place in
          decode(byte(start, blocks.lowerBound * type.size), place, blocks.count)
        }
      }
    }
  }

  private var blockDecoder: (UnsafePointer<UInt8>, UnsafeMutablePointer<Float>, Int) -> Void {
    switch type {
    case .q40: unfold_from_q4_0
    case .q41: unfold_from_q4_1
    case .q50: unfold_from_q5_0
    case .q51: unfold_from_q5_1
    case .q80: unfold_from_q8_0
    case .q2K: unfold_from_q2_k
    case .q3K: unfold_from_q3_k
    case .q4K: unfold_from_q4_k
    case .q5K: unfold_from_q5_k
    case .q6K: unfold_from_q6_k
    case .iq4NL: unfold_from_iq4_nl
    case .iq4XS: unfold_from_iq4_xs
    case .mxfp4: unfold_from_mxfp4
    default: preconditionFailure("\(type.rawValue) is no block type")
    }
  }

  /// Whole blocks straight into the target, those at either end through a block of scratch.
  private func readBlocks(
    _ elements: Range<Int>, of length: Int, into target: UnsafeMutablePointer<Float>,
    decode: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    var (next, place) = (elements.lowerBound, target)
    func part(upTo end: Int) {
      withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { scratch in
        guard let start = scratch.baseAddress else { return }
        let block = next / length
        decode(block..<block + 1, start)
        place.update(from: start + (next - block * length), count: end - next)
      }
      place += end - next
      next = end
    }
    let firstWhole = (next + length - 1) / length * length
    if firstWhole > next { part(upTo: min(firstWhole, elements.upperBound)) }
    let whole = next / length..<max(next, elements.upperBound) / length
    if !whole.isEmpty {
      decode(whole, place)
      place += whole.count * length
      next = whole.upperBound * length
    }
    if next < elements.upperBound { part(upTo: elements.upperBound) }
  }

  /// Blocks of MXFP4 whose exponents are stored apart.
  private func readPairs(
    _ blocks: Range<Int>, from start: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>
  ) {
    guard let scales else { return }
    scales.file.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      let exponents = byte(base, scales.range.lowerBound + blocks.lowerBound)
      unfold_from_mxfp4_pairs(byte(start, blocks.lowerBound * 16), exponents, target, blocks.count)
    }
  }

  /// Rows of 8-bit floats, each in runs that share a scale.
  private func readTiles(
    _ elements: Range<Int>, from start: UnsafeRawPointer, rows tileRows: Int, columns tileColumns: Int,
    scaleType: ElementType, into target: UnsafeMutablePointer<Float>
  ) {
    guard let scales else { return }
    let (height, width) = (shape.count > 1 ? shape[shape.count - 2] : 1, shape.last ?? 1)
    let (scaleRows, scaleColumns) = ((height - 1) / tileRows + 1, (width - 1) / tileColumns + 1)
    scales.file.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      var next = elements.lowerBound
      while next < elements.upperBound {
        let (row, column) = next.quotientAndRemainder(dividingBy: width)
        let (matrix, rowOfMatrix) = row.quotientAndRemainder(dividingBy: height)
        let tile = (matrix * scaleRows + rowOfMatrix / tileRows) * scaleColumns + column / tileColumns
        let endOfTile = row * width + min((column / tileColumns + 1) * tileColumns, width)
        let end = min(endOfTile, elements.upperBound)
        let scale = number(at: base + scales.range.lowerBound, tile, of: scaleType)
        decode8(start, next..<end, scale: scale, into: target + (next - elements.lowerBound))
        next = end
      }
    }
  }

  private func decode8(
    _ start: UnsafeRawPointer, _ elements: Range<Int>, scale: Float, into target: UnsafeMutablePointer<Float>
  ) {
    let bytes = byte(start, elements.lowerBound)
    if type == .float8e4m3 {
      unfold_from_float8_e4m3(bytes, scale, target, elements.count)
    } else {
      unfold_from_float8_e5m2(bytes, scale, target, elements.count)
    }
  }
}

private func byte(_ start: UnsafeRawPointer, _ offset: Int) -> UnsafePointer<UInt8> {
  (start + offset).assumingMemoryBound(to: UInt8.self)
}

/// One number of a type of 16 or 32 bits.
private func number(at start: UnsafeRawPointer, _ index: Int, of type: ElementType) -> Float {
  func word() -> UInt16 { UInt16(littleEndian: start.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)) }
  switch type {
  case .bfloat16: return Float(bitPattern: UInt32(word()) << 16)
  case .float16: return float(fromHalf: word())
  default:
    return Float(
      bitPattern: UInt32(littleEndian: start.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)))
  }
}

/// Converts numbers of any address: those that lie unaligned (a header of odd length shifts everything behind it) are
/// moved first, piece by piece.
private func convert<Stored: BitwiseCopyable>(
  _ elements: Range<Int>, from bytes: UnsafeRawPointer, _: Stored.Type, into target: UnsafeMutablePointer<Float>,
  by kernel: (UnsafePointer<Stored>, UnsafeMutablePointer<Float>, Int) -> Void
) {
  let size = MemoryLayout<Stored>.size
  let start = bytes + elements.lowerBound * size
  if Int(bitPattern: start).isMultiple(of: MemoryLayout<Stored>.alignment) {
    kernel(start.assumingMemoryBound(to: Stored.self), target, elements.count)
    return
  }
  let piece = 2048
  withUnsafeTemporaryAllocation(of: Stored.self, capacity: piece) { scratch in
    guard let aligned = scratch.baseAddress else { return }
    for first in stride(from: 0, to: elements.count, by: piece) {
      let count = min(piece, elements.count - first)
      UnsafeMutableRawPointer(aligned).copyMemory(from: start + first * size, byteCount: count * size)
      kernel(aligned, target + first, count)
    }
  }
}

/// The value of an IEEE 754 half-precision number, exactly. (`Float16` does not exist on every platform.)
package func float(fromHalf bits: UInt16) -> Float {
  let sign = UInt32(bits & 0x8000) << 16
  let exponent = UInt32(bits >> 10 & 0x1F)
  let fraction = UInt32(bits & 0x3FF)
  switch exponent {
  case 0:
    // Zero and subnormal numbers: fraction · 2⁻²⁴.
    let magnitude = Float(fraction) * 0x1p-24
    return sign == 0 ? magnitude : -magnitude
  case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
  default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
  }
}
