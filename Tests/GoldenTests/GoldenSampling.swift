import DLTensor
import DLTestSupport

extension GoldenCase {
  /// The runners of scripts/golden/make_sampling.py.
  static var samplings: [String: OpRunner] {
    sequencePools.merging(adaptivePools) { $1 }.merging(resamplings) { $1 }
  }

  private static var sequencePools: [String: OpRunner] {
    [
      "max_pool1d": {
        [
          "y": try $1.get("x").maxPool1d(
            kernel: $0.count("kernel"), stride: $0.count("stride"), padding: $0.count("padding"),
            dilation: $0.count("dilation"), ceilMode: $0.flag("ceil_mode"))
        ]
      },
      "avg_pool1d": {
        [
          "y": try $1.get("x").avgPool1d(
            kernel: $0.count("kernel"), stride: $0.count("stride"), padding: $0.count("padding"),
            countIncludePad: $0.flag("count_include_pad"), ceilMode: $0.flag("ceil_mode"))
        ]
      },
      "global_avg_pool1d": { ["y": try $1.get("x").globalAvgPool1d()] },
      "global_max_pool1d": { ["y": try $1.get("x").globalMaxPool1d()] },
      "global_max_pool2d": { ["y": try $1.get("x").globalMaxPool2d()] },
    ]
  }

  private static var adaptivePools: [String: OpRunner] {
    [
      "adaptive_avg_pool2d": {
        ["y": try $1.get("x").adaptiveAvgPool2d($0.size("output_size"))]
      },
      "adaptive_max_pool2d": {
        ["y": try $1.get("x").adaptiveMaxPool2d($0.size("output_size"))]
      },
      "adaptive_avg_pool1d": {
        ["y": try $1.get("x").adaptiveAvgPool1d($0.count("output_size"))]
      },
      "adaptive_max_pool1d": {
        ["y": try $1.get("x").adaptiveMaxPool1d($0.count("output_size"))]
      },
    ]
  }

  private static var resamplings: [String: OpRunner] {
    [
      "upsample": { golden, inputs in
        let x = try inputs.get("x")
        if let factor = try golden.scale() {
          return ["y": try x.upsample2d(by: factor, golden.interpolation)]
        }
        return ["y": try x.upsample2d(to: golden.size("size"), golden.interpolation)]
      },
      "upsample1d": { golden, inputs in
        let x = try inputs.get("x")
        if let factor = golden.options["scale_factor"]?.double {
          return ["y": try x.upsample1d(by: factor, golden.interpolation)]
        }
        return ["y": try x.upsample1d(to: golden.count("size"), golden.interpolation)]
      },
      "pixel_shuffle": { ["y": try $1.get("x").pixelShuffle($0.count("factor"))] },
      "pixel_unshuffle": { ["y": try $1.get("x").pixelUnshuffle($0.count("factor"))] },
      "zero_pad2d": {
        let sides = try $0.integers("sides")
        return [
          "y": try $1.get("x").zeroPad2d(
            top: sides[0], bottom: sides[1], left: sides[2], right: sides[3])
        ]
      },
      "affine_grid": {
        [
          "y": try $1.get("theta").affineGrid(
            $0.size("size"), alignCorners: $0.flag("align_corners"))
        ]
      },
      "grid_sample": {
        [
          "y": try $1.get("x").gridSample(
            $1.get("grid"), padding: $0.options["padding"]?.string == "border" ? .border : .zeros,
            alignCorners: $0.flag("align_corners"))
        ]
      },
      "spatial_transformer": {
        let corners = $0.flag("align_corners")
        let grid = try $1.get("theta").affineGrid($0.size("size"), alignCorners: corners)
        return ["y": try $1.get("x").gridSample(grid, alignCorners: corners)]
      },
    ]
  }

  var interpolation: Interpolation {
    options["mode"]?.string == "nearest"
      ? .nearest : .bilinear(alignCorners: flag("align_corners"))
  }

  /// The factors of an enlarged image; nil where a size is given.
  func scale() throws -> Scale2d? {
    guard let factors = options["scale_factor"], factors != .null else { return nil }
    let numbers = try factors.numbers()
    return Scale2d(numbers[0], numbers[1])
  }
}
