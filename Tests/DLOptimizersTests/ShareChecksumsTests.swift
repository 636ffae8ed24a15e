import DLOptimizers
import DLTensor
import DLTestSupport
import Testing

/// Updates that check what they read: the same bits, and every change by others is found.
struct ShareChecksumsTests {
  private static func rules() throws -> [any SliceOptimizer] {
    [
      try SGD(), try SGD(momentum: 0.9, nesterov: true), try Adam(amsgrad: true), try NAdam(),
      try RAdam(), try Lion(), try Adagrad(), try Adadelta(),
      try RMSProp(momentum: 0.9, centered: true), try LARS(momentum: 0.9), try LAMB(),
      try Muon(),
    ]
  }

  private let members = [
    Self.member(0..<20_000, group: 0), Self.member(20_000..<20_007, group: 1),
    Self.member(20_016..<53_000, group: 2), Self.member(53_008..<53_100, group: 0),
  ]

  private static func member(_ range: Range<Int>, group: Int) -> ArenaUpdate.Member {
    ArenaUpdate.Member(range, group: group, matrix: MatrixShape(rows: 1, columns: range.count))
  }

  private func update(_ rule: any SliceOptimizer) -> ArenaUpdate {
    ArenaUpdate(
      groups: [
        .init(rule: rule, learningRate: 0.01), .init(rule: rule, learningRate: 1, isFrozen: true),
        .init(rule: rule, learningRate: 0.02),
      ], members: members, cuts: [16_384, 36_400])
  }

  private func arena(_ dtype: DType) -> Arena {
    var numbers = Numbers(seed: 5)
    return Arena(dtype, parameters: numbers.array(53_100), gradients: numbers.array(53_100))
  }

  /// Two shares, cut where a block ends, and something between that another rank has.
  private func shares(_ arena: Arena) -> [OwnedSlice] {
    [
      OwnedSlice(arena.slice[0..<16_384], at: 0),
      OwnedSlice(arena.slice[20_000..<36_400], at: 20_000),
    ]
  }

  private func step(
    _ update: ArenaUpdate, _ shares: [OwnedSlice], _ step: Int, _ checksums: ShareChecksums? = nil
  ) {
    update(
      shares, scalars: StepScalars(step: step, learningRate: 0.5), checksums: checksums
    ) { _ in }
  }

  @Test(arguments: [DType.float32, .float64])
  func bitsAreTheSameAndNothingIsReported(dtype: DType) throws {
    for rule in try ShareChecksumsTests.rules() {
      let update = update(rule)
      let (plain, checked) = (arena(dtype), arena(dtype))
      let checksums = ShareChecksums(update, shares: shares(checked))
      checksums.renew()
      for number in 1...4 {
        step(update, shares(plain), number)
        step(update, shares(checked), number, checksums)
      }
      checksums.verify()
      #expect(checksums.mismatch == nil, "\(type(of: rule))")
      // What lies between tensors is nobody's.
      for member in members {
        #expect(
          plain.parameters[member.range] == checked.parameters[member.range], "\(type(of: rule))")
        for (mine, theirs) in compared(checked.state, plain.state) {
          #expect(mine[member.range] == theirs[member.range], "\(type(of: rule))")
        }
      }
    }
  }

  @Test func changesAreFoundByTheUpdateThatReadsThem() throws {
    for rule in try ShareChecksumsTests.rules() {
      let update = update(rule)
      for (element, member) in [(16_383, 0), (20_020, 2), (36_399, 2)] {
        for vector in 0...rule.stateNames.count {
          let arena = arena(.float32)
          let checksums = ShareChecksums(update, shares: shares(arena))
          checksums.renew()
          step(update, shares(arena), 1, checksums)
          let slice = arena.slice
          let start = vector == 0 ? slice.parameters : slice.state[vector - 1]
          start?.assumingMemoryBound(to: UInt32.self)[element] ^= 1
          #expect(checksums.mismatch == nil)
          step(update, shares(arena), 2, checksums)
          #expect(
            checksums.mismatch == .init(member: member, vector: vector),
            "\(type(of: rule)), vector \(vector)")
        }
      }
    }
  }

  /// No update reads what is frozen, or another's; a check of the whole share does.
  @Test func frozenTensorsAndOtherVectorsAreCheckedOnDemand() throws {
    let update = update(try SGD())
    let arena = arena(.float64)
    let slow = try ArenaVector(count: 16_384 + 16_400, dtype: .float64)
    func checksums() -> ShareChecksums {
      let checksums = ShareChecksums(
        update, shares: shares(arena), others: [slow], unwatched: [2])
      checksums.renew()
      return checksums
    }
    func flip(_ pointer: UnsafeMutableRawPointer, _ element: Int) {
      pointer.assumingMemoryBound(to: UInt64.self)[element] ^= 1 << 63
    }
    let frozen = checksums()
    flip(arena.slice.parameters, 20_003)
    step(update, shares(arena), 1, frozen)
    #expect(frozen.mismatch == nil)
    frozen.verify()
    #expect(frozen.mismatch == .init(member: 1, vector: 0))

    let other = checksums()
    flip(slow.pointer, 16_384 + 20)
    other.verify(other.updated)
    #expect(other.mismatch == nil)
    other.verify(other.others)
    #expect(other.mismatch == .init(member: 2, vector: 1))

    let unwatched = checksums()
    flip(arena.slice.parameters, 20_030)
    flip(arena.slice.parameters, 17_000)
    unwatched.verify()
    #expect(unwatched.mismatch == nil)
  }
}
