import Foundation

/// Where what costs time to find out is kept between runs. All of it may be deleted.
package enum UserCaches {
  /// `$XDG_CACHE_HOME/unfold`, or `.cache/unfold` at home.
  package static var folder: URL {
    let environment = ProcessInfo.processInfo.environment
    let caches =
      environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : URL(filePath: $0) }
      ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache")
    return caches.appending(path: "unfold")
  }
}
