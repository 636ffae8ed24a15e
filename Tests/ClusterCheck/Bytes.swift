import CMPI
import DLCluster

/// CMPI itself, with messages cut into pieces of a few bytes as those beyond 1 GiB are.
func checkBytes(_ world: MPICommunicator) throws -> Int {
  var handle: OpaquePointer?
  guard cmpi_world(&handle) == 0, let comm = handle else {
    return try verdict(world, "CMPI: duplicate", false)
  }
  let (rank, size) = (world.rank, world.size)
  cmpi_set_chunk(comm, 7)
  func byte(_ from: Int, _ to: Int, _ i: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: from * 31 + to * 17 + i * 3)
  }
  func length(_ from: Int, _ to: Int) -> Int { (from * 13 + to * 5) % 40 }

  var failures = 0
  let sendCounts = (0..<size).map { length(rank, $0) }
  let receiveCounts = (0..<size).map { length($0, rank) }
  func offsets(_ counts: [Int]) -> [Int] {
    counts.indices.map { counts[..<$0].reduce(0, +) + $0 }
  }
  var receive = [UInt8](repeating: 255, count: receiveCounts.reduce(0, +) + size)
  var expected = receive
  var send = [UInt8](repeating: 0, count: sendCounts.reduce(0, +) + size)
  for peer in 0..<size {
    for i in 0..<sendCounts[peer] { send[offsets(sendCounts)[peer] + i] = byte(rank, peer, i) }
    for i in 0..<receiveCounts[peer] {
      expected[offsets(receiveCounts)[peer] + i] = byte(peer, rank, i)
    }
  }
  var code = cmpi_alltoallv(
    comm, send, sendCounts, offsets(sendCounts), &receive, receiveCounts, offsets(receiveCounts))
  failures += try verdict(world, "CMPI: alltoallv in pieces", code == 0 && receive == expected)

  let counts = (0..<size).map { length($0, 3) }
  receive = [UInt8](repeating: 255, count: counts.reduce(0, +) + size)
  expected = receive
  for peer in 0..<size {
    for i in 0..<counts[peer] { expected[offsets(counts)[peer] + i] = byte(peer, 0, i) }
  }
  let own = (0..<counts[rank]).map { byte(rank, 0, $0) }
  code = cmpi_allgatherv(comm, own, own.count, &receive, counts, offsets(counts))
  failures += try verdict(world, "CMPI: allgatherv in pieces", code == 0 && receive == expected)

  let equal = (0..<50).map { byte(rank, 1, $0) }
  receive = [UInt8](repeating: 255, count: 50 * size)
  code = cmpi_allgather(comm, equal, 50, &receive)
  expected = (0..<size).flatMap { peer in (0..<50).map { byte(peer, 1, $0) } }
  failures += try verdict(world, "CMPI: allgather in pieces", code == 0 && receive == expected)

  receive = (0..<50).map { byte(rank, 2, $0) }
  code = cmpi_bcast(comm, &receive, 50, Int32(size - 1))
  expected = (0..<50).map { byte(size - 1, 2, $0) }
  failures += try verdict(world, "CMPI: broadcast in pieces", code == 0 && receive == expected)

  code = cmpi_bcast(comm, &receive, 50, Int32(size + 5))
  failures += try verdict(world, "CMPI: errors are returned", code != 0)
  code = cmpi_free(comm)
  failures += try verdict(world, "CMPI: free", code == 0)
  return failures
}
