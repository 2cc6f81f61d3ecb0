/// What makes an architecture: which latents take part in a token, what value they get, and how the loss comes back.
///
/// A rule sees one latent at a time, with the tokens where it takes part; the trainer does everything else. All losses
/// are means over the batch.
protocol LatentRule: Sendable {
  /// Arrays of its own that are trained beside the encoder and the decoder, [F] each.
  var parameters: [Parameter] { get }
  /// Whether the latents' first values, the products themselves, rebuild the input a second time for a loss of the gate.
  var rebuildsFromGate: Bool { get }

  /// A latent takes part where its product lies above this.
  func bound(_ latent: Int) -> Float

  /// The values of a latent from its products.
  func activate(_ latent: Int, _ entries: LatentEntries)

  /// From the gradients of the values, those of the products and of the rule's own arrays.
  func differentiate(_ latent: Int, _ entries: LatentEntries, _ context: LossContext) -> LatentGradient

  /// What must hold of the arrays after a step, such as a threshold that is not below 0.
  func project()
}

extension LatentRule {
  var parameters: [Parameter] { [] }
  var rebuildsFromGate: Bool { false }
  func bound(_ latent: Int) -> Float { 0 }
  func project() {}
}

/// The places of one latent in the arrays of a batch.
struct LatentEntries {
  var count: Int
  var products: UnsafePointer<Float>
  var values: UnsafeMutablePointer<Float>
  /// The gradient of the reconstruction's loss for each value.
  var valueGradients: UnsafePointer<Float>
  /// The same for the reconstruction from the gate, where the rule has one.
  var gateGradients: UnsafePointer<Float>?
  /// To be written: the gradient for each product.
  var productGradients: UnsafeMutablePointer<Float>
}

/// What a rule needs to know of the step.
struct LossContext {
  /// λ of this step over the batch's size.
  var sparsity: Float
  /// ‖W_dec‖ of the latent.
  var decoderNorm: Float
}

/// What a rule answers beside the gradients that it writes.
struct LatentGradient {
  /// The latent's part in the sparsity loss.
  var loss = 0.0
  /// The decoder row's gradient grows by this many times the row.
  var decoderFactor: Float = 0
  /// The gradient of the encoder's bias.
  var bias: Float = 0
}
