"""Golden values of what wraps a step or goes by whole tensors: LARS, LAMB, Muon, parameter groups, clipping
by value, averages of weights, lookahead, SAM, L-BFGS and reduce-on-plateau."""

import math
from unittest import mock

import numpy as np
import torch
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn, get_swa_avg_fn

from golden import ATOL32, RTOL32, Random, options, save

STEPS, STORED = 20, (1, 5, 20)


class LARS(torch.optim.Optimizer):
    """You et al. 2017, Algorithm 1, line by line."""

    def __init__(self, parameters, lr, momentum=0.9, weight_decay=0.0, trust_coefficient=1e-3, eps=1e-8):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay,
                                      "trust_coefficient": trust_coefficient, "eps": eps, "adapts": True})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                g, decay = w.grad, group["weight_decay"]
                rate = 1.0
                if group["adapts"] and w.norm() > 0 and g.norm() > 0:
                    rate = group["trust_coefficient"] * w.norm() / (g.norm() + decay * w.norm() + group["eps"])
                v = self.state[w].setdefault("momentum_buffer", torch.zeros_like(w))
                v.mul_(group["momentum"]).add_(group["lr"] * rate * (g + decay * w))
                w.sub_(v)


class LAMB(torch.optim.Optimizer):
    """You et al. 2020, Algorithm 2, line by line."""

    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.01):
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                                      "adapts": True})
        self.t = 0

    @torch.no_grad()
    def step(self):
        self.t += 1
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for x in group["params"]:
                m = self.state[x].setdefault("exp_avg", torch.zeros_like(x))
                v = self.state[x].setdefault("exp_avg_sq", torch.zeros_like(x))
                m.mul_(beta1).add_((1 - beta1) * x.grad)
                v.mul_(beta2).add_((1 - beta2) * x.grad ** 2)
                r = m / (1 - beta1 ** self.t) / ((v / (1 - beta2 ** self.t)).sqrt() + group["eps"])
                r = r + group["weight_decay"] * x
                ratio = 1.0
                if group["adapts"] and x.norm() > 0 and r.norm() > 0:
                    ratio = x.norm() / r.norm()
                x.sub_(group["lr"] * ratio * r)


KINDS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "lars": LARS, "lamb": LAMB}


def check(case, stored, stored32):
    for name, value in stored.items():
        np.testing.assert_allclose(
            np.asarray(stored32[name], dtype=np.float64), value, RTOL32, ATOL32, err_msg=f"{case}: {name}")


def both(case, run, tensors):
    """Runs in float64 and float32, checks that they agree, and keeps the float64 results."""
    stored = run(torch.float64)
    check(case, stored, run(torch.float32))
    for name, value in stored.items():
        tensors[f"{case}/f64/out/{name}"] = np.asarray(value, dtype=np.float64)


def given(case, inputs, gradients, rates, tensors):
    """Keeps what each step of a case starts from."""
    for name in inputs:
        tensors[f"{case}/in/{name}"] = inputs[name]
        tensors[f"{case}/in/{name}_grad"] = gradients[name]
    tensors[f"{case}/in/rates"] = np.array(rates)


def groups():
    """Tensors a [3, 5], b [5], c [2, 4], d [4] under given gradients; each belongs to one of the groups.

    Group 0 has the rule's own settings; the others replace lr and weight_decay, or are frozen. The
    gradient is clipped by value or by norm first, frozen tensors having none.
    """
    tensors, metadata = {}, {}
    shapes = {"a": (3, 5), "b": (5,), "c": (2, 4), "d": (4,)}

    def record(case, kind, members, others=(), lr=0.05, clip_norm=None, clip_value=None, zero=(), scale=1.0,
               **settings):
        random = Random("groups_" + case)
        inputs = {name: random.normal(*shape) for name, shape in shapes.items()}
        for name in zero:
            inputs[name][...] = 0
        gradients = {name: random.normal(STEPS, *shape, scale=scale) for name, shape in shapes.items()}
        if kind in ("lars", "lamb") and "d" in zero:
            gradients["d"][:3] = 0
        rates = [1 + 0.5 * math.cos(0.7 * s) for s in range(STEPS)]

        def run(dtype):
            torch.set_default_dtype(dtype)
            values = {name: torch.from_numpy(inputs[name].copy()).to(dtype).requires_grad_() for name in shapes}
            every = [{"lr": lr}] + [dict(other) for other in others]
            for name, index in members.items():
                every[index].setdefault("params", []).append(values[name])
            for group in every:
                if group.pop("frozen", False):
                    for value in group["params"]:
                        value.requires_grad_(False)
            foreach = {} if kind in ("lars", "lamb") else {"foreach": False}
            optimizer = KINDS[kind](every, lr=lr, **foreach, **settings)
            bases = [group["lr"] for group in optimizer.param_groups]
            stored = {}
            for step in range(STEPS):
                trained = [value for value in values.values() if value.requires_grad]
                for name, value in values.items():
                    if value.requires_grad:
                        value.grad = torch.from_numpy(gradients[name][step].copy()).to(dtype)
                if clip_norm is not None:
                    torch.nn.utils.clip_grad_norm_(trained, clip_norm, foreach=False)
                if clip_value is not None:
                    torch.nn.utils.clip_grad_value_(trained, clip_value, foreach=False)
                for group, base in zip(optimizer.param_groups, bases):
                    group["lr"] = base * rates[step]
                step_trained(optimizer)
                if step + 1 in STORED:
                    for name, value in values.items():
                        stored[f"{name}_{step + 1}"] = value.detach().numpy().copy()
            torch.set_default_dtype(torch.float32)
            for name, value in values.items():
                for key, state in optimizer.state.get(value, {}).items():
                    if torch.is_tensor(state) and state.shape == value.shape:
                        stored[f"{key}_{name}"] = state.detach().numpy().copy()
            return stored

        both(case, run, tensors)
        given(case, inputs, gradients, rates, tensors)
        metadata[case] = options(
            op=kind, lr=lr, clip_norm=clip_norm, clip_value=clip_value, members=[members[name] for name in "abcd"],
            groups=[dict(other) for other in others], **settings)

    def step_trained(optimizer):
        if isinstance(optimizer, (LARS, LAMB)):
            kept = [group["params"] for group in optimizer.param_groups]
            for group in optimizer.param_groups:
                group["params"] = [value for value in group["params"] if value.grad is not None]
            optimizer.step()
            for group, params in zip(optimizer.param_groups, kept):
                group["params"] = params
        else:
            optimizer.step()

    one = {name: 0 for name in shapes}
    decayed = {"a": 0, "b": 1, "c": 0, "d": 1}
    record("lars", "lars", one, lr=5.0)
    record("lars_weight_decay", "lars", one, lr=5.0, weight_decay=0.05, trust_coefficient=0.02, eps=1e-6)
    record("lars_no_momentum", "lars", one, lr=5.0, momentum=0.0, weight_decay=1e-3, clip_norm=1.0)
    record("lars_zero", "lars", one, lr=1.0, zero=("d",), weight_decay=1e-2)
    record("lars_groups", "lars", decayed, [{"lr": 1.0, "weight_decay": 0.0, "adapts": False}], lr=2.0,
           weight_decay=0.05, scale=0.05)
    record("lamb", "lamb", one, lr=0.02)
    record("lamb_weight_decay", "lamb", one, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3)
    record("lamb_zero", "lamb", one, lr=0.02, zero=("d",), weight_decay=0.0)
    record("lamb_groups", "lamb", decayed, [{"weight_decay": 0.0, "adapts": False}], lr=0.02, clip_norm=1.0)
    record("sgd_no_decay", "sgd", decayed, [{"weight_decay": 0.0}], momentum=0.9, weight_decay=0.1)
    record("sgd_frozen", "sgd", {"a": 1, "b": 0, "c": 0, "d": 1}, [{"frozen": True}], momentum=0.9, clip_norm=1.0)
    record("sgd_clip_value", "sgd", one, momentum=0.9, weight_decay=0.05, clip_value=0.4)
    record("adamw_groups", "adamw", {"a": 0, "b": 1, "c": 2, "d": 3},
           [{"weight_decay": 0.0}, {"lr": 0.002}, {"lr": 0.1, "weight_decay": 0.3}], weight_decay=0.1)
    record("adam_frozen", "adam", {"a": 0, "b": 0, "c": 1, "d": 0}, [{"frozen": True}], weight_decay=0.1,
           clip_value=0.7)
    save("groups.safetensors", tensors, metadata)


def matrices():
    """Muon on matrices under given gradients, and SGD on a bias beside them: each in an optimizer of PyTorch.

    A convolution goes as the matrix of its first axis and all others, since PyTorch's rule takes two axes alone.
    The iteration runs in the type of the parameters, not in bfloat16.
    """
    tensors, metadata = {}, {}
    shapes = {"wide": (6, 10), "tall": (12, 5), "square": (7, 7), "convolution": (8, 3, 3, 2), "bias": (9,)}

    def record(case, lr=0.05, sgd_lr=0.1, sgd_weight_decay=0.0, scale=1.0, zero=(), **settings):
        settings = {"momentum": 0.95, "weight_decay": 0.1, "nesterov": True, "ns_steps": 5, **settings}
        random = Random("matrices_" + case)
        inputs = {name: random.normal(*shape) for name, shape in shapes.items()}
        gradients = {name: random.normal(STEPS, *shape, scale=scale) for name, shape in shapes.items()}
        for name in zero:
            gradients[name][:4] = 0
        rates = [1 + 0.5 * math.cos(0.7 * s) for s in range(STEPS)]

        def run(dtype):
            values = {name: torch.from_numpy(inputs[name].copy()).to(dtype) for name in shapes}
            views = {name: value.flatten(1) if value.dim() > 1 else value for name, value in values.items()}
            muon = torch.optim.Muon([view for view in views.values() if view.dim() == 2], lr=lr, **settings)
            sgd = torch.optim.SGD([views["bias"]], lr=sgd_lr, momentum=settings["momentum"],
                                  nesterov=settings["nesterov"], weight_decay=sgd_weight_decay, foreach=False)
            stored = {}
            for step in range(STEPS):
                for name, view in views.items():
                    view.grad = torch.from_numpy(gradients[name][step].copy()).to(dtype).view(view.shape)
                for optimizer, base in [(muon, lr), (sgd, sgd_lr)]:
                    optimizer.param_groups[0]["lr"] = base * rates[step]
                    with mock.patch.object(torch.Tensor, "bfloat16", torch.Tensor.clone):
                        optimizer.step()
                if step + 1 in STORED:
                    for name, value in values.items():
                        stored[f"{name}_{step + 1}"] = value.numpy().copy()
            for name, view in views.items():
                state = (muon if view.dim() == 2 else sgd).state[view]["momentum_buffer"]
                stored[f"momentum_buffer_{name}"] = state.view(shapes[name]).numpy().copy()
            return stored

        both(case, run, tensors)
        given(case, inputs, gradients, rates, tensors)
        metadata[case] = options(op="muon", lr=lr, sgd_lr=sgd_lr, sgd_weight_decay=sgd_weight_decay, **settings)

    record("muon")
    record("muon_plain", momentum=0.8, nesterov=False, weight_decay=0.0)
    record("muon_match_rms_adamw", lr=0.01, adjust_lr_fn="match_rms_adamw", weight_decay=0.3)
    record("muon_steps", ns_steps=2, sgd_weight_decay=0.05, scale=1e-3)
    record("muon_zero", zero=("wide", "convolution"))
    save("matrices.safetensors", tensors, metadata)


class Holder(torch.nn.Module):
    def __init__(self, value):
        super().__init__()
        self.w = torch.nn.Parameter(value)


def averages():
    """SGD steps of w [4, 6] under given gradients; the average is updated after each step."""
    tensors, metadata = {}, {}

    def record(case, op, **settings):
        random = Random("averages_" + case)
        start, gradients = random.normal(4, 6), random.normal(STEPS, 4, 6)

        def run(dtype):
            model = Holder(torch.from_numpy(start.copy()).to(dtype))
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, foreach=False)
            if op == "ema":
                average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(settings["decay"]))
            elif op == "swa":
                # The multi_avg_fn would round the weight to float32.
                average = AveragedModel(model, avg_fn=get_swa_avg_fn())
            else:
                slow = model.w.detach().clone()
            stored = {}
            for step in range(STEPS):
                model.w.grad = torch.from_numpy(gradients[step].copy()).to(dtype)
                optimizer.step()
                if op == "lookahead":
                    # Zhang et al. 2019, Algorithm 1.
                    if (step + 1) % settings["k"] == 0:
                        slow = slow + settings["alpha"] * (model.w.detach() - slow)
                        model.w.data.copy_(slow)
                    mean = slow
                else:
                    average.update_parameters(model)
                    mean = average.module.w.detach()
                if step + 1 in STORED:
                    stored[f"average_{step + 1}"] = mean.numpy().copy()
                    stored[f"w_{step + 1}"] = model.w.detach().numpy().copy()
            return stored

        both(case, run, tensors)
        tensors[f"{case}/in/w"], tensors[f"{case}/in/w_grad"] = start, gradients
        metadata[case] = options(op=op, lr=0.1, momentum=0.9, **settings)

    record("ema", "ema", decay=0.9)
    record("ema_short", "ema", decay=0.2)
    record("ema_none", "ema", decay=0.0)
    record("swa", "swa")
    record("lookahead", "lookahead", k=5, alpha=0.5)
    record("lookahead_short", "lookahead", k=1, alpha=0.8)
    record("lookahead_long", "lookahead", k=7, alpha=0.3)
    save("averages.safetensors", tensors, metadata)


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def logistic(x, data, labels):
    return torch.nn.functional.softplus(-labels * (data @ x)).mean() + 0.01 * (x ** 2).sum()


def quadratic(x, scales):
    return 0.5 * (scales * (x - 1) ** 2).sum()


def losses(name, tensors):
    return {"rosenbrock": rosenbrock, "logistic": lambda x: logistic(x, *tensors),
            "quadratic": lambda x: quadratic(x, *tensors)}[name]


def problem(name, case):
    """Start and constants of a smooth problem, in float32."""
    random = Random(f"problem_{case}")
    if name == "rosenbrock":
        return random.uniform(4, low=-1, high=1), []
    if name == "logistic":
        data = random.normal(12, 5)
        return random.normal(5), [data, np.where(random.uniform(12) < 0.5, -1, 1).astype(np.float32)]
    return random.normal(6), [np.array([1, 3, 10, 0.3, 25, 2], dtype=np.float32)]


def lbfgs():
    """torch.optim.LBFGS: calls of step(); parameters, losses and counts after each."""
    tensors, metadata = {}, {}

    def record(case, name, calls, only64=False, **settings):
        start, constants = problem(name, case)

        def run(dtype):
            x = torch.from_numpy(start.copy()).to(dtype).requires_grad_()
            function = losses(name, [torch.from_numpy(value).to(dtype) for value in constants])
            optimizer = torch.optim.LBFGS([x], **settings)

            def closure():
                optimizer.zero_grad()
                loss = function(x)
                loss.backward()
                return loss

            stored = {"x": [], "loss": [], "counts": []}
            for _ in range(calls):
                loss = optimizer.step(closure)
                state = optimizer.state[x]
                stored["x"].append(x.detach().numpy().copy())
                stored["loss"].append(float(loss.detach()))
                stored["counts"].append([state["n_iter"], state["func_evals"]])
            return {key: np.array(value) for key, value in stored.items()}

        if only64:
            for key, value in run(torch.float64).items():
                tensors[f"{case}/f64/out/{key}"] = np.asarray(value, dtype=np.float64)
        else:
            both(case, run, tensors)
        tensors[f"{case}/in/x"] = start
        for index, value in enumerate(constants):
            tensors[f"{case}/in/constant_{index}"] = value
        metadata[case] = options(op="lbfgs", problem=name, calls=calls, only64=only64, **settings)

    wolfe = {"line_search_fn": "strong_wolfe"}
    record("quadratic", "quadratic", 5, lr=0.5, max_iter=3)
    record("quadratic_wolfe", "quadratic", 4, max_iter=3, **wolfe)
    record("logistic", "logistic", 5, max_iter=4, lr=0.8)
    record("logistic_wolfe", "logistic", 7, max_iter=1, max_eval=5, **wolfe)
    record("logistic_short_history", "logistic", 3, max_iter=4, lr=0.8, history_size=2)
    record("rosenbrock_wolfe", "rosenbrock", 12, only64=True, max_iter=2, max_eval=20, **wolfe)
    record("rosenbrock_default_evaluations", "rosenbrock", 3, only64=True, max_iter=6, history_size=3, **wolfe)
    record("rosenbrock_few_evaluations", "rosenbrock", 12, only64=True, max_iter=4, max_eval=5, **wolfe)
    record("rosenbrock_to_the_end", "rosenbrock", 3, only64=True, max_iter=60, **wolfe)
    save("lbfgs.safetensors", tensors, metadata)


def sam():
    """Foret et al. 2021, Algorithm 1, around SGD and Adam, on smooth problems."""
    tensors, metadata = {}, {}

    def record(case, name, rho, rule, lr, **settings):
        start, constants = problem(name, case)

        def run(dtype):
            x = torch.from_numpy(start.copy()).to(dtype).requires_grad_()
            function = losses(name, [torch.from_numpy(value).to(dtype) for value in constants])
            optimizer = KINDS[rule]([x], lr=lr, foreach=False, **settings)
            stored, taken = {}, []
            for step in range(STEPS):
                loss = function(x)
                taken.append(float(loss.detach()))
                (g,) = torch.autograd.grad(loss, x)
                moved = (x + rho * g / (g.norm() + 1e-12)).detach().requires_grad_()
                (x.grad,) = torch.autograd.grad(function(moved), moved)
                optimizer.step()
                if step + 1 in STORED:
                    stored[f"x_{step + 1}"] = x.detach().numpy().copy()
            stored["losses"] = np.array(taken)
            return stored

        both(case, run, tensors)
        tensors[f"{case}/in/x"] = start
        for index, value in enumerate(constants):
            tensors[f"{case}/in/constant_{index}"] = value
        metadata[case] = options(op="sam", problem=name, rho=rho, rule=rule, lr=lr, **settings)

    record("sgd", "logistic", 0.05, "sgd", 0.3, momentum=0.9)
    record("sgd_large", "quadratic", 0.5, "sgd", 0.02)
    record("adam", "logistic", 0.2, "adam", 0.05)
    record("none", "logistic", 0.0, "sgd", 0.3)
    save("sam.safetensors", tensors, metadata)


def plateau():
    """torch.optim.lr_scheduler.ReduceLROnPlateau over given metrics: the rate after each."""
    tensors, metadata = {}, {}

    def record(case, values, lr=0.1, **settings):
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, eps=0.0, **settings)
        rates = []
        for value in values:
            scheduler.step(value)
            rates.append(optimizer.param_groups[0]["lr"])
        tensors[f"{case}/in/metrics"] = np.array(values)
        tensors[f"{case}/f64/out/lr"] = np.array(rates)
        metadata[case] = options(op="plateau", lr=lr, **settings)

    random = Random("plateau")
    falling = [2 * math.exp(-s / 12) + 0.03 * float(n) for s, n in enumerate(random.normal(60))]
    rising = [1 - value / 2 for value in falling]
    record("default", falling)
    record("short", falling, patience=2, factor=0.5)
    record("impatient", falling, patience=0, factor=0.9, min_lr=0.02)
    record("cooldown", falling, patience=1, factor=0.5, cooldown=4)
    record("maximum", rising, mode="max", patience=2, factor=0.3)
    record("absolute", falling, patience=2, threshold=0.05, threshold_mode="abs")
    record("maximum_absolute", rising, mode="max", patience=3, threshold=0.01, threshold_mode="abs", cooldown=1)
    record("negative", [-value for value in rising], patience=2, factor=0.5, threshold=0.01)
    record("not_a_number", [1.0, float("nan"), float("nan"), 0.5, float("nan"), 0.6, 0.6], patience=1, factor=0.5)
    save("plateau.safetensors", tensors, metadata)


def averaging_schedules():
    """torch.optim.swa_utils.SWALR after `start` steps at lr: the rate of each of 30 steps."""
    tensors, metadata = {}, {}
    for case, lr, swa_lr, start, steps in [
            ("down", 0.1, 0.02, 10, 8), ("up", 0.05, 0.2, 4, 20), ("jump", 0.1, 0.01, 12, 0), ("one", 0.1, 0.03, 0, 1)]:
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
        rates = []
        for step in range(30):
            if step == start:
                # Its first rate is the present one, unless it jumps.
                scheduler = SWALR(optimizer, swa_lr, anneal_epochs=steps, anneal_strategy="cos")
                optimizer.param_groups[0]["lr"] = lr
            elif step > start:
                scheduler.step()
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
        tensors[f"{case}/f64/out/lr"] = np.array(rates)
        metadata[case] = options(op="swalr", lr=lr, swa_lr=swa_lr, start=start, steps=steps)
    save("averaging_schedules.safetensors", tensors, metadata)


groups()
matrices()
averages()
averaging_schedules()
lbfgs()
sam()
plateau()
