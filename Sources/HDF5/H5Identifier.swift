import CFileDriver
import CHDF5

/// An id that HDF5 gave out, owned: it is released when the value goes, or by `close` where failure must be known.
struct H5Identifier: ~Copyable {
  enum Kind { case file, group, dataset, attribute, dataspace, datatype, propertyList }

  let raw: hid_t
  private let kind: Kind

  /// Takes ownership of an id that a call just returned. Call inside `H5Library.locked`.
  init(
    _ raw: hid_t, _ kind: Kind, _ doing: @autoclosure () -> String, file: @autoclosure () -> String?,
    writing: Bool = false
  ) throws {
    self.raw = try H5Library.check(raw, doing(), file: file(), writing: writing)
    self.kind = kind
    switch kind {
    case .file, .group, .dataset, .attribute: H5Library.note(raw, of: file())
    case .dataspace, .datatype, .propertyList: break
    }
  }

  /// - Returns: What became of the file, where this was one that was written.
  @discardableResult
  consuming func close(_ doing: String, file: String?, writing: Bool) throws -> unfold_written_file {
    let raw = raw
    let kind = kind
    discard self
    return try H5Library.locked {
      try H5Library.check(Self.release(raw, kind), doing, file: file, writing: writing)
      return unfold_last_written_file()
    }
  }

  deinit {
    H5Library.locked { _ = Self.release(raw, kind) }
  }

  private static func release(_ raw: hid_t, _ kind: Kind) -> herr_t {
    H5Library.note(raw, of: nil)
    return switch kind {
    case .file: H5Fclose(raw)
    case .group: H5Gclose(raw)
    case .dataset: H5Dclose(raw)
    case .attribute: H5Aclose(raw)
    case .dataspace: H5Sclose(raw)
    case .datatype: H5Tclose(raw)
    case .propertyList: H5Pclose(raw)
    }
  }
}
