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
}
