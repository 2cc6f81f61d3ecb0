import COnig
import Diagnostics
import Foundation
import Synchronization

/// A regular expression of a tokenizer, compiled by Oniguruma: the library, the syntax and so the meaning that Hugging
/// Face's tokenizers have.
///
/// Patterns are foreign data. One that could take very long or much memory to compile is refused when it is read; one that
/// takes too long on a text is given up with a `Fault` (see `RegexSearch`), never with a wrong result.
///
/// `@unchecked Sendable` is true since Oniguruma only reads a compiled pattern while it searches.
final class RegularExpression: @unchecked Sendable {
  let pattern: String
  private let file: String
  private let place: String
  private let compiled: OnigRegex

  /// The longest patterns in use have some 2,000 characters.
  private static let maximumLength = 10_000
  /// Longer than any in use, and few enough that the steps between two of the library's own checks stay bounded.
  private static let maximumParts = 10_000
  /// Compiling recurses as deep, on threads that may have half a mebibyte of stack.
  private static let maximumDepth: UInt32 = 250
  private static let maximumCalls: UInt = 100_000

  /// The library keeps names of properties for the whole process; and it wants to be started once.
  private static let library = Mutex<(status: Int32, properties: UnicodeProperties)>(
    (unfold_onig_start(maximumDepth, maximumCalls), UnicodeProperties()))

  /// - Throws: `Fault` named `tokenizer.unsupportedPattern` where the pattern is ill-formed or too large.
  init(_ pattern: String, file: String, place: String) throws {
    self.pattern = pattern
    self.file = file
    self.place = place
    func fault(_ problem: String, expected: String = "a regular expression in Oniguruma's syntax") -> Fault {
      Fault(
        .badData, "tokenizer.unsupportedPattern", "A pattern of the tokenizer cannot be used", file: file, place: place,
        expected: expected, found: "\(problem): \(String(pattern.unicodeScalars.prefix(300)))",
        advice: "correct the pattern, or use another tokenizer")
    }
    let scalars = Array(pattern.unicodeScalars)
    guard scalars.count <= Self.maximumLength else {
      throw fault(
        "\(scalars.count) characters", expected: "a pattern of at most \(Self.maximumLength) characters")
    }
    guard PatternSize.parts(of: scalars) <= Self.maximumParts else {
      throw fault(
        "more", expected: "a pattern of at most \(Self.maximumParts) parts, each counted as often as it is repeated")
    }
    compiled = try Self.library.withLock { library in
      var regex: OnigRegex?
      var problem = OnigErrorInfo()
      var status = library.status
      var bytes: [UInt8] = []
      if status == ONIG_NORMAL {
        bytes = Array(String(String.UnicodeScalarView(library.properties.prepared(scalars))).utf8)
        // An empty pattern needs a place in memory too.
        status = (bytes + [0]).withUnsafeBufferPointer {
          unfold_onig_compile(&regex, $0.baseAddress, bytes.count, &problem)
        }
      }
      if status == ONIG_NORMAL, let regex { return regex }
      var text = [UInt8](repeating: 0, count: Int(ONIG_MAX_ERROR_MESSAGE_LEN))
      // The explanation quotes from the pattern, which must still be there.
      let length = bytes.withUnsafeBufferPointer { _ in unfold_onig_explain(&text, status, &problem) }
      throw fault(String(decoding: text.prefix(max(0, Int(length))), as: UTF8.self))
    }
  }

  deinit { onig_free(compiled) }

  /// The matches within a range of the text, which is matched as if it stood alone. An empty match is one too, unless it
  /// touches the end of the match before; an empty range has none. As in Hugging Face's tokenizers.
  ///
  /// - Throws: `Fault` named `tokenizer.patternTooSlow`.
  func matches(
    in bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ search: RegexSearch
  ) throws -> [Range<Int>] {
    guard let base = bytes.baseAddress, !range.isEmpty else { return [] }
    var found: [Range<Int>] = []
    var position = range.lowerBound
    while position <= range.upperBound {
      guard let match = try first(in: base, range, from: position, search) else { break }
      if match.isEmpty, found.last?.upperBound == match.lowerBound {
        guard position < range.upperBound else { break }
        position += UTF8Reading.length(base[position])
      } else {
        found.append(match)
        position = match.upperBound
      }
    }
    return found
  }

  /// The first match that begins at the position or behind it.
  private func first(
    in base: UnsafePointer<UInt8>, _ range: Range<Int>, from position: Int, _ search: RegexSearch
  ) throws -> Range<Int>? {
    let (start, end) = (base + range.lowerBound, base + range.upperBound)
    let status = try search.run { region, parameters in
      // The library's limit to where a match may begin is one to where it may end too, so that it is the text's end.
      onig_search_with_param(
        compiled, start, end, base + position, end, region, ONIG_OPTION_NONE, parameters)
    } giveUp: { reason in
      tooSlow(reason, at: position - range.lowerBound, base + position, range.upperBound - position)
    }
    guard status >= 0 else { return nil }
    let (from, to) = search.match
    // \K may move the start of a match, even behind its end.
    guard from >= position - range.lowerBound, from <= to else {
      throw tooSlow(
        "a match that ends before it begins", at: from, base + position, range.upperBound - position)
    }
    return range.lowerBound + from..<range.lowerBound + to
  }

  private func tooSlow(_ reason: String, at offset: Int, _ rest: UnsafePointer<UInt8>, _ count: Int) -> Fault {
    let text = String(decoding: UnsafeBufferPointer(start: rest, count: min(count, 400)), as: UTF8.self)
    return Fault(
      .badData, "tokenizer.patternTooSlow", "A pattern of the tokenizer cannot be matched on a text", file: file,
      place: place, expected: "a match within \(RegexSearch.limits)",
      found: """
        \(reason) with the pattern \(String(pattern.unicodeScalars.prefix(300))) at byte \(offset) of a piece of the text, \
        before "\(String(text.unicodeScalars.prefix(60)))"
        """,
      advice: "cut the text into smaller documents, or use another tokenizer")
  }
}
