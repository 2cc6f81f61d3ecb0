import CHDF5
import Diagnostics

extension H5Location where Self: ~Copyable {
  /// Opens a dataset of this file. `name` may have several parts, divided by `/`.
  ///
  /// Files come from anywhere, so what a dataset claims is held against the file before anything is read or allocated: its
  /// shape's product against the bytes that are stored, those against the file's size.
  ///
  /// - Throws: `Fault` named `hdf5.foreignStorage` where its values lie outside the file: in external storage, behind an
  ///   external link, or in another file that it shows (a virtual dataset); `hdf5.size` where the file cannot hold so many;
  ///   `hdf5.filter` where it is packed otherwise than by deflate; `hdf5.damaged`.
  public func dataset(_ name: String) throws -> H5Dataset {
    let place = path(of: name)
    return try H5Library.locked {
      try refuseForeignLinks(name)
      var address: UInt64 = 0
      try H5Library.check(unfold_h5o_address(handle, name, &address), "opening \(place)", file: file)
      let bytes = try FileBytes(file)
      let header = try ObjectHeader(bytes, at: address, place)
      if header.hasExternalStorage { throw foreign(place, "external storage") }
      guard let layout = header.layout else { throw bytes.damaged(place, "a dataset", "an object without values") }
      if layout == .virtual { throw foreign(place, "a virtual dataset, which shows those of other files") }
      // A cache that holds a whole chunk, or each read of a part of one would read and check it anew.
      let access = try propertyList(unfold_h5p_dataset_access())
      try H5Library.check(H5Pset_chunk_cache(access.raw, 521, 8 << 20, 1), "opening \(place)", file: file)
      let id = try H5Identifier(H5Dopen2(handle, name, access.raw), .dataset, "opening \(place)", file: file)
      try refuseOtherFile(id.raw, place)
      let type = try H5Identifier(H5Dget_type(id.raw), .datatype, "opening \(place)", file: file)
      let elementType = try H5ElementType(recognising: type)
      let creation = try H5Identifier(H5Dget_create_plist(id.raw), .propertyList, "opening \(place)", file: file)
      var chunk: [Int]?
      if layout == .chunked {
        var lengths = [hsize_t](repeating: 0, count: 32)
        let rank = try H5Library.check(H5Pget_chunk(creation.raw, 32, &lengths), "opening \(place)", file: file)
        chunk = lengths.prefix(Int(rank)).map { Int(clamping: $0) }
      }
      let isPacked = try self.isPacked(creation, place)
      let dataset = H5Dataset(id, file: file, path: place, elementType: elementType, chunk: chunk)
      try dataset.requireRoom(fileSize: bytes.size, isPacked: isPacked)
      return dataset
    }
  }

  /// Whether a dataset's chunks are packed by deflate. Checksums and the order of bytes change no sizes; other filters are
  /// refused, since nothing bounds what they make of few bytes.
  private func isPacked(_ creation: borrowing H5Identifier, _ place: String) throws -> Bool {
    var isPacked = false
    let count = try H5Library.check(H5Pget_nfilters(creation.raw), "opening \(place)", file: file)
    for number in 0..<UInt32(count) {
      var (flags, settings, parameters): (UInt32, UInt32, Int) = (0, 0, 0)
      let filter = H5Pget_filter2(creation.raw, number, &flags, &parameters, nil, 0, nil, &settings)
      switch filter {
      case H5Z_FILTER_DEFLATE where !isPacked: isPacked = true
      case H5Z_FILTER_FLETCHER32, H5Z_FILTER_SHUFFLE: break
      default:
        throw Fault(
          .badData, "hdf5.filter", "A dataset is packed in a way that is not read", file: file, place: place,
          expected: "no filter, deflate once, shuffle or fletcher32", found: "filter \(filter)",
          advice: "write the file again with `h5repack -f NONE`")
      }
    }
    return isPacked
  }
}

extension H5Dataset {
  /// Deflate makes at most so many bytes of one.
  private static let mostUnpacked: UInt64 = 1032

  /// Refuses a dataset that claims more elements than its stored bytes can hold: it would size memory, and be read as what
  /// was never written.
  fileprivate func requireRoom(fileSize: UInt64, isPacked: Bool) throws {
    let shape = try self.shape
    let size = UInt64(elementType == .string ? GlobalHeap.referenceSize : elementType.size)
    // Without the axes of length 0: what one row takes is multiplied elsewhere too.
    var (claimed, overflow) = (size, false)
    for length in shape where length > 0 && !overflow {
      (claimed, overflow) = claimed.multipliedReportingOverflow(by: UInt64(length))
    }
    guard !overflow, claimed < 1 << 62 else {
      throw Fault(
        .badData, "hdf5.size", "A dataset's size overflows", file: file, place: path,
        expected: "a shape whose product is a size", found: "\(shape) elements of \(size) bytes",
        advice: "the file was damaged or made by hand: make it again")
    }
    // Rows that hold nothing, of which there may not be more than the file has bytes.
    if shape.contains(0), UInt64(shape[0]) <= fileSize { return }
    let stored = H5Dget_storage_size(handle)
    let room = stored.multipliedReportingOverflow(by: isPacked ? Self.mostUnpacked : 1)
    let chunkBytes = (chunk ?? []).reduce(size) { $0.multipliedReportingOverflow(by: UInt64($1)).partialValue }
    guard stored <= fileSize, !room.overflow, claimed <= room.partialValue,
      chunk == nil || chunkBytes <= room.partialValue
    else {
      let rows = shape.first.map { "\($0) rows, " } ?? ""
      throw Fault(
        .badData, "hdf5.size", "A dataset claims more rows than the file can hold", file: file, place: path,
        expected: "\(claimed) bytes for its shape \(shape)",
        found: "\(rows)\(stored) bytes stored in a file of \(fileSize)",
        advice: "the file was damaged, never filled or made by hand: restore it from a copy, or make it again")
    }
  }
}
