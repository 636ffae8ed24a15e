import CKernels
import DLCluster
import DLCore
import DLTensor

/// The way from raw inputs to a network's input: uint8 is divided by 255, then (x - mean) / std.
///
/// Mean and deviation are per channel (the last dimension), or one for all. Each operation is
/// rounded to the precision asked for, as PyTorch does. Tokens (int32) pass unchanged.
package struct InputTransform: Sendable {
  /// The type of what comes in.
  package let inputType: DType
  /// The type of what comes out: the precision, or int32 for tokens.
  package let outputType: DType

  private let mean32: [Float]
  private let std32: [Float]
  private let mean64: [Double]
  private let std64: [Double]
  private let isPlain: Bool

  /// Makes the transform of inputs of `shape` (of one row) into `precision`, float32 or float64.
  ///
  /// - Throws: `DataError` where the lists fit neither the channels nor one value for all, or a
  ///   deviation is not positive.
  package init(
    from inputType: DType, shape: [Int], precision: DType = .float32,
    normalize: (mean: [Double], std: [Double])? = nil
  ) throws {
    guard precision.isReal, [.uint8, .float32, .int32].contains(inputType) else {
      throw DataError("cannot turn \(inputType) input into \(precision), use float32 or float64")
    }
    self.inputType = inputType
    outputType = inputType == .int32 ? .int32 : precision
    isPlain = normalize == nil
    let mean = normalize?.mean ?? [0]
    let std = normalize?.std ?? [1]
    let channels = shape.last ?? 1
    guard inputType != .int32 || normalize == nil else {
      throw DataError("normalize: tokens cannot be normalized, remove it")
    }
    for (name, list) in [("mean", mean), ("std", std)] {
      guard list.count == 1 || list.count == channels else {
        throw DataError(
          "normalize: \(name) has \(counted(list.count, "value")) and the input \(counted(channels, "channel")), "
            + "give \(channels == 1 ? "1" : "1 or \(channels)")")
      }
      guard list.allSatisfy({ $0.isFinite && (name == "mean" || $0 > 0) }) else {
        throw DataError("normalize: \(name) \(list) is out of range, give positive finite values")
      }
    }
    // The channels repeated, so that the kernel's inner loop is long for any number of them.
    let distinct = max(mean.count, std.count)
    let period = distinct * ((255 + distinct) / distinct)
    mean64 = (0..<period).map { mean[$0 % mean.count] }
    std64 = (0..<period).map { std[$0 % std.count] }
    mean32 = mean64.map(Float.init)
    std32 = std64.map(Float.init)
    guard std32.allSatisfy({ $0 > 0 }) else {
      throw DataError("normalize: std \(std) is out of range, give positive finite values")
    }
  }

  /// True if the output has the input's bits.
  package var isIdentity: Bool { inputType == outputType && isPlain }

  /// Converts `count` elements, which begin at a row's beginning.
  package func apply(
    _ input: UnsafeRawPointer, count: Int, into output: UnsafeMutableRawPointer
  ) {
    if isIdentity {
      output.copyMemory(from: input, byteCount: count * outputType.byteCount)
    } else if outputType == .float32 {
      convert(input, count, mean32, std32, output)
    } else {
      convert(input, count, mean64, std64, output)
    }
  }

  private func convert<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ input: UnsafeRawPointer, _ count: Int, _ mean: [T], _ std: [T],
    _ output: UnsafeMutableRawPointer
  ) {
    if inputType == .uint8 {
      let bytes = input.assumingMemoryBound(to: UInt8.self)
      dl_convert_u8(outputType.kernel, bytes, count, mean, std, mean.count, output)
    } else {
      let floats = input.assumingMemoryBound(to: Float.self)
      dl_convert_f32(outputType.kernel, floats, count, mean, std, mean.count, output)
    }
  }
}
