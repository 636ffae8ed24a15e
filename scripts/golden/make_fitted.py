"""Models whose weights are known without training, by numpy, SciPy and scikit-learn.

fitted.safetensors has of each problem NAME the rows NAME/x and NAME/y and the answers
    linear      least squares with a bias: weight, bias (numpy.linalg.lstsq)
    logistic    yes and no, without a penalty: weight, bias (sklearn LogisticRegression)
    softmax     three classes, ridge/(2 n) |W|^2 beside the mean loss: weight, bias from their mean
    bounded     min mean((Xw - y)^2) subject to conditions: free, norm, norm_multiplier, norm_penalty,
                sum, sum_multiplier, nonnegative, nonnegative_multiplier, sum_penalty
"""

import numpy as np
from scipy.optimize import brentq, nnls
from sklearn.linear_model import LogisticRegression

from golden import Random, save

ROWS, WIDTH = 40, 5


def logistic(x, y, **settings):
    return LogisticRegression(solver="newton-cholesky", tol=1e-14, max_iter=500, **settings).fit(x, y)


def bounded(x, y, norm, total, weight):
    """All answers by linear algebra and one root: H w - b is half the mean's gradient, times two."""
    hessian, b = 2 * x.T @ x / len(x), 2 * x.T @ y / len(x)
    identity, one = np.eye(len(b)), np.ones(len(b))

    def ridge(m):
        return np.linalg.solve(hessian + m * identity, b)

    def excess(m):
        return (ridge(m) @ ridge(m) - norm**2) / 2

    free = ridge(0)
    assert np.linalg.norm(free) > norm and (free < 0).any()
    multiplier = brentq(excess, 0, 100, xtol=1e-14)
    softer = brentq(lambda m: m - weight * excess(m), 0, 100, xtol=1e-14)
    saddle = np.linalg.solve(np.block([[hessian, one[:, None]], [one[None], np.zeros((1, 1))]]),
                             np.append(b, total))
    w, _ = nnls(x, y)
    assert (w == 0).any() and (w > 0).any()
    return {
        "free": free, "norm": ridge(multiplier), "norm_multiplier": np.array([multiplier]),
        "norm_penalty": ridge(softer), "sum": saddle[:-1], "sum_multiplier": saddle[-1:],
        "sum_penalty": np.linalg.solve(hessian + weight * np.outer(one, one), b + weight * total * one),
        "nonnegative": w, "nonnegative_multiplier": hessian @ w - b,
    }


def main():
    draw = Random("fitted")
    x = draw.normal(ROWS, WIDTH)
    target = draw.normal(WIDTH) + 0.3
    y = (x @ target + 0.5 + draw.normal(ROWS, scale=0.4)).astype(np.float32)
    wide = x.astype(np.float64)
    solution = np.linalg.lstsq(np.hstack([wide, np.ones((ROWS, 1))]), y.astype(np.float64), rcond=None)[0]
    tensors = {"linear/x": x, "linear/y": y[:, None], "linear/weight": solution[:-1], "linear/bias": solution[-1:]}

    chance = 1 / (1 + np.exp(-(x @ target)))
    answers = (draw.uniform(ROWS) < chance).astype(np.int32)
    fit = logistic(wide, answers, C=np.inf)
    assert np.abs(fit.coef_).max() < 20, "the classes can be parted"
    tensors |= {"logistic/x": x, "logistic/y": answers[:, None].astype(np.float32),
                "logistic/weight": fit.coef_[0], "logistic/bias": fit.intercept_}

    ridge = 0.8
    classes = np.argmax(x[:, :3] + draw.normal(ROWS, 3, scale=0.5), 1).astype(np.int32)
    fit = logistic(wide, classes, C=1 / ridge)
    tensors |= {"softmax/x": x, "softmax/y": classes, "softmax/weight": fit.coef_.astype(np.float64),
                "softmax/bias": fit.intercept_ - fit.intercept_.mean(), "softmax/decay": np.array([ridge / ROWS])}

    values = (x @ np.float32([1, -0.8, 0.5, -0.3, 0.9]) + draw.normal(ROWS, scale=0.3)).astype(np.float32)
    tensors |= {"bounded/x": x, "bounded/y": values[:, None]}
    tensors |= {f"bounded/{key}": value for key, value in
                bounded(wide, values.astype(np.float64), norm=1, total=3, weight=2).items()}
    save("fitted.safetensors", tensors)


if __name__ == "__main__":
    main()
