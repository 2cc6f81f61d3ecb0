import CFileDriver
import CHDF5
import Diagnostics

/// An open HDF5 file. It is also its root group.
public struct H5File: ~Copyable, H5Location {
  public let file: String
  public var path: String { "/" }
  public var handle: Int64 { identifier.raw }
  private let identifier: H5Identifier
  private let writing: Bool

  /// Makes a file, replacing what lies there.
  ///
  /// The file needs HDF5 1.10 or newer to read; its metadata carry checksums, no object records a time, and groups list
  /// their members in the order they were made. Objects of half a MiB or more are aligned to 1 MiB, and go to the disk past
  /// the system's page cache where that is possible; up to 32 MiB of smaller ones wait in memory.
  public init(creating path: String) throws {
    file = path
    writing = true
    identifier = try H5Library.locked {
      let creation = try propertyList(unfold_h5p_file_create())
      try H5Library.check(H5Pset_obj_track_times(creation.raw, false), "making a file", file: path, writing: true)
      try H5Library.check(
        H5Pset_link_creation_order(creation.raw, Self.order), "making a file", file: path, writing: true)
      let access = try propertyList(unfold_h5p_file_access())
      try H5Library.check(
        H5Pset_libver_bounds(access.raw, H5F_LIBVER_V110, H5F_LIBVER_V110), "making a file", file: path, writing: true)
      // Refuse to close a file while objects of it are open: it would be closed later, behind our back.
      try H5Library.check(
        H5Pset_fclose_degree(access.raw, H5F_CLOSE_SEMI), "making a file", file: path, writing: true)
      try H5Library.check(H5Pset_alignment(access.raw, 1 << 19, 1 << 20), "making a file", file: path, writing: true)
      try H5Library.check(unfold_set_file_driver(access.raw), "making a file", file: path, writing: true)
      return try H5Identifier(
        H5Fcreate(path, unfold_h5f_truncate(), creation.raw, access.raw), .file, "making a file", file: path,
        writing: true)
    }
  }

  /// Opens a file for reading.
  /// - Throws: `Fault` of kind `noInput` where it is not there or may not be read; `badData` where it is no HDF5 file, or
  ///   none at all but a pipe or device.
  public init(opening path: String) throws {
    let identifier = try Self.open(path)
    self.identifier = identifier
    file = path
    writing = false
  }

  private static func open(_ path: String) throws -> H5Identifier {
    try H5Gate.look(path)
    return try H5Library.locked {
      let access = try propertyList(unfold_h5p_file_access())
      let id = H5Fopen(path, unfold_h5f_read_only(), access.raw)
      if id < 0 {
        var fault = H5Library.fault("opening the file", file: path, writing: false)
        if fault.name == "hdf5.readFailed" {
          fault.name = "hdf5.notHDF5"
          fault.problem = "The file cannot be opened as HDF5"
          fault.expected = "an HDF5 file that was closed properly"
          fault.advice = "restore the file from a copy, or make it again"
        }
        throw fault
      }
      return try H5Identifier(id, .file, "opening the file", file: path)
    }
  }

  static let order = UInt32(H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED)

  /// Hands everything to the system. Does not wait for the disk.
  public func flush() throws {
    try H5Library.locked {
      _ = try H5Library.check(H5Fflush(handle, H5F_SCOPE_GLOBAL), "flushing the file", file: file, writing: true)
    }
  }

  /// Closes the file. Closing can fail, and written data hang on it: whoever writes must call this.
  /// - Returns: Of a file that was made, its size and its CRC-32C, which were found while it was written.
  @discardableResult
  public consuming func close() throws -> (bytes: Int, crc32c: UInt32)? {
    let (file, writing) = (file, writing)
    let written = try identifier.close("closing the file", file: file, writing: writing)
    return writing && written.is_known ? (Int(written.bytes), written.crc32c) : nil
  }
}

/// A property list of a class. Call inside `H5Library.locked`.
func propertyList(_ kind: hid_t) throws -> H5Identifier {
  try H5Identifier(H5Pcreate(kind), .propertyList, "making a property list", file: nil)
}
