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
  private let identifier: H5Identifier

  init(
    _ identifier: consuming H5Identifier, file: String, path: String, elementType: H5ElementType, chunk: [Int]?
  ) {
    self.identifier = identifier
    self.file = file
    self.path = path
    self.elementType = elementType
    self.chunk = chunk
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
      let creation = try datasetCreation(elementType, place)
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
      return H5Dataset(id, file: file, path: place, elementType: elementType, chunk: chunk)
    }
  }

  /// Makes a dataset that holds nothing itself but shows datasets of other files, one after another along the first axis.
  ///
  /// HDF5 reads a source that is missing later without an error, as what the elements are filled with: NaN, and −1 or the
  /// largest number for integers. This module writes virtual datasets for others and does not read them.
  public func makeVirtualDataset(
    _ name: String, _ elementType: H5ElementType, sources: [H5VirtualSource]
  ) throws -> H5Dataset {
    let place = path(of: name)
    guard let first = sources.first else { preconditionFailure("\(place): no sources") }
    return try H5Library.locked {
      let creation = try datasetCreation(elementType, place)
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
      return H5Dataset(id, file: file, path: place, elementType: elementType, chunk: nil)
    }
  }

  private func datasetCreation(_ elementType: H5ElementType, _ place: String) throws -> H5Identifier {
    let creation = try propertyList(unfold_h5p_dataset_create())
    try H5Library.check(H5Pset_obj_track_times(creation.raw, false), "making \(place)", file: file, writing: true)
    if let fill = elementType.fill {
      let type = try elementType.makeDatatype()
      try fill.withUnsafeBytes { bytes in
        _ = try H5Library.check(
          H5Pset_fill_value(creation.raw, type.raw, bytes.baseAddress), "making \(place)", file: file, writing: true)
      }
    }
    return creation
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
