"""Golden values of the update rules, of clipping by global norm and of the learning-rate schedules."""

import math

import numpy as np
import torch
from torch.optim import SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, RAdam, RMSprop, lr_scheduler

from golden import Random, options, save

STEPS, STORED = 20, (1, 5, 20)
SCHEDULE_STEPS = 60


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, Algorithm 2, line by line: PyTorch has no counterpart."""

    def __init__(self, parameters, lr, betas, weight_decay, foreach):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (beta1, beta2), decay = group["lr"], group["betas"], group["weight_decay"]
            for p in group["params"]:
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                update = torch.sign(beta1 * m + (1 - beta1) * p.grad)
                self.state[p]["exp_avg"] = beta2 * m + (1 - beta2) * p.grad
                p.sub_(lr * (update + decay * p))


DEFAULTS = {
    SGD: {"momentum": 0.0, "dampening": 0.0, "nesterov": False, "weight_decay": 0.0},
    Adam: {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False},
    AdamW: {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 1e-2, "amsgrad": False},
    NAdam: {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "momentum_decay": 4e-3,
            "decoupled_weight_decay": False},
    RAdam: {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "decoupled_weight_decay": False},
    Lion: {"betas": (0.9, 0.99), "weight_decay": 0.0},
    Adagrad: {"lr_decay": 0.0, "weight_decay": 0.0, "initial_accumulator_value": 0.0, "eps": 1e-10},
    Adadelta: {"rho": 0.9, "eps": 1e-6, "weight_decay": 0.0},
    RMSprop: {"alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0, "centered": False},
}


def clip(parameters, max_norm):
    return torch.nn.utils.clip_grad_norm_(parameters, max_norm, foreach=False)


def optimizers():
    """Parameters w [3, 4] and b [4] under gradients that are given for each of 20 steps.

    Step s takes gradient row s and the learning rate lr[s]; parameters are stored after 1, 5
    and 20 steps, the state under PyTorch's names after 20.
    """
    tensors, metadata = {}, {}

    def run(inputs, rates, kind, settings, clip_norm, dtype):
        # Of this type are PyTorch's scalar states, such as NAdam's product.
        torch.set_default_dtype(dtype)
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
        torch.set_default_dtype(torch.float32)
        for name, value in optimizer.state[w].items():
            if value is not None and value.shape == w.shape:
                for parameter, key in [(w, "w"), (b, "b")]:
                    stored[f"{name}_{key}"] = optimizer.state[parameter][name].detach().numpy().copy()
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
    record("sgd_dampening", SGD, 0.05, momentum=0.9, dampening=0.3, weight_decay=5e-2)
    record("adam_amsgrad", Adam, 1e-2, betas=(0.8, 0.5), weight_decay=0.1, amsgrad=True)
    record("adamw_amsgrad", AdamW, 1e-2, betas=(0.8, 0.5), weight_decay=0.1, amsgrad=True, clip_norm=0.5)
    record("nadam", NAdam, 1e-2)
    record("nadam_weight_decay", NAdam, 1e-2, betas=(0.8, 0.95), weight_decay=0.1, momentum_decay=0.1)
    record("nadam_decoupled", NAdam, 1e-2, weight_decay=0.1, decoupled_weight_decay=True, cosine=True)
    record("nadam_soon_constant", NAdam, 1e-2, betas=(0.95, 0.999), momentum_decay=200.0)
    record("radam", RAdam, 1e-2)
    record("radam_weight_decay", RAdam, 1e-2, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.1)
    record("radam_decoupled", RAdam, 1e-2, weight_decay=0.1, decoupled_weight_decay=True, cosine=True)
    record("radam_never_rectified", RAdam, 1e-2, betas=(0.8, 0.6))
    record("lion", Lion, 1e-2)
    record("lion_weight_decay", Lion, 1e-2, betas=(0.95, 0.98), weight_decay=0.3, cosine=True)
    record("adagrad", Adagrad, 0.1)
    record("adagrad_all", Adagrad, 0.1, lr_decay=0.05, weight_decay=0.1, initial_accumulator_value=0.3, eps=1e-3)
    record("adadelta", Adadelta, 1.0)
    record("adadelta_all", Adadelta, 0.5, rho=0.7, eps=1e-3, weight_decay=0.1, cosine=True)
    record("rmsprop", RMSprop, 1e-2)
    record("rmsprop_alpha", RMSprop, 1e-2, alpha=0.3, eps=1e-3, weight_decay=0.1)
    record("rmsprop_momentum", RMSprop, 1e-2, momentum=0.9, weight_decay=0.05)
    record("rmsprop_centered", RMSprop, 1e-2, alpha=0.9, centered=True)
    record("rmsprop_centered_short", RMSprop, 1e-2, alpha=0.3, eps=1e-2, centered=True)
    record("rmsprop_all", RMSprop, 1e-2, alpha=0.9, eps=1e-4, weight_decay=0.1, momentum=0.8, centered=True, cosine=True)
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
    "multi_step": "lr * gamma^(number of milestones <= s)",
    "exponential": "lr * gamma^s",
    "polynomial": "lr * (end_factor + (1 - end_factor) * (1 - s / S)^power)",
    "cosine": "lr * (end_factor + (1 - end_factor) * (1 + cos(pi * s / S)) / 2)",
    "cosine_restarts": "the same in each cycle; the first has t_0 steps, each t_mult times the one before it",
    "one_cycle": "half a cosine (or a line: anneal_strategy) from lr / div_factor up to lr at step pct_start * S - 1, another down to "
                 "lr / div_factor / final_div_factor at step S - 1",
    "inverse_sqrt": "lr * sqrt(max(W, 1) / (s + 1 + W))",
}


def mix(end, fall):
    return end + (1 - end) * fall


def cycle(step, length, growth):
    """The position in the cycle, from 0 to 1."""
    while step >= length:
        step, length = step - length, length * growth
    return step / length


def one_cycle(step, steps, up, start, end, curve):
    peak = up * steps - 1
    low, position = (1 / start, 1 - step / peak) if step <= peak else (1 / start / end, (step - peak) / (steps - 1 - peak))
    return mix(low, 1 - position if curve == "linear" else (1 + math.cos(math.pi * position)) / 2)


def schedules():
    """The learning rate of each of 60 steps, by PyTorch's schedulers; checked against the formula."""
    tensors, metadata = {}, {}

    def record(name, warmup, lr, make, formula, **settings):
        rule = next(rule for rule in sorted(RULES, key=len, reverse=True) if name.startswith(rule))
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
            if len(rates) < SCHEDULE_STEPS:
                scheduler.step()
        expected = [lr * (s + 1) / warmup for s in range(warmup)] + [lr * formula(s, remaining) for s in range(remaining)]
        case = f"{name}_warmup_{warmup}"
        np.testing.assert_allclose(rates, expected, rtol=1e-11, atol=1e-14, err_msg=case)
        tensors[f"{case}/f64/out/lr"] = np.array(rates)
        metadata[case] = options(
            op="schedule", name=rule, lr=lr, warmup_steps=warmup, total_steps=SCHEDULE_STEPS,
            warmup_rule="lr * (s + 1) / W in step s (from 0) of W",
            rule=RULES[rule] + ", s from 0 after the warm-up, S = total_steps - warmup_steps", **settings)

    for warmup in [0, 1, 5, 12]:
        record("constant", warmup, 0.1, lambda o, n: lr_scheduler.ConstantLR(o, 1.0, 0), lambda s, n: 1.0)
        for case, size, gamma in [("step", 20, 0.1), ("step_short", 7, 0.5)]:
            record(case, warmup, 0.2, lambda o, n: lr_scheduler.StepLR(o, size, gamma),
                   lambda s, n: gamma ** (s // size), step_size=size, gamma=gamma)
        record("cosine", warmup, 0.1, lambda o, n: lr_scheduler.CosineAnnealingLR(o, n),
               lambda s, n: (1 + math.cos(math.pi * s / n)) / 2)
        record("cosine_end", warmup, 0.1, lambda o, n: lr_scheduler.CosineAnnealingLR(o, n, eta_min=0.1 * 0.2),
               lambda s, n: mix(0.2, (1 + math.cos(math.pi * s / n)) / 2), end_factor=0.2)
        for case, points in [("multi_step", [10, 11, 30]), ("multi_step_twice", [20, 5, 20])]:
            record(case, warmup, 0.2, lambda o, n: lr_scheduler.MultiStepLR(o, points, 0.5),
                   lambda s, n: 0.5 ** sum(s >= point for point in points), milestones=points, gamma=0.5)
        record("exponential", warmup, 0.2, lambda o, n: lr_scheduler.ExponentialLR(o, 0.93),
               lambda s, n: 0.93 ** s, step_size=1, gamma=0.93)
        for case, power in [("polynomial", 1.0), ("polynomial_power", 2.5)]:
            record(case, warmup, 0.2, lambda o, n: lr_scheduler.PolynomialLR(o, n, power),
                   lambda s, n: (1 - s / n) ** power, power=power)
        record("polynomial_end", warmup, 0.2, lambda o, n: lr_scheduler.LinearLR(o, 1.0, 0.1, n),
               lambda s, n: mix(0.1, 1 - s / n), power=1.0, end_factor=0.1)
        for case, first, growth, end in [("cosine_restarts", 10, 1, 0.0), ("cosine_restarts_growing", 5, 2, 0.1),
                                         ("cosine_restarts_triple", 1, 3, 0.0)]:
            record(case, warmup, 0.1,
                   lambda o, n: lr_scheduler.CosineAnnealingWarmRestarts(o, first, growth, eta_min=0.1 * end),
                   lambda s, n: mix(end, (1 + math.cos(math.pi * cycle(s, first, growth))) / 2),
                   t_0=first, t_mult=growth, end_factor=end)
        record("inverse_sqrt", warmup, 0.1,
               lambda o, n: lr_scheduler.LambdaLR(o, lambda s: math.sqrt(max(warmup, 1) / (s + 1 + warmup))),
               lambda s, n: math.sqrt(max(warmup, 1)) * (s + 1 + warmup) ** -0.5)
    # Before SequentialLR switches to it a OneCycleLR has overwritten the rate.
    for case, up, start, end, curve in [("one_cycle", 0.3, 25.0, 1e4, "cos"), ("one_cycle_short", 0.12, 10.0, 50.0, "cos"),
                                        ("one_cycle_falling", 0.0, 4.0, 20.0, "cos"),
                                        ("one_cycle_rising", 1.0, 4.0, 20.0, "cos"),
                                        ("one_cycle_linear", 0.3, 25.0, 1e4, "linear")]:
        record(case, 0, 0.3,
               lambda o, n: lr_scheduler.OneCycleLR(o, 0.3, total_steps=n, pct_start=up, div_factor=start,
                                                    final_div_factor=end, anneal_strategy=curve, cycle_momentum=False),
               lambda s, n: one_cycle(s, n, up, start, end, curve), pct_start=up, div_factor=start,
               final_div_factor=end, anneal_strategy=curve)
    save("schedules.safetensors", tensors, metadata)


optimizers()
clipping()
schedules()
