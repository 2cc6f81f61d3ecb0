import Diagnostics
import Foundation

/// Memory for blocks, used again and again: fresh memory costs a page fault for every 4 KiB, and large blocks that one
/// thread allocates and another frees leave an allocator's heap full of holes.
// `lock` guards `spare`.
final class BlockPool: @unchecked Sendable {
  /// Bytes that are kept for later at most.
  private static let limit = 64 << 20
  /// Blocks are made in multiples of this, so that those of ragged batches fit each other's place.
  private static let step = 1 << 20

  private let lock = NSLock()
  private var spare: [UnsafeMutableRawBufferPointer] = []

  deinit { for memory in spare { munmap(memory.baseAddress, memory.count) } }

  /// Memory of at least so many bytes, with anything in it.
  func take(_ count: Int) throws -> UnsafeMutableRawBufferPointer {
    let wanted = (max(1, count) + Self.step - 1) / Self.step * Self.step
    let found: UnsafeMutableRawBufferPointer? = lock.withLock {
      let fitting = spare.indices.filter { spare[$0].count >= wanted && spare[$0].count <= 2 * wanted + 4 * Self.step }
      return fitting.min { spare[$0].count < spare[$1].count }.map { spare.remove(at: $0) }
    }
    if let found { return found }
    guard let address = mmap(nil, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0), address != MAP_FAILED
    else {
      throw Fault(
        .inputOutput, "store.outOfMemory", "The system has no memory left for a block of activations",
        expected: "\(wanted.formatted()) bytes", advice: "capture fewer sites at once, or with a smaller --batch-tokens"
      )
    }
    return UnsafeMutableRawBufferPointer(start: address, count: wanted)
  }

  func giveBack(_ memory: UnsafeMutableRawBufferPointer) {
    let surplus: [UnsafeMutableRawBufferPointer] = lock.withLock {
      spare.append(memory)
      var surplus: [UnsafeMutableRawBufferPointer] = []
      var total = spare.reduce(0) { $0 + $1.count }
      while total > Self.limit, !spare.isEmpty {
        let first = spare.removeFirst()
        total -= first.count
        surplus.append(first)
      }
      return surplus
    }
    for memory in surplus { munmap(memory.baseAddress, memory.count) }
  }
}
