import DLTestSupport
import Foundation
import Testing

/// Hosts with little shared memory.
@Suite(.serialized)
struct SharedMemoryTests {
  private static let yaml = """
    name: wide
    seed: 5
    data: {train: "embedded:digits-train", validation: "embedded:digits-validation"}
    model: {layers: [flatten, {linear: {out: 1000}}, relu, {linear: {out: 10}}]}
    optimizer: {name: adamw, lr: 0.01}
    batch_size: 15
    steps: 3
    precision: float64

    """

  @Test(arguments: [2, 4])
  func tooLittleIsFoundAtTheStart(processes: Int) throws {
    // A file system of its own in the place of /dev/shm, which not every machine allows.
    let mount = [
      "unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /dev/shm && \"$@\"", "sh",
    ]
    guard
      try Program.startCommand(mount + ["true"], in: nil).wait().status == 0
    else { return }
    try TemporaryFolder.with { folder in
      let configuration = folder + "/wide.yaml"
      try Self.yaml.write(toFile: configuration, atomically: true, encoding: .utf8)
      let arguments = ["train", configuration, "--out"]
      let plain = try Program.run(arguments + [folder + "/plain"], processes: processes)
      #expect(plain.status == 0 && plain.faults.isEmpty, "\(plain.errors)")
      let command = mount + Program.launcher(processes) + [Program.path] + arguments
      let small = try Program.startCommand(
        command + [folder + "/small"], in: nil
      ).wait()
      #expect(small.status == 0, "\(small.errors)")
      #expect(small.errors.contains("/dev/shm has no room for"), "\(small.errors)")
      #expect(small.errors.contains("each process has its own parameters"), "\(small.errors)")
      #expect(
        try Job.tensors(folder + "/small", step: 3) == Job.tensors(folder + "/plain", step: 3))
    }
  }
}
