import DLCluster
import DLCore
import DLFormats
import DLJobs
import DLTraining

/// The result of measured optimizer steps; times are medians over the steps.
package struct StepMeasurement: Sendable {
  /// The configuration's name.
  package var workload = ""
  /// Ranks.
  package var ranks = 1
  /// Rows of a step over all ranks.
  package var rows = 0
  /// Trained elements.
  package var parameters = 0
  /// The type that the job computes in.
  package var precision = Configuration.Precision.float32
  /// Bytes of optimizer state on the rank that has most.
  package var stateBytes = 0
  /// Collectives of a step where there are several ranks: two for each synchronized batch
  /// normalization, and those of the step itself.
  package var collectives = 0
  /// The bytes that a step sends between processes that share no memory, over all of them.
  package var traffic = CommunicationVolume()
  /// Seconds of a step on the slowest rank.
  package var seconds = 0.0
  /// The parts of the time, on rank 0.
  package var times = StepTimes()
  /// The BLAS kernels in use.
  package var blasCore = ""
  /// The kernels of our own in use.
  package var kernelSet = ""

  /// The profile of rank 0's time; nil unless that was asked.
  package var profile: ProfileTable?

  /// Rows of the rank that has most.
  package var rowsPerRank: Int { (rows + ranks - 1) / max(ranks, 1) }
  /// Rows per second, all ranks together.
  package var samplesPerSecond: Double { seconds > 0 ? Double(rows) / seconds : 0 }

  package init() {}

  /// As an object on one line.
  package var json: JSON {
    .object(
      [
        .init("workload", .string(workload)), .init("ranks", .integer(ranks)),
        .init("threads_per_rank", 1), .init("rows_per_rank", .integer(rowsPerRank)),
        .init("rows", .integer(rows)),
        .init("precision", .string(precision.rawValue)),
        .init("step_ms", .number(seconds * 1e3)),
        .init("samples_per_s", .number(samplesPerSecond)),
      ]
        + StepTimes.parts.map {
          .init($0.name + "_ms", .number(times[keyPath: $0.seconds] * 1e3))
        } + [
          .init("parameters", .integer(parameters)),
          .init("state_bytes_per_rank", .integer(stateBytes)),
          .init("collectives", .integer(collectives)),
          .init("sent_bytes", .integer(traffic.gradients)),
          .init("uncompressed_bytes", .integer(traffic.plainGradients)),
          .init("parameter_bytes", .integer(traffic.parameters)),
          .init("blas_core", .string(blasCore)), .init("kernel_set", .string(kernelSet)),
        ])
  }

  /// Reads what another process has printed.
  ///
  /// - Throws: `FormatError` where it is no such object.
  package init(parsing line: String) throws {
    let object = try JSON(parsing: line, file: "bench step")
    func value(_ key: String) throws -> JSON {
      guard let value = object[key] else {
        throw FormatError(
          .content, file: "bench step", "no \(key) in \(line)", advice: "use one build of dltrain")
      }
      return value
    }
    workload = try value("workload").string ?? ""
    ranks = try value("ranks").int ?? 1
    rows = try value("rows").int ?? 0
    parameters = try value("parameters").int ?? 0
    stateBytes = try value("state_bytes_per_rank").int ?? 0
    let word = try value("precision").string ?? ""
    precision = Configuration.Precision(rawValue: word) ?? .float32
    collectives = try value("collectives").int ?? 0
    traffic.gradients = try value("sent_bytes").int ?? 0
    traffic.plainGradients = try value("uncompressed_bytes").int ?? 0
    traffic.parameters = try value("parameter_bytes").int ?? 0
    seconds = try (value("step_ms").double ?? 0) / 1e3
    for part in StepTimes.parts {
      times[keyPath: part.seconds] = try (value(part.name + "_ms").double ?? 0) / 1e3
    }
    blasCore = try value("blas_core").string ?? ""
    kernelSet = try value("kernel_set").string ?? ""
  }
}
