import Diagnostics
import Foundation
import HDF5
import LinearAlgebra

extension ActivationStore {
  /// Gives `body` every row of the sites in blocks; a block never reaches over the end of a shard.
  ///
  /// Memory: a block of every site. Blocks of as many rows as a chunk holds (2 MiB) read quickest.
  public func stream(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    try requireEveryToken(sites.map { try site(named: $0) })
    try streamRouted(sites, maximumRows: maximumRows, body)
  }

  public func streamRouted(_ sites: [String], maximumRows: Int, _ body: (ActivationBlock) throws -> Void) throws {
    precondition(maximumRows > 0, "blocks of \(maximumRows) rows")
    let wanted = try sites.map { try site(named: $0) }
    let isRouted = wanted.contains(where: \.isRouted)
    for part in parts where !part.rows.isEmpty {
      let file = try H5File(opening: part.path)
      let readers = try wanted.map { try SiteReader($0, file) }
      let routed = try wanted.map { try RoutedRows($0, of: part, file) }
      for first in stride(from: part.rows.lowerBound, to: part.rows.upperBound, by: maximumRows) {
        // A task that nobody waits for any more reads no further.
        try Task.checkCancellation()
        let rows = first..<min(first + maximumRows, part.rows.upperBound)
        let places = routed.map { $0?.places(of: rows) ?? rows.shifted(by: -part.rows.lowerBound) }
        let values = try zip(readers, places).map { try $0.read($1) }
        try body(
          ActivationBlock(
            rows: rows, values: values,
            routed: isRouted ? zip(routed, places).map { routed, places in routed?.rows(places) } : []))
      }
    }
  }

  /// The rows of a site in any order: [rows, width]. A row may be asked for more than once.
  public func read(_ site: String, rows: [Int]) throws -> Matrix {
    let wanted = try self.site(named: site)
    try requireEveryToken([wanted])
    let order = rows.indices.sorted { rows[$0] < rows[$1] }
    if let first = order.first, let last = order.last { try requireRows(rows[first], rows[last] + 1) }
    var result = Matrix(zeros: rows.count, columns: wanted.width)
    var next = 0
    for part in parts where next < order.count && rows[order[next]] < part.rows.upperBound {
      let file = try H5File(opening: part.path)
      let reader = try SiteReader(wanted, file)
      while next < order.count, rows[order[next]] < part.rows.upperBound {
        // Rows of the same stretch of a chunk's length are read together.
        let first = rows[order[next]]
        var end = next + 1
        while end < order.count, rows[order[end]] < min(part.rows.upperBound, first + reader.chunkRows) { end += 1 }
        let stretch = first..<rows[order[end - 1]] + 1
        let values = try reader.read(stretch.shifted(by: -part.rows.lowerBound))
        for index in order[next..<end] {
          let source = (rows[index] - first) * wanted.width
          result.elements.replaceSubrange(
            index * wanted.width..<(index + 1) * wanted.width, with: values.elements[source..<source + wanted.width])
        }
        next = end
      }
    }
    return result
  }

  /// Consecutive rows of a site: [rows, width].
  public func read(_ site: String, rows: Range<Int>) throws -> Matrix {
    let wanted = try self.site(named: site)
    try requireEveryToken([wanted])
    try requireRows(rows.lowerBound, rows.upperBound)
    var elements: [Float] = []
    elements.reserveCapacity(rows.count * wanted.width)
    for part in parts where part.rows.overlaps(rows) {
      let file = try H5File(opening: part.path)
      let some = part.rows.clamped(to: rows).shifted(by: -part.rows.lowerBound)
      elements += try SiteReader(wanted, file).read(some).elements
    }
    return Matrix(rows: rows.count, columns: wanted.width, elements: elements)
  }
}

extension ActivationStore {
  /// Refuses rows that are not there: they may come from a file, such as a probe's or a dictionary's examples.
  private func requireRows(_ first: Int, _ end: Int) throws {
    guard first >= 0, end <= rowCount else {
      throw misshapen(url.path, "/activations", "rows \(first)..<\(end)", "\(rowCount) rows")
    }
  }
}

extension Range<Int> {
  func shifted(by offset: Int) -> Self { lowerBound + offset..<upperBound + offset }
}

/// Reads rows of one site in one file and makes them float32. HDF5 only moves bytes, save for a foreign number type.
final class SiteReader {
  private let site: StoredSite
  private let dataset: H5Dataset
  private let quantization: Quantization?
  let chunkRows: Int

  init(_ site: StoredSite, _ file: borrowing H5File) throws {
    self.site = site
    let dataset = try file.dataset("activations/\(site.name)")
    let shape = try dataset.shape
    guard Array(shape.dropFirst()) == site.shape, !shape.isEmpty else {
      throw Fault(
        .badData, "store.shape", "A dataset is not of the shape it must have", file: file.file, place: dataset.path,
        expected: "rows of \(site.shape)", found: "\(shape)")
    }
    chunkRows = max(1, dataset.chunk?.first ?? 1024)
    quantization = try site.storage == .uint8 ? Quantization(reading: file, site: site.name) : nil
    if let quantization, quantization.scale.count != site.width || quantization.offset.count != site.width {
      throw Fault(
        .badData, "store.shape", "A dataset is not of the shape it must have", file: file.file,
        place: "/quantization/\(site.name)", expected: "\(site.width) columns", found: "\(quantization.scale.count)")
    }
    self.dataset = dataset
  }

  /// Rows of the file as float32: [rows, width].
  func read(_ rows: Range<Int>) throws -> Matrix {
    let width = site.width
    if rows.isEmpty { return Matrix(zeros: 0, columns: width) }
    let offset = [rows.lowerBound] + site.shape.map { _ in 0 }
    let shape = [rows.count] + site.shape
    guard dataset.elementType == site.storage.elementType else {
      return Matrix(
        rows: rows.count, columns: width, elements: try dataset.read(as: Float.self, at: offset, shape: shape))
    }
    return try Matrix(rows: rows.count, columns: width) { output in
      guard let target = output.baseAddress else { return }
      switch site.storage {
      case .float32: try dataset.read(into: UnsafeMutableRawBufferPointer(output), at: offset, shape: shape)
      case .float16, .bfloat16:
        let bits = try readBits(rows, offset, shape)
        bits.withUnsafeBufferPointer { bits in
          guard let source = bits.baseAddress else { return }
          if site.storage == .float16 {
            Kernels.fromFloat16(source, into: target, count: bits.count)
          } else {
            Kernels.fromBFloat16(source, into: target, count: bits.count)
          }
        }
      case .uint8:
        let bytes = try dataset.read(as: UInt8.self, at: offset, shape: shape)
        guard let quantization else { return }
        for row in 0..<rows.count {
          for column in 0..<width {
            output[row * width + column] =
              quantization.offset[column] + quantization.scale[column] * Float(bytes[row * width + column])
          }
        }
      }
    }
  }

  private func readBits(_ rows: Range<Int>, _ offset: [Int], _ shape: [Int]) throws -> [UInt16] {
    let count = rows.count * site.width
    return try [UInt16](unsafeUninitializedCapacity: count) { buffer, filled in
      try dataset.read(
        into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<(2 * count)]),
        at: offset, shape: shape)
      filled = count
    }
  }

  /// Rows as they are stored, for files that are rewritten. Of a foreign number type they are made float32.
  func readStored(_ rows: Range<Int>, into bytes: UnsafeMutableRawBufferPointer) throws {
    guard dataset.elementType == site.storage.elementType else {
      guard site.storage == .float32 else {
        throw Fault(
          .badData, "store.shape", "A dataset is not of the type it must have", file: dataset.file,
          place: dataset.path, expected: "\(site.storage.elementType)", found: "\(dataset.elementType)",
          advice: "restore the file from a copy, or capture again")
      }
      try read(rows).elements.withUnsafeBytes { bytes.copyMemory(from: $0) }
      return
    }
    try dataset.read(into: bytes, at: [rows.lowerBound] + site.shape.map { _ in 0 }, shape: [rows.count] + site.shape)
  }
}
