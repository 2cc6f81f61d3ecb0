/// A piece of a document as the normalizers have left it, with the place in the document of every byte.
///
/// As long as nothing has changed it, it is only a range of the document (`isUnchanged`), and no alignment is stored.
/// The rules by which alignments follow changes are those of Hugging Face's `NormalizedString`: a character that replaces
/// another takes its place; an inserted one shares the place of the one before; what follows removed characters keeps
/// its own.
struct AlignedText {
  /// The document; it outlives every `AlignedText` made of it.
  let document: UnsafeBufferPointer<UInt8>
  /// The piece's range in the document.
  let source: Range<Int>
  /// True while the text is `document[source]`.
  private(set) var isUnchanged = true
  private var bytes: [UInt8] = []
  /// For each byte, the range in the document of the character it came from.
  private var starts: [Int32] = []
  private var ends: [Int32] = []

  init(document: UnsafeBufferPointer<UInt8>, source: Range<Int>) {
    self.document = document
    self.source = source
  }

  var count: Int { isUnchanged ? source.count : bytes.count }

  /// The text's bytes, valid UTF-8, for the time `body` runs.
  @inline(__always) func withBytes<R>(_ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
    if isUnchanged { return try body(UnsafeBufferPointer(rebasing: document[source])) }
    return try bytes.withUnsafeBufferPointer(body)
  }

  /// The range in the document, in bytes, from which a range of the text came.
  func documentRange(_ range: Range<Int>) -> (start: Int, end: Int) {
    if isUnchanged { return (source.lowerBound + range.lowerBound, source.lowerBound + range.upperBound) }
    guard !range.isEmpty, range.upperBound <= bytes.count else { return (source.lowerBound, source.lowerBound) }
    return (Int(starts[range.lowerBound]), Int(ends[range.upperBound - 1]))
  }

  /// Runs `body` with the alignment's arrays; only for a changed text.
  @inline(__always) func withAlignment<R>(
    _ body: (UnsafeBufferPointer<Int32>, UnsafeBufferPointer<Int32>) throws -> R
  ) rethrows -> R {
    try starts.withUnsafeBufferPointer { starts in try ends.withUnsafeBufferPointer { try body(starts, $0) } }
  }

  /// Replaces the text by what `body` writes while it reads the present one from start to end.
  mutating func rewrite(_ body: (inout Writer) throws -> Void) rethrows {
    var changed = self
    try withBytes { old in
      var writer = Writer(text: self, old: old, base: source.lowerBound)
      try body(&writer)
      changed.bytes = writer.bytes
      changed.starts = writer.starts
      changed.ends = writer.ends
      changed.isUnchanged = false
    }
    self = changed
  }

  /// Reads the old text and writes the new one, byte alignments included.
  struct Writer {
    fileprivate let text: AlignedText
    let old: UnsafeBufferPointer<UInt8>
    /// Where in the old text the next scalar is read.
    var position = 0
    /// The document's offset that an insertion before everything gets.
    var base: Int
    /// The start in the old text of the slice being rewritten: an insertion there has nothing before it.
    var sliceStart = 0
    fileprivate(set) var bytes: [UInt8] = []
    fileprivate(set) var starts: [Int32] = []
    fileprivate(set) var ends: [Int32] = []

    fileprivate init(text: AlignedText, old: UnsafeBufferPointer<UInt8>, base: Int) {
      self.text = text
      self.old = old
      self.base = base
      bytes.reserveCapacity(old.count + old.count / 4 + 16)
      starts.reserveCapacity(old.count + old.count / 4 + 16)
      ends.reserveCapacity(old.count + old.count / 4 + 16)
    }

    var atEnd: Bool { position >= old.count }

    private var oldBase: UnsafePointer<UInt8> {
      guard let base = old.baseAddress else { preconditionFailure("reading an empty text") }
      return base
    }

    /// The next scalar of the old text, not consumed.
    func peek() -> (value: UInt32, end: Int) { UTF8Reading.scalar(oldBase, position) }

    /// The place in the document of the character that holds the old text's byte.
    private func place(_ index: Int) -> (Int32, Int32) {
      if text.isUnchanged {
        var start = index
        while UTF8Reading.isContinuation(old[start]) { start -= 1 }
        let lower = text.source.lowerBound + start
        return (Int32(truncatingIfNeeded: lower), Int32(truncatingIfNeeded: lower + UTF8Reading.length(old[start])))
      }
      return (text.starts[index], text.ends[index])
    }

    private mutating func put(_ scalar: UInt32, at place: (Int32, Int32)) {
      for _ in 0..<UTF8Reading.append(scalar, to: &bytes) {
        starts.append(place.0)
        ends.append(place.1)
      }
    }

    /// Writes `scalar` in place of the next one.
    mutating func replace(with scalar: UInt32) {
      put(scalar, at: place(position))
      position += UTF8Reading.length(old[position])
    }

    /// Passes over the next scalar without writing.
    mutating func skip() { position += UTF8Reading.length(old[position]) }

    mutating func skip(_ scalars: Int) {
      for _ in 0..<scalars where !atEnd { skip() }
    }

    /// Writes `scalar` beside the one last read, whose place it shares.
    mutating func insert(_ scalar: UInt32) {
      if position <= sliceStart {
        put(scalar, at: (Int32(truncatingIfNeeded: base), Int32(truncatingIfNeeded: base)))
      } else {
        put(scalar, at: place(position - 1))
      }
    }

    /// Writes `scalar` with the place of the next one, which is not consumed.
    mutating func insertWithPlaceOfNext(_ scalar: UInt32) { put(scalar, at: place(position)) }

    /// Writes `scalar`; `change` says what it stands for: 0: the next scalar of the old text; −n: that and the n after it;
    /// 1: none, it was inserted.
    mutating func write(_ scalar: UInt32, change: Int) {
      if change > 0 || atEnd {
        insert(scalar)
      } else {
        replace(with: scalar)
        skip(-change)
      }
    }

    /// Writes scalars in place of the old text up to `end`, all of which becomes the place of each.
    mutating func replace(to end: Int, with scalars: some Sequence<Unicode.Scalar>) {
      let place = (place(position).0, place(end - 1).1)
      for scalar in scalars { put(scalar.value, at: place) }
      position = end
    }

    /// Copies the old text as it is up to `end`.
    mutating func copy(to end: Int) {
      guard position < end else { return }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: old[position..<end]))
      if text.isUnchanged {
        let lower = text.source.lowerBound
        while position < end {
          let length = UTF8Reading.length(old[position])
          for _ in 0..<length {
            starts.append(Int32(truncatingIfNeeded: lower + position))
            ends.append(Int32(truncatingIfNeeded: lower + position + length))
          }
          position += length
        }
      } else {
        starts.append(contentsOf: text.starts[position..<end])
        ends.append(contentsOf: text.ends[position..<end])
        position = end
      }
    }
  }
}
