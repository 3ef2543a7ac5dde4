"""Derives the generating vector of the lattice in lattice.rs: python3 derive_lattice.py (NumPy; about a minute).

Component by component (Sloan & Reztsov, Math. Comp. 71 (2002)), each from CANDIDATES random odd numbers, for the
lattices of 2^6, 2^8, ..., 2^20 points at once (Cools, Kuo & Nuyens, SIAM J. Sci. Comput. 28 (2006)): the number with
the least sum over sizes of the logarithm of the shift-averaged worst-case error squared in the weighted Sobolev space,
1/N * sum_k prod_j (1 + w_j * B2({k z_j / N})) - 1. Bits above 2^20 are those of the random number.
"""
import numpy as np

DIMENSIONS, BITS, CANDIDATES = 32, 20, 48
rng = np.random.default_rng(20261123)
n = 1 << BITS
k = np.arange(n, dtype=np.uint64)
product = np.ones(n)
vector = []
for j in range(DIMENSIONS):
    weight = 4.0 * 0.9**j
    best = None
    for _ in range(1 if j == 0 else CANDIDATES):
        z = int(rng.integers(0, 1 << 63, dtype=np.uint64)) << 1 | 1
        x = (k * np.uint64(z & (n - 1)) & np.uint64(n - 1)) / n
        candidate = product * (1 + weight * (x * x - x + 1 / 6))
        score = sum(np.log(candidate[:: n >> m].mean() - 1) for m in range(6, BITS + 1, 2))
        if best is None or score < best[0]:
            best = (score, z, candidate)
    product = best[2]
    vector.append(best[1])
for z in vector:
    digits = f"{z:016x}"
    print("    0x" + "_".join(digits[i : i + 4] for i in range(0, 16, 4)) + ",")
