import DLCore
import DLData
import DLLayers
import DLTensor

/// The predictions of a task for the rows of a batch.
public enum Predictions {
  /// Probabilities, `[rows, ..., classes]`: written are the likeliest class and its own.
  case classes(Tensor)
  /// Numbers, `[rows, ...]`.
  case values(Tensor)
  /// A sequence of classes for each row.
  case sequences([[Int]])
  /// Objects on each row's image, the surest first.
  case objects([[Detection]])
  /// A line of text for each row.
  case lines([String])
}

extension Loss {
  /// The predictions by the outputs of a network that was trained by this loss: classes or values.
  func predictions(_ outputs: Tensor) throws -> Predictions {
    if let ctc = self as? CTC { return .sequences(try ctc.bestPaths(outputs)) }
    let values = try predictions(of: outputs)
    values.lengths = outputs.lengths
    // The scores of support vector machines are no probabilities.
    return self is any ClassLoss && !(self is Hinge) ? .classes(values) : .values(values)
  }
}

extension Predictions {
  /// The line above those of all rows; nil where there is none.
  ///
  /// - Parameters:
  ///   - count: the rows of the batch.
  ///   - names: what the classes are called.
  ///   - hasFiles: whether the rows are files.
  package func header(rows count: Int, names: ClassNames? = nil, hasFiles: Bool = false) -> String?
  {
    columns(rows: count, names: names).map { $0 + (hasFiles ? ",file" : "") }
  }

  private func columns(rows count: Int, names: ClassNames?) -> String? {
    switch self {
    case .classes(let probabilities):
      (positions(probabilities, count) > 1 ? "row,position" : "row") + ",class,probability"
        + (names == nil ? "" : ",name")
    case .values(let values):
      switch width(values, count) {
      case let width where width > 1 && width == names?.names.count:
        (["row"] + (names?.names.map(Self.cell) ?? [])).joined(separator: ",")
      case 1: "row,value"
      case let width: (["row"] + (0..<width).map { "value\($0)" }).joined(separator: ",")
      }
    case .sequences: "row,classes"
    case .objects: "row,class,probability,left,top,right,bottom" + (names == nil ? "" : ",name")
    case .lines: nil
    }
  }

  /// The lines of the rows of these numbers, without the positions of padding.
  ///
  /// - Parameters:
  ///   - names: what the classes are called, for a column of its own behind the numbers.
  ///   - files: the files that all rows of the data are, for the last column.
  package func lines(
    rows: UnsafeBufferPointer<Int>, names: ClassNames? = nil, files: [String]? = nil
  ) -> [String] {
    let names = names?.names.map(Self.cell)
    func file(_ row: Int) -> String { files.map { "," + Self.cell($0[row]) } ?? "" }
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
        guard position < valid(probabilities, row, of: positions) else { return nil }
        let number = best - line.startIndex
        let name = names.map { number < $0.count ? ",\($0[number])" : "," } ?? ""
        return "\(rows[row])" + (positions > 1 ? ",\(position)" : "")
          + ",\(number),\(Format.significant(line[best], 9))" + name + file(rows[row])
      }
    case .values(let tensor):
      let (width, values) = (width(tensor, rows.count), tensor.doubles)
      return rows.enumerated().map { index, row in
        let line = values[index * width..<(index + 1) * width]
        return (["\(row)"] + line.map { Format.significant($0, 9) }).joined(separator: ",")
          + file(row)
      }
    case .sequences(let sequences):
      return zip(rows, sequences).map { row, classes in
        let words = classes.map { number in
          names.flatMap { number < $0.count ? $0[number] : nil } ?? "\(number)"
        }
        return "\(row)," + words.joined(separator: " ") + file(row)
      }
    case .objects(let objects):
      return zip(rows, objects).flatMap { row, objects in
        objects.map { object in
          let box = object.box
          let numbers = [object.score, box.left, box.top, box.right, box.bottom]
          let name = names.map { object.label < $0.count ? ",\($0[object.label])" : "," } ?? ""
          return "\(row),\(object.label),"
            + numbers.map { Format.significant($0, 6) }.joined(separator: ",") + name + file(row)
        }
      }
    case .lines(let lines):
      return lines
    }
  }

  /// Positions of a row that are no padding.
  private func valid(_ probabilities: Tensor, _ row: Int, of positions: Int) -> Int {
    guard let lengths = probabilities.lengths, probabilities.shape.rank == 3 else {
      return positions
    }
    return Int(lengths.pointer.assumingMemoryBound(to: Int32.self)[row])
  }

  /// A name as a cell of CSV (RFC 4180).
  private static func cell(_ name: String) -> String {
    let needsQuotes = name.unicodeScalars.contains { ",\"\n\r".unicodeScalars.contains($0) }
    return needsQuotes
      ? "\"" + name.parts(at: "\"").joined(separator: "\"\"") + "\"" : name
  }

  /// Labels of a row.
  private func positions(_ probabilities: Tensor, _ rows: Int) -> Int {
    probabilities.shape.leading / max(rows, 1)
  }

  /// Numbers of a row.
  private func width(_ values: Tensor, _ rows: Int) -> Int { values.count / max(rows, 1) }
}
