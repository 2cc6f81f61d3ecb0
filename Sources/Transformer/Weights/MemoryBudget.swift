/// How the memory that a model may take is shared out.
struct MemoryBudget: Sendable, Equatable {
  /// All of it.
  var limit = 0
  /// The values of the largest run so far.
  var run = -1
  /// What whoever runs the model holds meanwhile.
  var beside = 0
  /// The weights of one product, where they are not kept.
  var passing = 0

  static let unlimited = Int.max / 4

  /// Without this nothing runs.
  var needed: Int { max(run, 0) + beside + passing }
  var isEnough: Bool { needed <= limit }
  /// How many bytes of the files are read ahead.
  var window: Int { max(0, min(256 << 20, limit / 16, limit - needed)) }
  /// How many bytes of prepared weights are kept.
  var kept: Int { max(0, limit - needed - window) }
}

/// Such as "1.5 GiB" or "640 MiB".
func byteText(_ bytes: Int) -> String {
  func one(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 || tenths >= 1000 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }
  if bytes >= 1 << 30 { return one(Double(bytes) / Double(1 << 30)) + " GiB" }
  if bytes >= 1 << 20 { return one(Double(bytes) / Double(1 << 20)) + " MiB" }
  if bytes >= 1 << 10 { return one(Double(bytes) / Double(1 << 10)) + " KiB" }
  return "\(bytes) bytes"
}
