import CHDF5
import Diagnostics
import Foundation

/// An open dataset.
public struct H5Dataset: ~Copyable, H5Object {
  public let file: String
  public let path: String
  public var handle: Int64 { identifier.raw }
  public let elementType: H5ElementType
  /// The shape of a chunk, or nil where the dataset is not chunked.
  public let chunk: [Int]?
  public let isVirtual: Bool
  private let identifier: H5Identifier

  init(
    _ identifier: consuming H5Identifier, file: String, path: String, elementType: H5ElementType, chunk: [Int]?,
    isVirtual: Bool
  ) {
    self.identifier = identifier
    self.file = file
    self.path = path
    self.elementType = elementType
    self.chunk = chunk
    self.isVirtual = isVirtual
  }

  /// The lengths of the axes now; empty for a single value.
  public var shape: [Int] {
    get throws {
      try H5Library.locked {
        let space = try H5Identifier(H5Dget_space(handle), .dataspace, "reading the shape of \(path)", file: file)
        let rank = try H5Library.check(H5Sget_simple_extent_ndims(space.raw), "reading the shape", file: file)
        var lengths = [hsize_t](repeating: 0, count: Int(rank))
        try H5Library.check(H5Sget_simple_extent_dims(space.raw, &lengths, nil), "reading the shape", file: file)
        return try lengths.map { length in
          guard let length = Int(exactly: length) else {
            throw Fault(
              .badData, "hdf5.shape", "An axis is too long", file: file, place: path, expected: "at most 2^63 − 1",
              found: "\(length)")
          }
          return length
        }
      }
    }
  }

  /// The number of elements.
  /// - Throws: `Fault` named `hdf5.shape` where the product does not fit an `Int`.
  public var count: Int {
    get throws {
      var product = 1
      for length in try shape {
        let (next, overflow) = product.multipliedReportingOverflow(by: length)
        guard !overflow else {
          throw Fault(.badData, "hdf5.shape", "A dataset's shape is too large", file: file, place: path)
        }
        product = next
      }
      return product
    }
  }

  public consuming func close() throws {
    let (file, path) = (file, path)
    try identifier.close("closing \(path)", file: file, writing: true)
  }
}

extension H5Location where Self: ~Copyable {
  /// Makes a dataset.
  ///
  /// - Parameters:
  ///   - chunk: the shape of a chunk, which makes the dataset chunked, each chunk with a Fletcher-32 checksum (texts of any
  ///     length lie elsewhere in the file, where no filter reaches them).
  ///   - growing: whether the first axis may be lengthened later; needs `chunk`.
  public func makeDataset(
    _ name: String, _ elementType: H5ElementType, shape: [Int], chunk: [Int]? = nil, growing: Bool = false
  ) throws -> H5Dataset {
    let place = path(of: name)
    precondition(!growing || chunk != nil, "\(place): a dataset that grows is chunked")
    return try H5Library.locked {
      let creation = try datasetCreation(place)
      if let chunk {
        precondition(chunk.count == shape.count && chunk.allSatisfy { $0 > 0 }, "\(place): chunk \(chunk) of \(shape)")
        let lengths = chunk.map { hsize_t($0) }
        try H5Library.check(
          H5Pset_chunk(creation.raw, Int32(chunk.count), lengths), "making \(place)", file: file, writing: true)
        if elementType != .string {
          try H5Library.check(H5Pset_fletcher32(creation.raw), "making \(place)", file: file, writing: true)
        }
      }
      let space: H5Identifier
      if shape.isEmpty {
        space = try H5Identifier(H5Screate(H5S_SCALAR), .dataspace, "making \(place)", file: file, writing: true)
      } else {
        space = try H5Identifier.dataspace(shape, growing: growing, file: file)
      }
      let type = try elementType.makeDatatype()
      let id = try H5Identifier(
        H5Dcreate2(handle, name, type.raw, space.raw, unfold_h5p_default(), creation.raw, unfold_h5p_default()),
        .dataset, "making \(place)", file: file, writing: true)
      return H5Dataset(id, file: file, path: place, elementType: elementType, chunk: chunk, isVirtual: false)
    }
  }

  /// Makes a dataset that holds nothing itself but shows datasets of other files, one after another along the first axis.
  ///
  /// A source that is missing later reads as zeros, without an error: check that the files are there before reading.
  public func makeVirtualDataset(
    _ name: String, _ elementType: H5ElementType, sources: [H5VirtualSource]
  ) throws -> H5Dataset {
    let place = path(of: name)
    guard let first = sources.first else { preconditionFailure("\(place): no sources") }
    return try H5Library.locked {
      let creation = try datasetCreation(place)
      let rows = sources.reduce(0) { $0 + $1.shape[0] }
      let whole = try H5Identifier.dataspace([rows] + first.shape.dropFirst(), file: file)
      var row = 0
      for source in sources where source.shape[0] > 0 {
        let part = try H5Identifier.dataspace(source.shape, file: file)
        var start = [hsize_t](repeating: 0, count: source.shape.count)
        start[0] = hsize_t(row)
        let count = source.shape.map { hsize_t($0) }
        try H5Library.check(
          H5Sselect_hyperslab(whole.raw, H5S_SELECT_SET, start, nil, count, nil), "making \(place)", file: file,
          writing: true)
        try H5Library.check(
          H5Pset_virtual(creation.raw, whole.raw, source.file, source.dataset, part.raw), "making \(place)",
          file: file, writing: true)
        row += source.shape[0]
      }
      try H5Library.check(H5Sselect_all(whole.raw), "making \(place)", file: file, writing: true)
      let type = try elementType.makeDatatype()
      let id = try H5Identifier(
        H5Dcreate2(handle, name, type.raw, whole.raw, unfold_h5p_default(), creation.raw, unfold_h5p_default()),
        .dataset, "making \(place)", file: file, writing: true)
      return H5Dataset(id, file: file, path: place, elementType: elementType, chunk: nil, isVirtual: true)
    }
  }

  private func datasetCreation(_ place: String) throws -> H5Identifier {
    let creation = try propertyList(unfold_h5p_dataset_create())
    try H5Library.check(H5Pset_obj_track_times(creation.raw, false), "making \(place)", file: file, writing: true)
    return creation
  }

  /// Opens a dataset of this file. `name` may have several parts, divided by `/`.
  ///
  /// - Throws: `Fault` named `hdf5.foreignStorage` where its content lies in external storage, behind an external link, or
  ///   in virtual sources outside the file's own folder; `hdf5.missingSource` where a virtual source is not there.
  public func dataset(_ name: String) throws -> H5Dataset {
    try dataset(name, depth: 0)
  }

  func dataset(_ name: String, depth: Int) throws -> H5Dataset {
    let place = path(of: name)
    return try H5Library.locked {
      try refuseForeignLinks(name)
      // A cache that holds a whole chunk, or each read of a part of one would read and check it anew.
      let access = try propertyList(unfold_h5p_dataset_access())
      try H5Library.check(H5Pset_chunk_cache(access.raw, 521, 8 << 20, 1), "opening \(place)", file: file)
      let id = try H5Identifier(H5Dopen2(handle, name, access.raw), .dataset, "opening \(place)", file: file)
      try refuseOtherFile(id.raw, place)
      let creation = try H5Identifier(H5Dget_create_plist(id.raw), .propertyList, "opening \(place)", file: file)
      if H5Pget_external_count(creation.raw) > 0 { throw foreign(place, "external storage") }
      var chunk: [Int]?
      var isVirtual = false
      switch H5Pget_layout(creation.raw) {
      case H5D_CHUNKED:
        var lengths = [hsize_t](repeating: 0, count: 32)
        let rank = try H5Library.check(H5Pget_chunk(creation.raw, 32, &lengths), "opening \(place)", file: file)
        chunk = lengths.prefix(Int(rank)).map { Int(clamping: $0) }
      case H5D_VIRTUAL:
        isVirtual = true
        try checkSources(creation, place, depth: depth)
      default: break
      }
      let type = try H5Identifier(H5Dget_type(id.raw), .datatype, "opening \(place)", file: file)
      let elementType = try H5ElementType(recognising: type)
      return H5Dataset(id, file: file, path: place, elementType: elementType, chunk: chunk, isVirtual: isVirtual)
    }
  }

  /// Holds the sources of a virtual dataset against the rules, and their own sources too.
  private func checkSources(_ creation: borrowing H5Identifier, _ place: String, depth: Int) throws {
    guard depth < 4 else { throw foreign(place, "virtual datasets nested more than four deep") }
    var count = 0
    try H5Library.check(H5Pget_virtual_count(creation.raw, &count), "opening \(place)", file: file)
    let folder = URL(fileURLWithPath: file).resolvingSymlinksInPath().deletingLastPathComponent()
    var seen: Set<String> = []
    for number in 0..<count {
      let source = try virtualText(place) { H5Pget_virtual_filename(creation.raw, number, $0, $1) }
      let name = try virtualText(place) { H5Pget_virtual_dsetname(creation.raw, number, $0, $1) }
      guard seen.insert("\(source)\0\(name)").inserted else { continue }
      let parts = source.split(separator: "/", omittingEmptySubsequences: false)
      guard !source.hasPrefix("/"), !parts.contains(".."), !source.contains("%") else {
        throw foreign(place, "a virtual source \"\(source)\"")
      }
      let path: String
      if source == "." {
        path = file
      } else {
        let url = folder.appendingPathComponent(source)
        guard FileManager.default.fileExists(atPath: url.path) else {
          throw Fault(
            .badData, "hdf5.missingSource", "A file that holds part of a dataset is not there", file: file,
            place: place, expected: source, found: "no such file; HDF5 would read zeros in its place",
            advice: "bring the file back, or make the dataset again")
        }
        let resolved = url.resolvingSymlinksInPath()
        guard resolved.path.hasPrefix(folder.path + "/") else { throw foreign(place, "a virtual source \"\(source)\"") }
        path = resolved.path
      }
      let sourceFile = try H5File(opening: path)
      _ = try sourceFile.dataset(name, depth: depth + 1)
    }
  }

  private func virtualText(
    _ place: String, _ read: (UnsafeMutablePointer<CChar>?, Int) -> Int
  ) throws -> String {
    let length = try H5Library.check(read(nil, 0), "opening \(place)", file: file)
    var bytes = [CChar](repeating: 0, count: length + 1)
    try H5Library.check(read(&bytes, bytes.count), "opening \(place)", file: file)
    return String(decoding: bytes.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// A dataset of another file that a virtual dataset shows.
public struct H5VirtualSource: Sendable, Hashable {
  /// The file's name, relative to the folder of the file with the virtual dataset.
  public var file: String
  /// The dataset's path in it.
  public var dataset: String
  public var shape: [Int]

  public init(file: String, dataset: String, shape: [Int]) {
    self.file = file
    self.dataset = dataset
    self.shape = shape
  }
}
