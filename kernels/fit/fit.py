#!/usr/bin/env python3
"""Fits the polynomials behind exp, tanh, erf and both GELUs, and prints them as Rust.

    python3 kernels/fit/fit.py        (needs numpy and scipy; takes seconds)

The output goes behind "Tables made by" in the file that each part names; lines of comment stay here.

Piecewise tables (kernels/src/piecewise.rs). A function f of a = |x| is a polynomial in d = a - k*step
on each of 8 or 16 intervals |d| <= step/2, k = 0, 1, ... Since a >= 0, half of the first one is unused.

* `step` is as short as lets the last interval end where f is below 1e-7 (times a, for a GELU). Within
  a narrow range above that it is searched for: among the multiples of 2^-19 (k*step is then exact in
  f32), the one for which the constant terms f(k*step) lie nearest to f32 values. The rounding of the
  constant terms is otherwise the largest of all errors.
* Coefficients minimise the maximum absolute error (Lawson's reweighted least squares). They are rounded
  one at a time, lowest power first, and those that are left are fitted again to make up for it.
* Where f vanishes at infinity, the last interval ends at k*step + tail, where its polynomial is exactly
  0 in f32 arithmetic, fused or not: its coefficients have so few bits that no step of Horner's rule
  rounds there. Arguments are clamped to that end, so the far tail is exactly 0.
"""

from fractions import Fraction

import numpy as np
from scipy.special import erf, erfc

F32 = np.float32


def nodes(lo, hi):
    """Chebyshev nodes on [lo, hi]."""
    n = 300
    return (lo + hi) / 2 + (hi - lo) / 2 * np.cos(np.pi * (np.arange(n) + 0.5) / n)


def least_squares(columns, y, weight):
    scale = np.abs(columns).max(axis=0)
    w = np.sqrt(weight)
    return np.linalg.lstsq(columns / scale * w[:, None], y * w, rcond=None)[0] / scale


def minimax(f, lo, hi, degree):
    """The polynomial nearest to f on [lo, hi], lowest power first."""
    d = nodes(lo, hi)
    columns, weight = np.vander(d, degree + 1, increasing=True), np.full(len(d), 1 / len(d))
    for _ in range(40):
        c = least_squares(columns, f(d), weight)
        weight *= np.abs(columns @ c - f(d)) + 1e-30
        weight /= weight.sum()
    return c


def rounded(c, lo, hi):
    """An f32 polynomial near the polynomial c: each rounding is made up for by the higher powers."""
    d = nodes(lo, hi)
    columns, rest = np.vander(d, len(c), increasing=True), np.polyval(c[::-1], d)
    out = []
    for j in range(len(c)):
        out.append(float(F32(least_squares(columns[:, j:], rest, np.ones(len(d)))[0])))
        rest = rest - out[-1] * columns[:, j]
    return out


def is_f32(q):
    return Fraction(float(F32(float(q)))) == q


def vanishing(f, lo, end, degree):
    """Coefficients of a polynomial that is exactly 0 at `end`, under Horner's rule in f32."""
    d = nodes(lo, end)
    powers = range(1, degree + 1)
    columns = np.stack([d**j - end**j for j in powers], axis=1)
    c = least_squares(columns, f(d), np.ones(len(d)))
    for bits in range(16, 3, -1):
        quantum = [2.0 ** (int(np.floor(np.log2(abs(v)))) + 1 - bits) for v in c]
        few = [Fraction(round(v / q)) * Fraction(q) for v, q in zip(c, quantum)]
        steps, p, x = [], Fraction(0), Fraction(end)
        for v in reversed(few):
            p += v
            steps.append(p)
            p *= x
            steps.append(p)
        if all(map(is_f32, steps)):
            return [float(-p)] + [float(v) for v in few]
    raise SystemExit("no exact zero")


def search_step(f, lo, hi, centres):
    """The step whose constant terms at the given centres are nearest to f32 values."""
    step = np.arange(int(lo * 2**19), int(hi * 2**19)) / 2**19
    worst = np.zeros_like(step)
    for k in centres:
        v = f(k * step)
        worst = np.maximum(worst, np.abs(v - F32(v).astype(float)) / np.spacing(F32(abs(v))))
    i = worst.argmin()
    return step[i], worst[i]


def table(name, f, intervals, degree, steps, centres, tail=None, field=None):
    """Prints the table of f, as a static called `name` or as a field of one.

    steps: where to search for the step. centres: the intervals whose constant terms should be nearly
    exact. tail: length of the last interval's right side, where f ends in an exact zero; it has few
    bits and is a little less than step/2.
    """
    step, off = search_step(f, *steps, centres)
    rows, errors = [], []
    for k in range(intervals):
        lo, hi = -step / 2 if k else 0.0, step / 2
        at = lambda d: f(k * step + d)
        if k == intervals - 1 and tail:
            hi = tail
            assert 0.4 * step < tail < 0.49 * step, tail / step
            c = vanishing(at, lo, tail, min(degree, 4))
            c += [0.0] * (degree + 1 - len(c))
        else:
            c = rounded(minimax(at, lo, hi, degree), lo, hi)
        d = np.linspace(lo, hi, 10001)
        errors.append(np.abs(np.polyval(c[::-1], d) - at(d)).max())
        rows.append(c)
    rust_type = f"Piecewise<{intervals}, {degree + 1}>"
    print(f"// {rust_type}: errors " + " ".join(f"{e:.0e}" for e in errors) + ", before those of f32 arithmetic;")
    print(f"// constant terms of the intervals {list(centres)} within {off:.3f} ulp of f32")
    indent = "    " if field else ""
    print(f"{indent}{field}: Piecewise {{" if field else f"static {name}: {rust_type} = Piecewise {{")
    print(f"{indent}    step: {rust(step)},")
    # Rounded down, so that the end of the last interval is not taken for one beyond.
    print(f"{indent}    per_step: {rust(np.nextafter(F32(1 / step), F32(0)))},")
    print(f"{indent}    end: {rust(step * (intervals - 1) + (tail or step / 2))},")
    print(f"{indent}    coefficients: [")
    for power in zip(*rows):
        print(f"{indent}        [" + ", ".join(rust(v) for v in power) + "],")
    print(f"{indent}    ],\n{indent}}}" + ("," if field else ";\n"))


def gelu_table(name, what, f, by_8, by_16):
    """Prints the two tables of one function: arguments of `table` from `degree` on."""
    print(f"/// {what}\n#[rustfmt::skip]")
    print(f"static {name}: Tail<{by_8[0] + 1}, {by_16[0] + 1}> = Tail {{")
    table(None, f, 8, *by_8, field="by_8")
    table(None, f, 16, *by_16, field="by_16")
    print("};\n")


def rust(v):
    """The shortest decimal that is this f32."""
    v = F32(v)
    if v == 0 or 1e-3 <= abs(v) < 1e4:
        return np.format_float_positional(v, unique=True, trim="0")
    return np.format_float_scientific(v, unique=True, trim="0").replace("e-0", "e-")


def phi(a):
    return np.exp(-a * a / 2) / np.sqrt(2 * np.pi)


def upper_tail(a):
    return erfc(a / np.sqrt(2)) / 2


def slope(a):
    return upper_tail(a) - a * phi(a)


def tanh_tail(a):
    return 1 / (1 + np.exp(2 * np.sqrt(2 / np.pi) * (a + 0.044715 * a**3)))


def tanh_slope(a):
    q = tanh_tail(a)
    return q - a * q * (1 - q) * 2 * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * a * a)


def erf_slope(a):
    """erf(a)/a - 1/2: 1/2 less than needed, because 2/√π lies midway between two f32 values."""
    a = np.maximum(a, 1e-8)
    return erf(a) / a - 0.5


def polynomial(name, what, f, lo, hi, degree):
    """Prints one polynomial on [lo, hi]."""
    c = rounded(minimax(f, lo, hi, degree), lo, hi)
    d = np.linspace(lo, hi, 10001)
    e = np.abs(np.polyval(c[::-1], d) - f(d)).max()
    print(f"// {name}: error {e:.1e} before rounding of the arithmetic")
    print(f"/// {what}")
    print(f"const {name}: [f32; {degree + 1}] = [" + ", ".join(rust(v) for v in c) + "];\n")


def tanh_rest(z):
    """(tanh x - x) / x^3 as a function of z = x^2"""
    x = np.sqrt(np.maximum(z, 1e-2))
    series = -1 / 3 + z * (2 / 15 - z * (17 / 315 - z * (62 / 2835 - z * 1382 / 155925)))
    return np.where(z < 1e-2, series, (np.tanh(x) - x) / x**3)


def exp_rest(r):
    """(e^r - 1 - r) / r^2"""
    series = 1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r / 5040))))
    far = np.where(np.abs(r) < 0.03, 1.0, r)
    return np.where(np.abs(r) < 0.03, series, (np.expm1(far) - far) / far**2)


if __name__ == "__main__":
    print("// math.rs\n")
    polynomial("EXP", "(eʳ − 1 − r)/r² for |r| ≤ ln(2)/2.", exp_rest, -0.3467, 0.3467, 4)
    polynomial("TANH", "(tanh(x) − x)/x³ for |x| < 0.7, in powers of x².", tanh_rest, 0, 0.49, 5)
    print("/// erf(a)/a − 1/2.\n#[rustfmt::skip]")
    table("ERF", erf_slope, 8, 7, (0.523, 0.53), range(1, 8))

    print("// gelu.rs\n")
    gelu_table("TAIL", "Q(a) = erfc(a/√2)/2.", upper_tail,
               (6, (0.74, 0.75), (1, 2, 3), 11 / 32), (5, (0.36, 0.366), (1, 2, 3, 4), 11 / 64))
    gelu_table("SLOPE", "R(a) = Q(a) − aφ(a).", slope,
               (7, (0.785, 0.795), (1, 2, 3, 4), 3 / 8), (5, (0.381, 0.388), (1, 2, 3, 4), 11 / 64))

    print("// gelu_tanh.rs\n")
    gelu_table("TAIL", "Q(a) = 1/(1 + exp 2u(a)).", tanh_tail,
               (6, (0.70, 0.71), (1, 2, 3), 5 / 16), (5, (0.34, 0.35), (1, 2, 3, 4), 5 / 32))
    gelu_table("SLOPE", "R(a) = Q(a) + aQ′(a).", tanh_slope,
               (7, (0.74, 0.75), (1, 2, 3, 4), 11 / 32), (5, (0.36, 0.37), (1, 2, 3, 4), 11 / 64))
