"""References of the recipes on tables: linear regression on the same rows by scikit-learn.

    python3 scripts/results/sklearn_tables.py train.safetensors validation.safetensors

The files are those of `dltrain data pack csv --regression`. Prints RMSE and MAE on both files of the least squares, and of
the least absolute errors (as a linear program).
"""

import sys

import numpy as np
from safetensors.numpy import load_file
from sklearn.linear_model import LinearRegression, QuantileRegressor


def main():
    parts = [load_file(path) for path in sys.argv[1:3]]
    train = parts[0]
    for name, model in [
        ("least squares", LinearRegression()),
        ("least absolute errors", QuantileRegressor(quantile=0.5, alpha=0, solver="highs")),
    ]:
        model.fit(train["x"].astype(np.float64), train["y"].astype(np.float64).ravel())
        for part, file in zip(parts, sys.argv[1:3]):
            errors = model.predict(part["x"].astype(np.float64)) - part["y"].ravel()
            print(f"{name}, {file}: RMSE {np.sqrt((errors ** 2).mean()):.6f}, MAE {np.abs(errors).mean():.6f}")


if __name__ == "__main__":
    main()
