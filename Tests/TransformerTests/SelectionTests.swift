import Architectures
import Diagnostics
import Testing
import Transformer

@Suite struct SelectionTests {
  let architecture: Architecture

  init() throws { architecture = try Reference("llama").model.architecture }

  private func names(_ sites: String, _ layers: String? = nil) throws -> [String] {
    try architecture.select(sites: sites, layers: layers).map(\.name)
  }

  @Test func shorthandsTakeLayers() throws {
    #expect(try names("resid_post") == ["blocks.0.hook_resid_post", "blocks.1.hook_resid_post"])
    #expect(try names("resid_post", "last") == ["blocks.1.hook_resid_post"])
    #expect(try names("mlp_post, resid_post", "0") == ["blocks.0.mlp.hook_post", "blocks.0.hook_resid_post"])
    #expect(try names("z", "0-1") == ["blocks.0.attn.hook_z", "blocks.1.attn.hook_z"])
    #expect(try names("logits", "0") == ["unembed.hook_out"])
  }

  @Test func fullNamesAndStars() throws {
    #expect(try names("blocks.1.attn.hook_rot_q", "0") == ["blocks.1.attn.hook_rot_q"])
    #expect(try names("blocks.*.mlp.hook_post", "1") == ["blocks.1.mlp.hook_post"])
    #expect(try names("*").count == architecture.sites.count)
    #expect(try names("ln_final.*") == ["ln_final.hook_scale", "ln_final.hook_normalized"])
    // Each once, in the order of the pass.
    #expect(
      try names("resid_post,resid_pre,*.hook_resid_pre", "0") == [
        "blocks.0.hook_resid_pre", "blocks.0.hook_resid_post",
      ])
  }

  @Test func unknownNamesListThoseNear() throws {
    let fault = #expect(throws: Fault.self) { try architecture.select(sites: "resid_pots") }
    #expect(fault?.name == "transformer.unknownSite")
    #expect(fault?.advice?.contains("resid_post") == true)
    let other = #expect(throws: Fault.self) { try architecture.select(sites: "blocks.7.hook_resid_post") }
    #expect(other?.advice?.contains("blocks.0.hook_resid_post") == true)
    // A Llama has no learned positions.
    #expect(throws: Fault.self) { try architecture.select(sites: "pos_embed") }
    #expect(throws: Fault.self) { try architecture.select(sites: "") }
    #expect(throws: Fault.self) { try architecture.select(sites: "blocks.*.nothing") }
  }

  @Test(arguments: ["2", "-1", "1-0", "0-2", "a", "", "0,,1", "0-", "99999999999999999999"])
  func layersBeyondTheModel(_ layers: String) throws {
    let fault = #expect(throws: Fault.self) { try architecture.select(sites: "resid_post", layers: layers) }
    #expect(fault?.name == "transformer.layers")
    #expect(fault?.kind == .usage)
  }

  @Test func shapesAreGiven() throws {
    for name in Reference.names {
      let architecture = try Reference(name).model.architecture
      for site in architecture.sites {
        let shape = architecture.shape(of: site)
        #expect(shape.axes.count == shape.lengths.count)
        #expect(architecture.site(named: site.name) == site)
        #expect(architecture.has(site))
      }
      #expect(architecture.sites.count == Set(architecture.sites.map(\.name)).count)
    }
  }
}
