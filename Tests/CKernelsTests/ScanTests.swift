import CKernels
import DLTestSupport
import Testing

/// The passes over columns of data against loops that say the same in plain words.
struct ScanTests {
  private func numbers(_ count: Int, _ seed: UInt64) -> [UInt32] {
    var source = Numbers(seed: seed)
    return (0..<count).map { _ in UInt32(source.bits() >> 32) }
  }

  @Test func floats() {
    for count in [0, 1, 5, 1023, 1024, 1025, 5000] {
      for spoiled in [[], [0], [count - 1], [count / 2, count - 1], Array(0..<count)] {
        var x = numbers(count, UInt64(count) + 1).map {
          Float(Int32(bitPattern: $0)) * ($0.isMultiple(of: 3) ? 1e-30 : 1e20)
        }
        for index in spoiled where x.indices.contains(index) {
          x[index] = [.nan, .infinity, -.infinity][index % 3]
        }
        let finite = x.filter(\.isFinite)
        let scan = dl_scan_f32(x, x.count)
        #expect(scan.non_finite == x.count - finite.count)
        #expect(scan.first_non_finite == x.firstIndex { !$0.isFinite } ?? -1)
        if let least = finite.min(), let greatest = finite.max() {
          #expect(scan.least == least && scan.greatest == greatest)
        } else {
          #expect(scan.least > scan.greatest)
        }
        for (low, high) in [(-1e25, 1e25), (0, 1), (-1e30, 1e30)] {
          let first = x.firstIndex { !(Double($0) >= low && Double($0) <= high) }
          #expect(dl_first_beyond_f32(x, x.count, low, high) == first ?? x.count)
        }
      }
    }
    #expect(dl_scan_f32([-0.0, -1, 2], 3).least == -1)
  }

  @Test func integers() {
    for count in [0, 1, 2, 1024, 3000] {
      for size in [1, 2, 3, 1000, UInt32.max] as [UInt32] {
        let x = numbers(count, UInt64(size)).map { Int32(bitPattern: $0 % size) }
        let values = Set(x).sorted().map(Int64.init)
        let scan = dl_scan_i32(x, x.count)
        #expect(scan.least == values.first ?? Int64.max)
        #expect(scan.greatest == values.last ?? Int64.min)
        #expect(scan.next_least == (values.count > 1 ? values[1] : Int64.max))
        #expect(scan.next_greatest == (values.count > 1 ? values[values.count - 2] : Int64.min))
        for except in [nil, 0, -7, 700, Int32.max] as [Int32?] {
          let first = x.firstIndex { !(0...99).contains($0) && $0 != except }
          var value = except ?? 0
          let got =
            except == nil
            ? dl_first_beyond_i32(x, x.count, 0, 99, nil)
            : dl_first_beyond_i32(x, x.count, 0, 99, &value)
          #expect(got == first ?? x.count)
        }
      }
    }
  }

  @Test func labelsAreNumberedAnewUpToTheFirstThatCannotBe() {
    let map: [Int32] = [2, 0, -1, 5]
    var ignored: Int32 = 255
    for (labels, place, result) in [
      ([0, 1, 3, 0], 4, [2, 0, 5, 2]), ([1, 255, 3], 3, [0, 255, 5]), ([1, 2, 1], 1, [0, 2, 1]),
      ([3, 4, 0], 1, [5, 4, 0]), ([3, -1, 0], 1, [5, -1, 0]), ([], 0, []),
    ] as [([Int32], Int, [Int32])] {
      var y = labels
      #expect(dl_map_i32(&y, y.count, map, map.count, &ignored) == place)
      #expect(y == result)
    }
    var y: [Int32] = [255]
    #expect(dl_map_i32(&y, 1, map, map.count, nil) == 0)
  }

  /// Steps needed, counted as torch.nn.functional.ctc_loss needs them: its loss is infinite below.
  @Test func sequencesThatDoNotFit() {
    for (row, blank, needed) in [
      ([1, 2, 0], 0, 2), ([1, 1, 0], 0, 3), ([1, 1, 1], 0, 5), ([0, 0, 0], 0, 0),
      ([1, 2, 1], 0, 3),
      ([2, 2, 1], 0, 4), ([0, 1, 2], 2, 2), ([0, 0, 2], 2, 3),
    ] as [([Int32], Int32, Int)] {
      for steps in 0..<7 {
        #expect(
          dl_first_ctc_misfit(row, 1, 3, blank, steps) == (steps < needed ? 0 : 1),
          "\(row) in \(steps)")
      }
    }
    let rows: [Int32] = [1, 2, 0, 1, 0, 0, 1, 0, 2, 0, 0, 0]
    #expect(dl_first_ctc_misfit(rows, 4, 3, 0, 9) == 2)
    #expect(dl_first_ctc_misfit(rows, 2, 3, 0, 9) == 2)
  }
}
