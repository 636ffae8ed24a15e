import DLTensor

/// A few pixels that are set to other colors, found by differential evolution without any gradient.
///
///     child = a + 0.5 · (b - c)    takes its parent's place where it is better
///
/// Su et al. 2019, "One Pixel Attack for Fooling Deep Neural Networks", section III. A candidate is a
/// place and a color for each pixel; how good it is, is told by the probability of the class.
package struct OnePixel: Attack {
  package static let word = "one_pixel"
  package static let takesEpsilon = false
  package static let knownOptions: Set<AttackOption> = [.steps, .pixels, .population]
  package static let defaultSteps = 30

  let options: AttackOptions

  package init(_ options: AttackOptions) { self.options = options }

  package func perturbed(_ rows: AttackRows, _ network: AttackedNetwork) throws -> Tensor {
    let shape = rows.pixels.shape
    guard shape.rank == 4, let range = network.range else {
      throw TensorError(
        op: "one_pixel", "needs images whose values have bounds, got rows of \(shape.dropFirst())")
    }
    let width = shape.dropFirst().count
    var values = rows.pixels.doubles
    let labels = rows.labels.doubles.map { Int($0) }
    for row in 0..<shape[0] {
      let part = row * width..<(row + 1) * width
      var search = PixelSearch(
        image: Array(values[part]), shape: shape.dropFirst(), label: labels[row], range: range,
        options, RandomStream(rows.keys[row].child("pixels")))
      values.replaceSubrange(part, with: try search.run(network, like: rows.pixels))
    }
    return try .values(values, shape: shape, dtype: rows.pixels.dtype, context: rows.pixels.context)
  }
}

/// The evolution of one image's candidates.
private struct PixelSearch {
  /// A candidate: for each pixel its row and column as shares, and its color as shares of the range.
  typealias Genes = [Double]

  let image: [Double]
  let shape: Shape
  let label: Int
  let range: ClosedRange<Double>
  let options: AttackOptions
  var stream: RandomStream

  init(
    image: [Double], shape: Shape, label: Int, range: ClosedRange<Double>, _ options: AttackOptions,
    _ stream: RandomStream
  ) {
    self.image = image
    self.shape = shape
    self.label = label
    self.range = range
    self.options = options
    self.stream = stream
  }

  mutating func run(_ network: AttackedNetwork, like pixels: Tensor) throws -> [Double] {
    // Three others take part in each child.
    let count = max(options.population, 4)
    let genes = options.pixels * (2 + shape[2])
    var candidates = (0..<count).map { _ in (0..<genes).map { _ in stream.uniform() } }
    var (scores, isMet) = try judge(candidates, network, like: pixels)
    for _ in 0..<options.steps {
      if let winner = isMet.firstIndex(of: true) { return changed(candidates[winner]) }
      let children = candidates.indices.map { child(of: $0, candidates) }
      let (childScores, childrenMet) = try judge(children, network, like: pixels)
      for index in candidates.indices where childScores[index] > scores[index] {
        candidates[index] = children[index]
        scores[index] = childScores[index]
        isMet[index] = childrenMet[index]
      }
    }
    let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
    return changed(candidates[isMet.firstIndex(of: true) ?? best])
  }

  private mutating func child(of parent: Int, _ candidates: [Genes]) -> Genes {
    var others: [Int] = []
    while others.count < 3 {
      let other = stream.upTo(candidates.count)
      if other != parent, !others.contains(other) { others.append(other) }
    }
    let (a, b, c) = (candidates[others[0]], candidates[others[1]], candidates[others[2]])
    return a.indices.map { min(max(a[$0] + 0.5 * (b[$0] - c[$0]), 0), 1) }
  }

  /// The image with a candidate's pixels.
  private func changed(_ genes: Genes) -> [Double] {
    var result = image
    let (height, width, channels) = (shape[0], shape[1], shape[2])
    for pixel in 0..<options.pixels {
      let part = genes[pixel * (2 + channels)..<(pixel + 1) * (2 + channels)]
      let first = part.startIndex
      let row = min(Int(part[first] * Double(height)), height - 1)
      let column = min(Int(part[first + 1] * Double(width)), width - 1)
      for channel in 0..<channels {
        result[(row * width + column) * channels + channel] =
          range.lowerBound
          + part[first + 2 + channel] * (range.upperBound - range.lowerBound)
      }
    }
    return result
  }

  /// The scores of candidates, and whether the network is mistaken about them.
  private func judge(_ candidates: [Genes], _ network: AttackedNetwork, like pixels: Tensor) throws
    -> (scores: [Double], isMet: [Bool])
  {
    let images = try Tensor.values(
      candidates.flatMap(changed), shape: shape.prepending(candidates.count), dtype: pixels.dtype,
      context: pixels.context)
    let outputs = try network.outputs(images)
    let classes = outputs.shape.last
    let probabilities = try outputs.softmax().doubles
    let predicted = try outputs.argmax().doubles.map { Int($0) }
    let own = candidates.indices.map { probabilities[$0 * classes + label] }
    return options.isTargeted
      ? (own, predicted.map { $0 == label }) : (own.map { -$0 }, predicted.map { $0 != label })
  }
}
