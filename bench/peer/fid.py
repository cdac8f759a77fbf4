#!/usr/bin/python3
"""fid.py THREADS RUNS - time PyTorch on Inception-v3 as FID has it, and numpy and scipy
on the distance of two sets of features.

Prints the seconds of the fastest run of each: the features of 16 pictures of 128x128,
enlarged as pytorch-fid does, and a distance of 2 x 2,000 x 2048 features by covariances
and a general matrix root, as pytorch-fid computes it. Weights are random: time does not
depend on them. Batch norms are folded into the convolutions, as ours are.
"""
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F


class Unit(nn.Module):
    """Convolution and ReLU."""

    def __init__(self, ci, co, k, stride=1, pad=0):
        super().__init__()
        self.conv = nn.Conv2d(ci, co, k, stride, pad)

    def forward(self, x):
        return F.relu(self.conv(x), inplace=True)


def mean3(x):
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def max3(x):
    return F.max_pool2d(x, 3, 1, 1)


class Block(nn.Module):
    """Branches beside each other; each a list of (name, unit) after a pool or none."""

    def __init__(self, *branches):
        super().__init__()
        self.order = []
        for pool, units in branches:
            for name, unit in units:
                self.add_module(name, unit)
            self.order.append((pool, [name for name, _ in units]))

    def forward(self, x):
        out = []
        for pool, names in self.order:
            y = pool(x) if pool else x
            for name in names:
                y = getattr(self, name)(y)
            out.append(y)
        return torch.cat(out, 1)


def block_a(ci, pool_features):
    return Block(
        (None, [('branch1x1', Unit(ci, 64, 1))]),
        (None, [('branch5x5_1', Unit(ci, 48, 1)), ('branch5x5_2', Unit(48, 64, 5, 1, 2))]),
        (None, [('branch3x3dbl_1', Unit(ci, 64, 1)), ('branch3x3dbl_2', Unit(64, 96, 3, 1, 1)),
                ('branch3x3dbl_3', Unit(96, 96, 3, 1, 1))]),
        (mean3, [('branch_pool', Unit(ci, pool_features, 1))]))


def down(x):
    return F.max_pool2d(x, 3, 2)


def block_b(ci):
    return Block(
        (None, [('branch3x3', Unit(ci, 384, 3, 2))]),
        (None, [('branch3x3dbl_1', Unit(ci, 64, 1)), ('branch3x3dbl_2', Unit(64, 96, 3, 1, 1)),
                ('branch3x3dbl_3', Unit(96, 96, 3, 2))]),
        (down, []))


def block_c(c):
    row, column = ((1, 7), 1, (0, 3)), ((7, 1), 1, (3, 0))
    return Block(
        (None, [('branch1x1', Unit(768, 192, 1))]),
        (None, [('branch7x7_1', Unit(768, c, 1)), ('branch7x7_2', Unit(c, c, *row)),
                ('branch7x7_3', Unit(c, 192, *column))]),
        (None, [('branch7x7dbl_1', Unit(768, c, 1)), ('branch7x7dbl_2', Unit(c, c, *column)),
                ('branch7x7dbl_3', Unit(c, c, *row)), ('branch7x7dbl_4', Unit(c, c, *column)),
                ('branch7x7dbl_5', Unit(c, 192, *row))]),
        (mean3, [('branch_pool', Unit(768, 192, 1))]))


def block_d():
    return Block(
        (None, [('branch3x3_1', Unit(768, 192, 1)), ('branch3x3_2', Unit(192, 320, 3, 2))]),
        (None, [('branch7x7x3_1', Unit(768, 192, 1)),
                ('branch7x7x3_2', Unit(192, 192, (1, 7), 1, (0, 3))),
                ('branch7x7x3_3', Unit(192, 192, (7, 1), 1, (3, 0))),
                ('branch7x7x3_4', Unit(192, 192, 3, 2))]),
        (down, []))


class Split(nn.Module):
    """Rows and columns of one input beside each other."""

    def __init__(self):
        super().__init__()
        self.a = Unit(384, 384, (1, 3), 1, (0, 1))
        self.b = Unit(384, 384, (3, 1), 1, (1, 0))

    def forward(self, x):
        return torch.cat([self.a(x), self.b(x)], 1)


def block_e(ci, pool):
    return Block(
        (None, [('branch1x1', Unit(ci, 320, 1))]),
        (None, [('branch3x3_1', Unit(ci, 384, 1)), ('branch3x3_2', Split())]),
        (None, [('branch3x3dbl_1', Unit(ci, 448, 1)),
                ('branch3x3dbl_2', Unit(448, 384, 3, 1, 1)), ('branch3x3dbl_3', Split())]),
        (pool, [('branch_pool', Unit(ci, 192, 1))]))


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = Unit(32, 32, 3)
        self.Conv2d_2b_3x3 = Unit(32, 64, 3, 1, 1)
        self.Conv2d_3b_1x1 = Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3)
        self.Mixed_5b = block_a(192, 32)
        self.Mixed_5c = block_a(256, 64)
        self.Mixed_5d = block_a(288, 64)
        self.Mixed_6a = block_b(288)
        self.Mixed_6b = block_c(128)
        self.Mixed_6c = block_c(160)
        self.Mixed_6d = block_c(160)
        self.Mixed_6e = block_c(192)
        self.Mixed_7a = block_d()
        self.Mixed_7b = block_e(1280, mean3)
        self.Mixed_7c = block_e(2048, max3)

    def forward(self, x):
        """(n,3,h,w) 0..1 to (n,2048)"""
        x = 2 * F.interpolate(x, (299, 299), mode='bilinear', align_corners=False) - 1
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = down(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(down(x))))
        for name in ('5b', '5c', '5d', '6a', '6b', '6c', '6d', '6e', '7a', '7b', '7c'):
            x = getattr(self, 'Mixed_' + name)(x)
        return x.mean((2, 3))


def distance(a, b):
    import scipy.linalg
    root = scipy.linalg.sqrtm(numpy.cov(a, rowvar=False) @ numpy.cov(b, rowvar=False))
    mean = a.mean(0) - b.mean(0)
    return (mean @ mean + a.var(0, ddof=1).sum() + b.var(0, ddof=1).sum()
            - 2 * numpy.trace(root).real)


def fastest(runs, work):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == '__main__':
    threads, runs = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    net = Inception().eval()
    pictures = torch.rand(16, 3, 128, 128)
    with torch.no_grad():
        net(pictures)
        print('features', fastest(runs, lambda: net(pictures)))
    rng = numpy.random.RandomState(0)
    a, b = rng.rand(2000, 2048), rng.rand(2000, 2048) * 2
    try:
        print('distance', fastest(max(1, runs // 3), lambda: distance(a, b)))
    except ImportError:
        pass
