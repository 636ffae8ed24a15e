import CKernels
import Testing

@Suite(.serialized) struct BFloat16Tests {
  /// The definition of a product: rounded operands, blocks of terms that are added in order.
  private func product(
    _ test: GemmTests.Case, _ a: [Double], _ b: [Double], _ c: [Double]
  ) -> [Double] {
    let left = a.map { BFloat16.rounded(Float($0)) }, right = b.map { BFloat16.rounded(Float($0)) }
    let block = max(BFloat16.block(test.k), 1)
    let (alpha, beta) = (Float(test.alpha), Float(test.beta))
    var result = c
    for i in 0..<test.m {
      for j in 0..<test.n {
        let place = i * test.ldc + j
        var value: Float = beta == 0 ? 0 : beta == 1 ? Float(c[place]) : beta * Float(c[place])
        for start in stride(from: 0, to: test.k, by: block) {
          var sum = BFloat16.chain(
            (start..<min(start + block, test.k)).map { k in
              (
                test.transposeA ? left[k * test.lda + i] : left[i * test.lda + k],
                test.transposeB ? right[j * test.ldb + k] : right[k * test.ldb + j]
              )
            })
          if alpha != 1 { sum *= alpha }
          value = start == 0 && beta == 0 ? sum : value + sum
        }
        result[place] = Double(value)
      }
    }
    return result
  }

  private func run(_ test: GemmTests.Case, _ a: [Double], _ b: [Double], _ c: [Double]) throws
    -> [Double]
  {
    let left = try GuardedBuffer(.f32, a), right = try GuardedBuffer(.f32, b)
    let result = try GuardedBuffer(.f32, c)
    dl_gemm(
      DL_BF16, test.transposeA ? 1 : 0, test.transposeB ? 1 : 0, test.m, test.n, test.k, test.alpha,
      left.pointer, test.lda, right.pointer, test.ldb, test.beta, result.pointer, test.ldc)
    return result.values
  }

  private func packed(_ test: GemmTests.Case, _ a: [Double], _ b: [Double], _ c: [Double]) throws
    -> [Double]
  {
    let left = try GuardedBuffer(.f32, a), right = try GuardedBuffer(.f32, b)
    let result = try GuardedBuffer(.f32, c)
    let layout = UnsafeMutableRawPointer.allocate(
      byteCount: dl_gemm_packed_bytes(DL_BF16, test.n, test.k), alignment: 64)
    defer { layout.deallocate() }
    dl_gemm_pack(
      DL_BF16, test.transposeB ? 1 : 0, test.n, test.k, right.pointer, test.ldb, layout)
    dl_gemm_packed(
      DL_BF16, test.m, test.n, test.k, left.pointer, test.lda, layout, test.beta == 1 ? 1 : 0,
      result.pointer, test.ldc)
    return result.values
  }

  @Test func everyVersionIsTheDefinition() throws {
    defer { dl_cpu_use(DL_CPU_AMX) }
    for (seed, test) in GemmTests.cases.enumerated() {
      func values(_ rows: Int, _ step: Int, _ seed: Int) -> [Double] {
        numbers(max(rows * step - (rows > 0 ? test.gap : 0), 0), seed: UInt64(seed))
      }
      let a = values(test.transposeA ? test.k : test.m, test.lda, 3 * seed + 1)
      let b = values(test.transposeB ? test.n : test.k, test.ldb, 3 * seed + 2)
      let c = values(test.m, test.ldc, 3 * seed + 3)
      let expected = product(test, a, b, c)
      for version in BFloat16.versions {
        version.use()
        #expect(try run(test, a, b, c) == expected, "\(test), \(version.name)")
        if !test.transposeA, test.alpha == 1, test.beta == 0 || test.beta == 1, test.k > 0 {
          #expect(try packed(test, a, b, c) == expected, "\(test) packed, \(version.name)")
        }
      }
    }
  }

  /// Rounding, denormals and overflow: the result of a single term shows the operand.
  @Test func numbersOfAllMagnitudesAreRoundedAlike() throws {
    defer { dl_cpu_use(DL_CPU_AMX) }
    let edges: [Double] = [
      0x1p-56, -0x1.fep-57, 0x1.ffp-57, 0x1.ffcp-57, 0x1.fffp-57, 0x1p-149, -0.0,
      Double(Float.greatestFiniteMagnitude), -.infinity, 0x1.fep127, 0x1.01p0, 0x1.03p0,
    ]
    let a = edges + BFloat16.wild(500, seed: 3)
    for transposed in [false, true] {
      let test = GemmTests.Case(m: a.count, n: 1, k: 1, transposeA: transposed)
      let expected = a.map { Double(BFloat16.rounded(Float($0))) + 0 }
      for version in BFloat16.versions {
        version.use()
        #expect(try run(test, a, [1], a) == expected, "\(version.name)")
        let turned = GemmTests.Case(m: 1, n: a.count, k: 1, transposeB: transposed)
        #expect(try run(turned, [1], a, a) == expected, "\(version.name)")
      }
    }
    let c = [Double](repeating: 0, count: 40 * 35), test = GemmTests.Case(m: 40, n: 35, k: 100)
    // Small enough that nothing overflows: no sum of infinities, whose sign of NaN is the CPU's own.
    let left = BFloat16.wild(40 * 100, seed: 4).map { abs($0) < 0x1p60 ? $0 : 0 }
    let right = BFloat16.wild(35 * 100, seed: 5).map { abs($0) < 0x1p60 ? $0 : 0 }
    let expected = product(test, left, right, c)
    for version in BFloat16.versions {
      version.use()
      #expect(try run(test, left, right, c) == expected, "\(version.name)")
    }
  }

  @Test func infinityAndNaNGoThrough() throws {
    defer { dl_cpu_use(DL_CPU_AMX) }
    for version in BFloat16.versions {
      version.use()
      // The last payload has no bit that rounding would keep.
      let noNumber = Double(Float(bitPattern: 0x7f80_0001))
      let a: [Double] = [.infinity, 0, 1, .nan, 0x1p-149, -0.0, 1, noNumber]
      let c = try run(.init(m: 4, n: 1, k: 2), a, [0, 1], [0, 0, 0, 0])
      #expect(c[0].isNaN && c[1].isNaN && c[2] == 0 && c[3].isNaN, "\(version.name)")
    }
  }

  /// Bias and ReLU in the product have the bits of three passes.
  @Test func linearIsProductBiasAndMaximum() throws {
    defer { dl_cpu_use(DL_CPU_AMX) }
    for (m, n, k) in [(5, 7, 3), (13, 33, 385), (61, 130, 70), (2, 9000, 384)] {
      let a = numbers(m * k, seed: 1), b = numbers(n * k, seed: 2), bias = numbers(n, seed: 3)
      for version in BFloat16.versions {
        version.use()
        let product = try run(
          .init(m: m, n: n, k: k, transposeB: true), a, b, [Double](repeating: 0, count: m * n))
        let expected = product.enumerated().map {
          Double(max(Float($1) + Float(bias[$0 % n]), 0))
        }
        let left = try GuardedBuffer(.f32, a), right = try GuardedBuffer(.f32, b)
        let offset = try GuardedBuffer(.f32, bias)
        let c = try GuardedBuffer(.f32, [Double](repeating: .nan, count: m * n))
        dl_linear(
          DL_BF16, m, n, k, left.pointer, k, right.pointer, k, offset.pointer, 1, c.pointer, n)
        #expect(c.values == expected, "\(m)x\(n)x\(k), \(version.name)")
      }
    }
  }
}
