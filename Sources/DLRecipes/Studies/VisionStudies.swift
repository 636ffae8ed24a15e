// Comparisons of networks for images.
extension StudyRecipe {
  /// What is known beforehand of images, against what is learned of them.
  static let attentionOrConvolution = StudyRecipe(
    name: "attention-or-convolution",
    summary: "self-attention over pixels against convolutions, on 1,437 digits and on 100",
    yaml: """
      name: attention-or-convolution
      job: digits
      set: {steps: 600, optimizer: {name: adamw, lr: 0.003}, schedule: {name: cosine}}
      runs:
        - name: convolution
          set:
            model:
              layers:
                - {conv2d: {out: 24, kernel: 3, padding: 1}}
                - relu
                - {conv2d: {out: 24, kernel: 3, padding: 1}}
                - relu
                - {conv2d: {out: 24, kernel: 3, padding: 1}}
                - relu
                - global_avg_pool2d
                - {linear: {out: 10}}
        - name: attention
          set:
            model:
              layers:
                - {conv2d: {out: 24, kernel: 1}}
                - tokens
                - {positional: {kind: learned}}
                - repeat:
                    times: 2
                    layers:
                      - transformer_encoder_layer:
                          {heads: 4, feed_forward: 48, dropout: 0.0, norm_first: true}
                - global_avg_pool1d
                - {linear: {out: 10}}
        - name: attention without places
          set:
            model:
              layers:
                - {conv2d: {out: 24, kernel: 1}}
                - tokens
                - repeat:
                    times: 2
                    layers:
                      - transformer_encoder_layer:
                          {heads: 4, feed_forward: 48, dropout: 0.0, norm_first: true}
                - global_avg_pool1d
                - {linear: {out: 10}}
      grid: {data.train: ["embedded:digits-train", "embedded:digits-100"]}
      seeds: [1, 2, 3]
      table: [validation.accuracy, validation.loss, train.loss, parameters]
      plot: {x: step, y: train.loss, log_y: true}
      """)
}
