import DLCluster
import DLCore
import DLData
import DLFormats
import DLLayers
import DLTensor
import DLTraining

/// An attack as the command line asks for it.
package struct AttackRequest: Sendable {
  /// The attack.
  package var method: any Attack.Type
  /// Its numbers.
  package var options = AttackOptions()
  /// The sizes of changes that are tried, ascending.
  package var epsilons: [Double]
  /// The data set; nil for the run's validation set.
  package var data: String?
  /// Rows at most, drawn by the run's seed.
  package var rows = 1000
  /// The class to be reached, by number or name; nil to leave the right one.
  package var target: String?
  /// The values that inputs may have; nil for 0 to 1 of bytes, and for others those of the data.
  package var range: ClosedRange<Double>?
  /// Pictures of the sheet.
  package var pictures = 10

  /// Asks for an attack with the sizes that go with its norm.
  package init(_ method: any Attack.Type, norm: AttackNorm) {
    self.method = method
    options.norm = norm
    options.steps = method.defaultSteps
    epsilons = norm == .linf ? [0.01, 0.02, 0.05, 0.1, 0.2, 0.3] : [0.25, 0.5, 1, 2, 4]
  }
}

/// The outcome of an attack on a trained run.
package struct AttackReport: Sendable {
  /// The outcome for one size of changes.
  package struct Level: Sendable {
    /// The size; nil where an attack has none, or for any size.
    package let epsilon: Double?
    /// Rows that the attack had succeeded with.
    package let successes: Int
    /// Rows whose class is still right.
    package let right: Int
    /// The mean sizes of the changes that succeeded; not a number for none.
    package let meanL2: Double
    package let meanLinf: Double
  }

  /// A picture before and after.
  package struct Picture: Sendable {
    package let row: Int
    package let label: Int
    package let before: Int
    package let after: Int
    package let original: [Double]
    package let changed: [Double]
  }

  package let method: String
  package let norm: AttackNorm
  package let checkpoint: String
  package let data: String
  package let rows: Int
  package let rowsOfData: Int
  /// The class to be reached; nil where the right one is to be left.
  package let target: Int?
  /// The classes' names; nil for numbers.
  package let names: [String]?
  /// Rows whose class was right before.
  package let rightBefore: Int
  /// Rows that the attack could succeed with: right before, or not of the target.
  package let eligible: Int
  package let levels: [Level]
  /// Each row's class behind the attack, for each size in turn.
  package let predictions: [[Int]]
  package let pictures: [Picture]
  package let imageShape: [Int]
  package let range: ClosedRange<Double>

  /// The share of eligible rows that an attack succeeded with.
  package func rate(_ level: Level) -> Double {
    Double(level.successes) / Double(max(eligible, 1))
  }

  /// The name of a class.
  package func name(_ index: Int) -> String {
    if let names, names.indices.contains(index) { return names[index] }
    return String(index)
  }
}

extension AttackReport {
  /// The report for people.
  package func text(columns: Int?) -> String {
    var head = [["checkpoint", checkpoint], ["data", data]]
    head.append([
      "rows",
      rows == rowsOfData
        ? Format.grouped(rows) : "\(Format.grouped(rows)) of \(Format.grouped(rowsOfData))",
    ])
    head.append([
      "attack", "\(method), \(norm.rawValue)" + (target.map { ", to class \(name($0))" } ?? ""),
    ])
    head.append([
      "right before",
      "\(Format.grouped(rightBefore)) (\(Format.percent(Double(rightBefore) / Double(max(rows, 1)), 2)))",
    ])
    let table = levels.map { level in
      [
        level.epsilon.map { Format.significant($0, 6) } ?? "any",
        "\(Format.grouped(level.successes)) of \(Format.grouped(eligible))",
        Format.percent(rate(level), 2),
        Format.percent(Double(level.right) / Double(max(rows, 1)), 2),
        level.successes == 0 ? "" : Format.significant(level.meanL2, 4),
        level.successes == 0 ? "" : Format.significant(level.meanLinf, 4),
      ]
    }
    var parts = [
      Format.table(head, columns: columns),
      Format.table(
        [["epsilon", "succeeded", "rate", "still right", "mean L2", "mean Linf"]] + table,
        rightAligned: [0, 1, 2, 3, 4, 5], columns: columns),
    ]
    if !pictures.isEmpty {
      parts.append(
        Format.table(
          [["row", "label", "before", "after"]]
            + pictures.map {
              [Format.grouped($0.row), name($0.label), name($0.before), name($0.after)]
            }, rightAligned: [0], columns: columns))
    }
    return parts.joined(separator: "\n\n")
  }

  /// The report for programs.
  package var json: JSON {
    [
      "method": .string(method), "norm": .string(norm.rawValue),
      "checkpoint": .string(checkpoint), "data": .string(data), "rows": .integer(rows),
      "target": target.map { .integer($0) } ?? .null, "right_before": .integer(rightBefore),
      "eligible": .integer(eligible),
      "levels": .array(
        levels.map {
          [
            "epsilon": $0.epsilon.map { .number($0) } ?? .null,
            "succeeded": .integer($0.successes), "rate": .number(rate($0)),
            "still_right": .integer($0.right), "mean_l2": .number($0.meanL2),
            "mean_linf": .number($0.meanLinf),
          ]
        }),
    ]
  }

  /// The levels as CSV.
  package var csv: String {
    "epsilon,succeeded,eligible,rate,still_right,rows,mean_l2,mean_linf\n"
      + levels.map {
        "\($0.epsilon.map { "\($0)" } ?? ""),\($0.successes),\(eligible),\(rate($0)),\($0.right),"
          + "\(rows),\($0.meanL2),\($0.meanLinf)\n"
      }.joined()
  }

  /// Pictures before, after, and the change around gray, one row of the sheet each; nil where rows
  /// are no images, or the attack never succeeded.
  ///
  /// - Throws: `FormatError` where the sheet is too large.
  package func sheet() throws -> RasterImage? {
    guard imageShape.count == 3, [1, 3].contains(imageShape[2]), !pictures.isEmpty else {
      return nil
    }
    let (height, width, channels) = (imageShape[0], imageShape[1], imageShape[2])
    // Tiny images are shown larger, each pixel as a square.
    let zoom = max(64 / max(height, width, 1), 1)
    let size = max(range.upperBound - range.lowerBound, 1e-300)
    let most =
      pictures.flatMap { zip($0.original, $0.changed).map { abs($0 - $1) } }.max() ?? size
    func tile(_ values: [Double]) -> [UInt8] {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(height * width * channels * zoom * zoom)
      for row in 0..<height * zoom {
        for column in 0..<width * zoom {
          let first = (row / zoom * width + column / zoom) * channels
          for channel in 0..<channels {
            let value = values[first + channel] * 255
            bytes.append(value.isFinite ? UInt8(min(max(value, 0), 255).rounded()) : 0)
          }
        }
      }
      return bytes
    }
    func shares(_ values: [Double]) -> [Double] { values.map { ($0 - range.lowerBound) / size } }
    let rows = [
      pictures.map { shares($0.original) }, pictures.map { shares($0.changed) },
      pictures.map { picture in
        zip(picture.original, picture.changed).map { 0.5 + ($1 - $0) / (2 * max(most, 1e-300)) }
      },
    ]
    return try RasterImage.sheet(
      tiles: rows.flatMap { $0.flatMap(tile) }, height: height * zoom, width: width * zoom,
      channels: channels, columns: pictures.count, gap: 4)
  }
}
