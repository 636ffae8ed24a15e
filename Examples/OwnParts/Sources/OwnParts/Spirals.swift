import DLTrain
import Foundation

/// A kind of data sets: a text file NAME.spirals that says how many points there are; each belongs to
/// one of two intertwined spirals.
enum Spirals: DataSource {
  static func open(_ request: DataRequest) throws -> (any Dataset)? {
    guard request.path.hasSuffix(".spirals") else { return nil }
    let text = try String(contentsOfFile: request.file, encoding: .utf8)
    guard let count = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)), count > 0 else {
      throw DataError("\(request.path): expected a number of points", exitCode: .data)
    }
    return SpiralDataset(count: count)
  }
}

/// Points `[2]` and the spiral that each lies on.
final class SpiralDataset: Dataset {
  let count: Int
  let inputShape = [2]
  let inputType = DType.float32
  let labelShape: [Int] = []
  let labelType = DType.int32
  let classCount: Int? = 2

  init(count: Int) { self.count = count }

  func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    let points = inputs.bindMemory(to: Float.self)
    let spirals = labels.bindMemory(to: Int32.self)
    for (place, row) in rows.enumerated() {
      let spiral = row % 2
      let turn = 0.5 + 9 * Double(row) / Double(count)
      let angle = turn + (spiral == 0 ? 0 : Double.pi)
      points[2 * place] = Float(turn * cos(angle) / 5)
      points[2 * place + 1] = Float(turn * sin(angle) / 5)
      spirals[place] = Int32(spiral)
    }
  }
}
