import Diagnostics

/// What a dataset's header says of where its values lie, found before HDF5 opens it: for some layouts HDF5 follows
/// references into the file as soon as it opens a dataset, without checking them.
///
/// Format: https://docs.hdfgroup.org/hdf5/v1_14/_f_m_t3.html, IV.A "Data Object Headers".
struct ObjectHeader {
  enum Layout: Sendable { case compact, contiguous, chunked, virtual }

  private(set) var layout: Layout?
  private(set) var hasExternalStorage = false
  /// Blocks of messages that are still to be read.
  private var blocks: [(start: UInt64, count: UInt64)] = []
  private var read = 0
  private var readBytes: UInt64 = 0

  private enum Message {
    static let links: UInt64 = 2
    static let externalFiles: UInt64 = 7
    static let layout: UInt64 = 8
    static let continuation: UInt64 = 16
    static let attributes: UInt64 = 21
  }

  init(_ file: FileBytes, at address: UInt64, _ place: String) throws {
    var start = try file.read(address, min(48, file.size > address ? file.size - address : 48), place)
    if start.starts(with: "OHDR".utf8) {
      start.skip(5)
      guard let flags = start.takeNumber(1) else { throw file.damaged(place, "a header", "its end") }
      start.skip((flags & 32 != 0 ? 16 : 0) + (flags & 16 != 0 ? 4 : 0))
      guard let count = start.takeNumber(1 << (flags & 3)) else { throw file.damaged(place, "a header", "its end") }
      blocks = [(address + UInt64(start.startIndex), count)]
      while let block = blocks.popLast() {
        try take(file, block, place, isFirst: read == 0, numbered: flags & 4 != 0)
      }
    } else {
      guard start.first == 1, start.count >= 16 else { throw file.damaged(place, "an object's header", "none") }
      start.skip(8)
      guard let count = start.takeNumber(4) else { throw file.damaged(place, "a header", "its end") }
      blocks = [(address + 16, count)]
      while let block = blocks.popLast() { try takeOld(file, block, place) }
    }
  }

  /// Counts the blocks and their bytes: those that lead to each other in a ring would never end.
  private mutating func begin(_ file: FileBytes, _ count: UInt64, _ place: String) throws {
    read += 1
    readBytes = readBytes.addingReportingOverflow(count).partialValue
    guard read <= 1024, count <= file.size, readBytes <= file.size else {
      throw file.damaged(place, "a header within the file", "one that leads around in a ring")
    }
  }

  private mutating func take(
    _ file: FileBytes, _ block: (start: UInt64, count: UInt64), _ place: String, isFirst: Bool, numbered: Bool
  ) throws {
    try begin(file, block.count, place)
    var bytes = try file.read(block.start, block.count, place)
    if !isFirst {
      guard bytes.starts(with: "OCHK".utf8), bytes.count >= 8 else {
        throw file.damaged(place, "more of a header", "something else")
      }
      bytes = bytes.dropFirst(4).dropLast(4)
    }
    while bytes.count >= 4, let kind = bytes.takeNumber(1), let size = bytes.takeNumber(2) {
      bytes.skip(1 + (numbered ? 2 : 0))
      guard size <= UInt64(bytes.count) else { throw file.damaged(place, "messages within a header", "a longer one") }
      try note(kind, bytes.prefix(Int(size)), file, place)
      bytes.skip(Int(size))
    }
  }

  private mutating func takeOld(
    _ file: FileBytes, _ block: (start: UInt64, count: UInt64), _ place: String
  ) throws {
    try begin(file, block.count, place)
    var bytes = try file.read(block.start, block.count, place)
    while bytes.count >= 8, let kind = bytes.takeNumber(2), let size = bytes.takeNumber(2) {
      bytes.skip(4)
      guard size <= UInt64(bytes.count) else { throw file.damaged(place, "messages within a header", "a longer one") }
      try note(kind, bytes.prefix(Int(size)), file, place)
      bytes.skip(Int(size))
    }
  }

  private mutating func note(_ kind: UInt64, _ message: ArraySlice<UInt8>, _ file: FileBytes, _ place: String) throws {
    var message = message
    switch kind {
    case Message.externalFiles: hasExternalStorage = true
    case Message.links: try checkIndexes(message, counterBytes: 8, file, place)
    case Message.attributes: try checkIndexes(message, counterBytes: 2, file, place)
    case Message.continuation:
      guard let start = message.takeNumber(8), let count = message.takeNumber(8) else {
        throw file.damaged(place, "a place in the file", "fewer bytes")
      }
      blocks.append((start, count))
    case Message.layout:
      guard let version = message.takeNumber(1), let second = message.takeNumber(1), let third = message.takeNumber(1)
      else { throw file.damaged(place, "a layout", "fewer bytes") }
      switch (version, version < 3 ? third : second) {
      case (1...4, 0): layout = .compact
      case (1...4, 1): layout = .contiguous
      case (1...4, 2): layout = .chunked
      case (1...4, 3): layout = .virtual
      case (let version, let kind):
        throw file.damaged(place, "a layout that is known", "version \(version), kind \(kind)")
      }
    default: break
    }
  }

  /// Checks the B-trees that index a group's members or an object's attributes: HDF5 divides by the size of their records.
  ///
  /// Format: as above, III.A.2 "Version 2 B-trees"; IV.A.2.c and IV.A.2.v for the messages.
  private func checkIndexes(
    _ message: ArraySlice<UInt8>, counterBytes: Int, _ file: FileBytes, _ place: String
  ) throws {
    var message = message
    message.skip(1)
    guard let flags = message.takeNumber(1) else { throw file.damaged(place, "an index", "fewer bytes") }
    // The counter of members made, and the heap that holds their names.
    message.skip((flags & 1 != 0 ? counterBytes : 0) + 8)
    for _ in 0..<(flags & 2 != 0 ? 2 : 1) {
      guard let address = message.takeNumber(8) else { throw file.damaged(place, "an index", "fewer bytes") }
      if address == .max { continue }
      var tree = try file.read(address, 16, place)
      guard tree.starts(with: "BTHD".utf8) else { throw file.damaged(place, "an index of members", "other bytes") }
      tree.skip(6)
      guard let node = tree.takeNumber(4), let record = tree.takeNumber(2), record > 0, node > record + 10 else {
        throw file.damaged(place, "an index whose nodes hold a record or more", "records or nodes that are too small")
      }
    }
  }
}
