/// The boxes that a detector starts from: some of several sizes and shapes around the center of each
/// place of a feature map.
///
/// Ren et al. 2015. Counterpart: torchvision's `AnchorGenerator`, whose centers are the places' corners
/// and whose edges are rounded.
package struct AnchorGrid: Sendable {
  /// The anchors, place by place in rows, each place's by ratio and then by size.
  package let boxes: [Box]

  /// Makes the anchors of a feature map over an image.
  ///
  /// - Parameters:
  ///   - map: height and width of the feature map.
  ///   - image: height and width of the image.
  ///   - sizes: square roots of the anchors' areas, in pixels.
  ///   - ratios: heights over widths.
  package init(
    map: (height: Int, width: Int), image: (height: Int, width: Int), sizes: [Double],
    ratios: [Double]
  ) {
    let (down, across) = (
      Double(image.height) / Double(map.height), Double(image.width) / Double(map.width)
    )
    boxes = (0..<map.height).flatMap { row in
      (0..<map.width).flatMap { column in
        let (x, y) = ((Double(column) + 0.5) * across, (Double(row) + 0.5) * down)
        return ratios.flatMap { ratio in
          sizes.map { size in
            let (height, width) = (size * ratio.squareRoot(), size / ratio.squareRoot())
            return Box(
              left: x - width / 2, top: y - height / 2, right: x + width / 2,
              bottom: y + height / 2)
          }
        }
      }
    }
  }

  /// The object that each anchor is to find: its place in the list, ``background`` for none, or
  /// ``undecided`` where it does not count.
  ///
  /// An anchor takes the object that it overlaps most, the first of equals, from 0.5 on; below 0.4 it
  /// is background, and undecided between. Each object also gets the anchors that overlap it most,
  /// however little. Lin et al. 2017, section 4. Counterpart: torchvision's
  /// `Matcher(0.5, 0.4, allow_low_quality_matches=True)`.
  package func matches(_ objects: [Box]) -> [Int] {
    guard !objects.isEmpty else { return [Int](repeating: Self.background, count: boxes.count) }
    var best = [Int](repeating: 0, count: boxes.count)
    var overlaps = [Double](repeating: -1, count: boxes.count)
    var largest = [Double](repeating: 0, count: objects.count)
    var closest = [[Int]](repeating: [], count: objects.count)
    for (place, anchor) in boxes.enumerated() {
      for (index, object) in objects.enumerated() {
        let overlap = anchor.intersectionOverUnion(object)
        if overlap > overlaps[place] { (overlaps[place], best[place]) = (overlap, index) }
        if overlap > largest[index] {
          (largest[index], closest[index]) = (overlap, [place])
        } else if overlap == largest[index], overlap > 0 {
          closest[index].append(place)
        }
      }
    }
    var result = zip(best, overlaps).map { index, overlap in
      overlap >= 0.5 ? index : overlap < 0.4 ? Self.background : Self.undecided
    }
    for place in closest.joined() { result[place] = best[place] }
    return result
  }

  /// No object.
  package static let background = -1
  /// Neither an object nor none.
  package static let undecided = -2
}
