import Diagnostics

/// Answers that are kept, up to a size: those that were not asked for longest go first.
struct AnswerCache {
  private struct Entry {
    var answer: Answer
    var used: Int
    /// When a fault is forgotten: its cause may be gone then.
    var end: ContinuousClock.Instant?
  }

  let mostBytes: Int
  let mostEntries: Int
  private var entries: [String: Entry] = [:]
  private var bytes = 0
  private var clock = 0

  init(mostBytes: Int = 64 << 20, mostEntries: Int = 256) {
    (self.mostBytes, self.mostEntries) = (mostBytes, mostEntries)
  }

  var count: Int { entries.count }

  mutating func answer(_ key: String, now: ContinuousClock.Instant = .now) -> Answer? {
    guard let entry = entries[key] else { return nil }
    if let end = entry.end, end < now {
      remove(key)
      return nil
    }
    clock += 1
    entries[key]?.used = clock
    return entry.answer
  }

  mutating func keep(_ answer: Answer, for key: String, now: ContinuousClock.Instant = .now) {
    remove(key)
    let size = answer.body.count + key.utf8.count
    guard size <= mostBytes else {
      // Were it dropped, its reader would have it made again and again.
      let fault = Fault(
        .usage, "server.tooLong", "This page is too large to be shown", expected: "at most \(mostBytes) bytes",
        found: "\(size)", advice: "write it to a file with `unfold report`")
      return keep(Answer(fault), for: key, now: now)
    }
    while entries.count >= mostEntries || bytes + size > mostBytes,
      let oldest = entries.min(by: { $0.value.used < $1.value.used })?.key
    { remove(oldest) }
    clock += 1
    bytes += size
    entries[key] = Entry(answer: answer, used: clock, end: answer.status < 400 ? nil : now + .seconds(5))
  }

  private mutating func remove(_ key: String) {
    if let old = entries.removeValue(forKey: key) { bytes -= old.answer.body.count + key.utf8.count }
  }
}
