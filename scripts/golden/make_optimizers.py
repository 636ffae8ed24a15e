"""Golden values of the update rules, of clipping by global norm and of the learning-rate schedules."""

import math

import numpy as np
import torch
from torch.optim import SGD, Adam, AdamW, lr_scheduler

from golden import Random, options, save

STEPS, STORED = 20, (1, 5, 20)
SCHEDULE_STEPS = 60
DEFAULTS = {
    SGD: {"momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
    Adam: {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0},
    AdamW: {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 1e-2},
}


def clip(parameters, max_norm):
    return torch.nn.utils.clip_grad_norm_(parameters, max_norm, foreach=False)


def optimizers():
    """Parameters w [3, 4] and b [4] under gradients that are given for each of 20 steps.

    Step s takes gradient row s and the learning rate lr[s]; parameters are stored after 1, 5
    and 20 steps.
    """
    tensors, metadata = {}, {}

    def run(inputs, rates, kind, settings, clip_norm, dtype):
        w, b = (torch.from_numpy(inputs[name].copy()).to(dtype).requires_grad_() for name in "wb")
        optimizer = kind([w, b], lr=rates[0], foreach=False, **{**DEFAULTS[kind], **settings})
        stored = {}
        for step in range(STEPS):
            for parameter, name in [(w, "w_grad"), (b, "b_grad")]:
                parameter.grad = torch.from_numpy(inputs[name][step].copy()).to(dtype)
            if clip_norm is not None:
                clip([w, b], clip_norm)
            optimizer.param_groups[0]["lr"] = rates[step]
            optimizer.step()
            if step + 1 in STORED:
                stored[f"w_{step + 1}"] = w.detach().numpy().copy()
                stored[f"b_{step + 1}"] = b.detach().numpy().copy()
        return stored

    def record(case, kind, lr, clip_norm=None, cosine=False, scale=1.0, **settings):
        random = Random("optimizer_" + case)
        inputs = {
            "w": random.normal(3, 4), "b": random.normal(4),
            "w_grad": random.normal(STEPS, 3, 4, scale=scale), "b_grad": random.normal(STEPS, 4, scale=scale),
        }
        rates = [lr * (1 + math.cos(math.pi * s / STEPS)) / 2 if cosine else lr for s in range(STEPS)]
        stored = run(inputs, rates, kind, settings, clip_norm, torch.float64)
        stored32 = run(inputs, rates, kind, settings, clip_norm, torch.float32)
        for name, value in stored.items():
            np.testing.assert_allclose(stored32[name].astype(np.float64), value, 1e-4, 1e-5, err_msg=case)
            tensors[f"{case}/f64/out/{name}"] = value
        for name, value in inputs.items():
            tensors[f"{case}/in/{name}"] = value
        tensors[f"{case}/in/lr"] = np.array(rates)
        metadata[case] = options(
            op=kind.__name__.lower(), lr=lr, clip_norm=clip_norm, **{**DEFAULTS[kind], **settings})

    record("sgd", SGD, 0.1)
    record("sgd_momentum", SGD, 0.05, momentum=0.9)
    record("sgd_nesterov", SGD, 0.05, momentum=0.9, nesterov=True)
    record("sgd_weight_decay", SGD, 0.1, weight_decay=0.05)
    record("sgd_momentum_weight_decay", SGD, 0.05, momentum=0.9, weight_decay=5e-2)
    record("sgd_nesterov_weight_decay", SGD, 0.05, momentum=0.8, nesterov=True, weight_decay=5e-2)
    # The buffer holds gradients, not updates: this tells the two apart.
    record("sgd_momentum_changing_lr", SGD, 0.1, momentum=0.9, cosine=True)
    record("sgd_clip", SGD, 0.05, momentum=0.9, weight_decay=5e-2, clip_norm=1.0)
    record("adam", Adam, 1e-2)
    record("adam_betas", Adam, 1e-2, betas=(0.8, 0.95))
    record("adam_eps", Adam, 1e-2, eps=1e-3, scale=1e-2)
    record("adam_weight_decay", Adam, 1e-2, weight_decay=0.1)
    record("adamw", AdamW, 1e-2, weight_decay=1e-2)
    record("adamw_weight_decay", AdamW, 1e-2, weight_decay=0.3)
    record("adamw_all", AdamW, 3e-2, betas=(0.85, 0.98), eps=1e-6, weight_decay=0.1, clip_norm=0.5, cosine=True)
    save("optimizers.safetensors", tensors, metadata)


def clipping():
    """Gradients a [3, 4], b [4] scaled together by min(1, max_norm / (norm + 1e-6))."""
    tensors, metadata = {}, {}
    for case, scale, max_norm in [("clipped", 1.0, 1.0), ("below", 0.01, 1.0), ("near", 1.0, 4.0), ("zero", 0.0, 1.0),
                                  ("small_limit", 1.0, 1e-3), ("large", 1e4, 2.5)]:
        random = Random("clip_" + case)
        a, b = random.normal(3, 4, scale=scale), random.normal(4, scale=scale)
        parameters = [torch.zeros(value.shape, dtype=torch.float64) for value in (a, b)]
        for parameter, value in zip(parameters, (a, b)):
            parameter.grad = torch.from_numpy(value).double()
        norm = clip(parameters, max_norm)
        name = "clip_" + case
        tensors[f"{name}/in/a"], tensors[f"{name}/in/b"] = a, b
        tensors[f"{name}/f64/out/norm"] = norm.numpy()
        tensors[f"{name}/f64/out/a"], tensors[f"{name}/f64/out/b"] = (p.grad.numpy() for p in parameters)
        metadata[name] = options(op="clip_norm", max_norm=max_norm)
    save("clipping.safetensors", tensors, metadata)


RULES = {
    "constant": "lr",
    "step": "lr * gamma^floor(s / step_size)",
    "cosine": "lr * (1 + cos(pi * s / S)) / 2",
}


def schedules():
    """The learning rate of each of 60 steps, by PyTorch's schedulers; checked against the formula."""
    tensors, metadata = {}, {}

    def record(name, warmup, lr, make, formula, **settings):
        remaining = SCHEDULE_STEPS - warmup
        optimizer = SGD([torch.zeros(1, dtype=torch.float64)], lr=lr)
        if warmup:
            # The factor rises by 1/W a step and is 1 at the last step of the warm-up.
            if warmup == 1:
                rise = lr_scheduler.ConstantLR(optimizer, 1.0, 1)
            else:
                rise = lr_scheduler.LinearLR(optimizer, 1 / warmup, 1.0, warmup - 1)
            scheduler = lr_scheduler.SequentialLR(optimizer, [rise, make(optimizer, remaining)], [warmup])
        else:
            scheduler = make(optimizer, remaining)
        rates = []
        for _ in range(SCHEDULE_STEPS):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        expected = [lr * (s + 1) / warmup for s in range(warmup)] + [lr * formula(s, remaining) for s in range(remaining)]
        case = f"{name}_warmup_{warmup}"
        np.testing.assert_allclose(rates, expected, rtol=1e-11, atol=1e-14, err_msg=case)
        tensors[f"{case}/f64/out/lr"] = np.array(rates)
        metadata[case] = options(
            op="schedule", name=name.split("_")[0], lr=lr, warmup_steps=warmup, total_steps=SCHEDULE_STEPS,
            warmup_rule="lr * (s + 1) / W in step s (from 0) of W",
            rule=RULES[name.split("_")[0]] + ", s from 0 after the warm-up, S = total_steps - warmup_steps", **settings)

    for warmup in [0, 1, 5, 12]:
        record("constant", warmup, 0.1, lambda o, n: lr_scheduler.ConstantLR(o, 1.0, 0), lambda s, n: 1.0)
        for case, size, gamma in [("step", 20, 0.1), ("step_short", 7, 0.5)]:
            record(case, warmup, 0.2, lambda o, n: lr_scheduler.StepLR(o, size, gamma),
                   lambda s, n: gamma ** (s // size), step_size=size, gamma=gamma)
        record("cosine", warmup, 0.1, lambda o, n: lr_scheduler.CosineAnnealingLR(o, n),
               lambda s, n: (1 + math.cos(math.pi * s / n)) / 2)
    save("schedules.safetensors", tensors, metadata)


optimizers()
clipping()
schedules()
