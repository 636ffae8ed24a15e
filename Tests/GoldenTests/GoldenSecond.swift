import DLTensor
import DLTestSupport

extension GoldenCase {
  /// The networks and gradient penalties of scripts/golden/make_second.py.
  static var penalties: [String: OpRunner] {
    [
      "network": { golden, inputs in
        ["y": try golden.options["network"] == "mlp" ? golden.mlp(inputs) : golden.convnet(inputs)]
      },
      "wgan_gp": { golden, inputs in
        let slope = try golden.criticSlope(inputs)
        return [
          "y": try inputs.get("x").context.differentiably {
            let excess = try (slope * slope).sum(axis: 1).sqrt() - 1
            return try (excess * excess).sum()
          }
        ]
      },
      "r1": { golden, inputs in
        let slope = try golden.criticSlope(inputs)
        return ["y": try inputs.get("x").context.differentiably { try (slope * slope).sum() }]
      },
    ]
  }

  private func activated(_ x: Tensor) throws -> Tensor {
    switch options["activation"]?.string {
    case "tanh": try x.tanh()
    case "sigmoid": try x.sigmoid()
    case "gelu": try x.gelu()
    case "softplus": try x.softplus()
    case "silu": try x.silu()
    case "elu": try x.elu()
    case "relu": try x.relu()
    case "leaky_relu": try x.leakyReLU(0.2)
    default: throw MissingGolden("\(name): no such activation")
    }
  }

  private func mlp(_ inputs: [String: Tensor]) throws -> Tensor {
    let first = try activated(inputs.get("x").linear(inputs.get("w1"), bias: inputs["b1"]))
    let second = try activated(first.linear(inputs.get("w2"), bias: inputs["b2"]))
    return try second.linear(inputs.get("w3")).crossEntropySum(labels: inputs.get("labels"))
  }

  private func convnet(_ inputs: [String: Tensor]) throws -> Tensor {
    let first = try activated(
      inputs.get("x").conv2d(
        inputs.get("w1").permute(2, 3, 1, 0), bias: inputs["b1"], stride: Size2d(2, 1), padding: 1))
    let second = try activated(
      first.conv2d(inputs.get("w2").permute(2, 3, 1, 0), stride: Size2d(1, 2)))
    return try second.flatten().linear(inputs.get("w3"), bias: inputs["b3"])
      .squaredErrorSum(inputs.get("target"))
  }

  /// The gradient of a small critic's score by its input, a row per image.
  private func criticSlope(_ inputs: [String: Tensor]) throws -> Tensor {
    let x = try inputs.get("x").requiringGradient()
    return try x.context.differentiably {
      let hidden = try activated(
        x.conv2d(
          inputs.get("w1").permute(2, 3, 1, 0), bias: inputs["b1"], stride: Size2d(2, 1),
          padding: 1))
      let score = try hidden.flatten().linear(inputs.get("w2"), bias: inputs["b2"])
      return try x.context.gradients(of: score.sum(), with: [x], createGraph: true)[0]
        .reshape([x.shape[0], x.shape.dropFirst().count])
    }
  }
}
