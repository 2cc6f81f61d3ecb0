import Activations
import Diagnostics
import LinearAlgebra

/// The activations that a dictionary reads and those that it rebuilds, out of a source that has been found to fit it.
package struct DictionaryInput {
  package let dictionary: SparseAutoencoder
  package let source: any ActivationSource
  /// The site that is read.
  package let input: StoredSite
  /// The site that is rebuilt; the same as `input` but for a transcoder.
  package let output: StoredSite

  /// Holds a dictionary against a source.
  ///
  /// - Parameter site: the site to read, in place of the one that the dictionary names.
  /// - Throws: `dictionary.otherModel`, `dictionary.site`, `dictionary.width`.
  package init(_ dictionary: SparseAutoencoder, source given: any ActivationSource, site: String? = nil) throws {
    let configuration = dictionary.configuration
    let source = try dictionary.joined(given, site: site)
    try Self.requireModel(of: configuration, digest: source.origin.modelDigest, name: source.origin.model)
    self.dictionary = dictionary
    self.source = source
    input = try Self.site(
      site ?? configuration.hookIn, width: dictionary.inputWidth, in: source, option: site != nil)
    output =
      configuration.isTranscoder
      ? try Self.site(configuration.hookOut, width: dictionary.outputWidth, in: source, option: false) : input
  }

  /// Refuses a model that the dictionary was not made for. Files of others name no digest, so their models pass.
  package static func requireModel(
    of configuration: SparseAutoencoder.Configuration, digest: String, name: String
  ) throws {
    guard let origin = configuration.origin, !ModelIdentity.agree(origin.modelDigest, digest) else { return }
    throw Fault(
      .badData, "dictionary.otherModel", "The dictionary was made for another model",
      expected: "\(origin.model) (digest \(ModelIdentity.short(origin.modelDigest)))",
      found: "\(name) (digest \(ModelIdentity.short(digest)))",
      advice: "take activations of the dictionary's own model, or train a dictionary for this one")
  }

  private static func site(
    _ name: String, width: Int, in source: any ActivationSource, option: Bool
  ) throws -> StoredSite {
    guard let site = source.sites.first(where: { $0.name == name }) else {
      let held = source.sites.prefix(8).map { "\($0.name) (\($0.width))" }.joined(separator: ", ")
      throw Fault(
        .badData, "dictionary.site",
        name.isEmpty ? "The dictionary does not say which site it reads" : "The source has not the dictionary's site",
        expected: name.isEmpty ? "the name of a site of width \(width)" : "\(name) of width \(width)", found: held,
        advice: name.isEmpty || option
          ? "name one of the source's sites with --site" : "capture that site, or name the right one with --site")
    }
    guard site.width == width else {
      throw Fault(
        .badData, "dictionary.width", "The activations have another width than the dictionary", place: name,
        expected: "\(width)", found: "\(site.width)",
        advice: "check that model and site are those that the dictionary was trained on")
    }
    return site
  }

  /// Rows of the source with what the dictionary reads there and what it is to rebuild.
  package struct Block {
    /// The numbers of the rows in the source.
    package var rows: [Int]
    package var input: Matrix
    package var target: Matrix
    /// Each row's document.
    package var documents: [Int32]
    /// The values at the further sites that were asked for.
    package var others: [Matrix]
  }

  /// Gives `body` all rows in order, without those of tokens that the tokenizer added unless they are wanted.
  ///
  /// - Parameters:
  ///   - others: names of further sites to read beside.
  ///   - most: stops after the block that brings so many rows.
  ///   - sample: the documents whose rows are given, where not all; of a store no others are read.
  /// - Throws: `dictionary.notFiniteActivations`, and what `body` and the source throw.
  package func stream(
    specialTokens: Bool = false, others: [String] = [], rows most: Int? = nil, sample: DocumentSample? = nil,
    _ body: (Block) throws -> Void
  ) throws {
    let sites =
      (output.name == input.name ? [input] : [input, output]) + (try others.map { try source.site(named: $0) })
    let width = sites.reduce(0) { $0 + $1.width } + dictionary.latents / 8
    let blockRows = max(64, min(4096, (4 << 20) / max(width, 1)))
    let byToken = source.rowKind == .token
    let targetPlace = output.name == input.name ? 0 : 1
    var seen = 0
    struct Enough: Error {}
    do {
      try blocks(of: sites.map(\.name), maximumRows: blockRows, sample: sample) { block in
        var rows = Array(block.rows)
        let tokens = byToken ? try source.tokens(in: block.rows) : nil
        var documents = tokens?.documents ?? rows.map { Int32(truncatingIfNeeded: $0) }
        var values = block.values
        let kept = try source.places(in: block.rows, countingSpecialTokens: specialTokens).filter {
          (sample?.unitOfRow[Int(documents[$0])] ?? 0) >= 0
        }
        guard !kept.isEmpty else { return }
        if kept.count < rows.count {
          rows = kept.map { rows[$0] }
          documents = kept.map { documents[$0] }
          values = values.map { $0.selectingRows(kept) }
        }
        for (site, matrix) in zip(sites, values) { try requireFinite(matrix, rows: rows, site: site.name) }
        try body(
          Block(
            rows: rows, input: values[0], target: values[targetPlace], documents: documents,
            others: Array(values[(targetPlace + 1)...])))
        seen += rows.count
        if let most, seen >= most { throw Enough() }
      }
    } catch is Enough {}
    guard seen > 0 else {
      throw Fault(
        .badData, "dictionary.noRows", "The source has no rows to judge a dictionary by", place: input.name,
        expected: "tokens that came from text", found: "none")
    }
  }

  /// The source's blocks; of a store only those of the documents in the sample.
  private func blocks(
    of sites: [String], maximumRows: Int, sample: DocumentSample?, _ body: (ActivationBlock) throws -> Void
  ) throws {
    guard let sample, !sample.isWhole, let read = rowReader(of: source) else {
      return try source.stream(sites, maximumRows: maximumRows, body)
    }
    let table = try source.documents
    for documents in sample.documents.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      for document in documents {
        let all = source.rowKind == .token ? table.tokens(of: document) : document..<document + 1
        for start in stride(from: all.lowerBound, to: all.upperBound, by: maximumRows) {
          let rows = start..<min(start + maximumRows, all.upperBound)
          try body(ActivationBlock(rows: rows, values: try sites.map { try read($0, rows) }))
        }
      }
    }
  }

  private func requireFinite(_ matrix: Matrix, rows: [Int], site: String) throws {
    let bad = matrix.elements.withUnsafeBufferPointer { elements in
      elements.baseAddress.map { Kernels.countNonfinite($0, count: elements.count) } ?? 0
    }
    guard bad > 0, let index = matrix.elements.firstIndex(where: { !$0.isFinite }) else { return }
    throw Fault(
      .badData, "dictionary.notFiniteActivations", "An activation is NaN or infinite",
      place: "\(site), row \(rows[index / matrix.columns]), column \(index % matrix.columns)",
      expected: "finite numbers", found: "\(matrix.elements[index])",
      advice: "see where it comes from with `unfold store verify`, or capture again with --storage float32")
  }
}

extension SparseAutoencoder {
  /// The activations that the dictionary reads in a source, and each row's number there; all in memory.
  ///
  /// - Parameter most: how many rows at most.
  /// - Throws: as `reconstruction`.
  public func rows(
    of source: any ActivationSource, site: String? = nil, specialTokens: Bool = false, most: Int? = nil
  ) throws -> (values: Matrix, rows: [Int]) {
    let input = try DictionaryInput(self, source: source, site: site)
    var elements: [Float] = []
    var rows: [Int] = []
    try input.stream(specialTokens: specialTokens, rows: most) { block in
      let count = min(block.rows.count, (most ?? .max) - rows.count)
      elements += block.input.elements.prefix(count * inputWidth)
      rows += block.rows.prefix(count)
    }
    return (Matrix(rows: rows.count, columns: inputWidth, elements: elements), rows)
  }
}
