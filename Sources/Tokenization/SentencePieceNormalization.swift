/// SentencePiece's way with a text before it is cut, as GGUF files of unigram vocabularies ask for it.
struct SentencePieceNormalization: Sendable {
  var map: CharacterMap?
  /// Tokens that are kept as they are.
  var kept: ByteTrie
  var addsPrefix: Bool
  /// One space stands for a run of them, and those at the text's end go.
  var mergesSpaces: Bool

  private static let mark: Unicode.Scalar = "▁"

  /// Each stretch gives way to the text of the longest key that it begins with; then spaces become word marks.
  func apply(to text: inout AlignedText) {
    text.rewrite { writer in
      let old = writer.old
      if writer.atEnd { return }
      if addsPrefix, !mergesSpaces { writer.insertWithPlaceOfNext(Self.mark.value) }
      // Without a prefix the first word has no mark, whatever spaces stand before it.
      var inWord = mergesSpaces && !addsPrefix
      var hasText = false
      while !writer.atEnd {
        let start = writer.position
        var end = start
        kept.prefixes(of: old, from: start) { place, _ in end = place }
        var replacement: String.UnicodeScalarView?
        if end == start {
          if let map, let found = map.match(old, start, old.count, longest: true) {
            end = found.end
            replacement = map.scalars(found.text)
          } else {
            end = start + UTF8Reading.length(old[start])
          }
        }
        let scalars =
          replacement
          ?? String(decoding: UnsafeBufferPointer(rebasing: old[start..<end]), as: UTF8.self).unicodeScalars
        var written = String.UnicodeScalarView()
        for scalar in scalars {
          if scalar == " " {
            if mergesSpaces { inWord = inWord && !hasText } else { written.append(Self.mark) }
            continue
          }
          if mergesSpaces, !inWord { written.append(Self.mark) }
          (inWord, hasText) = (true, true)
          written.append(scalar)
        }
        writer.replace(to: end, with: written)
      }
    }
  }
}
