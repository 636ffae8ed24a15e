import DLData
import DLFormats
import DLTensor

extension TaskTests {
  /// Jobs of words that are tagged, or that learn vectors.
  static let wordJobs: [(name: String, yaml: String)] = [
    (
      "tags of a conditional random field",
      """
      data: {train: tags.safetensors, validation: tags.safetensors}
      model:
        layers:
          - {embedding: {entries: 9, size: 4, padding_idx: 0}}
          - {lstm: {hidden: 3, bidirectional: true, dropout: 0}}
          - {dropout: {p: 0.2}}
          - {linear: {out: 3}}
          - crf
      optimizer: {name: adam, lr: 0.02}
      batch_size: 6
      accumulate: 2
      """
    ),
    (
      "objects on images",
      """
      data: {train: objects/train.safetensors, validation: objects/train.safetensors, last_batch: drop}
      model:
        layers:
          - {conv2d: {out: 4, kernel: 3, stride: 2, padding: 1, bias: false}}
          - batch_norm
          - relu
          - {conv2d: {out: 28, kernel: 3, stride: 2, padding: 1}}
          - {detect: {classes: 10, sizes: [6, 9], score_threshold: 0.3}}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 6
      accumulate: 2
      """
    ),
    (
      "translation from its own choices",
      """
      data: {train: pairs/pairs.safetensors, validation: pairs/pairs.safetensors, order: bucketed}
      model: {name: seq2seq, width: 10, dropout: 0.1, beam: 2, sampling: 0.6, sampling_steps: 4}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 6
      """
    ),
    (
      "translation that copies",
      """
      data: {train: pairs/pairs.safetensors, validation: pairs/pairs.safetensors, order: bucketed}
      model: {name: seq2seq, width: 10, dropout: 0.1, beam: 2, copy: true, guided: 0.5}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 6
      """
    ),
    (
      "translation by the BLEU of what is drawn",
      """
      data: {train: pairs/pairs.safetensors, validation: pairs/pairs.safetensors, order: bucketed}
      model: {name: seq2seq, width: 10, attention: relu, dropout: 0.1, beam: 1, self_critical: 0.7}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 6
      """
    ),
    (
      "translation of all tokens at once",
      """
      data: {train: pairs/pairs.safetensors, validation: pairs/pairs.safetensors, order: bucketed}
      model: {name: nat, layers: 1, width: 12, heads: 3, feed_forward: 16, beam: 2}
      optimizer: {name: adam, lr: 0.01}
      batch_size: 6
      """
    ),
    (
      "word2vec, skip-gram",
      """
      data: {train: words/train.safetensors, validation: words/validation.safetensors, window: 5}
      model: {name: word2vec, size: 4, negatives: 3, subsample: 0.1}
      optimizer: {name: adam, lr: 0.05}
      batch_size: 6
      accumulate: 2
      """
    ),
    (
      "word2vec, bag of words",
      """
      data: {train: words/train.safetensors, validation: words/validation.safetensors, window: 3}
      model: {name: word2vec, kind: cbow, size: 4, negatives: 3}
      optimizer: {name: adam, lr: 0.05}
      batch_size: 5
      """
    ),
  ]
}

extension TaskBench {
  /// Digits on canvases, with their boxes.
  func strewObjects() throws {
    var strewn = StrewnPacker()
    (strewn.canvas, strewn.objects, strewn.scale, strewn.rows) = ((16, 18), 1...2, 0.7...1, [19])
    _ = try strewn.pack(["embedded:digits-validation"], output: "\(path)/objects")
  }

  /// Rows of up to six words, whose tags go by the word before; some words have none.
  func writeTags(_ stream: inout RandomStream) throws {
    var (x, y) = ([Int32](), [Int32]())
    for row in 0..<24 {
      let words = (0..<1 + row % 6).map { _ in Int32(1 + stream.upTo(8)) }
      for place in 0..<6 {
        x.append(place < words.count ? words[place] : 0)
        let before = place > 0 && place <= words.count ? words[place - 1] : 1
        y.append(place >= words.count || (row + place) % 9 == 8 ? -100 : (before + 1) % 3)
      }
    }
    try SafetensorsWriter.write(
      [("x", x), ("y", y)].map { name, numbers in
        SafetensorsTensor(name: name, dtype: .int32, shape: [24, 6]) { sink in
          try numbers.withUnsafeBytes { try sink($0) }
        }
      }, metadata: ["classes": "3"], to: path + "/tags.safetensors")
  }
}
