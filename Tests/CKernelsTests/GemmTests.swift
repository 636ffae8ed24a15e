import CKernels
import Testing

@Suite(.serialized) struct GemmTests {
  /// A product and how its operands lie.
  struct Case: CustomStringConvertible {
    var m = 0
    var n = 0
    var k = 0
    var transposeA = false
    var transposeB = false
    var alpha = 1.0
    var beta = 0.0
    /// Elements between a row's end and the next row.
    var gap = 0

    var lda: Int { (transposeA ? m : k) + gap }
    var ldb: Int { (transposeB ? k : n) + gap }
    var ldc: Int { n + gap }
    var description: String {
      "\(m)x\(n)x\(k) \(transposeA ? "T" : "N")\(transposeB ? "T" : "N") \(alpha) \(beta) \(gap)"
    }
  }

  static var cases: [Case] {
    var cases: [Case] = []
    let sizes = [
      (1, 1, 1), (5, 7, 3), (6, 16, 40), (7, 17, 384), (12, 32, 385), (13, 33, 9), (61, 9, 70),
      (3, 50, 800), (100, 65, 20), (2, 8, 1), (4, 1, 500), (1, 40, 33), (0, 3, 2), (3, 0, 2),
      (4, 5, 0), (25, 24, 1200),
    ]
    for (m, n, k) in sizes {
      for (a, b) in [(false, false), (true, false), (false, true), (true, true)] {
        cases.append(Case(m: m, n: n, k: k, transposeA: a, transposeB: b))
      }
      cases.append(Case(m: m, n: n, k: k, transposeB: true, beta: 1, gap: 3))
      cases.append(Case(m: m, n: n, k: k, transposeA: true, alpha: 0.3, beta: 0.7, gap: 1))
    }
    return cases
  }

  /// The definition: chains of fused multiply-adds over blocks of terms, which are added in order.
  private func chains<T: BinaryFloatingPoint>(
    _ test: Case, _ a: [T], _ b: [T], _ c: [T]
  ) -> [T] {
    let block =
      (test.k + 383) / 384 <= 1
      ? test.k : ((test.k + (test.k + 383) / 384 - 1) / ((test.k + 383) / 384) + 7) / 8 * 8
    let (alpha, beta) = (T(test.alpha), T(test.beta))
    var result = c
    for i in 0..<test.m {
      for j in 0..<test.n {
        let place = i * test.ldc + j
        var value: T = beta == 0 ? 0 : beta == 1 ? c[place] : beta * c[place]
        for start in stride(from: 0, to: test.k, by: max(block, 1)) {
          var chain: T = 0
          for k in start..<min(start + block, test.k) {
            let left = test.transposeA ? a[k * test.lda + i] : a[i * test.lda + k]
            let right = test.transposeB ? b[j * test.ldb + k] : b[k * test.ldb + j]
            chain.addProduct(left, right)
          }
          if alpha != 1 { chain *= alpha }
          value = start == 0 && beta == 0 ? chain : value + chain
        }
        result[place] = value
      }
    }
    return result
  }

  @Test(arguments: Element.allCases)
  func everyVersionGivesTheSameChains(_ type: Element) throws {
    let levels = cpuLevels()
    defer { dl_cpu_use(DL_CPU_AMX) }
    for (seed, test) in Self.cases.enumerated() {
      func values(_ rows: Int, _ step: Int, _ seed: Int) -> [Double] {
        // Nothing lies behind the last row: its gap is not there.
        numbers(max(rows * step - (rows > 0 ? test.gap : 0), 0), seed: UInt64(seed))
      }
      let a = values(test.transposeA ? test.k : test.m, test.lda, 3 * seed + 1)
      let b = values(test.transposeB ? test.n : test.k, test.ldb, 3 * seed + 2)
      let c = values(test.m, test.ldc, 3 * seed + 3)
      let expected =
        type == .f32
        ? chains(test, a.map { Float($0) }, b.map { Float($0) }, c.map { Float($0) }).map {
          Double($0)
        }
        : chains(test, a, b, c)
      for level in levels {
        dl_cpu_use(level)
        let left = try GuardedBuffer(type, a), right = try GuardedBuffer(type, b)
        let result = try GuardedBuffer(type, c)
        dl_gemm(
          type.c, test.transposeA ? 1 : 0, test.transposeB ? 1 : 0, test.m, test.n, test.k,
          test.alpha, left.pointer, test.lda, right.pointer, test.ldb, test.beta, result.pointer,
          test.ldc)
        #expect(result.values == expected, "\(test), version \(level.rawValue)")
        if !test.transposeA, test.alpha == 1, test.beta == 0 || test.beta == 1, test.k > 0 {
          #expect(
            try packed(type, test, a, b, c) == expected, "\(test) packed, \(level.rawValue)")
        }
      }
    }
  }

  /// The same by a right operand that is laid out before.
  private func packed(
    _ type: Element, _ test: Case, _ a: [Double], _ b: [Double], _ c: [Double]
  ) throws -> [Double] {
    let left = try GuardedBuffer(type, a), right = try GuardedBuffer(type, b)
    let result = try GuardedBuffer(type, c)
    let layout = UnsafeMutableRawPointer.allocate(
      byteCount: dl_gemm_packed_bytes(type.c, test.n, test.k), alignment: 64)
    defer { layout.deallocate() }
    dl_gemm_pack(
      type.c, test.transposeB ? 1 : 0, test.n, test.k, right.pointer, test.ldb, layout)
    dl_gemm_packed(
      type.c, test.m, test.n, test.k, left.pointer, test.lda, layout, test.beta == 1 ? 1 : 0,
      result.pointer, test.ldc)
    return result.values
  }

  /// Bias and ReLU in the product have the bits of three passes.
  @Test(arguments: Element.allCases)
  func linearIsProductBiasAndMaximum(_ type: Element) throws {
    defer { dl_cpu_use(DL_CPU_AMX) }
    for (m, n, k) in [(5, 7, 3), (13, 33, 385), (3, 50, 800), (61, 130, 70), (2, 9000, 384)] {
      let a = numbers(m * k, seed: 1), b = numbers(n * k, seed: 2), bias = numbers(n, seed: 3)
      for level in cpuLevels() {
        dl_cpu_use(level)
        let left = try GuardedBuffer(type, a), right = try GuardedBuffer(type, b)
        let offset = try GuardedBuffer(type, bias)
        let expected = Buffer(type, [Double](repeating: 0, count: m * n))
        dl_gemm(
          type.c, 0, 1, m, n, k, 1, left.pointer, k, right.pointer, k, 0, expected.pointer, n)
        for relu in [Int32(0), 1] {
          let c = try GuardedBuffer(type, [Double](repeating: .nan, count: m * n))
          dl_linear(
            type.c, m, n, k, left.pointer, k, right.pointer, k, offset.pointer, relu, c.pointer, n)
          let sums = Buffer(type, [Double](repeating: 0, count: m * n))
          dl_bias_forward(
            type.c, relu == 1 ? DL_RELU : DL_IDENTITY, 0, expected.pointer, offset.pointer, m, n,
            sums.pointer)
          #expect(c.values == sums.values, "\(m)x\(n)x\(k), \(relu), \(level.rawValue)")
        }
      }
    }
  }

  @Test func whatWasThereIsNotReadWithoutBeta() throws {
    let a = try GuardedBuffer(.f32, [1, 2]), b = try GuardedBuffer(.f32, [3, 4])
    let c = try GuardedBuffer(.f32, [.nan])
    dl_gemm(DL_F32, 0, 0, 1, 1, 2, 1, a.pointer, 2, b.pointer, 1, 0, c.pointer, 1)
    #expect(c.values == [11])
    c.set(0, .nan)
    dl_gemm(DL_F32, 0, 0, 1, 1, 0, 1, a.pointer, 2, b.pointer, 1, 0, c.pointer, 1)
    #expect(c.values == [0])
  }

  @Test func infinityAndNaNGoThrough() throws {
    for level in cpuLevels() {
      dl_cpu_use(level)
      defer { dl_cpu_use(DL_CPU_AMX) }
      let a = try GuardedBuffer(.f32, [.infinity, 0, 1, .nan, 5e-45, -0.0])
      let b = try GuardedBuffer(.f32, [0, 1])
      let c = try GuardedBuffer(.f32, [0, 0, 0])
      dl_gemm(DL_F32, 0, 0, 3, 1, 2, 1, a.pointer, 2, b.pointer, 1, 0, c.pointer, 1)
      #expect(c.values[0].isNaN && c.values[1].isNaN && c.values[2] == 0)
    }
  }
}
