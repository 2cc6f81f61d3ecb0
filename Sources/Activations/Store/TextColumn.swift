import Digests
import HDF5

/// A dataset of texts that grows while a shard is written.
///
/// HDF5 puts texts of any length where no filter of its own can check them, so the dataset's attribute `crc32c` holds the
/// CRC-32C of all of them, each followed by a zero byte.
final class TextColumn {
  let name: String
  private var pending: [String] = []
  private var pendingBytes = 0
  private var written = 0
  private var crc = CRC32C()
  private var dataset: H5Dataset?

  private static let chunkRows = 1024

  init(_ name: String) { self.name = name }

  /// A text as it is stored: U+0000, which would end it, becomes U+FFFD (`CorpusReader.documentsWithNUL` counts them).
  static func stored(_ text: String) -> String {
    guard text.utf8.contains(0) else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
  }

  /// Appends a text; nil is stored as an empty one.
  func append(_ text: String?, in group: borrowing H5Group) throws {
    let text = Self.stored(text ?? "")
    pending.append(text)
    pendingBytes += text.utf8.count
    if pending.count == 4096 || pendingBytes > 1 << 22 { try flush(in: group) }
  }

  private func flush(in group: borrowing H5Group) throws {
    if pending.isEmpty { return }
    for text in pending {
      crc.update(text)
      crc.update(CollectionOfOne(UInt8(0)))
    }
    if dataset == nil {
      dataset = try group.makeDataset(name, .string, shape: [0], chunk: [Self.chunkRows], growing: true)
    }
    try dataset?.setLength(written + pending.count)
    try dataset?.write(pending, at: [written])
    written += pending.count
    pending.removeAll(keepingCapacity: true)
    pendingBytes = 0
  }

  func close(in group: borrowing H5Group, attributes: (borrowing H5Dataset) throws -> Void = { _ in }) throws {
    try flush(in: group)
    if dataset == nil { dataset = try group.makeDataset(name, .string, shape: [0]) }
    guard let dataset = dataset.take() else { return }
    try dataset.setAttribute("crc32c", crc.hexadecimal())
    try attributes(dataset)
    try dataset.close()
  }

  /// The checksum that `crc32c` holds.
  static func checksum(_ texts: some Sequence<String>) -> String {
    var crc = CRC32C()
    for text in texts {
      crc.update(text)
      crc.update(CollectionOfOne(UInt8(0)))
    }
    return crc.hexadecimal()
  }
}

extension CRC32C {
  mutating func update(_ text: String) {
    var text = text
    text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
  }
}
