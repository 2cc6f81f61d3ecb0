import Architectures
import Diagnostics
import LinearAlgebra
import Transformer

/// The sites at which a lens reads the residual stream, in the order of the pass.
struct LensSites {
  /// The embeddings, unless they are left out, then what was chosen.
  let read: [Site]
  /// Where the stream stands that the model's own output is read off.
  let output: Site

  static let embeddings = Site(.residPre, layer: 0)

  /// - Parameter addsEmbeddings: Whether the embeddings are read where `names` has them not.
  /// - Throws: `lens.site` for a site that is no state of the residual stream, and where none is left beside the output;
  ///   those of `select(sites:layers:)`.
  init(
    _ architecture: Architecture, named names: String? = nil, layers: String? = nil, addsEmbeddings: Bool = true
  ) throws {
    let last = architecture.streamSite(behind: architecture.layers - 1)
    let embeddings = Self.embeddings
    let usual = "resid_post,normalized_resid_post"
    var chosen: [Site]
    if let names {
      chosen = try architecture.select(sites: names, layers: layers)
    } else {
      let behind = Set((0..<architecture.layers).map(architecture.streamSite(behind:)))
      let shorthands = usual.split(separator: ",").filter { name in
        (try? architecture.select(sites: String(name))) != nil
      }
      chosen = try architecture.select(sites: shorthands.joined(separator: ","), layers: layers).filter(behind.contains)
    }
    for site in chosen {
      let isOnStream: Bool =
        switch site.kind {
        case .residPre, .normalizedResidPost: true
        // Where norms stand on the stream, what is between a sum and its norm is never read by a layer.
        case .residMid, .residPost: site.layer.map { architecture.blocks[$0].normPlace != .onStream } ?? false
        default: false
        }
      guard isOnStream else {
        throw Fault(
          .usage, "lens.site", "A lens reads the residual stream itself", place: site.name,
          expected: site.kind == .residMid || site.kind == .residPost
            ? "resid_pre or normalized_resid_post, since this model normalizes the stream itself"
            : "resid_pre, resid_mid or resid_post",
          advice: "name such a site with --sites")
      }
    }
    let hasEmbeddings = addsEmbeddings || chosen.contains(embeddings)
    chosen.removeAll { $0 == last || $0 == embeddings }
    read = (hasEmbeddings ? [embeddings] : []) + chosen
    output = last
    guard !read.isEmpty else {
      throw Fault(
        .usage, "lens.site", "These sites are the model's own output, which no lens is needed for", place: last.name,
        expected: "a site in front of it", found: names ?? "", advice: "name others with --sites")
    }
  }

  static func title(_ site: Site) -> String {
    guard let layer = site.layer else { return site.name }
    return switch site.kind {
    case .residPre: layer == 0 ? "embeddings" : "L\(layer) pre"
    case .residMid: "L\(layer) mid"
    default: "L\(layer)"
    }
  }

  /// The streams of a batch. Shapes: [sites][tokens, d_model] and [tokens, d_model].
  ///
  /// - Parameter rows: The tokens that are kept; nil: all.
  func streams(
    of batch: TokenBatch, in model: Model, rows: [Int]? = nil, hooks: [Hook] = []
  ) throws -> (read: [[Float]], output: [Float]) {
    let (sites, width) = (read + [output], model.architecture.width)
    let kept = rows?.count ?? batch.count
    try model.reserve(
      bytes: batch.count * model.architecture.workingBytesPerToken, beside: 2 * 4 * sites.count * kept * width)
    var found = [[Float]](repeating: [], count: sites.count)
    let reads = sites.indices.map { number in
      Hook(sites[number]) { value in
        value.withUnsafeBuffer { values in
          found[number] = rows.map { $0.flatMap { values[$0 * width..<($0 + 1) * width] } } ?? Array(values)
        }
      }
    }
    try model.run(batch, hooks: hooks + reads)
    let output = found.removeLast()
    return (found, output)
  }
}
