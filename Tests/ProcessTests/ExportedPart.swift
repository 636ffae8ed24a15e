import DLCluster
import DLFormats
import DLLayers
import DLModels
import DLTensor
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// A run of which a part is exported: a generator, an autoencoder's way, the scores below a crf.
struct ExportedPart {
  let name: String
  let job: String
  /// What `export` says of it.
  let note: String

  static let all = [
    ExportedPart(
      name: "dcgan",
      job: """
        data: {synthetic: {shape: [28, 28, 1], classes: 2, rows: 8}}
        model: {name: dcgan, latent: 4, width: 2}
        """, note: "the generator: its input is normal noise"),
    ExportedPart(
      name: "gan-told",
      job: """
        data: {synthetic: {shape: [4, 4, 3], classes: 3, rows: 8}}
        model:
          name: gan
          latent: 5
          conditional: true
          generator: [{linear: {out: 12}}, {batch_norm: {}}, relu, {linear: {out: 48}}, tanh]
          discriminator: [flatten, {linear: {out: 1}}]
        """, note: "3 of which are one-hot for the class"),
    ExportedPart(
      name: "vae",
      job: """
        data: {synthetic: {shape: [6, 6, 1], classes: 2, rows: 8}}
        model:
          name: vae
          latent: 3
          likelihood: gaussian
          encoder: [{conv2d: {out: 2, kernel: 3}}, relu, flatten]
          decoder: [{linear: {out: 8}}, relu, {linear: {out: 36}}]
        """, note: "the decoder makes of the code's mean"),
    ExportedPart(
      name: "crf",
      job: """
        data: {train: tagged.safetensors}
        model:
          layers: [{embedding: {entries: 20, size: 4}}, {lstm: {hidden: 4}}, {linear: {out: 3}}, crf]
        """, note: "no operator finds the best path"),
    ExportedPart(
      name: "detect",
      job: """
        data: {train: boxes.safetensors}
        model:
          layers: [{conv2d: {out: 3, kernel: 3, stride: 4, padding: 1}}, relu,
            {conv2d: {out: 12, kernel: 1}}, {detect: {classes: 2, sizes: [4, 8]}}]
        """, note: "of all anchors"),
  ]

  /// Trains and exports it, and keeps what the network itself makes of rows.
  func write(in folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var random = SystemIndependentNumbers(name)
    let tokens = (0..<80).map { _ in Int32(random.next(20)) }
    try SafetensorsWriter.write(
      [
        .of("x", .int32, [8, 10], tokens),
        .of("y", .int32, [8, 10], tokens.map { $0 % 3 }),
      ], metadata: ["classes": "3"], to: folder + "/tagged.safetensors")
    let pixels = (0..<4 * 16 * 16).map { _ in UInt8(random.next(256)) }
    let boxes: [Float] = (0..<4).flatMap { [Float($0 % 2), 2, 3, 9, 11, -1, 0, 0, 0, 0] }
    let images = SafetensorsTensor.of("x", .uint8, [4, 16, 16, 1], pixels)
    try SafetensorsWriter.write(
      [images, .of("y", .float32, [4, 2, 5], boxes)], to: folder + "/boxes.safetensors")
    let text = job + "\noptimizer: {name: sgd, lr: 0.01}\nbatch_size: 4\nsteps: 3\n"
    try text.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    let trained = try Program.run(
      ["train", "job.yaml", "--ranks", "1", "--out", "run"], in: folder)
    #expect(trained.status == 0, "\(trained.errors)")
    let exported = try Program.run(["export", "run", "-o", "model.onnx"], in: folder)
    #expect(exported.status == 0, "\(exported.errors)")
    #expect(exported.output.contains(note), "\(exported.output)")
    let torch = try Program.run(["export", "run", "-o", "model.py"], in: folder)
    #expect(torch.status == 0, "\(torch.errors)")

    let network = try LoadedNetwork(LoadedRun(folder + "/run"), communicator: SingleRank())
    network.context.isTraining = false
    let outputs: Tensor
    if let pair = network.task.model as? any GenerativeAdversarial {
      let width = pair.latentSize + (pair.conditionClasses ?? 0)
      let noise = (0..<5 * width).map { _ in Float(random.next(4001) - 2000) / 1000 }
      try SafetensorsWriter.write(
        [.of("x", .float32, [5, width], noise)], to: folder + "/rows.safetensors")
      let x = try Tensor.values(
        noise.map(Double.init), shape: [5, 1, 1, width], context: network.context)
      outputs = try network.context.withoutRecording { try pair.generator(x) }
    } else if let chain = network.task.model as? Sequential, name == "detect" {
      try SafetensorsWriter.write([images], to: folder + "/rows.safetensors")
      let x = try Tensor.values(
        pixels.map { Double($0) / 255 }, shape: [4, 16, 16, 1], context: network.context)
      outputs = try network.context.withoutRecording { try chain(x) }
    } else if let chain = network.task.model as? Sequential {
      try SafetensorsWriter.write(
        [.of("x", .int32, [8, 10], tokens)], to: folder + "/rows.safetensors")
      let x = try Tensor.labels(tokens, shape: [8, 10], context: network.context)
      outputs = try network.context.withoutRecording { try chain(x) }
    } else {
      let pixels = (0..<8 * 36).map { _ in Float(random.next(4001) - 2000) / 1000 }
      try SafetensorsWriter.write(
        [.of("x", .float32, [8, 6, 6, 1], pixels)], to: folder + "/rows.safetensors")
      let predicted = try Program.run(
        ["predict", "run", "rows.safetensors", "-o", "predicted.csv"], in: folder)
      #expect(predicted.status == 0, "\(predicted.errors)")
      return
    }
    try ExportedGiven.keep([outputs], in: folder)
  }
}
