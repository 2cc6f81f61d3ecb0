import Checkpoints
import Foundation

/// Some bytes of a model's file.
struct WeightExtent: Sendable {
  let file: MappedFile
  let bytes: Range<Int>

  fileprivate var key: Key { Key(file: ObjectIdentifier(file), bytes: bytes) }

  fileprivate struct Key: Hashable {
    let file: ObjectIdentifier
    let bytes: Range<Int>
  }
}

/// Reads the bytes of weights from disk before they are asked for, on a thread of its own, and gives back those that were
/// used.
///
/// Decoding is left to the threads that compute: it needs the processor, which they fill anyway, while this thread waits
/// for the disk. So all that lies ahead is the file's own pages, which take half of what prepared float32 weights do, or
/// less.
// `condition` guards everything below it.
final class WeightReader: @unchecked Sendable {
  private let condition = NSCondition()
  private var entries: [WeightExtent.Key: Entry] = [:]
  private var queue: [WeightExtent.Key] = []
  /// Bytes that were read and not given back.
  private var held = 0
  /// How many bytes may be read ahead of what is waited for.
  private var window: Int
  private var waiting = 0
  private var nanoseconds = 0
  private var bytes = 0
  private var isRunning = false
  /// One step: large enough for the disk, small enough that what waits for it goes on soon.
  private static let step = 8 << 20

  private struct Entry {
    let extent: WeightExtent
    var users = 0
    /// How many bytes from the extent's start on are in memory.
    var read = 0
  }

  init(window: Int) { self.window = window }

  /// How long runs have waited here for weights to be read.
  var secondsWaiting: Double { condition.withLock { Double(nanoseconds) * 1e-9 } }
  /// How many bytes have been read.
  var bytesRead: Int { condition.withLock { bytes } }

  func setWindow(_ bytes: Int) { condition.withLock { window = bytes } }

  /// Reads these next, behind what is wanted already. Each wish is to be followed by one `release`.
  func want(_ extents: [WeightExtent]) {
    condition.withLock {
      for extent in extents where !extent.bytes.isEmpty {
        let key = extent.key
        if entries[key] == nil {
          entries[key] = Entry(extent: extent)
          queue.append(key)
        }
        entries[key]?.users += 1
      }
      if !queue.isEmpty && !isRunning {
        isRunning = true
        let thread = Thread { [self] in work() }
        thread.name = "unfold reader"
        thread.start()
      }
      condition.broadcast()
    }
  }

  /// Returns when the bytes of `part` (of the extent: all of them where it is nil) are in memory.
  func wait(for extent: WeightExtent, _ part: Range<Int>? = nil) {
    condition.withLock {
      func isThere() -> Bool {
        guard let entry = entries[extent.key] else { return true }
        return entry.read >= (part?.upperBound ?? extent.bytes.upperBound) - extent.bytes.lowerBound
      }
      if isThere() { return }
      let start = ContinuousClock.now
      waiting += 1
      condition.broadcast()
      while !isThere() { condition.wait() }
      waiting -= 1
      let passed = (ContinuousClock.now - start).components
      nanoseconds += Int(passed.seconds) * 1_000_000_000 + Int(passed.attoseconds / 1_000_000_000)
    }
  }

  /// These are not needed any more; their pages go back to the system when the last who wanted them has said so.
  func release(_ extents: [WeightExtent]) {
    var done: [WeightExtent] = []
    condition.withLock {
      for extent in extents {
        let key = extent.key
        guard var entry = entries[key] else { continue }
        entry.users -= 1
        entries[key] = entry
        guard entry.users == 0 else { continue }
        held -= entry.read
        entries[key] = nil
        done.append(extent)
      }
      queue.removeAll { entries[$0] == nil }
      condition.broadcast()
    }
    for extent in done { extent.file.advise(.done, on: extent.bytes) }
  }

  /// Ends the thread when nothing is wanted for a while; the next wish starts it again.
  private func work() {
    while let (extent, part) = next() {
      if part.lowerBound == extent.bytes.lowerBound { advise(extent, part.lowerBound..<part.upperBound) }
      // The disk goes on while this step's pages are put in place.
      advise(extent, part.upperBound..<part.upperBound + Self.step)
      extent.file.advise(.now, on: part)
      condition.withLock {
        bytes += part.count
        guard var entry = entries[extent.key] else { return }
        entry.read = part.upperBound - extent.bytes.lowerBound
        held += part.count
        entries[extent.key] = entry
        condition.broadcast()
      }
    }
  }

  private func advise(_ extent: WeightExtent, _ part: Range<Int>) {
    let part = part.clamped(to: extent.bytes)
    if !part.isEmpty { extent.file.advise(.soon, on: part) }
  }

  private func next() -> (WeightExtent, Range<Int>)? {
    condition.withLock {
      while true {
        while let key = queue.first {
          guard let entry = entries[key], entry.read < entry.extent.bytes.count else {
            queue.removeFirst()
            continue
          }
          // Whoever waits comes before any limit: it waits for the first that is not read.
          guard waiting > 0 || held < window else { break }
          let start = entry.extent.bytes.lowerBound + entry.read
          return (entry.extent, start..<min(start + Self.step, entry.extent.bytes.upperBound))
        }
        if queue.isEmpty && !condition.wait(until: Date(timeIntervalSinceNow: 5)) && queue.isEmpty {
          isRunning = false
          return nil
        }
        if !queue.isEmpty && waiting == 0 && held >= window { condition.wait() }
      }
    }
  }
}
