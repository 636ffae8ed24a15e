#!/usr/bin/env python3
"""TensorFlow's time for a training step of a network of scripts/bench/workloads.

    scripts/bench/peer_tensorflow.py resnet20-cifar --mode xla

The networks are those of peer_torch.py: the same layers, numbers of parameters, losses and
updates. A step is a tf.function, compiled by XLA in mode xla. It is one rank: a process of one
thread on a core of its own. bfloat16 is Keras's policy mixed_bfloat16: variables, statistics of
normalizations and the loss stay in float32, PyTorch's autocast is the nearest to it. Rows are made
up before the first step. Prints a line of JSON with the names of `dltrain bench step`; step_ms is
the median. Needs tensorflow.
"""

import argparse
import math
import os
import sys

from peers import WORKLOADS, median_time, report

MODES = ["graph", "xla"]


def options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--mode", choices=MODES, default="graph")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--warm-up", type=int, default=10)
    arguments = parser.parse_args()
    if arguments.ranks != 1:
        print("peer_tensorflow.py: --ranks: TensorFlow is measured with 1 rank", file=sys.stderr)
        sys.exit(64)
    return arguments


if __name__ == "__main__":
    # Before TensorFlow is imported: that takes seconds, and counts the cores that it may use.
    ARGUMENTS = options()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
# A file of the user's can name another backend of Keras.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf
from keras import layers


class BatchNorm(layers.BatchNormalization):
    """Keras's layer is a dozen ops: XLA fuses them, a graph has TensorFlow's fused kernel."""

    fused = True

    def __init__(self):
        super().__init__(momentum=0.9, epsilon=1e-5)

    def call(self, x, training=None):
        if not (self.fused and training):
            return super().call(x, training=training)
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            x, self.gamma, self.beta, self.moving_mean, self.moving_variance,
            epsilon=self.epsilon, exponential_avg_factor=1 - self.momentum)
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return y


def convolution(width, kernel, stride):
    return [*padded(layers.Conv2D, width, kernel, stride), BatchNorm()]


def padded(layer, *size):
    """A convolution without bias; at a stride of 2 "same" adds zeros behind, PyTorch before."""
    *_, kernel, stride = size
    if stride == 1 or kernel == 1:
        return [layer(*size, "same", use_bias=False)]
    return [layers.ZeroPadding2D(((1, 0), (1, 0))), layer(*size, use_bias=False)]


class Residual(layers.Layer):
    """Two 3x3 convolutions and the way around them, projected where the shape changes."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.body = keras.Sequential(
            [*convolution(width, 3, stride), layers.ReLU(), *convolution(width, 3, 1)])
        same = stride == 1 and channels == width
        self.shortcut = (
            layers.Identity() if same else keras.Sequential(convolution(width, 1, stride)))

    def call(self, x):
        return tf.nn.relu(self.body(x) + self.shortcut(x))


def residual_network(widths, blocks):
    network = [*convolution(widths[0], 3, 1), layers.ReLU()]
    channels = widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            network.append(Residual(channels, width, stride))
            channels = width
    return keras.Sequential([*network, layers.GlobalAveragePooling2D(), layers.Dense(10)])


class TransformerBlock(layers.Layer):
    """Normalization first, one projection for queries, keys and values."""

    def __init__(self, width, heads, causal=True, approximate=True):
        super().__init__()
        self.heads, self.causal, self.approximate = heads, causal, approximate
        self.norm1 = layers.LayerNormalization(epsilon=1e-5)
        self.qkv = layers.Dense(3 * width)
        self.out = layers.Dense(width)
        self.norm2 = layers.LayerNormalization(epsilon=1e-5)
        self.up = layers.Dense(4 * width)
        self.down = layers.Dense(width)

    def call(self, x):
        batch, time_steps, width = x.shape
        size = width // self.heads
        qkv = tf.reshape(self.qkv(self.norm1(x)), (batch, time_steps, 3, self.heads, size))
        query, key, value = tf.unstack(tf.transpose(qkv, (2, 0, 3, 1, 4)))
        scores = tf.matmul(query * size**-0.5, key, transpose_b=True)
        if self.causal:
            seen = tf.linalg.band_part(tf.ones((time_steps, time_steps), tf.bool), -1, 0)
            scores = tf.where(seen, scores, scores.dtype.min)
        mixed = tf.transpose(tf.matmul(tf.nn.softmax(scores), value), (0, 2, 1, 3))
        x = x + self.out(tf.reshape(mixed, (batch, time_steps, width)))
        hidden = tf.nn.gelu(self.up(self.norm2(x)), approximate=self.approximate)
        return x + self.down(hidden)


class GPT(layers.Layer):
    def __init__(self, vocabulary, context, depth, width, heads):
        super().__init__()
        self.positions = self.add_weight(
            shape=(context, width), initializer=keras.initializers.RandomNormal(stddev=0.02))
        self.tokens = layers.Embedding(vocabulary, width)
        self.blocks = keras.Sequential([TransformerBlock(width, heads) for _ in range(depth)])
        self.norm = layers.LayerNormalization(epsilon=1e-5)
        self.head = layers.Dense(vocabulary, use_bias=False)

    def call(self, tokens):
        return self.head(self.norm(self.blocks(self.tokens(tokens) + self.positions)))


class VisionTransformer(layers.Layer):
    """Patches of 4x4 pixels of a small image, and a token of their own for the class."""

    def __init__(self, depth, width, heads, image=32, patch=4, classes=10):
        super().__init__()
        self.class_token = self.add_weight(shape=(1, 1, width), initializer="zeros")
        self.positions = self.add_weight(
            shape=((image // patch) ** 2 + 1, width),
            initializer=keras.initializers.RandomNormal(stddev=0.02))
        self.patches = layers.Conv2D(width, patch, patch)
        self.blocks = keras.Sequential([
            TransformerBlock(width, heads, causal=False, approximate=False)
            for _ in range(depth)])
        self.norm = layers.LayerNormalization(epsilon=1e-5)
        self.head = layers.Dense(classes)

    def call(self, images):
        x = self.patches(images)
        batch, height, width, features = x.shape
        x = tf.reshape(x, (batch, height * width, features))
        first = tf.repeat(self.class_token, batch, axis=0)
        x = tf.concat([first, x], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


def lstm(x, recurrent, _, c):
    i, f, g, o = tf.split(x + recurrent, 4, 1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


def gru(x, recurrent, h):
    x_reset, x_update, x_new = tf.split(x, 3, 1)
    h_reset, h_update, h_new = tf.split(recurrent, 3, 1)
    new = tf.tanh(x_new + tf.sigmoid(x_reset + h_reset) * h_new)
    return new + tf.sigmoid(x_update + h_update) * (h - new),


class Recurrent(layers.Layer):
    """Takes the input's products for all time steps at once, before the loop; Keras's layers take
    them in it. Both products have a bias, as PyTorch's do."""

    def __init__(self, cell, gates, states, width):
        super().__init__()
        self.cell, self.states, self.width = cell, states, width
        self.project = layers.Dense(gates * width)
        self.kernel = self.add_weight(shape=(width, gates * width), initializer="orthogonal")
        self.bias = self.add_weight(shape=(gates * width,), initializer="zeros")

    def call(self, x):
        batch, time_steps, _ = x.shape
        projected = self.project(tf.transpose(x, (1, 0, 2)))
        kind = projected.dtype
        # Read, and cast for bfloat16, once and not in each time step.
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        inputs = tf.TensorArray(kind, time_steps).unstack(projected)
        outputs = tf.TensorArray(kind, time_steps, element_shape=(batch, self.width))

        def advance(index, outputs, *state):
            state = self.cell(inputs.read(index), tf.matmul(state[0], kernel) + bias, *state)
            return index + 1, outputs.write(index, state[0]), *state

        start = self.states * [tf.zeros((batch, self.width), kind)]
        outputs = tf.while_loop(
            lambda index, *_: index < time_steps, advance, (0, outputs, *start),
            maximum_iterations=time_steps)[1]
        return tf.transpose(outputs.stack(), (1, 0, 2))


class RecurrentLanguageModel(layers.Layer):
    """Recurrent layers between an embedding and logits."""

    def __init__(self, kind, vocabulary, width, depth):
        super().__init__()
        self.tokens = layers.Embedding(vocabulary, width)
        self.recurrent = keras.Sequential([Recurrent(*kind, width) for _ in range(depth)])
        self.head = layers.Dense(vocabulary)

    def call(self, tokens):
        return self.head(self.recurrent(self.tokens(tokens)))


class Bottleneck(layers.Layer):
    """A layer of DenseNet-BC: 1x1 to four times the growth, then 3x3, appended to its input."""

    def __init__(self, growth):
        super().__init__()
        self.body = keras.Sequential([
            BatchNorm(), layers.ReLU(), *padded(layers.Conv2D, 4 * growth, 1, 1),
            BatchNorm(), layers.ReLU(), *padded(layers.Conv2D, growth, 3, 1)])

    def call(self, x):
        return tf.concat([x, self.body(x)], -1)


def dense_network(growth, depth):
    """Three dense blocks; transitions halve channels and edges."""
    channels = 2 * growth
    network = padded(layers.Conv2D, channels, 3, 1)
    for block in range(3):
        network += [Bottleneck(growth) for _ in range(depth)]
        channels += depth * growth
        network += [BatchNorm(), layers.ReLU()]
        if block < 2:
            channels //= 2
            network += [*padded(layers.Conv2D, channels, 1, 1), layers.AveragePooling2D(2)]
    return keras.Sequential([*network, layers.GlobalAveragePooling2D(), layers.Dense(10)])


def vgg11():
    network = []
    for widths in [(64,), (128,), (256, 256), (512, 512), (512, 512)]:
        for width in widths:
            network += [*convolution(width, 3, 1), layers.ReLU()]
        network.append(layers.MaxPooling2D(2))
    return keras.Sequential([*network, layers.Flatten(), layers.Dense(10)])


def mobilenet():
    """The first version's layers behind a stem that keeps the small image's edges."""
    network = [*convolution(32, 3, 1), layers.ReLU()]
    for width, stride in [
            (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *5 * [(512, 1)],
            (1024, 2), (1024, 1)]:
        network += [
            *padded(layers.DepthwiseConv2D, 3, stride), BatchNorm(), layers.ReLU(),
            *convolution(width, 1, 1), layers.ReLU()]
    return keras.Sequential([*network, layers.GlobalAveragePooling2D(), layers.Dense(10)])


def perceptron():
    return keras.Sequential([
        layers.Flatten(), layers.Dense(512), layers.ReLU(), layers.Dense(512), layers.ReLU(),
        layers.Dense(10)])


def lenet():
    return keras.Sequential([
        layers.Conv2D(6, 5, padding="same"), layers.ReLU(), layers.MaxPooling2D(2),
        layers.Conv2D(16, 5), layers.ReLU(), layers.MaxPooling2D(2), layers.Flatten(),
        layers.Dense(120), layers.ReLU(), layers.Dense(84), layers.ReLU(), layers.Dense(10)])


NETWORKS = {
    "mlp-784-512-512-10": perceptron,
    "lenet5-28x28": lenet,
    "resnet20-cifar": lambda: residual_network((16, 32, 64), 3),
    "resnet18-cifar": lambda: residual_network((64, 128, 256, 512), 2),
    "gpt-4x128-t64": lambda: GPT(65, 64, 4, 128, 4),
    "gpt-6x384-t256": lambda: GPT(65, 256, 6, 384, 6),
    "lstm-2x256-t35": lambda: RecurrentLanguageModel((lstm, 4, 2), 2000, 256, 2),
    "gru-2x256-t35": lambda: RecurrentLanguageModel((gru, 3, 1), 2000, 256, 2),
    "vgg11-cifar": vgg11,
    "mobilenet-cifar": mobilenet,
    "densenet-cifar": lambda: dense_network(12, 6),
    "vit-cifar": lambda: VisionTransformer(6, 192, 3),
}


def made_up(rows, shape):
    """Images with classes, or tokens with the ones that follow them."""
    if len(shape) == 3:
        return tf.random.normal((rows, *shape)), tf.random.uniform((rows,), 0, 10, tf.int32)
    length, vocabulary = shape
    text = tf.random.uniform((rows, length + 1), 0, vocabulary, tf.int32)
    return text[:, :-1], text[:, 1:]


def training_step(network, rule, mode):
    """A function of rows and what belongs to them that updates the network: the loss before."""
    if rule == "sgd":
        optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    else:
        # Epsilon is PyTorch's, but Keras adds it before it corrects the second moment for bias.
        optimizer = keras.optimizers.AdamW(0.001, weight_decay=0.01, epsilon=1e-8)
    variables = network.trainable_variables
    optimizer.build(variables)

    @tf.function(jit_compile=mode == "xla")
    def step(x, y):
        with tf.GradientTape() as tape:
            output = tf.cast(network(x, training=True), tf.float32)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=output))
        # An embedding's are rows, which recur with their tokens: AdamW would square each alone.
        gradients = [tf.convert_to_tensor(part) for part in tape.gradient(loss, variables)]
        optimizer.apply_gradients(zip(gradients, variables))
        return loss

    return step


def measure(arguments):
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.set_visible_devices([], "GPU")
    keras.utils.set_random_seed(0)
    if arguments.precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    BatchNorm.fused = arguments.mode == "graph"
    rows, shape, rule = WORKLOADS[arguments.workload]
    network = NETWORKS[arguments.workload]()
    x, y = made_up(rows, shape)
    network(x)
    parameters = sum(math.prod(variable.shape) for variable in network.trainable_variables)
    step = training_step(network, rule, arguments.mode)
    median = median_time(lambda: step(x, y).numpy(), arguments)
    report(arguments, f"tensorflow {tf.__version__}", median, parameters)


if __name__ == "__main__":
    measure(ARGUMENTS)
