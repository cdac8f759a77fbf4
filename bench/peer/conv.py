#!/usr/bin/python3
"""conv.py THREADS RUNS - time PyTorch's convolutions at the shapes on stdin.

Reads the lines of bench/bench.c; to each `conv` line it appends the minimum and
the median of PyTorch in milliseconds, and passes the other lines on. The same
work is timed: enlarging, padding and their adjoints count, as they do there; zeros
are padded by the convolution itself. (The weight gradient gets the enlarged and padded input, which PyTorch keeps
from the forward pass.)
"""
import sys
import time

import torch
import torch.nn.functional as F


def measure(fn, runs):
    """Minimum and median, after a warm-up, as bench.c does."""
    for _ in range(2):
        fn()
    ms = []
    while len(ms) < runs or (len(ms) < 200 and sum(ms) < 100):
        start = time.perf_counter()
        fn()
        ms.append((time.perf_counter() - start) * 1e3)
    ms.sort()
    n = len(ms)
    return ms[0], (ms[n // 2] + ms[(n - 1) // 2]) / 2


def work(which, n, ci, h, w, co, kh, kw, stride, pad_h, pad_w, zeros, up):
    x, weight, bias = torch.randn(n, ci, h, w), torch.randn(co, ci, kh, kw), torch.randn(co)
    around = (pad_w, pad_w, pad_h, pad_h)
    pad = any(around) and not zeros
    own = [pad_h, pad_w] if zeros else [0, 0]

    def padded():
        big = F.interpolate(x, scale_factor=2, mode='nearest') if up else x
        return F.pad(big, around, mode='reflect') if pad else big

    big, xp = torch.empty(n, ci, h * (up or 1), w * (up or 1)), padded()
    gy = torch.randn_like(F.conv2d(xp, weight, bias, stride, own))

    def back(mask):
        return torch.ops.aten.convolution_backward(
            gy, xp, weight, [co], [stride] * 2, own, [1, 1], False, [0, 0], 1, mask)

    def to_input():
        g = back([True, False, False])[0]
        if pad:
            g = torch.ops.aten.reflection_pad2d_backward(g, big, around)
        return torch.ops.aten.upsample_nearest2d_backward(g, big.shape[2:], x.shape) if up else g

    return {'fwd': lambda: F.conv2d(padded(), weight, bias, stride, own), 'bwd_x': to_input,
            'bwd_w': lambda: back([False, True, False])}[which]


def main():
    threads, runs = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    for line in sys.stdin:
        line = line.rstrip('\n')
        fields = line.split('\t')
        if fields[0] == 'conv':
            with torch.no_grad():
                ms = measure(work(fields[3], *map(int, fields[4].split())), runs)
            line += '\t%.4f\t%.4f' % ms
        print(line, flush=True)


main()
