import CHDF5
import Diagnostics

/// Looks at a file before HDF5 opens it.
enum H5Gate {
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Refuses what is no regular file, and what does not begin as an HDF5 file whose addresses are bytes of the file.
  ///
  /// Format: https://docs.hdfgroup.org/hdf5/v1_14/_f_m_t3.html, II.A "Disk Format: Level 0A - Format Signature and
  /// Superblock".
  static func look(_ path: String) throws {
    let file = try FileBytes(path)
    let start = try file.read(0, min(48, file.size), "its start")
    guard start.starts(with: signature), start.count == 48 else {
      throw Fault(
        .badData, "hdf5.notHDF5", "The file cannot be opened as HDF5", file: path,
        expected: "an HDF5 file that was closed properly, whose signature stands at its beginning",
        found: start.starts(with: "version https://git-lfs".utf8)
          ? "a Git LFS pointer" : start.isEmpty ? "an empty file" : "other bytes",
        advice: start.starts(with: "version https://git-lfs".utf8)
          ? "fetch the file itself with `git lfs pull`" : "check the path, or copy the file again")
    }
    let version = start[8]
    // Sizes of addresses and of lengths, and where the file's first address is.
    let (sizes, base) = version < 2 ? ((start[13], start[14]), version == 0 ? 24 : 28) : ((start[9], start[10]), 12)
    guard version <= 3, sizes == (8, 8), start[base..<base + 8].allSatisfy({ $0 == 0 }) else {
      throw Fault(
        .badData, "hdf5.unknownLayout", "The HDF5 file is laid out in a way that is not read", file: path,
        place: "its superblock", expected: "version 0 to 3, addresses of 8 bytes, counted from the file's beginning",
        found: "version \(version), addresses of \(sizes.0) and lengths of \(sizes.1) bytes",
        advice: "copy the data into a new file with h5repack")
    }
  }
}
