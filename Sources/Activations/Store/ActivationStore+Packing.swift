import Diagnostics
import Foundation
import HDF5
import LinearAlgebra

extension ActivationStore {
  /// Writes the store again in another number format. Statistics, tables and labels are kept as they are.
  ///
  /// For `uint8` the store is read twice: every column's least and greatest value decide its scale and offset, so that a
  /// value is off by at most half a scale, (max − min) / 510. The numbers of the experts chosen are no measurements: they
  /// stay as they are where the format would change them.
  /// - Throws: `Fault` named `store.incomplete` where the store's capture has not come to its end, since the copy could not be
  ///   resumed; `store.overflow` where a value does not fit the format, with site, row and column;
  ///   `store.notFinite` where an infinite value or NaN cannot be made a byte.
  @discardableResult
  public func pack(to output: URL, storage: StorageType) throws -> ActivationStore {
    try requireComplete("finish the capture with --resume, then pack")
    var packed = run
    for index in packed.sites.indices where storage.isExact(at: packed.sites[index]) {
      packed.sites[index].storage = storage
    }
    let rewriter = try StoreRewriter(creating: output, run: packed)
    do {
      let quantization = storage == .uint8 ? try ranges(of: packed.sites.filter { $0.storage == .uint8 }) : [:]
      for part in parts {
        let cursor = manifest?.shards.first { $0.firstRow == part.rows.lowerBound }?.cursor ?? DocumentCursor()
        try rewriter.addShard(cursor: cursor, quantization: quantization) { file in
          let source = try H5File(opening: part.path)
          for (index, site) in packed.sites.enumerated() {
            try repack(site, index, of: part, from: source, into: file, quantization[site.name])
          }
          try file.copyTables(of: part, from: self, source)
          return try statistics(of: part, source)
        }
      }
      try rewriter.copyLabels(of: self)
      return try rewriter.finish()
    } catch {
      throw rewriter.abandon(after: error)
    }
  }

  /// Every column's scale and offset, from its least and greatest value.
  private func ranges(of sites: [StoredSite]) throws -> [String: Quantization] {
    var result: [String: Quantization] = [:]
    for site in sites {
      var low = [Float](repeating: .infinity, count: site.width)
      var high = [Float](repeating: -.infinity, count: site.width)
      try streamRouted([site.name], maximumRows: Self.blockRows(site)) { block in
        let numbers = block.rowNumbers(0)
        try block.values[0].elements.withUnsafeBufferPointer { values in
          for row in numbers.indices {
            for column in 0..<site.width {
              let value = values[row * site.width + column]
              guard value.isFinite else {
                throw Fault(
                  .badData, "store.notFinite", "A value cannot be stored in a byte", file: url.path,
                  place: "site \(site.name), row \(numbers[row]), column \(column)",
                  expected: "finite values", found: "\(value)", advice: "pack to float16 instead")
              }
              low[column] = min(low[column], value)
              high[column] = max(high[column], value)
            }
          }
        }
      }
      let scale = zip(low, high).map { low, high in low < high ? high / 255 - low / 255 : 0 }
      result[site.name] = Quantization(scale: scale, offset: low.map { $0.isFinite ? $0 : 0 })
    }
    return result
  }

  private static func blockRows(_ site: StoredSite) -> Int { max(1, (4 << 20) / max(1, 4 * site.width)) }

  private func repack(
    _ site: StoredSite, _ index: Int, of part: Part, from source: borrowing H5File, into file: ShardFile,
    _ quantization: Quantization?
  ) throws {
    let reader = try SiteReader(self.site(named: site.name), source)
    let numbers = try RoutedRows(site, of: part, source)?.numbers
    let count = part.count(of: site)
    let some = Self.blockRows(site)
    let block = try StorageBlock(site: index, rows: some, byteCount: some * site.rowBytes)
    for first in stride(from: 0, to: count, by: some) {
      let rows = first..<min(first + some, count)
      let values = try reader.read(rows)
      if let overflow = Self.convert(values, to: site.storage, into: block.bytes, quantization) {
        let (row, column) = overflow.quotientAndRemainder(dividingBy: site.width)
        throw Fault(
          .badData, "store.overflow", "A value is too large for the storage type", file: url.path,
          place:
            "site \(site.name), row \(numbers.map { Int($0[first + row]) } ?? part.rows.lowerBound + first + row), column \(column)",
          expected: "values that fit \(site.storage.rawValue)", found: "\(values.elements[overflow])",
          advice: "pack to bfloat16 or float32 instead")
      }
      try file.append(site: index, block.memory, rows: rows.count, numbers: numbers.map { Array($0[rows]) })
    }
  }

  /// Returns the index of the first value that overflows.
  private static func convert(
    _ values: Matrix, to storage: StorageType, into bytes: UnsafeMutableRawBufferPointer, _ quantization: Quantization?
  ) -> Int? {
    values.elements.withUnsafeBufferPointer { input -> Int? in
      guard let source = input.baseAddress, let target = bytes.baseAddress else { return nil }
      switch storage {
      case .float32:
        target.copyMemory(from: source, byteCount: 4 * input.count)
        return nil
      case .float16:
        return Kernels.toFloat16(source, into: target.assumingMemoryBound(to: UInt16.self), count: input.count)
      case .bfloat16:
        return Kernels.toBFloat16(source, into: target.assumingMemoryBound(to: UInt16.self), count: input.count)
      case .uint8:
        guard let quantization else { return nil }
        for row in 0..<values.rows {
          for column in 0..<values.columns {
            let scale = quantization.scale[column]
            let place = row * values.columns + column
            let step = scale > 0 ? ((input[place] - quantization.offset[column]) / scale).rounded() : 0
            bytes[place] = UInt8(max(0, min(255, step)))
          }
        }
        return nil
      }
    }
  }
}
