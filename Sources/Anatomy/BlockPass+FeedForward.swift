import Architectures

/// The feed-forward part: an MLP, or experts behind a router.
extension BlockPass {
  static let feedForward: [Place] = [
    { $0.dense?.input }, { $0.dense?.activation }, { $0.dense?.out },
    \.router, { $0.experts?.input }, { $0.experts?.activation }, { $0.experts?.out },
    { $0.shared?.input }, { $0.shared?.activation }, { $0.shared?.out }, \.sharedGate,
  ]

  private var router: PassStep? {
    block.experts.flatMap { experts in
      .products(
        ["W_router"], of: components, titled: "router", .mlp, way: .experts,
        shape: "\(row) → \(experts.count), wakes \(experts.active)", site: "mlp.hook_expert_weights")
    }
  }

  private var sharedGate: PassStep? {
    .products(
      ["shared.W_gate_out"], of: components, titled: "shared expert, gated", .mlp, way: .shared, shape: "\(row) → 1",
      site: nil)
  }

  private var dense: Neurons? {
    block.mlp.map { Neurons(pass: self, mlp: $0, way: .dense, output: finish(.product, .mlp)) }
  }
  private var experts: Neurons? {
    block.experts.map {
      Neurons(
        pass: self, mlp: $0.expert, way: .experts, name: "experts", prefix: "experts.", copies: $0.active,
        site: "mlp.experts.{e}.")
    }
  }
  private var shared: Neurons? {
    block.experts?.shared.map {
      Neurons(pass: self, mlp: $0, way: .shared, name: "shared expert", prefix: "shared.", site: "mlp.shared_experts.")
    }
  }

  /// Into neurons, through them and out.
  private struct Neurons {
    let pass: BlockPass
    let mlp: MLP
    let way: PassStep.Way
    var name = ""
    var prefix = ""
    var copies = 1
    var site = "mlp."
    var output: String?

    private var many: String { copies > 1 ? "\(copies) × " : "" }

    var input: PassStep? {
      .products(
        [prefix + "W_gate", prefix + "W_in"], of: pass.components,
        titled: name.isEmpty ? (mlp.isGated ? "gates and inputs" : "neurons' inputs") : "\(name), in", .mlp, way: way,
        shape: "\(pass.row) → \(many)\(mlp.isGated ? "2 × " : "")\(grouped(mlp.neurons))",
        site: way == .shared ? nil : site + "hook_pre")
    }

    var activation: PassStep {
      let name = mlp.activation.rawValue
      return .inside(
        mlp.isGated ? "\(name)(gate) · input" : name, .mlp, way: way, "\(many)\(grouped(mlp.neurons)) neurons",
        width: false, site: site + "hook_post")
    }

    var out: PassStep? {
      .products(
        [prefix + "W_out"], of: pass.components, titled: name.isEmpty ? "neurons' output" : "\(name), out", .mlp,
        way: way, shape: "\(many)\(grouped(mlp.neurons)) → \(pass.row)", site: output)
    }
  }
}
