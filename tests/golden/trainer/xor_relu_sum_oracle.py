#!/usr/bin/python3
"""The paper's XOR in NumPy, binary64: two ReLU units, summed; MSE; Adam(0.01, 0.9, 0.99); full batch.

Usage: xor_relu_sum_oracle.py OUTPUT.json     made xor_relu_sum_golden.json

Weights are normal with standard deviation 0.5, rounded to binary32, biases 0. Each run holds the initial weights [2, 2],
the mean loss before each of the first 40 updates, and the updates made when the mean loss first falls below 1e-7
(-1: never within 5000) with the final accuracy at the threshold 0.5.
"""

import json
import sys

import numpy as np

X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], dtype=np.float64)
T = np.array([0, 1, 1, 0], dtype=np.float64)
LEARNING_RATE, BETA1, BETA2, EPSILON = 0.01, 0.9, 0.99, 1e-8


def run(weights):
    theta = np.concatenate([weights.flatten(), np.zeros(2)])
    mean, squares = np.zeros(6), np.zeros(6)
    history = []
    for step in range(5001):
        z = X @ theta[:4].reshape(2, 2).T + theta[4:]
        y = np.maximum(z, 0).sum(axis=1)
        loss = np.mean((y - T) ** 2)
        history.append(loss)
        if loss < 1e-7 or step == 5000:
            break
        dz = (2 * (y - T) / 4)[:, None] * (z > 0)
        gradient = np.concatenate([(dz.T @ X).flatten(), dz.sum(axis=0)])
        mean = BETA1 * mean + (1 - BETA1) * gradient
        squares = BETA2 * squares + (1 - BETA2) * gradient**2
        mean_hat = mean / (1 - BETA1 ** (step + 1))
        squares_hat = squares / (1 - BETA2 ** (step + 1))
        theta = theta - LEARNING_RATE * mean_hat / (np.sqrt(squares_hat) + EPSILON)
    return {
        "weights": weights.flatten().tolist(),
        "losses": history[:40],
        "solved_at": step if loss < 1e-7 else -1,
        "accuracy": float(np.mean((y > 0.5) == (T > 0.5))),
    }


random = np.random.default_rng(1)
runs = [run((0.5 * random.standard_normal((2, 2))).astype(np.float32).astype(float)) for _ in range(12)]
with open(sys.argv[1], "w") as file:
    json.dump(runs, file)
    file.write("\n")
