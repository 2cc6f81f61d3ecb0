import Architectures
import Diagnostics
import LinearAlgebra

/// What the residual stream is made of, one row of text a component: TransformerLens's `accumulated_resid`,
/// `decompose_resid` and `stack_head_results`.
public struct ResidualStack: Sendable {
  /// What each component is called: `embed`, `0_attn_out`, `L2H3` ….
  public var labels: [String]
  /// Each component's values. Shape: [components][tokens, d_model].
  public var components: [Matrix]

  /// The sum of all components. Shape: [tokens, d_model].
  public var sum: Matrix {
    var sum = components[0]
    for component in components.dropFirst() {
      sum.withUnsafeMutableElements { elements in
        for (index, value) in component.elements.enumerated() { elements[index] += value }
      }
    }
    return sum
  }
}

extension ActivationCache {
  /// The names of the sites from which `decomposeResidual` and `accumulatedResidual` read, for `Session.run(_:caching:)`.
  public static let residualSites = "embed,pos_embed,resid_pre,resid_mid,resid_post,attn_out,mlp_out,ln_final_scale"

  /// The residual stream in front of each layer, and at last behind the last one.
  ///
  /// - Parameters:
  ///   - layer: The last layer in front of which it is taken; nil: all, and the final stream.
  ///   - includesMiddle: Whether the stream between attention and MLP is taken too.
  /// - Throws: `transformer.notCached`.
  public func accumulatedResidual(upTo layer: Int? = nil, includesMiddle: Bool = false) throws -> ResidualStack {
    var stack = ResidualStack(labels: [], components: [])
    let layers = model.architecture.layers
    for number in 0..<min(layers, (layer ?? layers - 1) + 1) {
      stack.append("\(number)_pre", try value("resid_pre", layer: number).matrix)
      if includesMiddle, number != layer, !model.architecture.blocks[number].isParallel {
        stack.append("\(number)_mid", try value("resid_mid", layer: number).matrix)
      }
    }
    if layer == nil { stack.append("final_post", try value("resid_post", layer: layers - 1).matrix) }
    return stack
  }

  /// The residual stream in front of a layer as a sum: the embeddings, and what each attention and MLP before it wrote.
  ///
  /// - Parameter layer: nil: behind the last layer.
  /// - Throws: `transformer.notCached`; `transformer.noAttribution` where norms stand on the stream itself (BERT).
  public func decomposeResidual(upTo layer: Int? = nil) throws -> ResidualStack {
    let architecture = model.architecture
    guard architecture.blocks.allSatisfy({ $0.normPlace != .onStream }), !architecture.embedding.normalizesSum else {
      throw Fault(
        .usage, "transformer.noAttribution", "This model's residual stream is no sum of what its parts wrote",
        expected: "a model that normalizes beside the residual stream", found: architecture.modelType)
    }
    var stack = ResidualStack(labels: ["embed"], components: [try value("embed").matrix])
    if architecture.embedding.positions != nil { stack.append("pos_embed", try value("pos_embed").matrix) }
    for number in 0..<(layer ?? architecture.layers) {
      stack.append("\(number)_attn_out", try value("attn_out", layer: number).matrix)
      stack.append("\(number)_mlp_out", try value("mlp_out", layer: number).matrix)
    }
    return stack
  }

  /// What each head wrote into the residual stream in the layers before one; the attention's biases are left out. Needs
  /// `result` of these layers.
  ///
  /// - Throws: `transformer.notCached`.
  public func headResults(upTo layer: Int? = nil) throws -> ResidualStack {
    var stack = ResidualStack(labels: [], components: [])
    for number in 0..<(layer ?? model.architecture.layers) {
      let value = try value("result", layer: number)
      let (heads, width) = (value.shape[1], value.shape[2])
      for head in 0..<heads {
        let matrix = Matrix(rows: tokens.count, columns: width) { result in
          for token in tokens.indices {
            let first = (token * heads + head) * width
            for column in 0..<width { result[token * width + column] = value.elements[first + column] }
          }
        }
        stack.append("L\(number)H\(head)", matrix)
      }
    }
    return stack
  }

  /// A stack as the unembedding sees it: centred where the final norm centres, divided by each token's own scale and
  /// multiplied by the norm's weight. With its logits the components' parts sum to the model's, but for biases. Needs
  /// `ln_final_scale`.
  ///
  /// - Throws: `transformer.notCached`; `transformer.noAttribution` where there is no final norm.
  public func applyingFinalNorm(to stack: ResidualStack) throws -> ResidualStack {
    guard let norm = try model.store.head().norm else {
      throw Fault(
        .usage, "transformer.noAttribution", "This model has no final norm", expected: "a norm before the unembedding",
        found: model.architecture.modelType)
    }
    let scales = try value("ln_final_scale").elements
    var stack = stack
    for index in stack.components.indices {
      let width = stack.components[index].columns
      stack.components[index].withUnsafeMutableElements { elements in
        for token in scales.indices {
          let row = token * width..<(token + 1) * width
          let mean = norm.norm.isCentred ? elements[row].reduce(0, +) / Float(width) : 0
          for (column, place) in row.enumerated() {
            elements[place] = (elements[place] - mean) / scales[token] * (norm.weight?[column] ?? 1)
          }
        }
      }
    }
    return stack
  }

  /// What each component of a stack adds to a token's logit (or to its difference to another's) after each token of the
  /// text, biases left out: TransformerLens's `logit_attrs`. Shape: [components][tokens].
  ///
  /// - Throws: As `applyingFinalNorm`; `transformer.tokenOutOfRange`.
  public func logitAttributions(of stack: ResidualStack, token: Int32, against: Int32? = nil) throws -> [[Double]] {
    let rows = try model.unembeddings(of: [token] + (against.map { [$0] } ?? []))
    return try applyingFinalNorm(to: stack).components.map { component in
      (0..<component.rows).map { row in
        (0..<component.columns).reduce(0.0) { sum, column in
          sum + Double(component[row, column]) * Double(rows[0, column] - (against == nil ? 0 : rows[1, column]))
        }
      }
    }
  }
}

extension ResidualStack {
  fileprivate mutating func append(_ label: String, _ component: Matrix) {
    labels.append(label)
    components.append(component)
  }
}
