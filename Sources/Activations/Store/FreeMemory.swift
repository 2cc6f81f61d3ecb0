import Foundation

/// Memory that is free in this process but not yet the system's again.
enum FreeMemory {
  /// Gives it back.
  ///
  /// A shard's statistics are arrays of many megabytes that live for as long as the shard. glibc keeps such arrays, once
  /// freed, in its heap, where later ones lie between them: without this the process grows by some megabytes a shard.
  static func giveBack() { _ = trim?(0) }

  // Swift's module of glibc lacks <malloc.h>; other systems have no such function.
  private static let trim: (@convention(c) (Int) -> Int32)? = {
    guard let symbol = dlsym(UnsafeMutableRawPointer(bitPattern: 0), "malloc_trim") else { return nil }
    return unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)
  }()
}
