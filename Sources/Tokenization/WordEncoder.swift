/// A model's way from one word to its tokens, which it leaves in its workspace.
protocol WordTokenizer {
  func tokenize(_ word: UnsafeBufferPointer<UInt8>)
}

/// Hands words to a model, through the cache where it may, and gathers their tokens with their places.
struct WordEncoder<Tokenizer: WordTokenizer> {
  let base: UnsafePointer<UInt8>
  /// What is added to a place in the text for its place in the document.
  let shift: Int
  let workspace: Workspace
  let tokenizer: Tokenizer

  /// Encodes the words, cut further by a scanner where one is given.
  func encode(_ words: WordRanges, _ scanner: WordScanner?) {
    var sink = workspace.sink
    if let scanner {
      ScalarTable.shared.withPointers { table in
        for i in 0..<words.count {
          scanner.scan(base, words[i], table) { start, end in encode(start, end - start, &sink) }
        }
      }
    } else {
      words.bounds.withUnsafeBufferPointer { bounds in
        for i in 0..<words.count {
          let start = Int(bounds[2 * i])
          encode(start, Int(bounds[2 * i + 1]) - start, &sink)
        }
      }
    }
    workspace.sink = sink
  }

  @inline(__always) private func encode(_ start: Int, _ count: Int, _ sink: inout TokenSink) {
    guard let cache = workspace.cache, count <= WordCache.maximumBytes else {
      tokenize(start, count, &sink)
      return
    }
    let key = WordCache.key(base + start, count)
    let line = cache.line(key)
    guard WordCache.holds(line, key, count) else {
      tokenize(start, count, &sink)
      WordCache.store(line, key, workspace.tokens)
      return
    }
    sink.reserve(WordCache.maximumTokens)
    var place = start + shift
    place = replay(line[3], UnsafeRawPointer(line + 4), place, &sink)
    if line[3] >> 56 != 0 { _ = replay(line[10], UnsafeRawPointer(line + 11), place, &sink) }
  }

  /// Gives out the tokens of one half of a cache line; returns the place after them.
  @inline(__always) private func replay(
    _ lengths: UInt64, _ ids: UnsafeRawPointer, _ place: Int, _ sink: inout TokenSink
  ) -> Int {
    var lengths = lengths
    var offset = 0
    var place = place
    while lengths != 0 {
      let length = Int(truncatingIfNeeded: lengths & 0xFF)
      sink.append(ids.load(fromByteOffset: offset, as: Int32.self), place, place + length)
      place += length
      offset += 4
      lengths >>= 8
    }
    return place
  }

  @inline(never) private func tokenize(_ start: Int, _ count: Int, _ sink: inout TokenSink) {
    tokenizer.tokenize(UnsafeBufferPointer(start: base + start, count: count))
    let tokens = workspace.tokens
    sink.reserve(tokens.count)
    var place = start + shift
    for j in 0..<tokens.count {
      let length = Int(tokens.lengths[j])
      sink.append(tokens.ids[j], place, place + abs(length))
      place += max(length, 0)
    }
  }
}
