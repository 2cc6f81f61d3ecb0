import Diagnostics

extension Tokenizer {
  /// The tokens of a text, each with its range in it.
  ///
  /// - Parameter addSpecialTokens: Whether tokens that the tokenizer puts around a text (such as a begin token) are added.
  /// - Throws: `Fault` named `tokenizer.patternTooSlow` where a pattern of the tokenizer exceeds its step limit on the
  ///   text, `tokenizer.missingUnknownToken` where the text holds what the vocabulary cannot spell and no token stands for
  ///   that, `tokenizer.textGrows` where its steps make the text many times longer, `tokenizer.textTooLong` from 2 GiB on.
  /// - Complexity: Linear in the text, except that a single word of n symbols takes n log n.
  public func encode(_ text: String, addSpecialTokens: Bool = true) throws -> Encoding {
    var text = text
    return try text.withUTF8 { try encode(valid: $0, addSpecialTokens: addSpecialTokens) }
  }

  /// The tokens of a text in UTF-8; see `encode(_:addSpecialTokens:)`.
  ///
  /// - Throws: Also `Fault` named `tokenizer.invalidUTF8`, with the offset of the first bad byte.
  public func encode(utf8: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool = true) throws -> Encoding {
    if let bad = UTF8Reading.firstInvalid(utf8) {
      throw Fault(
        .badData, "tokenizer.invalidUTF8", "The text is not valid UTF-8", place: "byte \(bad)",
        found: "byte 0x\(String(utf8[bad], radix: 16, uppercase: true))",
        advice: "convert the text to UTF-8, or replace or skip what is invalid")
    }
    return try encode(valid: utf8, addSpecialTokens: addSpecialTokens)
  }

  private func encode(valid document: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool) throws -> Encoding {
    guard document.count < Int(Int32.max) else {
      throw Fault(
        .badData, "tokenizer.textTooLong", "A single text is too long", expected: "less than 2 GiB",
        found: "\(document.count) bytes", advice: "cut it into documents")
    }
    return try withWorkspace { workspace in
      workspace.sink.count = 0
      workspace.refused = nil
      workspace.sink.added.removeAll(keepingCapacity: true)
      if added.verbatim.isEmpty {
        if !document.isEmpty { try encode(0..<document.count, of: document, workspace) }
      } else {
        try added.verbatim.split(
          document, text: { try encode($0, of: document, workspace) },
          token: { Self.append($0, AlignedText(document: document, source: $1), 0..<$1.count, &workspace.sink) })
      }
      Self.countScalars(document, &workspace.sink)
      trim(&workspace.sink)
      return encoding(of: workspace.sink, addSpecialTokens: addSpecialTokens)
    }
  }

  /// A stretch of the document between verbatim added tokens: normalize it and look for the other added tokens.
  private func encode(_ range: Range<Int>, of document: UnsafeBufferPointer<UInt8>, _ workspace: Workspace) throws {
    var text = AlignedText(document: document, source: range)
    try normalizer?.apply(to: &text)
    if added.normalized.isEmpty {
      try encode(text, 0..<text.count, workspace)
    } else {
      try text.withBytes { bytes in
        try added.normalized.split(
          bytes, text: { try encode(text, $0, workspace) },
          token: { Self.append($0, text, $1, &workspace.sink) })
      }
    }
  }

  private static func append(
    _ token: AddedTokens.Token, _ text: AlignedText, _ range: Range<Int>, _ sink: inout TokenSink
  ) {
    let place = text.documentRange(range)
    let (leading, trailing) = text.withBytes { bytes -> (Int, Int) in
      let slice = UnsafeBufferPointer(rebasing: bytes[range])
      let scalars = String(decoding: slice, as: UTF8.self).unicodeScalars
      func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value == 0x120 || UnicodeFacts.isWhitespace(scalar.value)
      }
      let leading = scalars.prefix(while: isSpace).count
      return (leading, leading == scalars.count ? leading : scalars.reversed().prefix(while: isSpace).count)
    }
    sink.reserve(1)
    sink.added.append((sink.count, leading, trailing))
    sink.append(token.id, place.start, place.end)
  }

  /// A stretch of normalized text without added tokens: cut it into words and hand them to the model.
  private func encode(_ text: AlignedText, _ range: Range<Int>, _ workspace: Workspace) throws {
    if range.isEmpty { return }
    var text = text
    var words = WordRanges()
    words.append(range.lowerBound, range.upperBound)
    for step in preTokenizerSteps {
      try step.apply(to: &text, &words)
      try Normalizer.check(text.count, of: text)
    }
    let first = workspace.sink.count
    text.withBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      let shift = text.isUnchanged ? text.source.lowerBound : 0
      switch model {
      case .bytePairs(let model):
        model.withRunner(workspace) { runner in
          WordEncoder(base: base, shift: shift, workspace: workspace, tokenizer: runner).encode(words, finalScanner)
        }
      case .wordPiece(let model):
        let runner = WordPieceRunner(model: model, workspace: workspace)
        WordEncoder(base: base, shift: shift, workspace: workspace, tokenizer: runner).encode(words, finalScanner)
      case .wordLevel(let model):
        let runner = WordLevelRunner(model: model, workspace: workspace)
        WordEncoder(base: base, shift: shift, workspace: workspace, tokenizer: runner).encode(words, finalScanner)
      case .unigram(let model):
        let runner = UnigramRunner(model: model, workspace: workspace)
        WordEncoder(base: base, shift: shift, workspace: workspace, tokenizer: runner).encode(words, finalScanner)
      }
    }
    if let word = workspace.refused { throw missingUnknown.fault(word: word) }
    if text.isUnchanged { return }
    // Places in the normalized text become places in the document.
    let sink = workspace.sink
    text.withAlignment { starts, ends in
      let end = starts.count
      for i in first..<sink.count {
        let lower = Int(sink.starts[i])
        let upper = min(Int(sink.ends[i]), end)
        guard lower < upper else { continue }
        sink.starts[i] = starts[lower]
        sink.ends[i] = ends[upper - 1]
      }
    }
  }

  /// Turns places in bytes into places in scalars. A token that holds part of a scalar's bytes has the whole scalar.
  private static func countScalars(_ document: UnsafeBufferPointer<UInt8>, _ sink: inout TokenSink) {
    guard let base = document.baseAddress, document.contains(where: { $0 >= 0x80 }) else { return }
    // Tokens come almost always in the order of the text, so one counter walks along.
    var position = 0
    var scalars = 0
    func scalarsBefore(_ wanted: Int) -> Int {
      while position < wanted {
        scalars += UTF8Reading.isContinuation(base[position]) ? 0 : 1
        position += 1
      }
      while position > wanted {
        position -= 1
        scalars -= UTF8Reading.isContinuation(base[position]) ? 0 : 1
      }
      return scalars
    }
    for i in 0..<sink.count {
      let start = Int(sink.starts[i])
      let end = Int(sink.ends[i])
      let inside = start < end && UTF8Reading.isContinuation(base[start])
      sink.starts[i] = Int32(truncatingIfNeeded: scalarsBefore(start) - (inside ? 1 : 0))
      sink.ends[i] = Int32(truncatingIfNeeded: scalarsBefore(end))
    }
  }

  /// Leaves white space at both ends of tokens out of their ranges, where the post-processor asks for it.
  private func trim(_ sink: inout TokenSink) {
    for trimming in postProcessor.trimmings {
      var addedIndex = 0
      for i in 0..<sink.count {
        var leading = 0
        var trailing = 0
        if addedIndex < sink.added.count, sink.added[addedIndex].index == i {
          (_, leading, trailing) = sink.added[addedIndex]
          addedIndex += 1
        } else if Int(sink.ids[i]) < pieceSpaces.count {
          let spaces = pieceSpaces[Int(sink.ids[i])]
          (leading, trailing) = (Int(spaces & 0xFFFF), Int(spaces >> 16))
        }
        if leading > 0 {
          if i == 0 || sink.starts[i] == 0, trimming.addsPrefixSpace, leading == 1 { leading = 0 }
          sink.starts[i] = min(sink.starts[i] + Int32(leading), sink.ends[i])
        }
        if trailing > 0, Int(sink.ends[i]) >= trailing {
          sink.ends[i] = max(sink.ends[i] - Int32(trailing), sink.starts[i])
        }
      }
    }
  }

  private func encoding(of sink: TokenSink, addSpecialTokens: Bool) -> Encoding {
    let prefix = addSpecialTokens ? postProcessor.prefix : []
    let suffix = addSpecialTokens ? postProcessor.suffix : []
    func assembled(_ middle: UnsafeMutablePointer<Int32>, _ prefix: [Int32], _ suffix: [Int32]) -> [Int32] {
      let count = prefix.count + sink.count + suffix.count
      return [Int32](unsafeUninitializedCapacity: count) { buffer, initialized in
        guard let base = buffer.baseAddress else { return }
        for (i, value) in prefix.enumerated() { base[i] = value }
        (base + prefix.count).update(from: middle, count: sink.count)
        for (i, value) in suffix.enumerated() { base[prefix.count + sink.count + i] = value }
        initialized = count
      }
    }
    let noPrefix = [Int32](repeating: 0, count: prefix.count)
    let noSuffix = [Int32](repeating: 0, count: suffix.count)
    var special = [Bool](repeating: false, count: prefix.count + sink.count + suffix.count)
    for i in prefix.indices { special[i] = true }
    for i in suffix.indices { special[special.count - 1 - i] = true }
    return Encoding(
      ids: assembled(sink.ids, prefix, suffix), starts: assembled(sink.starts, noPrefix, noSuffix),
      ends: assembled(sink.ends, noPrefix, noSuffix), special: special)
  }
}
