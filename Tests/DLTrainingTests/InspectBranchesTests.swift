import DLReports
import DLTraining
import Testing

/// The table of layers of networks with branches, and the holes that dilated chains leave.
@Suite struct InspectBranchesTests {
  private func table(_ layers: String, columns: Int? = nil, shape: [Int] = [32, 32, 3]) throws
    -> [String]
  {
    try ModelReport(
      Configuration.load(
        yaml: """
          data: {synthetic: {shape: \(shape), classes: 10, rows: 16}}
          model: {layers: [\(layers)]}
          batch_size: 8
          """)
    ).layers(columns: columns).split(separator: "\n").map(String.init)
  }

  @Test func partsStandBelowTheirLayer() throws {
    let lines = try table(
      """
      {concat: {branches: {one: [{conv2d: {out: 4, kernel: 1}}], same: [], \
      two: [{conv2d: {out: 2, kernel: 3, padding: 1}}, \
      {sum: {branches: [[], [{conv2d: {out: 2, kernel: 5, padding: 2}}]]}}]}}}, \
      {global_avg_pool2d: {}}, {linear: {out: 10}}
      """, columns: 80)
    #expect(
      lines == [
        "layer    type             output       parameters  multiply-adds  field",
        "         input            [32, 32, 3]                                 1",
        "0        Concat           [32, 32, 9]                                 7",
        "  one.0  Conv2d           [32, 32, 4]          16         12,288      1",
        "  same   identity         [32, 32, 3]                                 1",
        "  two.0  Conv2d           [32, 32, 2]          56         55,296      3",
        "  two.1  BranchSum        [32, 32, 2]                                 7",
        "    0    identity         [32, 32, 2]                                 3",
        "    1.0  Conv2d           [32, 32, 2]         102        102,400      7",
        "1        GlobalAvgPool2d  [9]                                       all",
        "2        Linear           [10]                100             90    all",
        "         total                                274        170,074",
      ])
  }

  private func chain(_ dilations: [Int]) -> String {
    dilations.map { "{conv2d: {out: 4, kernel: 3, dilation: \($0), padding: \($0)}}" }
      .joined(separator: ", ") + ", flatten, {linear: {out: 10}}"
  }

  // Wang et al. 2018, section 3.2: [1, 2, 5] covers its field, [1, 2, 9] and [2, 2, 2] do not.
  @Test func holesOfDilatedChainsAreTold() throws {
    for fine in [[1, 2, 5], [1, 1, 1], [1, 2, 3], [1, 2, 5, 9]] {
      #expect(try !table(chain(fine)).contains { $0.contains("warning") }, "\(fine)")
    }
    // Taps at even distances alone: 7 of 13. Three groups of 7 in 25: 21.
    for (holes, seen) in [([2, 2, 2], "7 of the 13"), ([1, 2, 9], "21 of the 25")] {
      let warning = try #require(try table(chain(holes)).last)
      let rates = holes.map(String.init).joined(separator: ", ")
      #expect(
        warning
          == "warning: the receptive field of layer 2 has holes: an output sees \(seen) rows that it "
          + "reaches over; dilations \(rates) leave the others out, rates such as 1, 2, 5 without a "
          + "common factor do not (hybrid dilated convolution, Wang et al. 2018)")
    }
    // A branch that sees what the other leaves out, and windows that fill the gaps later.
    let both = """
      {sum: {branches: [[{conv2d: {out: 3, kernel: 3, dilation: 2, padding: 2}}], \
      [{conv2d: {out: 3, kernel: 3, padding: 1}}]]}}, flatten, {linear: {out: 10}}
      """
    #expect(try !table(both).contains { $0.contains("warning") })
    #expect(try !table(chain([2, 1])).contains { $0.contains("warning") })
    // Pixels that a stride leaves out are no fault of a dilation.
    #expect(
      try !table(
        "{conv2d: {out: 2, kernel: 1, stride: 2}}, {conv2d: {out: 2, kernel: 3}}, flatten, {linear: {out: 10}}"
      ).contains { $0.contains("warning") })
    #expect(
      try table("\(chain([2, 2, 2]))", columns: 80).allSatisfy { $0.count <= 80 })
    let sequence = try table(
      "{repeat: {times: 3, layers: [{conv1d: {out: 4, kernel: 3, dilation: 2}}]}}, flatten, {linear: {out: 10}}",
      shape: [32, 3])
    #expect(sequence.last?.contains("7 of the 13 positions") == true)
  }
}
