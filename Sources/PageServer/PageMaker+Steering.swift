import Activations
import Interventions
import Pages
import Probes
import Reports
import Transformer

/// The same prompt, continued without and with a direction.
extension PageMaker {
  func steering(_ steer: SteeringQuestion, _ say: @escaping Say) throws -> Page {
    let session = try content.requireSession()
    let directions: [Direction]
    if let feature = steer.feature {
      let opened = try content.requireDictionary()
      directions = try Direction.feature(
        feature, of: opened.dictionary, name: "latent \(feature) of \(opened.name)", in: session.model)
    } else {
      let opened = try content.requireProbe()
      directions = [
        try Direction.probe(opened.probe, className: steer.className, name: opened.name, in: session.model)
      ]
    }
    let settings = SteeringSettings(
      change: .add(strengths: [0, steer.strength], unit: .stream), count: steer.count,
      sampling: Sampling(seed: content.seed))
    let className = steer.feature == nil ? steer.className : nil
    // A probe of several classes reads one of them, which must be named.
    let reader = content.probe.flatMap { $0.probe.classifier.bias.count == 1 || className != nil ? $0 : nil }
    let result = try session.steer(
      steer.prompt, by: directions, settings, reference: nil, probe: reader?.probe, named: reader?.name ?? "",
      className: className
    ) { done, all in say("writing, step \(done) of \(all)") }
    var page = Page(
      kind: "Steering", title: "“\(steer.prompt.onOneLine.prefix(120))”",
      lead:
        "By \(directions.first?.name ?? ""), \(Format.fixed(steer.strength, 2)) of the activations’ norm added at every token.",
      facts: result.directions.map {
        .init($0.site, "norm \(Format.fixed($0.norm)), activations’ \(Format.fixed($0.streamNorm, 2))")
      },
      source: try sessionOrigin().words)
    func column(_ title: String, _ run: SteeringResult.Run) -> [PageBlock] {
      let tokens = run.continuation.enumerated().map { PageToken(session.text(of: $1), id: $1, position: $0) }
      return [
        .passage(PagePassage(title, measure: "", scale: 1, tokens: tokens)), .note("Ended by \(run.stopped.words)."),
      ]
    }
    if let without = result.runs.first, let with = result.runs.last, result.runs.count > 1 {
      page.add("What it writes", [.beside([column("Without", without), column("With the direction", with)])])
    }
    page.add("In figures", [.table(PageTable("", result.measures))])
    return page
  }
}
