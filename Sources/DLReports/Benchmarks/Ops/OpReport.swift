import DLCore
import DLFormats
import DLTensor
import DLTraining

/// The result of a measured op.
struct OpMeasurement: Sendable {
  let op: String
  let shape: String
  let pass: String
  /// The median of its calls.
  let seconds: Double
  /// Multiplications and additions; 0 for an op that is none of products.
  let flops: Double
  /// The least that it moves.
  let bytes: Double

  /// Arithmetic a second.
  var flopRate: Double { flops / seconds }
  /// Bytes a second.
  var byteRate: Double { bytes / seconds }

  /// The share of what the machine allows: for products the lesser of its arithmetic and of what
  /// their operands can be read at, for all others the latter.
  func share(of peaks: MachinePeaks, bfloat16: Bool) -> Double {
    let least = bytes / (peaks.level(holding: bytes)?.bytesPerSecond ?? .infinity)
    return max(least, flops / peaks.flops(bfloat16: bfloat16)) / seconds
  }
}

/// Measured ops beside the machine's peaks.
package struct OpReport: Sendable {
  let peaks: MachinePeaks
  let measurements: [OpMeasurement]
  /// True if products rounded their operands to bfloat16.
  let isBFloat16: Bool

  /// A table, a line for each op, shape and direction.
  package func text(columns: Int?) -> String {
    var rows = [["op", "shape", "pass", "time", "rate", "limit"]]
    for one in measurements {
      let rate =
        one.flops > 0
        ? Format.significant(one.flopRate * 1e-9, 3) + " GFLOP/s"
        : Format.significant(one.byteRate * 1e-9, 3) + " GB/s"
      rows.append([
        one.op, one.shape, one.pass, Format.shortTime(one.seconds), rate,
        Format.percent(one.share(of: peaks, bfloat16: isBFloat16), 0),
      ])
    }
    return """
      \(Format.wrapped(peaks.text, columns, indent: "  "))
      \(Format.wrapped(arithmeticText, columns, indent: "  "))

      \(Format.table(rows, rightAligned: [3, 4, 5], columns: columns))
      """
  }

  private var arithmeticText: String {
    "BLAS \(BLAS.core), kernels \(CPU.kernelSet)" + (isBFloat16 ? "; " + CPU.bfloat16 : "")
  }

  /// Writes all numbers as JSON.
  ///
  /// - Throws: `FormatError` where the file cannot be written.
  package func writeJSON(to path: String) throws {
    try File.replace(path) { try $0.write(json.description + "\n") }
  }

  var json: JSON {
    .object([
      .init("version", .string(Version.current)), .init("cpu", .string(CPU.name)),
      .init("blas_core", .string(BLAS.core)), .init("kernel_set", .string(CPU.kernelSet)),
      .init("precision", .string(isBFloat16 ? "bfloat16" : "float32")), .init("peaks", peaks.json),
      .init(
        "ops",
        .array(
          measurements.map { one in
            .object([
              .init("op", .string(one.op)), .init("shape", .string(one.shape)),
              .init("pass", .string(one.pass)), .init("seconds", .number(one.seconds)),
              .init("flops", .number(one.flops)), .init("bytes", .number(one.bytes)),
              .init("limit_share", .number(one.share(of: peaks, bfloat16: isBFloat16))),
            ])
          })),
    ])
  }
}
