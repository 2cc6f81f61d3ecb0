import Checkpoints
import Diagnostics
import Foundation

/// Documents to run a model on, in files of several forms that are read as one stream.
///
/// | name ends in | a document is |
/// | --- | --- |
/// | `.jsonl`, `.ndjson` | an object a line: `text` or `tokens`; optionally `id`, `label`, `group`, `spans` |
/// | `.csv`, `.tsv` | a record, whose columns the first line names |
/// | `.txt` | a line |
/// | a folder | a `.txt` file in it or in folders below, in the order of their paths |
/// | `-` | standard input: JSON lines if it begins with `{`, else a document a line |
///
/// Any file may be gzipped (`.jsonl.gz`). Another name is that of a dataset that ships.
public struct Corpus: Sendable {
  /// What was named, in order.
  public let names: [String]
  public let options: CorpusOptions
  /// The files to read, in order.
  let files: [CorpusFile]
  /// Documents held in memory instead of files.
  let inMemory: [Document]?

  /// Finds the files of a corpus; none is read yet.
  /// - Parameter names: paths, names of datasets that ship, or `-`.
  /// - Throws: `Fault`: `corpus.notFound`, `corpus.emptyFolder`, `corpus.unknownForm`.
  public init(_ names: [String], options: CorpusOptions = CorpusOptions()) throws {
    try self.init(names, options: options, in: .current)
  }

  package init(_ names: [String], options: CorpusOptions, in surroundings: Surroundings) throws {
    self.names = names
    self.options = options
    inMemory = nil
    var files: [CorpusFile] = []
    for name in names { files += try CorpusFile.find(name, in: surroundings) }
    self.files = files
  }

  /// A corpus of documents that are already in memory. Those without text and tokens are left out when it is read.
  public init(documents: [Document], name: String = "memory") {
    names = [name]
    options = CorpusOptions()
    files = []
    inMemory = documents
  }

  /// The sum of the files' sizes, or nil where one is a stream or the documents are in memory.
  public var byteCount: Int? {
    guard inMemory == nil else { return nil }
    var sum = 0
    for file in files {
      guard let url = file.url,
        let size = try? FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int
      else { return nil }
      sum += size
    }
    return sum
  }

  /// Whether the corpus can be read only once.
  public var isStream: Bool { files.contains { $0.url == nil } }

  /// Begins to read from the first document.
  public func makeReader() throws -> CorpusReader { CorpusReader(self) }
}

/// One file of a corpus, and how it is read.
struct CorpusFile: Sendable, Equatable {
  enum Form: Sendable, Equatable {
    case jsonLines
    case delimited(UInt8)
    case lines, wholeFile, sniffed
  }

  /// The file, or nil for standard input.
  let url: URL?
  let form: Form
  /// What its documents are called where they have no names of their own: the path within the folder that was named,
  /// or the file's name; without the endings.
  let stem: String

  /// The file or files that a user's name stands for.
  static func find(_ name: String, in surroundings: Surroundings) throws -> [CorpusFile] {
    if name == "-" { return [CorpusFile(url: nil, form: .sniffed, stem: "stdin")] }
    let path = name.hasPrefix("~/") ? surroundings.home.appending(path: String(name.dropFirst(2))).path : name
    let local = path.hasPrefix("/") ? URL(filePath: path) : surroundings.workingFolder.appending(path: path)
    var url = local
    if name.isEmpty || !FileManager.default.fileExists(atPath: local.path) {
      guard let shipped = ShippedFiles.datasets.find(name, in: surroundings) else {
        let ships = ShippedFiles.datasets.names(in: surroundings)
        let near = nearestNames(to: name, among: ships)
        throw Fault(
          .noInput, "corpus.notFound", "No corpus is called \"\(name)\"", file: local.path,
          expected: "a file, a folder of .txt files, - for standard input, or a dataset that ships"
            + (ships.isEmpty ? "" : " (\(ships.joined(separator: ", ")))"),
          found: "no such file or folder", advice: near.first.map { "did you mean \"\($0)\"?" })
      }
      url = shipped
    }
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
    if isFolder.boolValue { return try folder(url) }
    let (stem, ending) = split(url.lastPathComponent)
    guard let form = form(ending) else {
      throw Fault(
        .badData, "corpus.unknownForm", "The form of this corpus is not known by its name", file: url.path,
        expected: "a name that ends in .jsonl, .csv, .tsv or .txt, or one of them with .gz behind it",
        found: url.lastPathComponent, advice: "rename the file, or pipe it in with - as the corpus")
    }
    return [CorpusFile(url: url, form: form, stem: stem)]
  }

  private static func form(_ ending: String) -> Form? {
    switch ending {
    case "jsonl", "ndjson": .jsonLines
    case "csv": .delimited(UInt8(ascii: ","))
    case "tsv": .delimited(UInt8(ascii: "\t"))
    case "txt": .lines
    default: nil
    }
  }

  /// The name without its endings, and the ending that tells the form, in lower case.
  private static func split(_ name: String) -> (stem: String, ending: String) {
    var stem = name
    if stem.lowercased().hasSuffix(".gz") { stem = String(stem.dropLast(3)) }
    guard let point = stem.lastIndex(of: ".") else { return (stem, "") }
    return (String(stem[..<point]), stem[stem.index(after: point)...].lowercased())
  }

  private static func folder(_ folder: URL) throws -> [CorpusFile] {
    guard let paths = try? FileManager.default.subpathsOfDirectory(atPath: folder.path) else {
      throw Fault(.noInput, "corpus.unreadable", "This folder cannot be read", file: folder.path)
    }
    // The order of the bytes of their paths: the same on every system.
    let texts = paths.filter { path in
      split(path).ending == "txt" && !path.split(separator: "/").contains { $0.hasPrefix(".") }
    }
    .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    guard !texts.isEmpty else {
      throw Fault(
        .noInput, "corpus.emptyFolder", "This folder holds no .txt files", file: folder.path,
        expected: "a .txt file for each document",
        found: paths.isEmpty ? "an empty folder" : paths.sorted().prefix(4).joined(separator: ", "),
        advice: "name the files themselves if they are of another form")
    }
    return texts.map {
      CorpusFile(url: folder.appending(path: $0), form: .wholeFile, stem: split($0).stem)
    }
  }
}
