import COnig
import Diagnostics
import Foundation

/// The searches of one text: the memory that they work in, and what they may still take.
///
/// Oniguruma counts how often it goes back; steps between two such, as in a group that never gives back, it does not count.
/// So there are two limits: going back, which is the same on every machine and is found out first; and time of the
/// processor for whatever is left. A search begins with a small allowance, which is not counted; where that does not do it
/// is run again with eight times as much.
final class RegexSearch {
  static let limits =
    "twenty million steps back and two hundred for each byte, 10 seconds and 2 for each megabyte, and four million steps at once"
  private static let firstAllowance: UInt = 1_000
  /// Entries of some 40 bytes each.
  private static let maximumStack: UInt32 = 1 << 22

  private let region: UnsafeMutablePointer<OnigRegion>
  private let parameters: OpaquePointer
  private var stepsLeft: Int
  private let nanoseconds: UInt64
  private var began: UInt64?
  private var searches = 0

  /// - Parameter bytes: The length of the text, by which the limits go.
  init(bytes: Int) throws {
    guard let region = onig_region_new(), let parameters = onig_new_match_param() else {
      throw Fault(
        .inputOutput, "tokenizer.noMemory", "There is no memory to look for a pattern in",
        advice: "end other programs")
    }
    self.region = region
    self.parameters = parameters
    onig_initialize_match_param(parameters)
    onig_set_match_stack_limit_size_of_match_param(parameters, Self.maximumStack)
    stepsLeft = 20_000_000 + 200 * bytes
    nanoseconds = 10_000_000_000 + 2_000 * UInt64(bytes)
  }

  deinit {
    onig_region_free(region, 1)
    onig_free_match_param(parameters)
  }

  /// Where the last search has matched.
  var match: (from: Int, to: Int) { (Int(region.pointee.beg[0]), Int(region.pointee.end[0])) }

  /// Runs one search within the limits.
  ///
  /// - Returns: What the library gave: 0 or more for a match.
  func run(
    _ search: (UnsafeMutablePointer<OnigRegion>, OpaquePointer) -> Int32, giveUp: (_ reason: String) -> Fault
  ) throws -> Int32 {
    searches += 1
    if searches.isMultiple(of: 32) { try checkTime(giveUp) }
    var allowance = Self.firstAllowance
    while true {
      onig_set_retry_limit_in_match_of_match_param(parameters, allowance)
      onig_set_retry_limit_in_search_of_match_param(parameters, allowance)
      let status = search(region, parameters)
      switch status {
      case ONIG_MISMATCH, 0...: return status
      case ONIGERR_RETRY_LIMIT_IN_MATCH_OVER, ONIGERR_RETRY_LIMIT_IN_SEARCH_OVER:
        stepsLeft -= Int(allowance)
        guard stepsLeft > 0 else { throw giveUp("too many steps back") }
        try checkTime(giveUp)
        allowance = min(8 * allowance, UInt(stepsLeft))
      case ONIGERR_MATCH_STACK_LIMIT_OVER, ONIGERR_MEMORY: throw giveUp("too many steps at once")
      case ONIGERR_SUBEXP_CALL_LIMIT_IN_SEARCH_OVER: throw giveUp("too many calls of groups")
      default: throw giveUp("the library's error \(status)")
      }
    }
  }

  private func checkTime(_ giveUp: (String) -> Fault) throws {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    let now = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    if let began {
      if now - began > nanoseconds { throw giveUp("too much time") }
    } else {
      began = now
    }
  }
}
