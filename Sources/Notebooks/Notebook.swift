import Checkpoints
import Foundation

/// A Jupyter notebook of the format 4.5: cells with ids, no outputs.
public struct Notebook: Sendable, Equatable {
  public var cells: [Cell]

  public init(_ cells: [Cell]) { self.cells = cells }

  public struct Cell: Sendable, Equatable {
    public enum Kind: String, Codable, Sendable { case markdown, code }
    public var kind: Kind
    /// Letters, digits, - and _, at most 64; each once in a notebook.
    public var id: String
    public var source: String

    public static func text(_ id: String, _ source: String) -> Cell { Cell(kind: .markdown, id: id, source: source) }
    public static func code(_ id: String, _ source: String) -> Cell { Cell(kind: .code, id: id, source: source) }
  }

  /// The file's bytes; the same notebook gives the same bytes.
  public func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return Array(try encoder.encode(File(cells: cells.map(File.Cell.init)))) + [0x0A]
  }

  /// Writes the file.
  ///
  /// - Throws: `file.exists` unless it is to be replaced; `file.cannotCreate`, `file.write`.
  public func write(to url: URL, replaces: Bool = false) throws {
    try AtomicFile.requireFree(url, replaces: replaces)
    try AtomicFile.write(encoded(), to: url)
  }
}

/// The file as nbformat has it.
private struct File: Encodable {
  struct Cell: Encodable {
    var cellType: String
    var id: String
    var metadata: [String: String] = [:]
    /// Lines with their ends.
    var source: [String]
    var isCode: Bool

    init(_ cell: Notebook.Cell) {
      cellType = cell.kind.rawValue
      id = cell.id
      isCode = cell.kind == .code
      let lines = cell.source.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      source = lines.enumerated().map { $0 < lines.count - 1 ? $1 + "\n" : $1 }
    }

    private enum Key: String, CodingKey { case cellType, id, metadata, source, outputs, executionCount }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(cellType, forKey: .cellType)
      try container.encode(id, forKey: .id)
      try container.encode(metadata, forKey: .metadata)
      try container.encode(source, forKey: .source)
      guard isCode else { return }
      try container.encode([String](), forKey: .outputs)
      try container.encodeNil(forKey: .executionCount)
    }
  }

  struct Metadata: Encodable {
    var kernelspec = ["display_name": "Python 3", "language": "python", "name": "python3"]
    var languageInfo = ["name": "python"]
  }

  var cells: [Cell]
  var metadata = Metadata()
  var nbformat = 4
  var nbformatMinor = 5
}
