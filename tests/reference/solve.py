#!/usr/bin/env python3
"""Exact expected values of the job model, independent of the engine.

    python3 solve.py                 # rewrites cases.json beside this file (needs numpy and scipy; about a minute)
    python3 solve.py --list          # prints the cases and their values, writes nothing
    python3 solve.py --only WORD     # the same, for the cases whose name contains WORD

Everything here is derived from the design page (the life of a job, plans, market, billing); no code is shared with the
engine. Nothing is simulated: all numbers are expectations, so they have a numeric error but no simulation error.

Method
------
The state of a replication between two attempts is the work left w, whether a save exists, and the restarts used of the
current count (and the submission number, for `spot-resubmit`). The probability of every state is carried FORWARD from
attempt to attempt, and beside it the state's share of the elapsed time, E[time; state]. A completed attempt moves
probability and time into "completed", so the mean makespan of the completed replications is E[time; completed] /
P(completed). Waits and gaps are independent of the lifetimes; only their means enter. The sum over all attempts of the
probability of *starting* from a state ("visits") yields the rest: preemptions, lost work and billing are expectations
per visit.

Lifetimes enter through the survival function of the gang, S(t) = exp(-(s + n(1 - s)) H(t)), alone:

    E[L; a < L < b]            = a S(a) - b S(b) + I(b) - I(a),  I(t) = integral of S from 0 to t
    E[work lost in a piece]    = I(b) - I(a) - (b - a) S(b),     for a piece of work computed from a to b
    E[billed]                  = m + sum over n of c_n P(uptime > n inc),   uptime = min(L, U)

with c_n = max(0, (n + 1) inc - max(m, n inc)), m the minimum and inc the increment. The last line holds because
max(m, ceil(u / inc) inc) grows by c_n as u passes n inc; it needs no approximation. A waived first minute subtracts the
same sum restricted to L < min(free, U).

Saves at fixed intervals put w on a lattice: finitely many states, times kept as integer microseconds. Saves on notice
make w continuous: its density is kept on panels with Gauss-Legendre nodes, cut at every point where the density can
have a jump or a kink (multiples of `every` shifted by 0, work, notice, notice - save), and the transition operator is
integrated panel by panel. These cases are solved on two grids; their difference is the basis of `tolerance`.

Chains without an end (unlimited restarts; counts that start anew) are iterated until less than 1e-18 is unfinished.

Ignored: rounding of a replication's line items to nanounits (unbiased, at most 0.5e-9 each), of lifetimes and waits to
microseconds (relative effect at most about 1e-8), `give_up_after`, the 10,000 attempts and `timeout`, none of which can
bind here.

Every Spot case was compared with a separate event-by-event simulation of 8,000,000 replications.

Fields of a case: `name`; `scenario`, a complete TOML text; `plan`; `expected`; `tolerance`, the relative numeric error
of `expected`; `note`. A value that does not exist is null.
"""

import json
import math
import os
import re
import sys
import tomllib
from fractions import Fraction

import numpy as np
from scipy.special import log_ndtr, ndtr

US = {"ms": 1_000, "s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6, "weeks": 604800 * 10**6}
HOUR = 3600 * 10**6  # microseconds
NEGLIGIBLE = 1e-18


# ---------------------------------------------------------------- quantities

def us(text):
    """A duration in whole microseconds."""
    number, unit = text.split()
    value = Fraction(number) * US[unit]
    assert value.denominator == 1, text
    return int(value)


def hours(text):
    return us(text) / HOUR


def percent(text):
    number, unit = text.split()
    assert unit == "%"
    return float(number) / 100


def per_hour(text):
    return float(re.fullmatch(r"([0-9.]+) USD/h", text).group(1))


def gigabytes(text):
    return float(re.fullmatch(r"([0-9.]+) GB", text).group(1))


# ------------------------------------------------------------------ lifetime

class Lifetime:
    """The gang's lifetime: survival, density and integrated survival; times in hours."""

    def __init__(self, spec, factor, order=24):
        self.model, self.factor = spec["model"], factor
        self.end = math.inf
        m = self.model
        if m == "exponential":
            self.mean = hours(spec["mean"])
        elif m == "weibull":
            self.shape, self.scale = float(spec["shape"]), hours(spec["scale"])
        elif m == "lognormal":
            self.mu, self.sigma = math.log(hours(spec["median"])), float(spec["sigma"])
        elif m == "bathtub":
            self.a, self.b = float(spec["a"]), hours(spec["b"])
            self.tau1, self.tau2 = hours(spec["tau1"]), hours(spec["tau2"])
            low, high = 0.0, self.b + 50 * self.tau2
            for _ in range(200):
                middle = (low + high) / 2
                low, high = (middle, high) if self._cdf(middle) < 1 else (low, middle)
            self.end = high
        else:
            assert m == "never", m
        self.nodes, self.weights = np.polynomial.legendre.leggauss(order)
        self.edges = self.table = None

    def _cdf(self, t):
        return self.a * (1 - np.exp(-t / self.tau1) + np.exp((t - self.b) / self.tau2))

    def log_survival(self, t):
        """log S of one VM times the gang's factor."""
        t = np.asarray(t, float)
        m = self.model
        with np.errstate(divide="ignore", over="ignore"):
            if m == "exponential":
                log = -t / self.mean
            elif m == "weibull":
                log = -((t / self.scale) ** self.shape)
            elif m == "lognormal":
                log = log_ndtr(-(np.log(t) - self.mu) / self.sigma)
            elif m == "bathtub":
                inside = np.where(t < self.end, t, 0.0)
                log = np.where(t < self.end, np.log1p(-np.minimum(self._cdf(inside), 1.0)), -math.inf)
                log = np.where(t <= 0, 0.0, log)
            else:
                log = np.zeros_like(t)
        return self.factor * log

    def survival(self, t):
        return np.exp(self.log_survival(t))

    def density(self, t):
        t = np.asarray(t, float)
        m = self.model
        if m == "never":
            return np.zeros_like(t)
        if m == "exponential":
            hazard = np.full_like(t, 1 / self.mean)
        elif m == "weibull":
            hazard = self.shape / self.scale * (t / self.scale) ** (self.shape - 1)
        elif m == "lognormal":
            z = (np.log(t) - self.mu) / self.sigma
            hazard = np.exp(-z * z / 2 - log_ndtr(-z)) / (t * self.sigma * math.sqrt(2 * math.pi))
        else:
            inside = np.where(t < self.end, t, 0.0)
            slope = self.a * (np.exp(-inside / self.tau1) / self.tau1 + np.exp((inside - self.b) / self.tau2) / self.tau2)
            hazard = np.where(t < self.end, slope / np.maximum(1 - self._cdf(inside), 1e-300), 0.0)
        return self.factor * hazard * self.survival(t)

    def integral(self, t):
        """Integral of S from 0 to t: a table over panels that grow geometrically from 0, then one panel more."""
        t = np.atleast_1d(np.asarray(t, float))
        top = float(t.max())
        if self.edges is None or self.edges[-1] <= top:
            step = 1 / 64
            edges = np.concatenate([[0.0], step * 2.0 ** np.arange(-45, 1), np.arange(2 * step, 2 * top + 2 * step, step)])
            if self.end < edges[-1]:
                edges = np.unique(np.append(edges, self.end))
            self.edges = edges
            self.table = np.concatenate([[0.0], np.cumsum(self._panel(edges[:-1], edges[1:]))])
        j = np.searchsorted(self.edges, t, side="right") - 1
        return self.table[j] + self._panel(self.edges[j], t)

    def _panel(self, a, b):
        middle, half = (a + b) / 2, (b - a) / 2
        return half * (self.survival(middle[:, None] + half[:, None] * self.nodes) @ self.weights)

    def mass(self, a, b):
        """P(a < L < b)"""
        return self.survival(a) - self.survival(b)

    def mean_between(self, a, b):
        """E[L; a < L < b]; a and b arrays or numbers"""
        a, b = np.broadcast_arrays(np.atleast_1d(np.asarray(a, float)), np.atleast_1d(np.asarray(b, float)))
        ia, ib = self.integral(np.concatenate([a, b])).reshape(2, -1)
        return a * self.survival(a) - b * self.survival(b) + ib - ia


# ------------------------------------------------------------------ scenario

class Job:
    """A scenario's numbers: program times in integer microseconds, everything else in hours and plain numbers."""

    def __init__(self, text):
        s = tomllib.loads(text)
        w, market, machine = s["workload"], s["market"], s["machine"]
        checkpoint, restart = s.get("checkpoint", {}), s.get("restart", {})
        billing, price = s.get("billing", {}), s["price"]
        assert w["kind"] == "job" and w["timeout"] == "none"
        self.work, self.nodes = us(w["work"]), w.get("nodes", 1)
        self.startup = us(w.get("startup", "0 s"))

        self.every = us(checkpoint["every"]) if "every" in checkpoint else None
        self.save, self.restore = us(checkpoint.get("save", "0 s")), us(checkpoint.get("restore", "0 s"))
        self.notice = us(market.get("notice", "30 s"))
        self.on_notice = checkpoint.get("on_notice", False) and self.save <= self.notice
        self.on_standard = checkpoint.get("on_standard", True)

        share = percent(market.get("shared_hazard", "90 %"))
        self.lifetime = market["lifetime"]
        self.factor = share + self.nodes * (1 - share)
        self.refusal = percent(market.get("no_capacity_probability", "0 %"))
        wait = market.get("wait", {"model": "fixed", "value": "0 s"})
        self.wait = {
            "fixed": lambda: hours(wait["value"]),
            "exponential": lambda: hours(wait["mean"]),
            "lognormal": lambda: hours(wait["median"]) * math.exp(float(wait["sigma"]) ** 2 / 2),
        }[wait["model"]]()
        self.standard_wait = hours(market.get("standard_wait", "0 s"))

        limit = restart.get("max_restarts", 6)
        self.max_restarts = math.inf if limit == "unlimited" else limit
        self.counts = restart.get("counts", "job")
        self.resubmit_after = hours(restart.get("resubmit_after", "1 h"))
        self.max_submissions = restart.get("max_submissions", 20)
        b = restart.get("backoff", "0 s")
        if isinstance(b, str):
            self.backoff = lambda k: hours(b)
        else:
            self.backoff = lambda k: min(hours(b["initial"]) * float(b["factor"]) ** min(k - 1, 500), hours(b["max"]))

        self.increment, self.minimum = us(billing.get("increment", "1 s")), us(billing.get("minimum", "0 s"))
        self.free = us(billing.get("free_if_preempted_within", "1 min"))

        service = machine["service"]
        standard, spot = per_hour(price["standard"]), per_hour(price["spot"])
        if service == "compute-engine":
            fee = 0.0
        else:
            fee = percent(price["fee"])
            if price["basis"] == "vertex":
                standard /= 1 + fee
        disk = gigabytes(machine["boot_disk"]) * per_hour(price["boot_disk"]) if "boot_disk" in price else 0.0
        self.standard_rate = standard * (1 + fee) + disk  # per VM-hour
        self.spot_compute = spot                          # the line a preemption in the first minute waives
        self.spot_other = fee * standard + disk           # fee line and disk line, never waived


# -------------------------------------------------------------------- states

class Atoms:
    """States with a definite amount of work left: index 0 is (all work, no save), i > 0 is (work - (i-1) every, a save)."""

    def __init__(self, job, life):
        self.job, self.life = job, life
        pieces = -(-job.work // job.every) if job.every else 1
        self.left = [job.work] + [job.work - i * (job.every or 0) for i in range(pieces)]
        self.saved = [False] + [True] * pieces
        self.up = [self.uptime(w, r) for w, r in zip(self.left, self.saved)]
        self.size = len(self.left)

    def prefix(self, saved):
        return self.job.startup + (self.job.restore if saved else 0)

    def uptime(self, left, saved, saves=True):
        count = -(-left // self.job.every) - 1 if self.job.every and saves else 0
        return self.prefix(saved) + left + self.job.save * count

    def transitions(self):
        """P[i, j] and E[L; i -> j] of a preemption, and the expected work lost, all without saves on notice."""
        job, life, n = self.job, self.life, self.size
        move, time, lost = np.zeros((n, n)), np.zeros((n, n)), np.zeros(n)
        if life.model == "never":
            return move, time, lost
        for i in range(n):
            first, up = self.prefix(self.saved[i]), self.up[i]
            count = -(-self.left[i] // job.every) - 1 if job.every else 0
            ends = [0] + [first + k * (job.every + job.save) for k in range(1, count + 1)] + [up]
            a, b = np.array(ends[:-1]) / HOUR, np.array(ends[1:]) / HOUR
            mass, mean = life.mass(a, b), life.mean_between(a, b)
            for k in range(count + 1):
                j = i if k == 0 else max(i, 1) + k
                move[i, j] += mass[k]
                time[i, j] += mean[k]
                begin = first + k * ((job.every or 0) + job.save)
                piece = min(job.every or self.left[i], self.left[i] - k * (job.every or 0))
                x, y = begin / HOUR, (begin + piece) / HOUR
                integral = life.integral([x, y])
                lost[i] += integral[1] - integral[0] - (y - x) * life.survival(y)
                if k < count:  # during the save itself the whole piece is lost
                    lost[i] += piece / HOUR * life.mass(y, (begin + piece + job.save) / HOUR)
        return move, time, lost


class Density:
    """States with a save made on notice: work left has a density on (0, work), kept at the nodes of panels (hours)."""

    def __init__(self, job, life, order, width):
        self.life, self.order = life, order
        self.work, self.save, self.notice = job.work / HOUR, job.save / HOUR, job.notice / HOUR
        self.prefix = (job.startup + job.restore) / HOUR
        self.every = job.every / HOUR if job.every else None
        if job.every:
            assert job.notice < job.every
            cuts = {(x + i * job.every) for x in (0, job.work % job.every, job.notice, job.notice - job.save)
                    for i in range(job.work // job.every + 2)}
        else:
            cuts = {0, job.notice}
        cuts = sorted({c for c in cuts if 0 < c < job.work} | {0, job.work})
        edges = [0.0]
        for a, b in zip(cuts, cuts[1:]):
            parts = max(1, math.ceil((b - a) / HOUR / width - 1e-9))
            edges += [(a + (b - a) * k / parts) / HOUR for k in range(1, parts + 1)]
        self.edges = np.array(edges)
        self.x, self.w = np.polynomial.legendre.leggauss(order)
        middle, half = (self.edges[1:] + self.edges[:-1]) / 2, (self.edges[1:] - self.edges[:-1]) / 2
        self.middle, self.half = middle, half
        self.v = (middle[:, None] + half[:, None] * self.x).ravel()
        self.weight = (half[:, None] * self.w).ravel()
        self.size = len(self.v)
        # barycentric weights of the Gauss-Legendre nodes
        self.bary = (-1.0) ** np.arange(order) * np.sqrt((1 - self.x**2) * self.w)

    def saves_before(self, y):
        """Saves made when y of work is done and more is to come (inside a piece)."""
        return np.ceil(y / self.every) - 1 if self.every else np.zeros_like(y)

    def uptime(self, left, prefix=None):
        left = np.asarray(left, float)
        return (self.prefix if prefix is None else prefix) + left + self.save * self.saves_before(left)

    def left_of(self, uptime, saves=True):
        """The work left w* with U(w) > uptime exactly for w > w*."""
        x = np.maximum(np.asarray(uptime, float) - self.prefix, 0.0)
        if self.every and saves:
            i = np.floor(x / (self.every + self.save))
            x = i * self.every + np.minimum(x - i * (self.every + self.save), self.every)
        return x

    def interpolation(self, points):
        """(panel, matrix): the value at points[k] is matrix[k] @ values[panel[k]]."""
        panel = np.clip(np.searchsorted(self.edges, points, side="right") - 1, 0, len(self.half) - 1)
        t = (points - self.middle[panel]) / self.half[panel]
        d = t[:, None] - self.x
        exact = np.abs(d) < 1e-15
        d[exact] = 1.0
        m = self.bary / d
        hit = exact.any(axis=1)
        m[hit] = exact[hit]
        return panel, m / m.sum(axis=1, keepdims=True)

    def rows(self, points, factors):
        """One row vector r with r @ p = sum over k of factors[k] p(points[k])."""
        panel, m = self.interpolation(points)
        out = np.zeros((len(self.half), self.order))
        np.add.at(out, panel, factors[:, None] * m)
        return out.ravel()

    def kernel(self, left, v, prefix, up):
        """Density of ending at v of work left when an attempt began at `left`, and the lifetime it takes."""
        y = left - v
        life = prefix + y + self.save * self.saves_before(y) + self.notice
        k = np.where(life < up, self.life.density(life), 0.0)
        return k, k * life

    def during_saves(self, left, prefix, up):
        """[(i, P, E[L; .])] of a notice that comes while save i of the attempt is under way; left is an array."""
        out = []
        if self.every:
            for i in range(1, int(math.floor(self.work / self.every)) + 1):
                a = np.minimum(prefix + i * self.every + (i - 1) * self.save + self.notice, up)
                b = np.minimum(a + self.save, up)
                on = left > i * self.every * (1 + 1e-12)
                out.append((i, np.where(on, self.life.mass(a, b), 0.0), np.where(on, self.life.mean_between(a, b), 0.0)))
        return out

    def nothing_done(self, prefix, up):
        """P and E[L; .] of a notice before any work of the attempt was done."""
        end = np.minimum(prefix + self.notice, up)
        zero = np.zeros_like(end)
        return self.life.mass(zero, end), self.life.mean_between(zero, end)

    def transitions(self):
        """Operators on node values of the density: probability, and probability times lifetime."""
        n = self.size
        move, time = np.zeros((n, n)), np.zeros((n, n))
        up = self.uptime(self.v)
        p, t = self.nothing_done(self.prefix, up)
        move[np.diag_indices(n)] += p
        time[np.diag_indices(n)] += t
        for j, v in enumerate(self.v):
            cuts = [v, self.work] + list(self.edges[self.edges > v])
            if self.every:
                cuts += [c for c in v + self.every * np.arange(1, math.ceil(self.work / self.every) + 1) if c < self.work]
            cuts = np.unique(cuts)
            cuts = cuts[np.concatenate([[True], np.diff(cuts) > 1e-13])]
            half = np.diff(cuts) / 2
            points = ((cuts[1:] + cuts[:-1]) / 2)[:, None] + half[:, None] * self.x
            weight = (half[:, None] * self.w).ravel()
            points = points.ravel()
            k, kl = self.kernel(points, v, self.prefix, self.uptime(points))
            move[j] += self.rows(points, weight * k)
            time[j] += self.rows(points, weight * kl)
            if self.every:
                i = np.arange(1, math.ceil(self.work / self.every) + 1)
                points = v + i * self.every
                i, points = i[points < self.work], points[points < self.work]
                if len(i):
                    u = self.uptime(points)
                    a = np.minimum(self.prefix + i * self.every + (i - 1) * self.save + self.notice, u)
                    b = np.minimum(a + self.save, u)
                    move[j] += self.rows(points, self.life.mass(a, b))
                    time[j] += self.rows(points, self.life.mean_between(a, b))
        return move, time

    def integrate(self, p, function, cuts):
        """Integral of function * p where p has the node values p, with extra cuts for the function."""
        cuts = np.unique(np.concatenate([self.edges, np.clip(cuts, 0, self.work)]))
        cuts = cuts[np.concatenate([[True], np.diff(cuts) > 1e-14])]
        half = np.diff(cuts) / 2
        points = (((cuts[1:] + cuts[:-1]) / 2)[:, None] + half[:, None] * self.x).ravel()
        return self.rows(points, (half[:, None] * self.w).ravel() * function(points)) @ p

    def tail(self, p, left):
        """Integral of p from each element of `left` to the end."""
        values = p.reshape(-1, self.order)
        after = np.concatenate([np.cumsum((values @ self.w * self.half)[::-1])[::-1], [0.0]])
        left = np.clip(left, 0, self.work)
        panel = np.clip(np.searchsorted(self.edges, left, side="right") - 1, 0, len(self.half) - 1)
        half = (self.edges[panel + 1] - left) / 2
        points = (left + half)[:, None] + half[:, None] * self.x
        _, m = self.interpolation(points.ravel())
        inside = np.einsum("kij,kj->ki", m.reshape(*points.shape, self.order), values[panel])
        return after[panel + 1] + half * (inside @ self.w)


class States:
    """Atoms, then (for saves on notice) the nodes of the density; vectors hold masses and density values in that order."""

    def __init__(self, job, order, width):
        self.job = job
        self.life = Lifetime(job.lifetime, job.factor, order=order + 10)
        self.atoms = Atoms(job, self.life)
        self.n = self.atoms.size
        up = np.array(self.atoms.up) / HOUR
        if not job.on_notice:
            self.density = None
            move, time, self.lost = self.atoms.transitions()
            self.move, self.time = move.T, time.T  # act on column vectors
            self.up, self.weight = up, np.ones(self.n)
        else:
            d = self.density = Density(job, self.life, order, width)
            self.lost = np.zeros(self.n + d.size)  # work stops at the notice, and all that was done is saved
            self.up = np.concatenate([up, d.uptime(d.v)])
            self.weight = np.concatenate([np.ones(self.n), d.weight])
            self.move, self.time = np.zeros((2, self.n + d.size, self.n + d.size))
            self.move[self.n:, self.n:], self.time[self.n:, self.n:] = d.transitions()
            for i in range(self.n):
                left, prefix = self.atoms.left[i] / HOUR, self.atoms.prefix(self.atoms.saved[i]) / HOUR
                p, t = d.nothing_done(prefix, np.array([up[i]]))
                self.move[i, i] += p[0]
                self.time[i, i] += t[0]
                for k, p, t in d.during_saves(np.array([left]), prefix, np.array([up[i]])):
                    if max(i, 1) + k < self.n:
                        self.move[max(i, 1) + k, i] += p[0]
                        self.time[max(i, 1) + k, i] += t[0]
                below = d.v < left
                k, kl = d.kernel(left, d.v[below], prefix, up[i])
                self.move[self.n:, i][below] += k
                self.time[self.n:, i][below] += kl
        self.done = self.life.survival(self.up)

    def start(self):
        v = np.zeros(len(self.up))
        v[0] = 1.0
        return v

    def total(self, vector, values=1.0):
        return float(np.sum(self.weight * vector * values))

    # ---- on standard VMs

    def standard_up(self):
        a = self.atoms
        up = [a.uptime(w, r, saves=self.job.on_standard) / HOUR for w, r in zip(a.left, a.saved)]
        if self.density:
            d = self.density
            up = np.concatenate([up, d.uptime(d.v) if self.job.on_standard else d.prefix + d.v])
        return np.asarray(up)

    # ---- billing: expected billed hours of one VM, summed over visits

    def cells(self, longest):
        """Where the billed time grows (increment boundaries below `longest`) and by how much, in microseconds."""
        inc, m = self.job.increment, self.job.minimum
        n = np.arange(-(-longest // inc))
        return n * inc, np.maximum((n + 1) * inc - np.maximum(m, n * inc), 0)

    def billed(self, visits, standard=False):
        """E[billed hours of a VM], summed over the visits."""
        job, a = self.job, self.atoms
        ups = [a.uptime(w, r, saves=job.on_standard or not standard) for w, r in zip(a.left, a.saved)]
        at, growth = self.cells(max(ups))
        alive = np.ones(len(at)) if standard else self.life.survival(at / HOUR)
        sums = np.concatenate([[0.0], np.cumsum(growth * alive)])
        m = job.minimum
        result = sum(x * (m + sums[-(-u // job.increment)]) for x, u in zip(visits, ups))
        if self.density:
            p, d = visits[self.n:], self.density
            left = d.left_of(at / HOUR, saves=job.on_standard or not standard)
            result += m * (p @ d.weight) + np.sum(growth * alive * d.tail(p, left))
        return float(result) / HOUR

    def waived(self, visits):
        """E[billed hours of a VM; preempted at an uptime below `free`], summed over the visits."""
        job = self.job
        if job.free == 0:
            return 0.0
        at, growth = self.cells(job.free)
        alive = self.life.survival(at / HOUR)

        def amount(up):
            up = np.atleast_1d(up)
            last = self.life.survival(np.minimum(up, job.free / HOUR))[:, None]
            return job.minimum * (1 - last[:, 0]) + np.maximum(alive - last, 0.0) @ growth

        result = float(visits[: self.n] @ amount(self.up[: self.n]))
        if self.density:
            d = self.density
            cuts = d.left_of(np.append(at, job.free) / HOUR)
            result += d.integrate(visits[self.n:], lambda w: amount(d.uptime(w)), cuts)
        return result / HOUR


# --------------------------------------------------------------------- plans

def solve(text, plan, order=24, width=1.0):
    """Expected values of one plan of a scenario."""
    job = Job(text)
    if plan == "standard":
        return standard(job)
    s = States(job, order, width)
    visits, fallback = np.zeros(len(s.up)), None
    completed = makespan = waited = restarts = 0.0
    p, q = s.start(), 0 * s.start()  # probability, and E[elapsed time; state]
    submissions = job.max_submissions if plan == "spot-resubmit" else 1
    for submission in range(submissions):
        if submission:
            q = q + p * job.resubmit_after
        level = {0: (p, q)}  # restarts used of the current count -> state, before an attempt asks for capacity
        failed_p, failed_q = 0 * p, 0 * q
        attempt = 0
        while level and sum(s.total(x) for x, _ in level.values()) > NEGLIGIBLE:
            following = {}
            for used, (p, q) in level.items():
                mass = s.total(p)
                waited += mass * job.wait
                restarts += mass if attempt else 0.0
                q = q + p * job.wait
                started, started_q = p * (1 - job.refusal), q * (1 - job.refusal)
                visits += started
                completed += s.total(started, s.done)
                makespan += s.total(started_q, s.done) + s.total(started, s.done * s.up)
                ends = [
                    (used, p * job.refusal, q * job.refusal),
                    (used if job.counts == "job" else 0, s.move @ started, s.move @ started_q + s.time @ started),
                ]
                for count, x, y in ends:
                    if count < job.max_restarts:
                        k = count + 1
                        a, b = following.get(k, (0.0, 0.0))
                        following[k] = (a + x, b + y + x * job.backoff(k))
                    else:
                        failed_p, failed_q = failed_p + x, failed_q + y
            level = following
            attempt += 1
        p, q = failed_p, failed_q
        if s.total(p) <= NEGLIGIBLE:
            break
    if plan == "spot-then-standard":
        fallback = p
        up = s.standard_up()
        waited += s.total(p) * job.standard_wait
        completed += s.total(p)
        makespan += s.total(q) + s.total(p, job.standard_wait + up)
    else:
        assert plan in ("spot", "spot-resubmit"), plan

    billed, waived = s.billed(visits), s.waived(visits)
    cost = (billed - waived) * job.spot_compute + billed * job.spot_other
    if fallback is not None:
        extra = s.billed(fallback, standard=True)
        billed, cost = billed + extra, cost + extra * job.standard_rate
    return result(job, cost, billed, completed, restarts, s.total(visits, 1 - s.done), makespan, waited,
                  s.total(visits, s.lost))


def standard(job):
    atoms = Atoms(job, None)
    up = atoms.uptime(job.work, False, saves=job.on_standard)
    billed = max(job.minimum, -(-up // job.increment) * job.increment) / HOUR
    return result(job, billed * job.standard_rate, billed, 1.0, 0.0, 0.0, job.standard_wait + up / HOUR, job.standard_wait, 0.0)


def result(job, cost, billed, completed, restarts, preemptions, makespan, waited, lost):
    cost, billed = float(cost * job.nodes), float(billed * job.nodes)
    completed = 0.0 if completed < NEGLIGIBLE else completed
    return {
        "cost": cost, "billed_h": billed, "completion_probability": completed, "restarts": restarts,
        "preemptions": preemptions, "makespan_h": makespan / completed if completed else None, "waited_h": waited,
        "lost_work_h": lost, "cost_per_completion": cost / completed if completed else None,
    }


def solve_twice(text, plan):
    """The values and their relative numeric error, from two grids."""
    fine, coarse = solve(text, plan, 24, 0.125), solve(text, plan, 20, 0.25)
    error = 0.0
    for key, value in fine.items():
        if value:
            assert math.isfinite(value) and math.isfinite(coarse[key]), key
            error = max(error, abs(coarse[key] / value - 1))
    return fine, error


# --------------------------------------------------------------------- cases

def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return repr(value)


def scenario(plan, **sections):
    """A complete scenario; sections left out do not appear."""
    sections["workload"] = {"kind": "job", "timeout": "none"} | sections["workload"]
    sections.setdefault("machine", {"service": "compute-engine"})
    sections.setdefault("price", {"standard": "1.00 USD/h", "spot": "0.20 USD/h"})
    sections["compare"] = {"plans": ["standard"] if plan == "standard" else ["standard", plan]}
    sections["simulation"] = {"seed": 1}
    order = ["workload", "machine", "price", "billing", "market", "checkpoint", "restart", "compare", "simulation"]
    assert not set(sections) - set(order)
    return "\n".join(
        f"[{name}]\n" + "".join(f"{k} = {toml(v)}\n" for k, v in sections[name].items())
        for name in order if name in sections
    )


EXP = {"model": "exponential", "mean": "10 h"}
EXP4 = {"model": "exponential", "mean": "4 h"}
WEIBULL06 = {"model": "weibull", "shape": 0.6, "scale": "8 h"}
WEIBULL2 = {"model": "weibull", "shape": 2.0, "scale": "6 h"}
LOGNORMAL = {"model": "lognormal", "median": "5 h", "sigma": 1.2}
BATHTUB = {"model": "bathtub", "a": 0.4137, "tau1": "0.9 h", "tau2": "0.76 h", "b": "24 h"}
NEVER = {"model": "never"}
W5 = {"model": "exponential", "mean": "5 min"}
WFIX = {"model": "fixed", "value": "10 min"}
WLOG = {"model": "lognormal", "median": "20 min", "sigma": 0.8}
SAVES = {"every": "30 min", "save": "1 min", "restore": "0 s"}
SAVES_R = {"every": "30 min", "save": "1 min", "restore": "2 min"}
NOTICE = {"on_notice": True, "save": "20 s", "restore": "1 min"}
NOTICE_E = {"every": "45 min", "on_notice": True, "save": "20 s", "restore": "1 min"}
J8 = {"work": "8 h", "startup": "2 min"}
PLAIN = {"increment": "1 s", "minimum": "0 s", "free_if_preempted_within": "0 s"}
TRAINING = {"service": "vertex-training", "boot_disk": "100 GB"}
TRAINING0 = {"service": "vertex-training", "boot_disk": "0 GB"}
INFERENCE = {"service": "vertex-inference"}
VERTEX = {"basis": "compute-engine", "standard": "1.00 USD/h", "spot": "0.34 USD/h", "fee": "15 %"}
VERTEX_DISK = VERTEX | {"boot_disk": "0.0002678 USD/h"}
TABLE = {"initial": "1 min", "factor": 2.0, "max": "10 min"}


def market(lifetime, wait=W5, **more):
    return {"lifetime": lifetime, "wait": wait} | more


def cases():
    """(name, plan, note, sections)"""
    out = []

    def case(name, plan, note, **sections):
        out.append((name, plan, note, scenario(plan, **sections)))

    # --- the basic plan
    case("known", "spot", "the known case: no free minute, no restore", workload=J8, billing=PLAIN, market=market(EXP),
         checkpoint=SAVES, restart={"max_restarts": 6})
    case("never", "spot", "never preempted, no waits", workload=J8, billing=PLAIN,
         market={"lifetime": NEVER}, checkpoint=SAVES)
    case("standard", "standard", "deterministic: saves as on Spot, a wait, minute increments", workload={"work": "5.3 h", "startup": "95 s"},
         billing={"increment": "60 s", "minimum": "60 s"}, market=market(EXP, standard_wait="7 min"), checkpoint=SAVES)
    case("standard-no-saves", "standard", "checkpoint.on_standard = false; Vertex price in one line, and a disk", workload={"work": "5.3 h", "startup": "95 s", "nodes": 3},
         machine=TRAINING, price=VERTEX_DISK, market=market(EXP), checkpoint=SAVES | {"on_standard": False})
    case("no-checkpoint", "spot", "all work of a preempted attempt is lost", workload={"work": "5 h", "startup": "3 min"},
         billing=PLAIN, market=market(EXP, WFIX), restart={"max_restarts": 6})
    case("defaults", "spot", "every default: no [billing], no [restart], no wait, no startup; free first minute", workload={"work": "6 h"},
         market={"lifetime": EXP})
    case("one-attempt", "spot", "max_restarts = 0", workload=J8, billing=PLAIN, market=market(EXP), checkpoint=SAVES,
         restart={"max_restarts": 0})
    case("one-restart", "spot", "max_restarts = 1, backoff fixed", workload=J8, billing=PLAIN, market=market(EXP4),
         checkpoint=SAVES_R, restart={"max_restarts": 1, "backoff": "4 min"})
    case("unlimited", "spot", "unlimited restarts, no checkpoint, backoff fixed", workload={"work": "6 h", "startup": "5 min"},
         billing=PLAIN, market=market(EXP4), restart={"max_restarts": "unlimited", "backoff": "90 s"})
    case("unlimited-table", "spot", "unlimited restarts, saves, backoff table, refusals", workload=J8, billing=PLAIN,
         market=market(EXP4, no_capacity_probability="20 %"), checkpoint=SAVES_R,
         restart={"max_restarts": "unlimited", "backoff": {"initial": "30 s", "factor": 1.5, "max": "5 min"}})
    case("uneven-pieces", "spot", "work is not a multiple of every; the last piece is short", workload={"work": "7.77 h", "startup": "150 s"},
         billing=PLAIN, market=market(EXP4), checkpoint={"every": "47 min", "save": "130 s", "restore": "5 min"})
    # --- lifetimes
    case("weibull-early", "spot", "shape 0.6: early deaths", workload=J8, billing=PLAIN, market=market(WEIBULL06), checkpoint=SAVES_R)
    case("weibull-late", "spot", "shape 2: wear-out", workload=J8, billing=PLAIN, market=market(WEIBULL2, WFIX), checkpoint=SAVES_R,
         restart={"max_restarts": 3})
    case("lognormal", "spot", "lognormal lifetime and wait", workload=J8, billing=PLAIN, market=market(LOGNORMAL, WLOG), checkpoint=SAVES_R)
    case("bathtub", "spot", "bathtub, no checkpoint", workload={"work": "6 h", "startup": "2 min"}, billing=PLAIN,
         market=market(BATHTUB))
    case("bathtub-wall", "spot", "bathtub, a job that ends near the 24 h wall", workload={"work": "22 h", "startup": "10 min"},
         billing=PLAIN, market=market(BATHTUB, WFIX), checkpoint={"every": "2 h", "save": "3 min", "restore": "4 min"})
    case("bathtub-beyond", "spot", "longer than any VM lives and never saved: completion probability 0, makespan null", workload={"work": "30 h"},
         billing=PLAIN, market=market(BATHTUB, WFIX), restart={"max_restarts": 1})
    case("bathtub-long", "spot", "work beyond the wall, carried over it by saves", workload={"work": "40 h", "startup": "10 min"},
         billing={"increment": "60 s", "minimum": "60 s"}, market=market(BATHTUB, WFIX),
         checkpoint={"every": "3 h", "save": "3 min", "restore": "4 min"}, restart={"max_restarts": "unlimited"})
    # --- gangs
    for share in (0, 60, 100):
        case(f"gang-{share}", "spot", f"4 nodes, {share} % of the hazard shared", workload=J8 | {"nodes": 4}, billing=PLAIN,
             market=market(EXP, shared_hazard=f"{share} %"), checkpoint=SAVES_R)
    case("gang-default", "spot", "8 nodes, shared hazard by default (90 %)", workload=J8 | {"nodes": 8}, market=market(WEIBULL06),
         checkpoint=SAVES_R)
    case("gang-large", "spot-resubmit", "100 nodes, 90 % of the hazard shared, hour increments, Vertex training", workload={"work": "20 h", "startup": "6 min", "nodes": 100},
         machine=TRAINING, price=VERTEX_DISK, billing={"increment": "3600 s", "minimum": "0 s"},
         market=market({"model": "exponential", "mean": "40 h"}, WLOG, shared_hazard="90 %"),
         checkpoint={"every": "1 h", "save": "2 min", "restore": "5 min"}, restart={"max_restarts": 3, "resubmit_after": "45 min", "backoff": TABLE})
    case("gang-lognormal", "spot-resubmit", "3 nodes, lognormal, shared 60 %, resubmitted", workload=J8 | {"nodes": 3},
         machine=TRAINING, price=VERTEX_DISK, market=market(LOGNORMAL, WLOG, shared_hazard="60 %"), checkpoint=SAVES_R,
         restart={"max_restarts": 2})
    case("gang-bathtub", "spot-then-standard", "5 nodes, bathtub, shared 0 %, fallback", workload={"work": "6 h", "startup": "4 min", "nodes": 5},
         machine=INFERENCE, price=VERTEX, market=market(BATHTUB, WFIX, shared_hazard="0 %", standard_wait="3 min"),
         checkpoint=SAVES_R, restart={"max_restarts": 3, "backoff": TABLE})
    case("gang-weibull-late", "spot-then-standard", "2 nodes, shape 2, shared 100 %, no saves on standard VMs", workload=J8 | {"nodes": 2},
         billing={"increment": "60 s"}, market=market(WEIBULL2, shared_hazard="100 %", standard_wait="5 min"),
         checkpoint=SAVES_R | {"on_standard": False}, restart={"max_restarts": 1})
    # --- refusals, counts, backoff
    case("refusals-job", "spot", "30 % refused, counts = job", workload=J8, billing=PLAIN,
         market=market(EXP, no_capacity_probability="30 %"), checkpoint=SAVES_R, restart={"max_restarts": 6, "counts": "job"})
    case("refusals-preemption", "spot", "30 % refused, counts = preemption", workload=J8, billing=PLAIN,
         market=market(EXP4, no_capacity_probability="30 %"), checkpoint=SAVES_R, restart={"max_restarts": 2, "counts": "preemption"})
    case("refusals-preemption-1", "spot", "30 % refused, counts = preemption, one restart, backoff table", workload=J8, billing=PLAIN,
         market=market(EXP4, WLOG, no_capacity_probability="30 %"), checkpoint=SAVES_R,
         restart={"max_restarts": 1, "counts": "preemption", "backoff": TABLE})
    case("counts-preemption-0", "spot", "counts = preemption without any restart is one attempt", workload=J8, billing=PLAIN,
         market=market(EXP, no_capacity_probability="10 %"), checkpoint=SAVES, restart={"max_restarts": 0, "counts": "preemption"})
    case("counts-preemption-backoff", "spot", "the backoff starts anew with the count; lifetime weibull 0.6", workload=J8, billing=PLAIN,
         market=market(WEIBULL06, no_capacity_probability="40 %"), checkpoint=SAVES_R,
         restart={"max_restarts": 6, "counts": "preemption", "backoff": {"initial": "2 min", "factor": 3.0, "max": "30 min"}})
    case("backoff-job", "spot", "backoff table over the job's life, gaps are not waits", workload=J8, billing=PLAIN,
         market=market(EXP4), checkpoint=SAVES_R, restart={"max_restarts": 6, "backoff": TABLE})
    case("refused-only", "spot", "refusals without preemptions", workload=J8, billing=PLAIN,
         market=market(NEVER, no_capacity_probability="50 %"), restart={"max_restarts": 3, "backoff": "1 min"})
    # --- resubmission
    case("resubmit", "spot-resubmit", "saves survive a submission; one restart each", workload=J8, billing=PLAIN,
         market=market(EXP4), checkpoint=SAVES_R, restart={"max_restarts": 1, "resubmit_after": "1 h"})
    case("resubmit-no-checkpoint", "spot-resubmit", "nothing survives; defaults of [restart]", workload={"work": "7 h", "startup": "2 min"},
         billing=PLAIN, market=market(EXP4))
    case("resubmit-three", "spot-resubmit", "at most three submissions, 20 min apart, refusals, backoff table", workload={"work": "5 h", "startup": "2 min"},
         billing=PLAIN, market=market(WEIBULL06, no_capacity_probability="30 %"),
         restart={"max_restarts": 1, "resubmit_after": "20 min", "max_submissions": 3, "backoff": TABLE})
    case("resubmit-zero", "spot-resubmit", "no restarts: every attempt is a submission, restarts = 0", workload=J8, billing=PLAIN,
         market=market(LOGNORMAL, WFIX), checkpoint=SAVES_R, restart={"max_restarts": 0, "resubmit_after": "15 min"})
    case("resubmit-preemption", "spot-resubmit", "counts = preemption: only refusals end a submission", workload=J8, billing=PLAIN,
         market=market(EXP4, no_capacity_probability="30 %"), checkpoint=SAVES_R,
         restart={"max_restarts": 1, "counts": "preemption", "resubmit_after": "2 h", "max_submissions": 4})
    case("resubmit-unlimited", "spot-resubmit", "unlimited restarts: the plan equals spot", workload=J8, billing=PLAIN,
         market=market(WEIBULL2), checkpoint=SAVES_R, restart={"max_restarts": "unlimited"})
    # --- fallback
    case("fallback", "spot-then-standard", "fallback with a wait and no backoff before it", workload=J8, billing=PLAIN,
         market=market(EXP4, standard_wait="12 min"), checkpoint=SAVES_R, restart={"max_restarts": 1, "backoff": "5 min"})
    case("fallback-no-saves", "spot-then-standard", "checkpoint.on_standard = false: no saves on standard VMs, restore stays", workload=J8,
         billing={"increment": "3600 s", "free_if_preempted_within": "0 s"}, market=market(EXP4), checkpoint=SAVES_R | {"on_standard": False},
         restart={"max_restarts": 2})
    case("fallback-zero", "spot-then-standard", "one Spot attempt, then standard; no checkpoint; refusals", workload=J8,
         billing=PLAIN, market=market(BATHTUB, no_capacity_probability="30 %", standard_wait="1 min"), restart={"max_restarts": 0})
    case("fallback-preemption", "spot-then-standard", "counts = preemption, 40 % refused", workload=J8, billing={"increment": "60 s", "minimum": "60 s"},
         market=market(WEIBULL2, no_capacity_probability="40 %"), checkpoint=SAVES_R,
         restart={"max_restarts": 1, "counts": "preemption", "backoff": TABLE})
    # --- billing
    case("hours", "spot", "hour increments, first minute waived on half-minute starts", workload={"work": "3 h", "startup": "20 s"},
         billing={"increment": "3600 s", "minimum": "0 s", "free_if_preempted_within": "1 min"},
         market=market({"model": "weibull", "shape": 0.5, "scale": "2 h"}), checkpoint={"every": "20 min", "save": "20 s", "restore": "30 s"},
         restart={"max_restarts": "unlimited"})
    case("hours-vertex", "spot-resubmit", "hour increments, waived minutes keep fee and disk", workload={"work": "3 h", "startup": "20 s", "nodes": 2},
         machine=TRAINING, price=VERTEX_DISK, billing={"increment": "3600 s", "minimum": "0 s", "free_if_preempted_within": "1 min"},
         market=market({"model": "weibull", "shape": 0.5, "scale": "3 h"}, shared_hazard="60 %"),
         checkpoint={"every": "20 min", "save": "20 s", "restore": "30 s"}, restart={"max_restarts": 2})
    case("free-cuts-cell", "spot", "a waiver limit that is not a multiple of the increment; minimum above the increment", workload={"work": "2 h", "startup": "1 min"},
         billing={"increment": "60 s", "minimum": "10 min", "free_if_preempted_within": "25.5 min"},
         market=market({"model": "weibull", "shape": 0.6, "scale": "90 min"}), checkpoint={"every": "10 min", "save": "15 s", "restore": "15 s"},
         restart={"max_restarts": 12})
    case("free-beyond-job", "spot", "the waiver limit exceeds the last uptimes", workload={"work": "50 min", "startup": "1 min"},
         billing={"increment": "1 s", "minimum": "0 s", "free_if_preempted_within": "40 min"},
         market=market({"model": "exponential", "mean": "40 min"}), checkpoint={"every": "15 min", "save": "30 s", "restore": "1 min"})
    case("minimum-odd", "spot", "minimum 100 s with increments of 60 s: billed 100, 120, 180 ...", workload={"work": "1 h", "startup": "0 s"},
         billing={"increment": "60 s", "minimum": "100 s", "free_if_preempted_within": "0 s"},
         market=market({"model": "lognormal", "median": "20 min", "sigma": 2.0}, WFIX), checkpoint={"every": "5 min", "save": "5 s", "restore": "10 s"},
         restart={"max_restarts": 6})
    case("training", "spot", "vertex-training: Spot line, fee line, disk line", workload=J8, machine=TRAINING, price=VERTEX_DISK,
         market=market(EXP), checkpoint=SAVES_R)
    case("training-no-disk", "spot-then-standard", "vertex-training without a disk, standard at 1.15", workload=J8, machine=TRAINING0, price=VERTEX_DISK,
         market=market(EXP4, standard_wait="5 min"), checkpoint=SAVES_R, restart={"max_restarts": 1})
    case("inference", "spot", "vertex-inference, minute increments", workload=J8, machine=INFERENCE, price=VERTEX,
         billing={"increment": "60 s", "minimum": "60 s"}, market=market(WEIBULL06), checkpoint=SAVES_R)
    case("vertex-basis", "spot-then-standard", "basis = vertex: the given standard price already contains the fee", workload=J8,
         machine=INFERENCE, price={"basis": "vertex", "standard": "1.15 USD/h", "spot": "0.34 USD/h", "fee": "15 %"},
         market=market(EXP4), checkpoint=SAVES_R, restart={"max_restarts": 1})
    case("inference-fee", "spot-resubmit", "a fee of 20 %, hour increments, bathtub", workload={"work": "9 h", "startup": "3 min"}, machine=INFERENCE,
         price=VERTEX | {"fee": "20 %"}, billing={"increment": "3600 s"}, market=market(BATHTUB, WLOG), checkpoint=SAVES_R,
         restart={"max_restarts": 1, "resubmit_after": "30 min"})
    # --- saves on notice
    case("notice", "spot", "saves on notice only, exponential", workload=J8, billing=PLAIN, market=market(EXP4, notice="30 s"),
         checkpoint=NOTICE, restart={"max_restarts": 6})
    case("notice-every", "spot", "saves on notice and every 45 min", workload=J8, billing=PLAIN, market=market(EXP4, notice="30 s"),
         checkpoint=NOTICE_E, restart={"max_restarts": 6})
    case("notice-weibull-early", "spot-resubmit", "notice, shape 0.6, minute increments, free minute, vertex-training", workload={"work": "6 h", "startup": "30 s"},
         machine=TRAINING, price=VERTEX_DISK, billing={"increment": "60 s", "minimum": "60 s"}, market=market(WEIBULL06, notice="30 s"),
         checkpoint=NOTICE, restart={"max_restarts": 1})
    case("notice-weibull-late", "spot-then-standard", "notice of 2 min and saves of 2 min every hour, no saves on standard VMs", workload={"work": "7.5 h", "startup": "3 min"},
         billing={"increment": "3600 s"}, market=market(WEIBULL2, WFIX, notice="2 min", standard_wait="4 min"),
         checkpoint={"every": "1 h", "on_notice": True, "save": "2 min", "restore": "2 min", "on_standard": False}, restart={"max_restarts": 1})
    case("notice-fallback", "spot-then-standard", "notice and saves every 40 min, on standard VMs too; 2 nodes; vertex-inference", workload={"work": "5.5 h", "startup": "3 min", "nodes": 2},
         machine=INFERENCE, price=VERTEX, billing={"increment": "60 s"}, market=market(LOGNORMAL, WLOG, notice="5 min", shared_hazard="60 %"),
         checkpoint={"every": "40 min", "on_notice": True, "save": "2 min", "restore": "1 min"}, restart={"max_restarts": 1, "backoff": "3 min"})
    case("notice-bathtub", "spot", "notice, bathtub, refusals, counts = preemption, 3 nodes", workload={"work": "10 h", "startup": "2 min", "nodes": 3},
         billing=PLAIN, market=market(BATHTUB, shared_hazard="60 %", no_capacity_probability="30 %", notice="30 s"),
         checkpoint=NOTICE, restart={"max_restarts": 2, "counts": "preemption", "backoff": TABLE})
    case("notice-long", "spot", "a notice of 25 min: it can come before any work was done, and cut off the last piece", workload={"work": "4 h", "startup": "5 min"},
         billing=PLAIN, market=market({"model": "exponential", "mean": "2 h"}, notice="25 min"),
         checkpoint={"every": "50 min", "on_notice": True, "save": "10 min", "restore": "4 min"}, restart={"max_restarts": "unlimited"})
    case("notice-free", "spot", "notice; the waiver limit exceeds the last uptimes", workload={"work": "90 min", "startup": "10 s"},
         billing={"increment": "60 s", "minimum": "0 s", "free_if_preempted_within": "10 min"},
         market=market({"model": "exponential", "mean": "30 min"}, notice="30 s"),
         checkpoint={"every": "20 min", "on_notice": True, "save": "20 s", "restore": "15 s"}, restart={"max_restarts": 6})
    case("notice-too-short", "spot", "save > notice: no saves on notice (a warning), those at intervals stay", workload=J8, billing=PLAIN,
         market=market(EXP4, notice="30 s"), checkpoint=SAVES_R | {"on_notice": True})
    return out


def main(arguments):
    word = arguments[arguments.index("--only") + 1] if "--only" in arguments else ""
    out = []
    for name, plan, note, text in cases():
        if word not in name:
            continue
        expected, error = solve_twice(text, plan)
        tolerance = max(1e-9, 10.0 ** math.ceil(math.log10(10 * error)) if error else 0)
        print(f"{name:26s} {plan:19s} error {error:.1e}  " + " ".join(
            f"{v:.6f}" if v is not None else "null" for v in expected.values()), flush=True)
        del expected["cost_per_completion"]
        out.append({"name": name, "scenario": text, "plan": plan, "expected": expected, "tolerance": tolerance, "note": note})
    assert len({c["name"] for c in out}) == len(out)
    if not arguments:
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json")
        text = json.dumps(out, indent=1, ensure_ascii=False)
        text = re.sub(r'("(?:[a-z_]+)": )(-?[0-9.]+(?:e-?[0-9]+)?)(?=[,\n])', lambda m: m[1] + (
            m[2] if m[1].startswith('"tol') else format(float(m[2]), ".17g")), text)
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text + "\n")
        os.replace(path + ".new", path)


if __name__ == "__main__":
    main(sys.argv[1:])
