import DLTrain
import Foundation

/// A kind of data sets that this program alone knows: a text file NAME.corners that says how many images
/// there are, each dark but for one of its corners, which is its class.
enum Corners: DataSource {
  static func open(_ request: DataRequest) throws -> (any Dataset)? {
    guard request.path.hasSuffix(".corners") else { return nil }
    let text = try String(contentsOfFile: request.file, encoding: .utf8)
    guard let count = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)), count > 0 else {
      throw DataError("\(request.path): expected a number of images", exitCode: .data)
    }
    return CornerDataset(count: count)
  }
}

/// Images `[8, 8, 1]` of bytes with one of four corners bright.
final class CornerDataset: Dataset {
  let count: Int
  let inputShape = [8, 8, 1]
  let inputType = DType.uint8
  let labelShape: [Int] = []
  let labelType = DType.int32
  let classCount: Int? = 10

  init(count: Int) { self.count = count }

  func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    let classes = labels.bindMemory(to: Int32.self)
    for (place, row) in rows.enumerated() {
      let corner = row % 4
      for pixel in 0..<64 {
        let isBright = pixel / 32 == corner / 2 && pixel % 8 / 4 == corner % 2
        inputs[place * 64 + pixel] = isBright ? UInt8(200 + row % 50) : 10
      }
      classes[place] = Int32(corner)
    }
  }
}
