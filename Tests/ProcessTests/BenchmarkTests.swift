import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// The measuring commands, through the real program; what they measure is not judged.
@Suite struct BenchmarkTests {
  /// The parameters that PyTorch counts in the same networks: what scripts/bench/peer_torch.py prints.
  @Test(arguments: [
    ("mlp-784-512-512-10", 669_706), ("lenet5-28x28", 61_706), ("resnet20-cifar", 272_474),
    ("resnet18-cifar", 11_173_962), ("gpt-4x128-t64", 818_176), ("gpt-6x384-t256", 10_795_776),
    ("lstm-2x256-t35", 2_078_672),
  ])
  func theWorkloadsAreThoseOfThePeer(name: String, parameters: Int) throws {
    let file = "\(Program.repository)/scripts/bench/workloads/\(name).yaml"
    let outcome = try Program.run(["validate", file])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let line = outcome.output.split(separator: "\n").first { $0.hasPrefix("parameters") }
    #expect(line?.split(separator: " ").last.map(String.init) == Format.grouped(parameters))
  }

  @Test(arguments: [nil, 2])
  func aProfileShowsEveryOpAndWhatIsNone(processes: Int?) throws {
    let folder = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let ranks = processes == nil ? ["--ranks", "1"] : []
    let step = try Program.run(
      ["bench", "step", "--config", "digits", "--steps", "3", "--profile"] + ranks,
      processes: processes)
    #expect(step.status == 0, "\(step.errors)")
    #expect(step.output.hasPrefix("{\"workload\""))
    let train = try Program.run(
      ["train", "digits", "--stop-at", "3", "--out", "run", "--profile"] + ranks,
      processes: processes, in: folder)
    #expect(train.status == 0, "\(train.errors)")
    for output in [step.output, train.output] {
      for word in ["conv2d", "batchNorm", "crossEntropySum", "optimizer", "gradient sum"] {
        #expect(output.contains(word), "\(word)")
      }
      // Both tables have a line for each direction of the one linear layer, in each of 3 steps.
      let lines = output.split(separator: "\n").map { $0.split(separator: " ") }
        .filter { $0.first == "linear" }
      #expect(lines.count == 4 && lines.allSatisfy { $0[3] == "3" })
      #expect(Set(lines.map { $0[2] }) == ["forward", "backward"])
    }
  }

  /// Each op that is measured forward is measured backward, by its own count of work.
  @Test func opsAreMeasuredBesideThePeaks() throws {
    let folder = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outcome = try Program.run(
      [
        "bench", "ops", "--seconds", "0.0001", "--json", "ops.json", "--svg", "ops.svg",
        "--filter", "x",
      ], in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let json = try JSON(parsing: String(contentsOfFile: folder + "/ops.json", encoding: .utf8))
    let ops = try #require(json["ops"]?.array)
    for name in [
      "linear", "matmul", "conv 3x3", "conv 1x1", "conv 3x3 /2", "conv 3x3 depthwise", "batch_norm",
      "attention", "lstm", "embedding", "softmax", "layer_norm", "gelu", "cross_entropy",
    ] {
      let mine = ops.filter { $0["op"]?.string == name }
      #expect(mine.contains { $0["pass"]?.string == "forward" }, "\(name)")
      #expect(mine.contains { $0["pass"]?.string != "forward" }, "\(name)")
    }
    for op in ops {
      #expect((op["seconds"]?.double ?? 0) > 0 && (op["bytes"]?.double ?? 0) > 0)
      #expect(
        outcome.output.contains(try #require(op["shape"]?.string?.split(separator: " ").first)))
    }
    func flops(_ op: String, _ shape: String, _ pass: String) -> Double? {
      ops.first {
        $0["op"]?.string == op && $0["shape"]?.string == shape && $0["pass"]?.string == pass
      }?["flops"]?.double
    }
    // 2 · 512³, twice as many for both gradients, and 2 · 64 rows · 8² places · 3² taps · 64².
    #expect(flops("matmul", "512x512 x 512", "forward") == 268_435_456)
    #expect(flops("matmul", "512x512 x 512", "backward") == 536_870_912)
    #expect(flops("conv 3x3", "64x8x8x64 -> 64", "data gradient") == 301_989_888)
    let peaks = try #require(json["peaks"])
    for (group, names) in [("flops", [String]()), ("bytes_per_s", ["L1", "L2", "DRAM"])] {
      let values = try #require(peaks[group]?.members)
      #expect(!values.isEmpty && values.allSatisfy { ($0.value.double ?? 0) > 0 })
      #expect(names.isEmpty || values.map(\.key) == names)
    }
    let svg = try String(contentsOfFile: folder + "/ops.svg", encoding: .utf8)
    #expect(count("<circle", in: svg) == ops.count { ($0["flops"]?.double ?? 0) > 0 })
  }

  /// The kernel's list of what the CPU can do is the witness for the peaks.
  @Test func opsOfBfloat16StandBesideWhatMultipliesIt() throws {
    let folder = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outcome = try Program.run(
      [
        "bench", "ops", "--seconds", "0.0001", "--json", "ops.json", "--filter", "matmul forward",
        "--precision", "bfloat16",
      ], in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("bfloat16: "), "\(outcome.output)")
    let json = try JSON(parsing: String(contentsOfFile: folder + "/ops.json", encoding: .utf8))
    #expect(json["precision"]?.string == "bfloat16")
    let flags = Set(
      try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).split { $0.isWhitespace })
    for set in try #require(json["peaks"]?["flops"]?.members).map(\.key)
    where set.hasSuffix("bf16") {
      #expect(flags.contains(Substring(set)), "\(set)")
    }
  }

  @Test func opsThatAreNoneAreRefused() throws {
    for arguments in [
      ["--filter", "nothing"], ["--seconds", "0"], ["--seconds", "nan"],
      ["--precision", "float64"],
    ] {
      let outcome = try Program.run(["bench", "ops"] + arguments)
      #expect(outcome.status == 64)
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
    }
    let counted = try Program.run(["bench", "ops", "--count"])
    #expect(counted.status == 0, "\(counted.errors)")
    let titles = counted.output.split(separator: "\n")
    #expect(titles.count > 30 && Set(titles).count == titles.count)
  }

  @Test func allreduceShowsEveryReductionAndSize() throws {
    let arguments = ["bench", "allreduce", "--sizes", "4K,1M", "--seconds", "0.001"]
    let threads = try Program.run(arguments + ["--ranks", "2"])
    #expect(threads.status == 0, "\(threads.errors)")
    // A row for each size, and the head of the table.
    #expect(count("threads", in: threads.output) == 5)
    #expect(count("shares of threads", in: threads.output) == 2)
    #expect(threads.output.contains("1 MiB") && threads.output.contains("channels"))
    let processes = try Program.run(arguments, processes: 2)
    #expect(processes.status == 0, "\(processes.errors)")
    #expect(count("MPI, blocking", in: processes.output) == 2)
    #expect(count("shares in the host's memory", in: processes.output) == 2)
    // Its two rows, and the column that compares with it.
    #expect(count("MPI_Allreduce", in: processes.output) == 3)
    let both = try Program.run(arguments + ["--ranks", "4"], processes: 2)
    #expect(both.status == 0, "\(both.errors)")
    #expect(count("threads and MPI", in: both.output) == 2)
    let alone = try Program.run(arguments + ["--ranks", "1"])
    #expect(alone.status == 0, "\(alone.errors)")
  }

  @Test func sizesThatAreNoFloatsAreRefused() throws {
    for sizes in ["6", "1X", "", "4,,8", "-4"] {
      let outcome = try Program.run(["bench", "allreduce", "--sizes=\(sizes)"], processes: 2)
      #expect(outcome.status == 64)
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
    }
  }

  @Test(arguments: [[], ["--mpirun"], ["--strong"]])
  func scalingMeasuresEachNumberOfRanksAndFitsAModel(options: [String]) throws {
    let folder = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outcome = try Program.run(
      [
        "bench", "scaling", "--ranks", "1,2", "--workload", "lenet5-28x28", "--set",
        "batch_size=8", "--steps", "3", "--predict", "16", "--other", "digits", "--svg",
        "scaling.svg",
      ] + options, in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    for text in ["left out", "16 ranks", "samples/s", "digits: predicted"] {
      #expect(outcome.output.contains(text), "\(text)")
    }
    #expect(outcome.output.contains(options == ["--mpirun"] ? "under mpirun" : "threads of one"))
    let svg = try String(contentsOfFile: folder + "/scaling.svg", encoding: .utf8)
    #expect(count("<circle", in: svg) == 4)
  }

  @Test func scalingStartsItsRanksItself() throws {
    let outcome = try Program.run(
      ["bench", "scaling", "--workload", "digits"], processes: 2)
    #expect(outcome.status == 64)
    #expect(outcome.faults.count == 1, "\(outcome.errors)")
  }

  @Test func aTraceOfProcessesHoldsThemAll() throws {
    let folder = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let outcome = try Program.run(
      ["train", "digits", "--stop-at", "2", "--out", "run", "--trace", "trace.json"],
      processes: 2, in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let trace = try JSON(parsing: String(contentsOfFile: folder + "/trace.json", encoding: .utf8))
    let events = try #require(trace["traceEvents"]?.array)
    for rank in 0..<2 {
      let steps = events.filter { $0["name"]?.string == "step" && $0["pid"]?.int == rank }
      #expect(steps.compactMap { $0["args"]?["step"]?.int } == [1, 2])
    }
    #expect(trace["otherData"]?["ranks"]?.int == 2)
  }

  private func count(_ part: String, in text: String) -> Int {
    text.components(separatedBy: part).count - 1
  }
}
