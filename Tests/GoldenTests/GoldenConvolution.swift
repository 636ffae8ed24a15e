import DLTensor
import DLTestSupport

extension GoldenCase {
  /// The runners of scripts/golden/make_convolution.py, and of the plain convolutions.
  ///
  /// Weights go through a recorded permutation, so that their gradients come out as the file has them.
  static var convolutions: [String: OpRunner] {
    [
      "conv2d": { golden, inputs in
        [
          "y": try inputs.get("x").conv2d(
            inputs.get("weight").permute(2, 3, 1, 0), bias: inputs["bias"],
            stride: golden.size("stride"), padding: golden.padding(),
            dilation: golden.size("dilation", default: 1), groups: golden.count("groups"))
        ]
      },
      "conv1d": { golden, inputs in
        [
          "y": try inputs.get("x").conv1d(
            inputs.get("weight").permute(2, 1, 0), bias: inputs["bias"],
            stride: golden.count("stride"), padding: golden.sequencePadding(),
            dilation: golden.count("dilation"), groups: golden.count("groups"))
        ]
      },
      "conv_transpose2d": { golden, inputs in
        [
          "y": try inputs.get("x").convTranspose2d(
            inputs.get("weight").permute(2, 3, 1, 0), bias: inputs["bias"],
            stride: golden.size("stride"), padding: golden.size("padding"),
            outputPadding: golden.size("output_padding"), dilation: golden.size("dilation"),
            groups: golden.count("groups"))
        ]
      },
      "conv_transpose1d": { golden, inputs in
        [
          "y": try inputs.get("x").convTranspose1d(
            inputs.get("weight").permute(2, 1, 0), bias: inputs["bias"],
            stride: golden.count("stride"), padding: golden.count("padding"),
            outputPadding: golden.count("output_padding"), dilation: golden.count("dilation"),
            groups: golden.count("groups"))
        ]
      },
    ]
  }

  /// A whole number; 1 where the case has none.
  func count(_ key: String) -> Int { options[key]?.int ?? 1 }

  /// A height and a width; `default` where the case has none.
  func size(_ key: String, default value: Size2d) throws -> Size2d {
    options[key] == nil ? value : try size(key)
  }

  /// `same`, a height and a width, or top, bottom, left, right.
  func padding() throws -> Padding2d {
    if options["padding"]?.string == "same" { return .same }
    let list = try integers("padding")
    return list.count == 2
      ? .symmetric(Size2d(list[0], list[1]))
      : .sides(top: list[0], bottom: list[1], left: list[2], right: list[3])
  }

  /// `same`, or left, right.
  func sequencePadding() throws -> Padding1d {
    if options["padding"]?.string == "same" { return .same }
    let list = try integers("padding")
    return .sides(left: list[0], right: list[1])
  }
}
