import Activations
import Architectures
import Diagnostics
import Dictionaries
import Foundation
import LinearAlgebra
import TestFiles
import TestSupport
import Testing
import Transformer

/// Dictionaries of several sites: learning, files, resuming, splicing, and what is refused.
struct CrosscoderTests {
  static let sites = ["blocks.0.hook_resid_post", "blocks.1.hook_resid_post", "blocks.2.hook_resid_post"]
  static let width = 32
  /// Features of all sites come first, then as many of each site alone.
  static let shared = 12
  static let alone = 6
  /// How long the activations of each site are beside the first's.
  static let lengths: [Float] = [1, 8, 40]

  struct Planted {
    var source: MemorySource
    /// Of each feature its direction at each site, with norm 1; nil where it does not occur.
    var directions: [[[Float]?]]
  }

  /// Rows that are sums of sparse features: a shared one is active at all sites at once, along another direction at each.
  static func planted(documents: Int = 240, seed: UInt64 = 1) -> Planted {
    var generator = SeededGenerator(seed: seed)
    let directions = (0..<shared + alone * sites.count).map { feature in
      sites.indices.map { site -> [Float]? in
        guard feature < shared || (feature - shared) / alone == site else { return nil }
        let row = (0..<width).map { _ in Float(generator.normal()) }
        let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return row.map { $0 / norm }
      }
    }
    let length = 25
    var rows = sites.map { _ in [Float]() }
    for _ in 0..<documents * length {
      var values = sites.map { _ in [Float](repeating: 0, count: width) }
      for feature in directions.indices where generator.uniform() < 0.06 {
        let strength = Float(1 + generator.uniform())
        for site in sites.indices {
          guard let direction = directions[feature][site] else { continue }
          for column in 0..<width { values[site][column] += lengths[site] * strength * direction[column] }
        }
      }
      for site in sites.indices { rows[site] += values[site] }
    }
    let source = MemorySource.documents(
      Array(repeating: length, count: documents), labels: Array(repeating: nil, count: documents),
      sites: Dictionary(uniqueKeysWithValues: sites.map { ($0, width) })
    ) { site, document, token, column in
      rows[sites.firstIndex(of: site) ?? 0][(document * length + token) * width + column]
    }
    return Planted(source: source, directions: directions)
  }

  static func settings(tokens: Int, batch: Int = 128) -> TrainingSettings {
    var settings = TrainingSettings(crosscoder: sites)
    settings.batch = batch
    settings.tokens = tokens
    settings.shuffledTokens = 2000
    settings.outlierNorm = nil
    settings.checkpointSteps = 7
    return settings
  }

  /// What is shared comes out as one latent with equal norms at all sites, what one site has alone as one with a norm there
  /// alone; though the last site's activations are forty times the first's.
  @Test(arguments: [SparseAutoencoder.Architecture.standard, .batchTopK], [1, 2, 3] as [UInt64])
  func findsSharedAndSpecificFeatures(architecture: SparseAutoencoder.Architecture, seed: UInt64) throws {
    let planted = Self.planted(seed: seed)
    var dictionary = DictionarySettings(architecture: architecture, latents: 60, k: 2)
    dictionary.learningRate = 5e-3
    dictionary.sparsity = 2
    dictionary.seed = seed
    let run = try TrainingRun(
      source: planted.source, settings: Self.settings(tokens: 128 * 1000), dictionaries: [dictionary])
    let summary = try run.train()
    let made = run.dictionaries[0]
    try made.validate()
    let measures = try made.reconstruction(of: planted.source)
    // Which rows are held out is all that differs.
    let held = try #require(summary.heldOut[0])
    #expect(abs(held.fvu - measures.fvu) < 0.3 * measures.fvu)
    let norms = made.siteNorms
    var (recovered, told) = (0, 0)
    for (feature, directions) in planted.directions.enumerated() {
      // The latent nearest to the feature at the sites that have it, and its cosine there.
      let cosines = (0..<made.latents).map { latent -> Float in
        let row = made.decoder.row(latent)
        return zip(directions.indices, directions).compactMap { site, direction -> Float? in
          guard let direction else { return nil }
          let own = row[site * Self.width..<(site + 1) * Self.width]
          let length = own.reduce(0) { $0 + $1 * $1 }.squareRoot()
          return length > 0 ? zip(own, direction).reduce(0) { $0 + $1.0 * $1.1 } / length : 0
        }.min() ?? 0
      }
      guard let best = cosines.indices.max(by: { cosines[$0] < cosines[$1] }), cosines[best] > 0.9 else { continue }
      recovered += 1
      let row = norms.row(best)
      let shares = row.map { $0 / row.reduce(0, +) }
      let isTold =
        feature < Self.shared
        ? shares.allSatisfy { abs($0 - 1 / 3) < 0.1 } : shares[(feature - Self.shared) / Self.alone] > 0.8
      told += isTold ? 1 : 0
    }
    #expect(recovered >= 25, "\(architecture), seed \(seed): \(recovered) of \(planted.directions.count)")
    #expect(told >= recovered - 1, "\(architecture), seed \(seed): \(told) of \(recovered)")
    let sites = try #require(measures.sites)
    #expect(sites.map(\.site) == Self.sites)
    // Equally well rebuilt, whatever their lengths.
    #expect(sites.allSatisfy { $0.fvu < 0.2 }, "\(architecture): \(sites.map(\.fvu))")
    let spread = try #require(made.latentSpread(density: measures.density))
    #expect(spread.counts.reduce(0, +) == made.latents - measures.deadLatents)
    #expect(spread.counts[0] >= 14 && spread.counts[2] >= 10, "\(architecture): \(spread.counts)")
    #expect(spread.alone.allSatisfy { $0 >= 4 })
  }

  @Test(arguments: [SparseAutoencoder.Architecture.topK, .batchTopK, .standard])
  func resumesBitForBit(architecture: SparseAutoencoder.Architecture) throws {
    let source = Self.planted(documents: 60).source
    let dictionary = DictionarySettings(architecture: architecture, latents: 32, k: 3)
    let settings = Self.settings(tokens: 64 * 30, batch: 64)
    let whole = try TrainingRun(source: source, settings: settings, dictionaries: [dictionary])
    _ = try whole.train()
    let temporary = try TemporaryFolder()
    let folder = temporary.file("run")
    for stop in [4, 11, Int.max] {
      let run = try TrainingRun(source: source, settings: settings, dictionaries: [dictionary])
      var steps = 0
      do {
        _ = try run.train(folder: folder, resume: true, isCancelled: { steps >= stop }, progress: { _ in steps += 1 })
        #expect(run.dictionaries == whole.dictionaries)
        #expect(stop == .max)
      } catch let fault as Fault {
        #expect(fault.name == "dictionary.interrupted")
      }
    }
    var others = settings
    others.crosscoder = [Self.sites[1], Self.sites[0], Self.sites[2]]
    others.site = JoinedSites.name(of: others.crosscoder ?? [])
    expectFault("dictionary.checkpointDiffers") {
      _ = try TrainingRun(source: source, settings: others, dictionaries: [dictionary]).train(
        folder: folder, resume: true)
    }
  }

  /// A dictionary of each site, as one crosscoder whose latents each live at one site.
  static func crosscoder(of dictionaries: [SparseAutoencoder]) -> SparseAutoencoder {
    let widths = dictionaries.map(\.inputWidth)
    let (latents, width) = (dictionaries.reduce(0) { $0 + $1.latents }, widths.reduce(0, +))
    var (encoder, decoder) = (Matrix(zeros: latents, columns: width), Matrix(zeros: latents, columns: width))
    var (row, column) = (0, 0)
    for dictionary in dictionaries {
      for latent in 0..<dictionary.latents {
        for place in 0..<dictionary.inputWidth {
          encoder[row + latent, column + place] = dictionary.encoder[latent, place]
          decoder[row + latent, column + place] = dictionary.decoder[latent, place]
        }
      }
      row += dictionary.latents
      column += dictionary.inputWidth
    }
    let names = dictionaries.map(\.configuration.hookIn)
    var configuration = dictionaries[0].configuration
    (configuration.latents, configuration.inputWidth, configuration.outputWidth) = (latents, width, width)
    (configuration.hookIn, configuration.hookOut) = (JoinedSites.name(of: names), JoinedSites.name(of: names))
    configuration.crosscoder = zip(names, widths).map { CrosscoderSite(site: $0, width: $1, scale: 0.5) }
    return SparseAutoencoder(
      configuration: configuration, encoder: encoder, encoderBias: dictionaries.flatMap(\.encoderBias),
      decoder: decoder, decoderBias: dictionaries.flatMap(\.decoderBias),
      threshold: dictionaries.flatMap { $0.threshold ?? [] })
  }

  @Test func savesAndLoads() throws {
    let first = try Fixtures.dictionary("saelens-jumprelu")
    var second = first
    second.configuration.hookIn = "blocks.7.hook_resid_post"
    let made = Self.crosscoder(of: [first, second])
    let temporary = try TemporaryFolder()
    let folder = temporary.file("crosscoder")
    try made.save(folder: folder)
    let loaded = try SparseAutoencoder.load(folder: folder)
    #expect(loaded == made)
    for format in [DictionaryFormat.saelens, .sparsify] {
      expectFault("dictionary.cannotExport") { try made.save(folder: temporary.file("other"), format: format) }
    }
    let url = folder.appending(path: "cfg.json")
    let text = try String(contentsOf: url, encoding: .utf8)
    for (old, new) in [
      ("\"scale\" : 0.5", "\"scale\" : 0"), ("\"width\" : 8", "\"width\" : 7"),
      ("\"site\" : \"blocks.7.hook_resid_post\"", "\"site\" : \"\(first.configuration.hookIn)\""),
      ("\"jumprelu_crosscoder\"", "\"jumprelu\""), ("\"crosscoder\" : [", "\"other\" : ["),
    ] {
      let changed = text.replacingOccurrences(of: old, with: new)
      #expect(changed != text, "\(old) is not in \(text)")
      try changed.write(to: url, atomically: true, encoding: .utf8)
      #expect(throws: Fault.self, "\(new)") { try SparseAutoencoder.load(folder: folder) }
    }
    // A key that nobody knows within one site's entry is named.
    try text.replacingOccurrences(of: "\"scale\" : 0.5", with: "\"scale\" : 0.5, \"shift\" : 1")
      .write(to: url, atomically: true, encoding: .utf8)
    let fault = #expect(throws: Fault.self) { try SparseAutoencoder.load(folder: folder) }
    #expect(
      fault?.name == "dictionary.unknownKey" && fault?.place?.hasSuffix("shift") == true, "\(String(describing: fault))"
    )
  }

  /// Spliced in at one site, a crosscoder of latents of one site each does what that site's own dictionary does; spliced in
  /// at all, it does what both hooks do.
  @Test func splicesAsTheDictionariesOfItsSites() throws {
    let model = try Model.load(Fixtures.folder.appending(path: "tiny-gpt2"))
    var dictionaries = [try Fixtures.dictionary("saelens-jumprelu"), try Fixtures.dictionary("saelens-jumprelu")]
    dictionaries[0].configuration.hookIn = "blocks.0.hook_attn_out"
    dictionaries[1].configuration.hookIn = "blocks.0.hook_resid_post"
    for place in 0..<2 { dictionaries[place].configuration.hookOut = dictionaries[place].configuration.hookIn }
    dictionaries[0].decoderBias = dictionaries[0].decoderBias.map { $0 + 0.3 }
    let made = Self.crosscoder(of: dictionaries)
    let live = try LiveActivations(
      model: model, tokenizer: nil,
      corpus: Corpus(documents: [
        Document(id: "0", tokens: [1, 5, 9, 2, 7, 3]), Document(id: "1", tokens: [4, 4, 8, 6, 1]),
      ]),
      settings: CaptureSettings(
        sites: dictionaries.map(\.configuration.hookIn).joined(separator: ","), addsSpecialTokens: false))
    let measures = try #require(try made.reconstruction(of: live).sites)
    let spliced = try made.spliceSites(into: model, source: live, means: measures.map(\.mean))
    for (place, dictionary) in dictionaries.enumerated() {
      let alone = try dictionary.reconstruction(of: live)
      #expect(abs(alone.fvu - measures[place].fvu) < 1e-6 * alone.fvu)
      let own = try dictionary.splice(into: model, source: live, mean: alone.mean)
      let ours = spliced.sites[place]
      for (a, b) in [
        (own.cleanLoss, ours.cleanLoss), (own.spliced.loss, ours.spliced.loss), (own.zero.loss, ours.zero.loss),
        (own.mean.loss, ours.mean.loss), (own.spliced.divergence, ours.spliced.divergence),
      ] { #expect(abs(a - b) < 1e-5 * max(1, abs(a))) }
    }
    // The residual stream after the layer decides alone what follows.
    #expect(spliced.all.spliced == spliced.sites[1].spliced)
    #expect(spliced.sites[0].spliced != spliced.sites[1].spliced)
    expectFault("dictionary.crosscoder") { _ = try made.splice(into: model, source: live, mean: []) }
  }

  @Test func whatACrosscoderCannotBeIsRefused() throws {
    let source = Self.planted(documents: 20).source
    func train(
      _ sites: [String] = Self.sites, source: MemorySource = source, target: String? = nil,
      _ change: (inout DictionarySettings) -> Void = { _ in }
    ) throws {
      var settings = Self.settings(tokens: 64 * 3, batch: 64)
      settings.crosscoder = sites
      settings.site = JoinedSites.name(of: sites)
      settings.target = target
      var dictionary = DictionarySettings(latents: 24, k: 2)
      change(&dictionary)
      _ = try TrainingRun(source: source, settings: settings, dictionaries: [dictionary]).train()
    }
    try train()
    expectFault("dictionary.crosscoder") { try train([Self.sites[0]]) }
    expectFault("dictionary.crosscoder") { try train([]) }
    expectFault("dictionary.crosscoder") { try train([Self.sites[0], Self.sites[0]]) }
    expectFault("dictionary.crosscoder") { try train(target: Self.sites[1]) }
    expectFault("dictionary.crosscoder") { try train { $0.skip = true } }
    expectFault("dictionary.crosscoder") { try train { $0.normalization = .layerNorm } }
    expectFault("activations.unknownSite") { try train([Self.sites[0], "blocks.9.hook_resid_post"]) }
    var experts = source
    let expert = "blocks.0.mlp.experts.1.hook_post"
    experts.sites.append(StoredSite(name: expert, axes: ["d"], shape: [12], routing: Routing(experts: 4, active: 2)))
    expectFault("dictionary.expertSite") { try train([Self.sites[0], expert], source: experts) }
  }
}
