import Checkpoints
import Diagnostics
import Foundation

/// Pages that lead to each other, in a folder: `index.html` is the overview.
public struct PageFolder: Sendable {
  /// The overview, whose links are those of `pages`.
  public var overview: Page
  public private(set) var pages: [(file: String, page: Page)] = []

  public init(overview: Page) { self.overview = overview }

  /// Adds a page under a name that is its file's, with a link back.
  public mutating func add(_ page: Page, file: String) {
    var page = page
    page.links.insert(.init("← Overview", Self.overviewFile), at: 0)
    pages.append((file, page))
    overview.links.append(.init("\(page.kind) \(page.title)", file))
  }

  static let overviewFile = "index.html"

  /// Writes every page, the overview last: where it stands, all others do.
  ///
  /// - Returns: The bytes written.
  /// - Throws: `file.cannotCreate`, `file.write`.
  public func write(to folder: URL) throws -> Int {
    try AtomicFile.makeFolder(folder)
    var bytes = 0
    for (file, page) in pages + [(Self.overviewFile, overview)] {
      let html = try page.html()
      bytes += html.utf8.count
      try AtomicFile.write(html.utf8, to: folder.appending(path: file))
    }
    return bytes
  }
}
