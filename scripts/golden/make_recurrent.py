"""Golden values of recurrent networks and of connectionist temporal classification."""

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from golden import Family, Random

MODULES = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def network(op, parameters, **settings):
    """The module with its parameters replaced by the tensors given, so that gradients reach them."""
    first = parameters["weight_ih_l0"]
    hidden = parameters["weight_hh_l0"].shape[1]
    module = MODULES[op](first.shape[1], hidden, **settings).to(first.dtype)
    return lambda *inputs: torch.func.functional_call(module, parameters, inputs)


def recurrent():
    family = Family("recurrent")
    # shape: [batch, time, features]; sizes: hidden, layers, directions
    cases = [
        ("plain", (3, 5, 4), (6, 1, 1), {}),
        ("no_bias", (2, 4, 3), (5, 1, 1), {"bias": False}),
        ("state", (3, 4, 2), (4, 1, 1), {"state": True}),
        ("two_layers_time_first", (2, 5, 3), (4, 2, 1), {"batch_first": False, "state": True}),
        ("one_step_of_one_row", (1, 1, 3), (5, 1, 2), {"state": True}),
        ("bidirectional", (2, 4, 3), (3, 1, 2), {}),
        ("lengths", (4, 5, 3), (4, 1, 1), {"lengths": [3, 5, 1, 4], "state": True}),
        ("lengths_both_ways", (3, 5, 2), (3, 2, 2), {"lengths": [2, 5, 3], "state": True}),
        ("wide", (2, 3, 5), (17, 1, 1), {"state": True}),
    ]
    for op, nonlinearity in [("rnn", "tanh"), ("rnn", "relu"), ("lstm", None), ("gru", None)]:
        for case, shape, (hidden, layers, directions), options in cases:
            record(family, op, nonlinearity, case, shape, hidden, layers, directions, **options)
    family.save()


def record(family, op, nonlinearity, case, shape, hidden, layers, directions, bias=True,
           batch_first=True, state=False, lengths=None):
    name = "_".join(filter(None, [op, nonlinearity, case]))
    random = Random(name)
    batch, time, features = shape
    settings = {"num_layers": layers, "bidirectional": directions == 2, "bias": bias,
                "batch_first": batch_first}
    if nonlinearity:
        settings["nonlinearity"] = nonlinearity
    inputs = {"x": random.normal(*(shape if batch_first else (time, batch, features)))}
    for parameter, value in MODULES[op](features, hidden, **settings).named_parameters():
        inputs[parameter] = random.normal(*value.shape, scale=0.4)
    states = ["h"] + (["c"] if op == "lstm" else [])
    planes = (layers * directions, batch, hidden)
    if state:
        inputs |= {f"{which}_0": random.normal(*planes) for which in states}
    if lengths:
        inputs["lengths"] = np.array(lengths, np.int32)
    wrt = [key for key in inputs if key != "lengths"]
    # What the output and the final states are weighed with, so that gradients enter at all of them.
    outer = (batch, time) if batch_first else (time, batch)
    inputs["weigh_output"] = random.normal(*outer, directions * hidden)
    inputs |= {f"weigh_{which}_n": random.normal(*planes) for which in states}

    def function(x, lengths=None, **tensors):
        parameters = {key: value for key, value in tensors.items()
                      if key.startswith(("weight_", "bias_"))}
        run = network(op, parameters, **settings)
        initial = [tensors[f"{which}_0"] for which in states] if state else None
        initial = tuple(initial) if state and op == "lstm" else initial and initial[0]
        if lengths is not None:
            x = pack_padded_sequence(x, lengths, batch_first=batch_first, enforce_sorted=False)
        output, final = run(x, initial)
        if lengths is not None:
            output, _ = pad_packed_sequence(output, batch_first=batch_first, total_length=time)
        final = dict(zip([f"{which}_n" for which in states], final if op == "lstm" else [final]))
        y = (output * tensors["weigh_output"]).sum()
        for key, value in final.items():
            y = y + (value * tensors[f"weigh_{key}"]).sum()
        return {"y": y, "output": output, **final}

    family.record(name, op, inputs, function, wrt=wrt, hidden=hidden, layers=layers,
                  bidirectional=directions == 2, bias=bias, batch_first=batch_first,
                  nonlinearity=nonlinearity, state=state, lengths=lengths is not None)


def ctc():
    family = Family("ctc")
    for case, (batch, time, classes, width), blank, input_lengths, target_lengths, zero, repeat in [
        ("full", (3, 7, 5, 3), 0, None, None, False, False),
        ("lengths", (4, 9, 6, 4), 0, [9, 5, 7, 8], [4, 2, 3, 1], False, False),
        ("blank_last", (3, 8, 4, 3), 3, [8, 6, 7], [3, 2, 1], False, False),
        ("blank_inside", (2, 6, 5, 2), 2, None, None, False, False),
        ("repeated_labels", (3, 9, 4, 3), 0, [9, 5, 7], None, False, True),
        ("empty_target", (3, 5, 4, 3), 0, [5, 3, 4], [0, 2, 0], False, False),
        ("no_labels", (2, 4, 3, 0), 0, None, None, False, False),
        ("one_step", (2, 1, 4, 1), 0, None, None, False, False),
        ("tight", (2, 3, 5, 3), 1, None, None, False, False),
        ("too_long_zeroed", (4, 6, 4, 5), 0, [3, 6, 0, 5], [5, 3, 2, 5], True, True),
        ("nothing_of_nothing", (2, 4, 3, 2), 0, [0, 4], [0, 1], False, False),
    ]:
        random = Random("ctc_" + case)
        labels = 1 + random.integers(batch, max(width, 1), below=classes - 1)[:, :width]
        if repeat:
            labels[0, :] = 1
        labels = np.where(labels <= blank, labels - 1, labels) if blank else labels
        inputs = {"x": random.normal(batch, time, classes, scale=2), "targets": labels.astype(np.int32)}
        if input_lengths:
            inputs["input_lengths"] = np.array(input_lengths, np.int32)
        if target_lengths:
            inputs["target_lengths"] = np.array(target_lengths, np.int32)

        def loss(x, targets, input_lengths=None, target_lengths=None):
            full = torch.full((x.shape[0],), x.shape[1]), torch.full((x.shape[0],), targets.shape[1])
            return F.ctc_loss(
                x.transpose(0, 1), targets, full[0] if input_lengths is None else input_lengths,
                full[1] if target_lengths is None else target_lengths, blank=blank,
                reduction="sum", zero_infinity=zero)

        # The loss takes what it is given for log probabilities, and behind a log-softmax is one.
        for softmax in [False, True]:
            if not softmax:
                logits = torch.from_numpy(inputs["x"]).double()
                given = {**inputs, "x": F.log_softmax(logits, -1).float().numpy()}

            def function(x, softmax=softmax, **rest):
                return {"y": loss(F.log_softmax(x, -1) if softmax else x, **rest)}

            family.record(f"ctc_{case}" + ("_logits" if softmax else ""), "ctc",
                          inputs if softmax else given, function, wrt=["x"], blank=blank,
                          zero_infinity=zero, log_softmax=softmax, denominator=float(batch))
    family.save()


recurrent()
ctc()
