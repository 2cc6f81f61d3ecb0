import Foundation

/// What lies around the running program: where it may find the files that ship with it, and the user's settings.
package struct Surroundings: Sendable {
  package var environment: [String: String]
  /// The folder of the executable, links resolved.
  package var executableFolder: URL
  package var workingFolder: URL
  package var home: URL
  /// The root of the package this was built from, which is there only on the machine that built it.
  package var sourceRoot: URL

  package init(
    environment: [String: String], executableFolder: URL, workingFolder: URL, home: URL, sourceRoot: URL
  ) {
    self.environment = environment
    self.executableFolder = executableFolder
    self.workingFolder = workingFolder
    self.home = home
    self.sourceRoot = sourceRoot
  }

  /// Those of this process.
  package static var current: Surroundings {
    let executable = Bundle.main.executableURL ?? URL(filePath: CommandLine.arguments[0])
    // Sources/Checkpoints/ShippedFiles.swift lies three levels below the root.
    let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return Surroundings(
      environment: ProcessInfo.processInfo.environment,
      executableFolder: executable.resolvingSymlinksInPath().deletingLastPathComponent(),
      workingFolder: URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory),
      home: FileManager.default.homeDirectoryForCurrentUser, sourceRoot: source)
  }
}

/// A kind of file that ships with Unfold and is found by a plain name.
public enum ShippedFiles: String, Sendable, CaseIterable {
  case models, datasets, probes

  /// The environment variable that names a further folder (or several, separated by colons), which comes first.
  public var variable: String { "UNFOLD_\(rawValue.uppercased())" }

  /// The file or folder of a name, or nil where none of the places has it.
  ///
  /// Looked for in the folders of the environment variable; then beside the executable and in every folder above it,
  /// as `NAME`, `share/unfold/NAME` (NAME standing for `models`, `datasets` or `probes`); from the working folder
  /// upward; last in the source tree this was built from.
  public func find(_ name: String) -> URL? { find(name, in: .current) }

  /// The names of everything that ships, sorted.
  public var names: [String] { names(in: .current) }

  package func find(_ name: String, in surroundings: Surroundings) -> URL? {
    guard Self.isPlain(name) else { return nil }
    for folder in folders(in: surroundings) {
      for candidate in fileNames(name).map({ folder.appending(path: $0) }) where isUsable(candidate) {
        return candidate
      }
    }
    return nil
  }

  package func names(in surroundings: Surroundings) -> [String] {
    var names = Set<String>()
    for folder in folders(in: surroundings) {
      for entry in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] {
        // Cards and scripts lie beside datasets: of kinds whose files have endings, only those count.
        guard let suffix = suffixes.first(where: { entry.hasSuffix($0) }), !suffix.isEmpty || suffixes == [""] else {
          continue
        }
        let name = String(entry.dropLast(suffix.count))
        if Self.isPlain(name), find(name, in: surroundings) != nil { names.insert(name) }
      }
    }
    return names.sorted()
  }

  /// Every folder that is searched, in order, without repetitions.
  package func folders(in surroundings: Surroundings) -> [URL] {
    var folders: [URL] = []
    if let setting = surroundings.environment[variable] {
      folders += setting.split(separator: ":").map { URL(filePath: String($0), directoryHint: .isDirectory) }
    }
    for start in [surroundings.executableFolder, surroundings.workingFolder] {
      for folder in Self.upward(from: start) {
        folders.append(folder.appending(path: rawValue))
        folders.append(folder.appending(path: "share/unfold/\(rawValue)"))
      }
    }
    folders.append(surroundings.sourceRoot.appending(path: rawValue))
    var seen = Set<String>()
    return folders.filter { seen.insert($0.standardizedFileURL.path).inserted }
  }

  private static func upward(from start: URL) -> [URL] {
    var folders = [start.standardizedFileURL]
    while let last = folders.last, last.path != "/", folders.count < 64 {
      folders.append(last.deletingLastPathComponent())
    }
    return folders
  }

  /// One path component of letters, digits, `.`, `_` and `-` that does not begin with a point.
  static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix(".")
      && name.utf8.allSatisfy {
        switch $0 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  private var suffixes: [String] {
    switch self {
    case .models: [""]
    case .datasets: [".jsonl", ".jsonl.gz", ".csv", ".tsv", ".txt", ""]
    case .probes: [".yaml", ".yml", ""]
    }
  }

  private func fileNames(_ name: String) -> [String] { suffixes.map { name + $0 } }

  /// A folder that happens to be called `models` must not be taken for one that ships: a model's has a configuration.
  private func isUsable(_ url: URL) -> Bool {
    switch self {
    case .models: FileManager.default.fileExists(atPath: url.appending(path: "config.json").path)
    case .datasets, .probes: FileManager.default.fileExists(atPath: url.path)
    }
  }
}
