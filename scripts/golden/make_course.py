"""Twenty training steps of networks that are no chains of layers, by PyTorch in float64.

course.safetensors has of each job NAME of gin, gat, bert, seq2seq, vae, gan
    NAME/data/...    the tensors of the data set file
    NAME/init/...    the state_dict before step 1
    NAME/final/...   the state_dict behind the last step
    NAME/losses      the mean loss of each step, over both networks for gan
and NAME.yaml and the data file's metadata among its own metadata. Noise is keyed as dltrain's (keyed.py).
"""

import json

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import keyed
from golden import Random, save

STEPS, ROWS, BATCH = 20, 24, 8

COMMON = f"steps: {STEPS}\nprecision: float64\n"


class GINLayer(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU(),
                                 nn.Linear(outputs, outputs, bias=False))
        self.norm = nn.BatchNorm1d(outputs)
        self.eps = nn.Parameter(torch.zeros(1))

    def forward(self, adjacency, x):
        return torch.relu(self.norm(self.mlp(x * (1 + self.eps) + adjacency @ x)))


class GIN(nn.Module):
    def __init__(self, kinds, layers, hidden, classes):
        super().__init__()
        widths = [kinds] + [hidden] * layers
        self.kinds = kinds
        self.layers = nn.ModuleList(GINLayer(a, b) for a, b in zip(widths, widths[1:]))
        self.heads = nn.ModuleList(nn.Linear(width, classes) for width in widths)

    def forward(self, x):
        """Dense arithmetic: one matrix for all graphs, empty slots taken out of it."""
        graphs, slots, _ = x.shape
        adjacency, membership = torch.zeros(graphs * slots, graphs * slots), torch.zeros(graphs, graphs * slots)
        for graph in range(graphs):
            for slot in range(slots):
                membership[graph, graph * slots + slot] = 1
                for other in x[graph, slot, 1:].tolist():
                    if other:
                        adjacency[graph * slots + slot, graph * slots + other - 1] = 1
        there = (x[:, :, 0] > 0).reshape(-1)
        adjacency, membership = adjacency[there][:, there].double(), membership[:, there].double()
        h = F.one_hot(x[:, :, 0].reshape(-1)[there].long() - 1, self.kinds).double()
        y = self.heads[0](membership @ h)
        for layer, head in zip(self.layers, self.heads[1:]):
            h = layer(adjacency, h)
            y = y + head(membership @ h)
        return y


class GATConv(nn.Module):
    def __init__(self, inputs, outputs, heads, averaged):
        super().__init__()
        self.averaged = averaged
        self.lin = nn.Linear(inputs, heads * outputs, bias=False)
        self.att_src = nn.Parameter(torch.zeros(1, heads, outputs))
        self.att_dst = nn.Parameter(torch.zeros(1, heads, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs if averaged else heads * outputs))

    def forward(self, there, x):
        h = self.lin(x).view(len(x), *self.att_src.shape[1:])
        source, target = (h * self.att_src).sum(-1), (h * self.att_dst).sum(-1)
        scores = F.leaky_relu(target[:, None] + source[None, :], 0.2)
        weights = scores.masked_fill(~there[:, :, None], -torch.inf).softmax(1)
        y = torch.einsum("ijh,jhw->ihw", weights, h)
        return (y.mean(1) if self.averaged else y.reshape(len(x), -1)) + self.bias


class GAT(nn.Module):
    def __init__(self, features, hidden, heads, classes):
        super().__init__()
        self.conv1 = GATConv(features, hidden, heads, False)
        self.conv2 = GATConv(heads * hidden, classes, 1, True)

    def forward(self, there, x):
        return self.conv2(there, F.elu(self.conv1(there, x)))


class BERT(nn.Module):
    def __init__(self, vocabulary, time, classes, width=8):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary + 1, width), nn.Embedding(time, width)
        layer = nn.TransformerEncoderLayer(width, 2, 4 * width, dropout=0, activation="gelu", batch_first=True,
                                           norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(width), enable_nested_tensor=False)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        return self.classifier(self.encoder(self.tokens(x) + self.positions.weight).mean(1))


class Additive(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.query_proj, self.key_proj = nn.Linear(width, width, bias=False), nn.Linear(2 * width, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, query, key, there):
        scores = self.score(torch.tanh(self.query_proj(query)[:, :, None] + self.key_proj(key)[:, None]))[..., 0]
        return scores.masked_fill(~there[:, None], -torch.inf).softmax(-1)


class Seq2Seq(nn.Module):
    def __init__(self, vocabulary, width):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.encoder = nn.GRU(width, width, bidirectional=True, batch_first=True)
        self.bridge = nn.Linear(2 * width, width)
        self.decoder = nn.GRU(width, width, batch_first=True)
        self.additive = Additive(width)
        self.combine, self.head = nn.Linear(3 * width, width, bias=False), nn.Linear(width, vocabulary)

    def forward(self, source, target):
        there = source > 0
        lengths = there.sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(self.tokens(source), lengths, batch_first=True, enforce_sorted=False)
        memory = nn.utils.rnn.pad_packed_sequence(self.encoder(packed)[0], batch_first=True,
                                                  total_length=source.shape[1])[0]
        width = self.bridge.out_features
        ends = memory[torch.arange(len(source)), lengths - 1, :width]
        first = torch.tanh(self.bridge(torch.cat([ends, memory[:, 0, width:]], 1)))
        states = self.decoder(self.tokens(target), first[None])[0]
        context = self.additive(states, memory, there) @ memory
        return self.head(torch.tanh(self.combine(torch.cat([context, states], 2))))


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 5), nn.Tanh())
        self.mean, self.log_variance = nn.Linear(5, 2), nn.Linear(5, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 6))


class GAN(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 4))
        self.discriminator = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))


def noise(step, rows, width, *turn):
    return torch.tensor(np.stack([keyed.normals(keyed.key(1, "noise", step, *turn, row), width) for row in range(rows)]))


def batches(*arrays):
    """The rows of each step, in the order of the file."""
    for step in range(STEPS):
        first = step * BATCH % ROWS
        yield step, [array[first:first + BATCH] for array in arrays]


def initialise(model, name):
    random = Random(f"course {name}")
    for key, value in model.state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue
        low, high = (0.8, 1.2) if key.endswith("running_var") else (-0.6, 0.6)
        value.copy_(torch.from_numpy(random.uniform(*value.shape, low=low, high=high)))
    return model.double().train()


def state(model):
    return {key: value.detach().numpy().copy() for key, value in model.state_dict().items()}


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, foreach=False)


def adam(parameters):
    return torch.optim.Adam(parameters, lr=0.01, foreach=False)


SGD, ADAM = "optimizer: {name: sgd, lr: 0.05, momentum: 0.9}\n", "optimizer: {name: adam, lr: 0.01}\n"


def steps(model, optimizer, losses):
    """One update for each loss, which is computed when its turn has come."""
    found = []
    for loss in losses:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


def graphs():
    random = Random("course graphs")
    x = np.zeros((ROWS, 6, 4), np.int32)
    for row in range(ROWS):
        nodes = 3 + random.integers(below=4)
        joined = [set() for _ in range(nodes)]
        for a, b in random.integers(8, 2, below=nodes):
            if a != b and len(joined[a]) < 3 and len(joined[b]) < 3:
                joined[a].add(b)
                joined[b].add(a)
        for node, others in enumerate(joined):
            x[row, node, 0] = 1 + random.integers(below=2)
            x[row, node, 1:1 + len(others)] = np.sort(np.array(sorted(others), np.int32)) + 1
    return x, random.integers(ROWS, below=3)


def gin():
    x, y = graphs()
    y[:3] = 0, 1, 2
    model = initialise(GIN(2, 2, 5, 3), "gin")
    init = state(model)
    tensors, labels = torch.tensor(x), torch.tensor(y).long()
    losses = steps(model, sgd(model.parameters()),
                   (F.cross_entropy(model(a), b) for _, (a, b) in batches(tensors, labels)))
    yaml = "model: {name: gin, kinds: 2, layers: 2, hidden: 5}\nloss: cross_entropy\n" + SGD
    return yaml, BATCH, {"x": x, "y": y}, {}, init, losses, model


def graph_data(own, edges, labels, labelled, features, classes):
    """The data set file of one graph, `own` being each node's features, and its metadata; the first nodes are trained on."""
    return {
        "feature_offsets": np.cumsum([0] + [len(columns) for columns in own]).astype(np.int32),
        "feature_indices": np.concatenate(own).astype(np.int32), "edges": edges, "labels": labels,
        "split": np.array([1] * labelled + [3] * (len(own) - labelled), np.uint8),
    }, {"features": str(features), "classes": str(classes)}


def gat():
    random = Random("course gat")
    nodes, features, classes, labelled = 14, 9, 3, 8
    edges = random.integers(20, 2, below=nodes)
    own = [np.flatnonzero(random.uniform(features) < 0.4) for _ in range(nodes)]
    labels = random.integers(nodes, below=classes)
    labels[:classes] = range(classes)
    x = torch.zeros(nodes, features, dtype=torch.float64)
    for node, columns in enumerate(own):
        if len(columns):
            x[node, columns] = 1 / len(columns)
    there = torch.eye(nodes, dtype=torch.bool)
    there[edges[:, 0], edges[:, 1]] = there[edges[:, 1], edges[:, 0]] = True
    model = initialise(GAT(features, 4, 3, classes), "gat")
    init = state(model)
    answers = torch.tensor(labels[:labelled]).long()
    losses = steps(model, adam(model.parameters()),
                   (F.cross_entropy(model(there, x)[:labelled], answers) for _ in range(STEPS)))
    data, about = graph_data(own, edges, labels, labelled, features, classes)
    yaml = "model: {name: gat, hidden: 4, heads: 3, dropout: 0}\nloss: cross_entropy\n" + ADAM
    return yaml, labelled, data, about, init, losses, model


def bert():
    random = Random("course bert")
    x, y = random.integers(ROWS, 7, below=11), random.integers(ROWS, below=3)
    y[:3] = 0, 1, 2
    model = initialise(BERT(11, 7, 3), "bert")
    init = state(model)
    losses = steps(model, adam(model.parameters()),
                   (F.cross_entropy(model(a), b) for _, (a, b) in batches(torch.tensor(x), torch.tensor(y).long())))
    yaml = ("model: {name: bert, head: classify, vocabulary: 11, layers: 2, width: 8, heads: 2, dropout: 0}\n"
            "loss: cross_entropy\n" + ADAM)
    return yaml, BATCH, {"x": x, "y": y}, {}, init, losses, model


def seq2seq():
    random = Random("course seq2seq")
    vocabulary, letters = 12, 8
    x, y = np.zeros((ROWS, 6), np.int32), np.zeros((ROWS, 8), np.int32)
    for row in range(ROWS):
        source = 4 + random.integers(2 + random.integers(below=5), below=letters)
        x[row, :len(source)] = source
        target = np.concatenate([[1], source[::-1], [2]])
        y[row, :len(target)] = target
    model = initialise(Seq2Seq(vocabulary, 6), "seq2seq")
    init = state(model)

    def loss(source, target):
        # The end is no input; a row of it would stand where other rows still have tokens.
        logits = model(source, torch.where(target == 2, 0, target)[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=0)

    losses = steps(model, adam(model.parameters()),
                   (loss(a, b) for _, (a, b) in batches(torch.tensor(x).long(), torch.tensor(y).long())))
    pieces = ["<pad>", "<s>", "</s>", "<unk>"] + [chr(97 + letter) for letter in range(letters)]
    about = {"classes": str(vocabulary), "source": "parallel text",
             "tokenizer": json.dumps({"kind": "bpe", "vocabulary": pieces, "merges": []})}
    lengths = np.stack([(x > 0).sum(1), (y > 0).sum(1)], 1).astype(np.int32)
    yaml = "model: {name: seq2seq, width: 6, attention: additive, dropout: 0}\n" + ADAM
    return yaml, BATCH, {"x": x, "y": y, "lengths": lengths}, about, init, losses, model


def vae():
    x = Random("course vae").uniform(ROWS, 6)
    model = initialise(VAE(), "vae")
    init = state(model)

    def bound(step, rows):
        h = model.encoder(rows)
        mean, log = model.mean(h), model.log_variance(h)
        code = mean + torch.exp(log / 2) * noise(step, BATCH, 2, 0)
        error = F.binary_cross_entropy_with_logits(model.decoder(code), rows, reduction="sum")
        return (error - 0.5 * (1 + log - mean.square() - log.exp()).sum()) / BATCH

    tensor = torch.tensor(x).double()
    losses = steps(model, adam(model.parameters()), (bound(step, rows) for step, (rows,) in batches(tensor)))
    yaml = ("model:\n  name: vae\n  latent: 2\n  encoder: [{linear: {out: 5}}, tanh]\n"
            "  decoder: [{linear: {out: 5}}, tanh, {linear: {out: 6}}]\n" + ADAM)
    return yaml, BATCH, {"x": x, "y": np.zeros(ROWS, np.int32)}, {}, init, losses, model


def gan(objective):
    x = Random("course gan").normal(ROWS, 4)
    model = initialise(GAN(), f"gan {objective}")
    init = state(model)
    critic, maker = sgd(model.discriminator.parameters()), sgd(model.generator.parameters())

    def play(fake, real=None):
        if objective == "minimax":
            entropy = F.binary_cross_entropy_with_logits
            lost = entropy(fake, torch.zeros_like(fake)) if real is not None else entropy(fake, torch.ones_like(fake))
            return lost if real is None else lost + entropy(real, torch.ones_like(real))
        return -fake.mean() if real is None else torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()

    losses = []
    for step, (rows,) in batches(torch.tensor(x).double()):
        images = model.generator(noise(step, BATCH, 2))
        critic.zero_grad()
        first = play(model.discriminator(images.detach()), model.discriminator(rows))
        first.backward()
        critic.step()
        maker.zero_grad()
        second = play(model.discriminator(images))
        second.backward()
        maker.step()
        losses.append(first.item() + second.item())
    yaml = (f"model:\n  name: gan\n  latent: 2\n  objective: {objective}\n"
            "  generator: [{linear: {out: 6}}, tanh, {linear: {out: 4}}]\n"
            "  discriminator: [{linear: {out: 6}}, tanh, {linear: {out: 1}}]\n"
            "optimizers:\n  generator: {name: sgd, lr: 0.05, momentum: 0.9}\n"
            "  discriminator: {name: sgd, lr: 0.05, momentum: 0.9}\n")
    return yaml, BATCH, {"x": x, "y": np.zeros(ROWS, np.int32)}, {}, init, losses, model


def save_jobs(file, jobs):
    """Writes jobs by name as this file's head has it."""
    tensors, metadata = {}, {}
    for name, (yaml, batch, data, about, init, losses, model) in jobs.items():
        assert abs(losses[-1] - losses[0]) > 1e-3, name
        metadata[f"{name}.yaml"] = (
            f"data: {{train: data.safetensors, order: sequential}}\n{yaml}batch_size: {batch}\n{COMMON}")
        metadata[f"{name}.data"] = json.dumps(about)
        tensors[f"{name}/losses"] = np.array(losses)
        for part, values in [("data", data), ("init", init), ("final", state(model))]:
            tensors |= {f"{name}/{part}/{key}": value for key, value in values.items()}
    save(file, tensors, metadata)


def main():
    save_jobs("course.safetensors", {
        "gin": gin(), "gat": gat(), "bert": bert(), "seq2seq": seq2seq(), "vae": vae(),
        "gan-minimax": gan("minimax"), "gan-hinge": gan("hinge")})


if __name__ == "__main__":
    main()
