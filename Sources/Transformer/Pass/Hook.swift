/// What one run does at one site: reads the value, or changes it before anything else reads it.
///
/// Hooks belong to a run. Those of one site are called in the order given, on the thread that called `Model.run`.
public struct Hook {
  public let site: Site
  public let body: (inout HookedValue) throws -> Void

  /// - Parameters:
  ///   - site: Where.
  ///   - body: Called once a run with all tokens' values; at `attn.hook_attn_scores` and `attn.hook_pattern` once for
  ///     each document, at `attn.hook_result` and `unembed.hook_out` for consecutive groups of tokens.
  public init(_ site: Site, _ body: @escaping (inout HookedValue) throws -> Void) {
    self.site = site
    self.body = body
  }
}

/// The value at a site while the pass stands there: a matrix with a row for each token, lent to a hook.
///
/// It cannot be kept: copy what is needed.
public struct HookedValue: ~Copyable {
  public let site: Site
  public let batch: TokenBatch
  /// Which of the batch's tokens the rows are: all of them at most sites, see `Hook.init`. Inside an expert the rows'
  /// own numbers; `tokens` says whose they are.
  public let rows: Range<Int>
  /// What a row's elements are, outermost axis first: [d_model], [heads, d_head], [heads, keys] ….
  public let axes: [Int]
  /// The number of elements of a row: the product of the axes.
  public let width: Int
  /// Inside an expert: which of the batch's tokens were routed there, ascending; the rows are theirs, in this order.
  /// nil elsewhere.
  public let tokens: [Int]?
  /// The document that the rows belong to, where the site is called once for each document.
  public let document: Int?
  private let start: UnsafeMutablePointer<Float>

  init(
    site: Site, batch: TokenBatch, rows: Range<Int>, axes: [Int], tokens: [Int]? = nil, document: Int? = nil,
    start: UnsafeMutablePointer<Float>
  ) {
    self.site = site
    self.batch = batch
    self.rows = rows
    self.axes = axes
    width = axes.reduce(1, *)
    self.tokens = tokens
    self.document = document
    self.start = start
  }

  /// Lends all rows, row-major. Shape: [rows.count, width].
  public func withUnsafeBuffer<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) rethrows -> R {
    try body(UnsafeBufferPointer(start: start, count: rows.count * width))
  }

  /// Lends all rows to be changed in place. Shape: [rows.count, width].
  public mutating func withUnsafeMutableBuffer<R>(_ body: (UnsafeMutableBufferPointer<Float>) throws -> R) rethrows
    -> R
  {
    try body(UnsafeMutableBufferPointer(start: start, count: rows.count * width))
  }

  /// One element, by the token's number in the batch and its place in the row.
  public subscript(token: Int, element: Int) -> Float {
    get { start[index(token, element)] }
    set { start[index(token, element)] = newValue }
  }

  /// A copy of one token's row, by the token's number in the batch.
  public func row(_ token: Int) -> [Float] {
    let first = index(token, 0)
    return Array(UnsafeBufferPointer(start: start + first, count: width))
  }

  /// Replaces one token's row, by the token's number in the batch.
  public mutating func setRow(_ token: Int, to values: some Collection<Float>) {
    precondition(values.count == width, "\(values.count) values for a row of \(width)")
    let first = index(token, 0)
    for (offset, value) in values.enumerated() { start[first + offset] = value }
  }

  /// A copy of all rows, row-major.
  public func copy() -> [Float] { withUnsafeBuffer { Array($0) } }

  /// The row of a token of the batch, or nil where the value has none of it.
  public func row(of token: Int) -> Int? {
    guard let tokens else { return rows.contains(token) ? token - rows.lowerBound : nil }
    var (low, high) = (0, tokens.count)
    while low < high {
      let middle = (low + high) / 2
      if tokens[middle] < token { low = middle + 1 } else { high = middle }
    }
    return low < tokens.count && tokens[low] == token ? low : nil
  }

  private func index(_ token: Int, _ element: Int) -> Int {
    if tokens != nil {
      guard let row = row(of: token), element >= 0, element < width else {
        preconditionFailure("[\(token), \(element)] of \(site), whose rows are those of other tokens")
      }
      return row * width + element
    }
    precondition(
      rows.contains(token) && element >= 0 && element < width, "[\(token), \(element)] of \(rows) × \(width)")
    return (token - rows.lowerBound) * width + element
  }
}
