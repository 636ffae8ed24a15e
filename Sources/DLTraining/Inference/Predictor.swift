import DLCluster
import DLData
import DLFormats
import DLLayers
import DLTensor

extension TrainedRun {
  /// Predicts every row of a data set file, of which only `x` is needed, and writes CSV.
  ///
  /// With classes: `row,class,probability`; where a row has several labels a line for each,
  /// `row,position,class,probability`. Without classes: `row,value...`. Where the loss takes logits
  /// or logarithms, the numbers are the probabilities that they stand for.
  ///
  /// - Parameters:
  ///   - input: the data set file.
  ///   - write: takes the text in pieces.
  /// - Returns: the number of rows.
  @discardableResult
  public func predict(_ input: String, write: (String) throws -> Void) throws -> Int {
    let trained = try TrainedNetwork(self, communicator: SingleRank())
    let configuration = trained.configuration
    let dataset = try InputDataset(path: EmbeddedData.resolve(input))
    try trained.check(dataset, input)
    let evaluation = Evaluation(
      task: trained.task, dataset: dataset,
      transform: try TrainingData.transform(of: dataset, configuration), context: trained.context,
      batchSize: min(configuration.validate.batchSize ?? configuration.batchSize, 4096))
    let loss = configuration.loss.loss
    var isFirst = true
    try evaluation.eachBatch { batch, rows in
      let output = try trained.task.predict(batch)
      let width = output.shape.last
      var text = ""
      let values = try loss.predictions(of: output).doubles
      if loss is any ClassLoss {
        let positions = output.shape.leading / max(rows.count, 1)
        if isFirst { text += (positions > 1 ? "row,position" : "row") + ",class,probability\n" }
        for index in 0..<rows.count * positions {
          let line = values[index * width..<(index + 1) * width]
          guard let best = line.indices.max(by: { line[$0] < line[$1] }) else { continue }
          let (row, position) = index.quotientAndRemainder(dividingBy: positions)
          text += "\(rows[row])" + (positions > 1 ? ",\(position)" : "")
          text += ",\(best - line.startIndex),\(Text.significant(line[best], 9))\n"
        }
      } else {
        let count = rows.count > 0 ? values.count / rows.count : 0
        if isFirst {
          let names = count == 1 ? ["value"] : (0..<count).map { "value\($0)" }
          text += "row," + names.joined(separator: ",") + "\n"
        }
        for (index, row) in rows.enumerated() {
          let line = values[index * count..<(index + 1) * count]
          text += "\(row)," + line.map { Text.significant($0, 9) }.joined(separator: ",") + "\n"
        }
      }
      isFirst = false
      try write(text)
    }
    return dataset.count
  }
}

/// The inputs of a data set file, whether it has labels or not.
private final class InputDataset: Dataset {
  let count: Int
  let inputShape: [Int]
  let inputType: DType
  let labelShape = [0]
  let labelType = DType.int32
  let classCount: Int? = nil
  private let file: SafetensorsFile
  private let x: SafetensorsInfo

  init(path: String) throws {
    file = try SafetensorsFile(path: path)
    x = try file.info("x")
    guard let type = DType(x.dtype), [.uint8, .float32, .int32].contains(type),
      let count = x.shape.first, x.count > 0
    else {
      throw FormatError(
        .content, file: path, "x is \(x.dtype.rawValue) \(x.shape), not U8, F32 or I32 [rows, ...]",
        advice: "convert it")
    }
    inputType = type
    self.count = count
    inputShape = Array(x.shape.dropFirst())
  }

  func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    for (place, row) in rows.enumerated() {
      let part = inputs[place * inputByteCount..<(place + 1) * inputByteCount]
      try file.read(x, rows: row..<row + 1, into: UnsafeMutableRawBufferPointer(rebasing: part))
    }
  }
}
