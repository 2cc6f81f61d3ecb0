import Diagnostics
import Testing
import Transformer

@Suite struct SelectionTests {
  let configuration: Configuration

  init() throws { configuration = try Reference("llama").model.configuration }

  private func names(_ sites: String, _ layers: String? = nil) throws -> [String] {
    try configuration.select(sites: sites, layers: layers).map(\.name)
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
    #expect(try names("*").count == configuration.sites.count)
    #expect(try names("ln_final.*") == ["ln_final.hook_scale", "ln_final.hook_normalized"])
    // Each once, in the order of the pass.
    #expect(
      try names("resid_post,resid_pre,*.hook_resid_pre", "0") == [
        "blocks.0.hook_resid_pre", "blocks.0.hook_resid_post",
      ])
  }

  @Test func unknownNamesListThoseNear() throws {
    let fault = #expect(throws: Fault.self) { try configuration.select(sites: "resid_pots") }
    #expect(fault?.name == "transformer.unknownSite")
    #expect(fault?.advice?.contains("resid_post") == true)
    let other = #expect(throws: Fault.self) { try configuration.select(sites: "blocks.7.hook_resid_post") }
    #expect(other?.advice?.contains("blocks.0.hook_resid_post") == true)
    // A Llama has no learned positions.
    #expect(throws: Fault.self) { try configuration.select(sites: "pos_embed") }
    #expect(throws: Fault.self) { try configuration.select(sites: "") }
    #expect(throws: Fault.self) { try configuration.select(sites: "blocks.*.nothing") }
  }

  @Test(arguments: ["2", "-1", "1-0", "0-2", "a", "", "0,,1", "0-", "99999999999999999999"])
  func layersBeyondTheModel(_ layers: String) throws {
    let fault = #expect(throws: Fault.self) { try configuration.select(sites: "resid_post", layers: layers) }
    #expect(fault?.name == "transformer.layers")
    #expect(fault?.kind == .usage)
  }

  @Test func shapesAreGiven() throws {
    for name in Reference.names {
      let configuration = try Reference(name).model.configuration
      for site in configuration.sites {
        let shape = configuration.shape(of: site)
        #expect(shape.axes.count == shape.lengths.count)
        #expect(configuration.site(named: site.name) == site)
        #expect(configuration.has(site))
      }
      #expect(configuration.sites.count == Set(configuration.sites.map(\.name)).count)
    }
  }
}
