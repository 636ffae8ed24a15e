import DLCore

// How results stand in the table that evaluate prints.
extension MetricResult {
  /// The most classes that have a column each.
  private static let shownClasses = 20

  /// One cell: the number, or where to find more than one.
  package var text: String {
    switch content {
    case .number(let value): Format.significant(value, 6)
    case .share(let part, let whole):
      "\(Format.percent(value ?? .nan, 2)) (\(Format.grouped(part)) of \(Format.grouped(whole)))"
    case .perClass(let values) where values.count <= MetricResult.shownClasses: "below, by class"
    case .perClass(let values): "of \(Format.grouped(values.count)) classes, in metrics.jsonl"
    case .matrix(let rows) where rows.count <= MetricResult.shownClasses:
      "below, a row for each label"
    case .matrix(let rows): "of \(Format.grouped(rows.count)) classes, in metrics.jsonl"
    }
  }

  /// A table of its own, where it is more than a number and has room; nil else.
  package func table(_ columns: Int?) -> String? {
    switch content {
    case .perClass(let values) where values.count <= MetricResult.shownClasses:
      let head = ["class", name]
      let rows = values.enumerated().map { ["\($0.offset)", Format.significant($0.element, 6)] }
      return Format.table([head] + rows, rightAligned: [0, 1], columns: columns)
    case .matrix(let counts) where counts.count <= MetricResult.shownClasses:
      let head = ["label"] + counts.indices.map { "as \($0)" }
      let rows = counts.enumerated().map { ["\($0.offset)"] + $0.element.map(Format.grouped) }
      return Format.table(
        [head] + rows, rightAligned: Set(0...counts.count), columns: columns)
    default: return nil
    }
  }
}
