import DLCore
import DLLayers
import DLTensor

/// What a task predicts for the rows of a batch.
public enum Predictions {
  /// Probabilities, `[rows, ..., classes]`: written are the likeliest class and its own.
  case classes(Tensor)
  /// Numbers, `[rows, ...]`.
  case values(Tensor)
  /// A line of text for each row.
  case lines([String])
}

extension Loss {
  /// What the outputs of a network that was trained by this loss say: classes or values.
  func predictions(_ outputs: Tensor) throws -> Predictions {
    let values = try predictions(of: outputs)
    // The scores of support vector machines are no probabilities.
    return self is any ClassLoss && !(self is Hinge) ? .classes(values) : .values(values)
  }
}

extension Predictions {
  /// The line above those of all rows; nil where there is none.
  ///
  /// - Parameter count: the rows of the batch.
  package func header(rows count: Int) -> String? {
    switch self {
    case .classes(let probabilities):
      (positions(probabilities, count) > 1 ? "row,position" : "row") + ",class,probability"
    case .values(let values):
      switch width(values, count) {
      case 1: "row,value"
      case let width: (["row"] + (0..<width).map { "value\($0)" }).joined(separator: ",")
      }
    case .lines: nil
    }
  }

  /// The lines of the rows of these numbers.
  package func lines(rows: UnsafeBufferPointer<Int>) throws -> [String] {
    switch self {
    case .classes(let probabilities):
      let (width, positions) = (
        probabilities.shape.last, positions(probabilities, rows.count)
      )
      let values = probabilities.doubles
      return (0..<rows.count * positions).compactMap { index in
        let line = values[index * width..<(index + 1) * width]
        guard let best = line.indices.max(by: { line[$0] < line[$1] }) else { return nil }
        let (row, position) = index.quotientAndRemainder(dividingBy: positions)
        return "\(rows[row])" + (positions > 1 ? ",\(position)" : "")
          + ",\(best - line.startIndex),\(Format.significant(line[best], 9))"
      }
    case .values(let tensor):
      let (width, values) = (width(tensor, rows.count), tensor.doubles)
      return rows.enumerated().map { index, row in
        let line = values[index * width..<(index + 1) * width]
        return (["\(row)"] + line.map { Format.significant($0, 9) }).joined(separator: ",")
      }
    case .lines(let lines):
      return lines
    }
  }

  /// Labels of a row.
  private func positions(_ probabilities: Tensor, _ rows: Int) -> Int {
    probabilities.shape.leading / max(rows, 1)
  }

  /// Numbers of a row.
  private func width(_ values: Tensor, _ rows: Int) -> Int { values.count / max(rows, 1) }
}
