/// Whether a text matches a pattern in which `*` stands for any run of characters. O(text · pattern).
package func matches(_ text: String, pattern: String) -> Bool {
  let text = Array(text.utf8)
  let pattern = Array(pattern.utf8)
  var (t, p) = (0, 0)
  // Where the last star stood, and how much of the text it has taken: enough, since later stars can only take more.
  var star: (pattern: Int, text: Int)?
  while t < text.count {
    if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
      star = (p, t)
      p += 1
    } else if p < pattern.count, pattern[p] == text[t] {
      t += 1
      p += 1
    } else if let last = star {
      star = (last.pattern, last.text + 1)
      t = last.text + 1
      p = last.pattern + 1
    } else {
      return false
    }
  }
  return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
}
