import Activations
import Dictionaries
import Reports

/// Reads a dictionary on a source and makes its pages: of all its latents, or of one.
///
/// ```swift
/// let pages = try DictionaryPages(dictionary, name: "residual", on: store, session: session)
/// try pages.page(ofLatent: 17).write(to: URL(filePath: "feature.html"))
/// ```
public struct DictionaryPages {
  /// What the dictionary is called on its pages.
  public let name: String
  public let dictionary: SparseAutoencoder
  /// What it is read on; sets with labels of their own are named by them.
  public let source: any ActivationSource
  private let session: Session?
  private let column: String
  private let seed: UInt64

  /// - Parameters:
  ///   - session: The source's model, for what latents write; nil leaves that out.
  ///   - column: The column of labels.
  /// - Throws: What reading the source's documents throws.
  public init(
    _ dictionary: SparseAutoencoder, name: String, on source: any ActivationSource, session: Session?,
    column: String = DocumentTable.defaultLabels, seed: UInt64 = 0
  ) throws {
    self.dictionary = dictionary
    self.name = name
    self.source = try LabelledBySet(source, column: column) ?? source
    self.session = session
    self.column = column
    self.seed = seed
  }

  /// The page of all latents that are active. Costs a pass over the source, and three more where some are shown in detail.
  ///
  /// - Parameters:
  ///   - count: Latents shown in detail: those with the clearest labels.
  ///   - sets: Labelled sources that these are judged on too, by name.
  ///   - link: The page of a latent that is not shown here, where there is one.
  ///   - progress: Told what is being read, in words.
  /// - Throws: What `FeatureReader.read` and `LatentDetailReader.read` throw.
  public func page(
    details count: Int, sets: [(name: String, source: any ActivationSource)] = [],
    link: (Int) -> String? = { _ in nil }, progress: (String) -> Void = { _ in }
  ) throws -> Page {
    let features = try features(.all, progress)
    let details = try details(features.clearest(count), sets, progress)
    return Page(
      dictionary: name, features, details: details, configuration: dictionary.configuration.architecture.rawValue,
      origin: source.origin, link: link)
  }

  /// The page of one latent. Costs four passes over the source.
  ///
  /// - Throws: `dictionary.noSuchLatent`, and as `page(details:)`.
  public func page(
    ofLatent latent: Int, sets: [(name: String, source: any ActivationSource)] = [],
    progress: (String) -> Void = { _ in }
  ) throws -> Page {
    let features = try features(.latents([latent]), progress)
    let detail = try details([latent], sets, progress)[0]
    return Page(
      latent: detail, features.features.first { $0.latent == latent }, dictionary: name, features: features,
      origin: source.origin)
  }

  private func features(_ choice: FeatureReader.Choice, _ progress: (String) -> Void) throws -> DictionaryFeatures {
    let rows = Format.count(source.rowCount)
    return try FeatureReader(choice: choice, examples: 2, column: column, seed: seed).read(
      dictionary, on: source, model: session?.model, piece: session?.piece
    ) { progress("reading latents, \(Format.count($0)) of \(rows) rows") }
  }

  private func details(
    _ latents: [Int], _ sets: [(name: String, source: any ActivationSource)], _ progress: (String) -> Void
  ) throws -> [LatentDetail] {
    let rows = Format.count(source.rowCount)
    return try LatentDetailReader(column: column, seed: seed).read(
      latents, of: dictionary, on: source, model: session?.model, piece: session?.piece, sets: sets
    ) { step, seen in
      progress("\(Format.count(latents.count)) latents in detail: \(step), \(Format.count(seen)) of \(rows) rows")
    }
  }
}
