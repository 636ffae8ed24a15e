import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// A checkpoint whose mean of a weight has another shape than the weight.
struct AverageMismatchTests {
  /// Writes a checkpoint anew with the mean of `name` under another shape of as many elements.
  private func reshape(_ name: String, _ shape: [Int], in path: String) throws {
    let file = try SafetensorsFile(path: path)
    var metadata = file.metadata
    // As in files of versions that had none.
    metadata["layout_checksum"] = nil
    metadata["metadata_checksum"] = nil
    let text = JSON.object(
      metadata.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }
    ).description
    metadata["metadata_checksum"] = String(Array(text.utf8).withUnsafeBytes { CRC32.of($0) })
    #expect(file.tensors.contains { $0.name == name && $0.shape != shape })
    let tensors = try file.tensors.map { info in
      let bytes = try file.bytes(info.name)
      return SafetensorsTensor(
        name: info.name, dtype: info.dtype, shape: info.name == name ? shape : info.shape
      ) { sink in try bytes.withUnsafeBytes { try sink($0) } }
    }
    try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
  }

  @Test func isRefusedByAllThatTakeTheMean() throws {
    try TemporaryFolder.with { folder in
      let job = """
        data: {synthetic: {shape: [12], classes: 3, rows: 16}}
        model: {layers: [{linear: {out: 3}}]}
        average: {name: ema, decay: 0.5}
        batch_size: 8
        steps: 2

        """
      try job.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
      let train = ["train", "job.yaml", "--ranks", "1", "--out", "run"]
      #expect(try Program.run(train, in: folder).status == 0)
      let export = ["export", "run", "-o", "weights.safetensors"]
      #expect(try Program.run(export, in: folder).status == 0)
      try FileManager.default.removeItem(atPath: folder + "/weights.safetensors")
      let checkpoints = folder + "/run/checkpoints"
      let name = try #require(
        FileManager.default.contentsOfDirectory(atPath: checkpoints).first {
          $0.hasSuffix(".safetensors")
        })
      try reshape("average.0.weight", [12, 3], in: checkpoints + "/" + name)
      try SafetensorsWriter.write(
        [
          SafetensorsTensor(name: "x", dtype: .float32, shape: [1, 12]) { sink in
            try [UInt8](repeating: 0, count: 48).withUnsafeBytes { try sink($0) }
          }
        ], to: folder + "/rows.safetensors")
      for verb in [export, ["predict", "run", "rows.safetensors"]] {
        let outcome = try Program.run(verb, in: folder)
        #expect(outcome.status == 64, "\(outcome.errors)")
        #expect(outcome.faults.count == 1, "\(outcome.errors)")
        #expect(
          outcome.faults.first?.contains("average.0.weight") == true, "\(outcome.errors)")
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/weights.safetensors"))
    }
  }
}
