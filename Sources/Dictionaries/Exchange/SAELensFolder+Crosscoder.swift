import Diagnostics
import StrictJSON

extension SAELensFolder {
  /// The sites of a crosscoder, which only folders of ours have.
  static func crosscoder(_ ours: JSONReader?, kind: Kind, width: Int, file: String?) throws -> [CrosscoderSite]? {
    guard let reader = try ours?.optional("crosscoder") else {
      guard kind.isCrosscoder else { return nil }
      throw Fault(
        .badData, "dictionary.configuration", "The crosscoder does not say which sites it reads", file: file,
        place: "metadata.unfold.crosscoder", expected: "a list of sites", found: "none")
    }
    guard kind.isCrosscoder else { throw reader.unexpected("no sites, since the architecture is no crosscoder") }
    let sites = try reader.array().map { site in
      CrosscoderSite(
        site: try site.required("site").string(), width: try site.size("width"),
        scale: Float(try site.required("scale").number()))
    }
    guard sites.count > 1, Set(sites.map(\.site)).count == sites.count,
      sites.reduce(0, { $0 + $1.width }) == width, sites.allSatisfy({ $0.scale > 0 && $0.scale.isFinite })
    else { throw reader.unexpected("two sites or more, each once, of \(width) columns together, with scales above 0") }
    return sites
  }
}
