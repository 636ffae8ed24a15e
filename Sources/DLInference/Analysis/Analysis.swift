import DLCluster
import DLCore
import DLData
import DLTensor
import DLTraining

/// The options of an analysis.
package struct AnalysisOptions: Sendable {
  /// The data set; nil for the run's training set.
  package var data: String?
  /// Rows to go by; nil for all up to ``LossSurface/defaultRows``.
  package var rows: Int?
  /// Lanczos steps at most; 0 to leave the Hessian out.
  package var lanczosSteps = 60
  /// Eigenvalues at either end of the Hessian's spectrum.
  package var eigenvalues = 3
  /// True if Hessian-vector products are to be central differences.
  package var takesDifferences = false
  /// The radius of the ball in which sharpness is looked for.
  package var radius = 0.05
  /// Points on the line; 0 for none.
  package var line = 21
  /// Points on either axis of the plane; 0 for none.
  package var plane = 0
  /// The reach of line and plane to either side, in lengths of each filter.
  package var span = 1.0
  /// A run whose weights the line leads to; nil for a random direction.
  package var target: LoadedRun?
  /// Chords along which convexity is checked; 0 for none.
  package var chords = 0

  /// Looks at what costs little.
  package init() {}
}

/// One thing that an analysis found out, as text and as JSON.
package protocol AnalysisSection: Sendable {
  /// Its key in `analysis.json`.
  static var key: String { get }
  /// The title in the report.
  var title: String { get }
  /// The text for people.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  func text(columns: Int?) -> String
  /// The same for programs.
  var json: JSON { get }
  /// Makes the section; nil where it is not asked for, or has nothing to look at; collective.
  ///
  /// - Throws: `RankFailure`, the same on every rank.
  static func make(_ analysis: Analysis) throws -> Self?
}

/// The sections of a report, in its order: a new one is a file and a line here.
enum AnalysisSections {
  static var all: [any AnalysisSection.Type] {
    [
      LayerGradients.self,
      CriticalPoint.self,
      Sharpness.self,
      LossLine.self,
      LossPlane.self,
      ActivationStatistics.self,
      ConvexityCheck.self,
      DataComparison.self,
    ]
  }
}

/// The facts that the sections of a report share while they are made: the loss surface at the run's
/// weights, and what was found of it.
package final class Analysis {
  let run: LoadedRun
  package let surface: LossSurface
  package let options: AnalysisOptions
  /// The run's weights.
  let weights: Tensor
  /// The loss and its gradient there.
  let loss: Double
  let gradient: Tensor
  private var foundSpectrum: (Lanczos, HessianProduct.Method)?

  /// Opens the run and takes the gradient; collective.
  ///
  /// - Throws: `RankFailure`, the same on every rank.
  package init(_ run: LoadedRun, _ options: AnalysisOptions, communicator: any Communicator) throws
  {
    (self.run, self.options) = (run, options)
    surface = try LossSurface(
      run, data: options.data, rows: options.rows, communicator: communicator)
    weights = try surface.weights
    (loss, gradient) = try surface.gradient()
  }

  /// The ends of the Hessian's spectrum and how its products were made; nil where nobody asks for
  /// them, or nothing learns; collective at the first call.
  func spectrum() throws -> (lanczos: Lanczos, method: HessianProduct.Method)? {
    if let foundSpectrum { return foundSpectrum }
    guard options.lanczosSteps > 0, surface.dimensions > 0 else { return nil }
    let vectors = min(options.lanczosSteps, surface.dimensions) + 8
    try surface.context.communicator.agreed("make room for Lanczos vectors") {
      let bytes = CheckedSize(surface.count) * (8 * vectors)
      for isOfEachRank in [false, true] {
        try bytes.checkMemory(
          for:
            "\(OptionName.lanczos) \(options.lanczosSteps): \(surface.dimensions) parameters a step",
          advice: "give fewer steps, or fewer ranks on a host", isOfEachRank: isOfEachRank)
      }
    }
    let product = try HessianProduct(surface, differences: options.takesDifferences)
    let lanczos = try Lanczos(
      { try product($0) }, start: surface.randomVector("lanczos"), dimensions: surface.dimensions,
      steps: options.lanczosSteps, wanted: max(options.eigenvalues, 1))
    foundSpectrum = (lanczos, product.method)
    return foundSpectrum
  }

  /// The loss some way along a direction, the weights as they were behind; collective.
  func loss(at distance: Double, along direction: Tensor) throws -> Double {
    defer { surface.move(to: weights) }
    surface.move(to: try weights + direction * distance)
    return try surface.loss()
  }
}

/// The findings of an analysis of a trained run.
package struct AnalysisReport: Sendable {
  /// The file of the checkpoint.
  package let checkpoint: String
  /// The data set, the rows that were gone by and those it has.
  package let data: String
  package let rows: Int
  package let rowsOfData: Int
  /// The sections, in their order.
  package let sections: [any AnalysisSection]

  /// Makes all sections that the options ask for; collective.
  ///
  /// - Throws: `RankFailure`, the same on every rank.
  package init(
    _ run: LoadedRun, _ options: AnalysisOptions, communicator: any Communicator
  ) throws {
    let analysis = try Analysis(run, options, communicator: communicator)
    checkpoint = run.checkpoint
    data = analysis.surface.data
    rows = analysis.surface.deal.rows.count
    rowsOfData = analysis.surface.rowsOfData
    sections = try AnalysisSections.all.compactMap { try $0.make(analysis) }
  }

  /// The report for people.
  package func text(columns: Int?) -> String {
    var head = [["checkpoint", checkpoint], ["data", data]]
    head.append([
      "rows",
      rows == rowsOfData
        ? Format.grouped(rows) : "\(Format.grouped(rows)) of \(Format.grouped(rowsOfData))",
    ])
    return
      ([Format.table(head, columns: columns)]
      + sections.map { "\($0.title)\n\n\($0.text(columns: columns))" }).joined(separator: "\n\n")
  }

  /// The report for programs.
  package var json: JSON {
    .object(
      [
        .init("checkpoint", .string(checkpoint)), .init("data", .string(data)),
        .init("rows", .integer(rows)),
      ] + sections.map { .init(type(of: $0).key, $0.json) })
  }
}
