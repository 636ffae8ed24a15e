import DLCore
import DLFormats
import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Anchors, their objects, the loss and what is told against torchvision's parts
/// (scripts/golden/make_detection.py).
@Suite struct GoldenDetectionTests {
  private let file: SafetensorsFile
  private let head: DetectionHead

  init() throws {
    file = try Golden.file("detection")
    let json = try JSON(parsing: try #require(file.metadata["head"]))
    var options = DetectionHead.Options()
    options.classes = try json.get("classes").integer()
    options.sizes = try json.get("sizes").numbers()
    options.ratios = try json.get("ratios").numbers()
    options.scoreThreshold = try json.get("score_threshold").number()
    options.nmsThreshold = try json.get("nms_threshold").number()
    options.detections = try json.get("detections").integer()
    head = DetectionHead(options)
  }

  private func objects() throws -> [[Detection]] {
    let (values, shape) = (try file.doubles("objects"), try file.info("objects").shape)
    return (0..<shape[0]).map { row in
      (0..<shape[1]).compactMap { slot in
        let object = values[(row * shape[1] + slot) * 5..<(row * shape[1] + slot + 1) * 5]
        return object.first.map { $0 < 0 } ?? true ? nil : detection(Array(object))
      }
    }
  }

  private func detection(_ row: [Double]) -> Detection {
    Detection(
      label: Int(row[0]), box: Box(left: row[1], top: row[2], right: row[3], bottom: row[4]))
  }

  private let image = (height: 24, width: 32)

  private func grid() throws -> AnchorGrid {
    head.grid(Shape(try file.info("outputs").shape), image: image)
  }

  private func outputs(_ dtype: DType) throws -> Tensor {
    try .values(
      file.doubles("outputs"), shape: Shape(file.info("outputs").shape), dtype: dtype,
      context: Context(precision: dtype))
  }

  @Test func anchorsHaveTheirPlacesAndObjects() throws {
    let grid = try grid()
    let edges = grid.boxes.flatMap { [$0.left, $0.top, $0.right, $0.bottom] }
    #expect(deviation(edges, try file.doubles("anchors")) < 1e-12)
    let matches = try objects().flatMap { grid.matches($0.map(\.box)) }
    #expect(matches == (try file.doubles("matches")).map { Int($0) })
    #expect(try Double(matches.count { $0 >= 0 }) == file.doubles("f64/positives")[0])
  }

  @Test(arguments: [DType.float64, .float32])
  func lossAndGradient(dtype: DType) throws {
    let outputs = try outputs(dtype).requiringGradient()
    let context = outputs.context
    let loss = try context.recording {
      try head.lossSum(outputs, objects(), grid: grid())
    }
    try context.backward(loss)
    let gradient = try #require(outputs.gradient).doubles
    let tolerance = dtype == .float64 ? 1e-12 : 1e-5
    #expect(deviation([loss.scalar], try file.doubles("f64/loss")) < tolerance)
    #expect(deviation(gradient, try file.doubles("f64/gradient")) < tolerance)
  }

  @Test func whatIsToldHasNoRepeats() throws {
    let found = try head.detections(outputs(.float64), grid: grid(), image: image)
    let rows = found.enumerated().flatMap { row, objects in
      objects.flatMap { object in
        let box = object.box
        return [
          Double(row), Double(object.label), object.score, box.left, box.top, box.right, box.bottom,
        ]
      }
    }
    #expect(deviation(rows, try file.doubles("f64/found")) < 1e-12)
  }

  @Test func offsetsLeadBack() {
    let anchor = Box(left: 3, top: 4, right: 13, bottom: 9)
    let box = Box(left: 1, top: 5, right: 8, bottom: 21)
    let back = anchor.moved(by: anchor.offsets(to: box)[...])
    #expect(abs(back.intersectionOverUnion(box) - 1) < 1e-12)
    // A network's first outputs may be anything.
    let large = anchor.moved(by: [0, 0, 1000, 1000])
    #expect(abs(large.width - 625) < 1e-9 && abs(large.height - 312.5) < 1e-9)
  }

  @Test func outputsOfAnotherWidthAreRefused() {
    expect(
      "detect: input has shape [3, 4, 27], expected [height, width, 28]: 4 anchors of 3 scores and "
        + "4 offsets"
    ) { try head.outputShape(for: [3, 4, 27]) }
  }
}
