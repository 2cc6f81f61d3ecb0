import Foundation

/// How much memory this process may still take.
struct MachineMemory: Sendable {
  /// Where `proc` and `sys` lie.
  let root: String

  init(root: String = "") { self.root = root }

  /// The bytes that the weights and runs of a model may take: what is available, less what the rest of the process and
  /// the system need meanwhile. nil where the system does not say.
  var allowance: Int? { available.map { max(0, $0 - max(96 << 20, $0 / 16)) } }

  /// The bytes that can be taken without pushing anything out: what the system calls available, and what the limits of
  /// the process's control groups leave, whichever is less. nil where the system does not say.
  var available: Int? {
    #if os(Linux)
      let fields = fields(of: root + "/proc/meminfo", separators: ": ")
      let system = fields["MemAvailable"].map { $0 << 10 }
      return [system, groupHeadroom].compactMap { $0 }.min()
    #else
      return Int(exactly: ProcessInfo.processInfo.physicalMemory).map { $0 / 2 }
    #endif
  }

  /// What the tightest limit of the control groups above this process leaves. Pages of files count as used there, yet
  /// are given up when memory is short.
  private var groupHeadroom: Int? {
    guard let groups = try? String(contentsOfFile: root + "/proc/self/cgroup", encoding: .utf8) else { return nil }
    var least: Int?
    for line in groups.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, parts[1].isEmpty || parts[1].split(separator: ",").contains("memory") else { continue }
      let isSecond = parts[1].isEmpty
      let mount = root + (isSecond ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory")
      var path = String(parts[2])
      while true {
        let folder = mount + (path == "/" ? "" : path)
        let names =
          isSecond
          ? ("memory.max", "memory.current", ["inactive_file", "active_file"])
          : ("memory.limit_in_bytes", "memory.usage_in_bytes", ["total_inactive_file", "total_active_file"])
        if let limit = number(folder + "/" + names.0), limit < 1 << 60, let used = number(folder + "/" + names.1) {
          let statistics = fields(of: folder + "/memory.stat", separators: " ")
          let files = names.2.reduce(0) { $0 + (statistics[$1] ?? 0) }
          least = min(least ?? .max, max(0, limit - used + files))
        }
        guard path != "/", !path.isEmpty else { break }
        path = (path as NSString).deletingLastPathComponent
      }
    }
    return least
  }

  private func number(_ path: String) -> Int? {
    (try? String(contentsOfFile: path, encoding: .utf8)).flatMap {
      Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }

  /// The first number of each line, by the line's first word.
  private func fields(of path: String, separators: String) -> [String: Int] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [:] }
    var fields: [String: Int] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split { separators.contains($0) }
      if words.count >= 2, let value = Int(words[1]) { fields[String(words[0])] = value }
    }
    return fields
  }
}
