import DLTensor
import Testing

/// Memory is reused: the same step again takes none from the system.
@Suite struct BufferPoolTests {
  @Test func repeatedStepsAllocateNothing() throws {
    let context = Context(precision: .float32)
    let w = try Tensor.full([3, 3, 2, 4], 0.1, context: context).requiringGradient()
    func step() throws {
      let x = try Tensor.full([4, 8, 8, 2], 1, context: context)
      let loss = try context.recording {
        try x.conv2d(w, padding: 1).relu().maxPool2d(Window2d(kernel: 2, stride: 2)).flatten()
          .softmax().sum()
      }
      try context.backward(loss)
    }
    for _ in 0..<2 { try step() }
    let (allocations, bytes) = (context.pool.systemAllocations, context.pool.bytes)
    for _ in 0..<5 { try step() }
    #expect(context.pool.systemAllocations == allocations && context.pool.bytes == bytes)
  }

  /// Batches of another width in each step share what the widest took.
  @Test func largeBuffersAreLentForLess() throws {
    let context = Context(precision: .float32)
    for width in stride(from: 200_000, through: 105_000, by: -1000) {
      let tensor = try Tensor.full([width], 1, context: context)
      #expect(tensor.count == width)
    }
    #expect(context.pool.systemAllocations == 1)
    let small = try Tensor.full([10], 1, context: context)
    #expect(small.count == 10 && context.pool.systemAllocations == 2)
  }

  /// What a pass takes beside what is there goes back, if it is much; what tensors hold stays.
  @Test(arguments: [1 << 20, 1 << 27])
  func aPassGivesBackWhatItTook(count: Int) throws {
    let context = Context(precision: .float32)
    let kept = try Tensor.full([1 << 21], 1, context: context)
    let bytes = context.pool.bytes
    var held: Tensor?
    try context.pool.duringPass {
      held = try Tensor.full([100], 2, context: context)
      _ = try Tensor.empty([count], context: context)
    }
    let left = context.pool.bytes - bytes
    #expect(count == 1 << 20 ? left >= 4 * count : left < 1 << 12, "\(left) bytes")
    #expect(held?.doubles == [Double](repeating: 2, count: 100) && kept.count == 1 << 21)
    let before = context.pool.systemAllocations
    for _ in 0..<3 { _ = try Tensor.empty([100], context: context) }
    #expect(context.pool.systemAllocations <= before + 1)
  }

  @Test func buffersAreAlignedAndApart() throws {
    let context = Context(precision: .float64)
    var stream = RandomStream(RandomKey(5))
    var live: [(tensor: Tensor, value: Double)] = []
    for round in 0..<300 {
      let tensor = try Tensor.full([stream.upTo(2000)], Double(round), context: context)
      #expect(UInt(bitPattern: tensor.pointer) % 64 == 0)
      live.append((tensor, Double(round)))
      if live.count > 20 { live.remove(at: stream.upTo(live.count)) }
    }
    for (tensor, value) in live { #expect(tensor.doubles.allSatisfy { $0 == value }) }
  }

  /// Beyond the limit a tensor is an error that takes nothing; what was given back may be used again.
  @Test func nothingIsTakenBeyondTheLimit() throws {
    let context = Context(precision: .float32)
    var kept: Tensor? = try Tensor.zeros([1024], context: context)
    context.pool.limit = context.pool.bytes + 8192
    let second = try Tensor.zeros([2048], context: context)
    let (allocations, bytes) = (context.pool.systemAllocations, context.pool.bytes)
    #expect(bytes == context.pool.limit)
    let error = #expect(throws: TensorError.self) { try Tensor.zeros([16], context: context) }
    #expect(error?.op == "allocate" && error?.exitCode == .fault)
    #expect(throws: TensorError.self) { try Tensor.zeros([Int(Int32.max)], context: context) }
    #expect(context.pool.systemAllocations == allocations && context.pool.bytes == bytes)
    #expect(kept?.count == 1024)
    kept = nil
    let again = try Tensor.zeros([1000], context: context)
    #expect(again.count == 1000 && context.pool.bytes == bytes)
    context.pool.limit = .max
    #expect(try Tensor.zeros([16], context: context).count == 16)
    #expect(second.doubles.allSatisfy { $0 == 0 })
  }

  /// What tensors hold is counted as asked for, a view's memory once, until its last tensor ends.
  @Test func heldBytesFollowTheTensors() throws {
    let context = Context(precision: .float32)
    var first: Tensor? = try Tensor.zeros([1000], context: context)
    #expect(context.pool.heldBytes == 4000)
    var view: Tensor? = try first?.reshape([10, 100])
    let second = try Tensor.zeros([3], context: context)
    #expect(context.pool.heldBytes == 4012)
    first = nil
    #expect(view?.count == 1000 && context.pool.heldBytes == 4012)
    view = nil
    #expect(context.pool.heldBytes == 12 && context.pool.bytes > 4000)
    #expect(second.count == 3)
  }
}
