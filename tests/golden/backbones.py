#!/usr/bin/python3
"""backbones.py - the numbers of ResNet-50 in test_backbone.c, by torch in float64.

Weights and pictures are made as there; the numbers of the other networks are those of
the specification. Needs python3-torch.
"""
import math

import torch
import torch.nn.functional as F

M64 = (1 << 64) - 1


def weights(name, shape):
    """Made of the name: a linear congruential generator, seeded by its FNV-1a hash."""
    state = 0xcbf29ce484222325
    for c in name.encode():
        state = (state ^ c) * 0x100000001b3 & M64
    count = math.prod(shape)
    scale = math.sqrt(6 * shape[0] / count) if len(shape) > 1 else 0.1
    out = []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & M64
        u = (state >> 11) * 2.0 ** -53
        v = 2 * u - 1
        out.append(1 + 0.5 * u if name.endswith('running_var')
                   else 1 + 0.1 * v if name.endswith('bn.weight') else scale * v)
    return torch.tensor(out).float().double().reshape(shape)


def picture(size):
    p = [(7 * x + 11 * y + 53 * c + 5 * (x * y % 17) + 9 * ((x >> 3) ^ (y >> 3))) & 255
         for c in range(3) for y in range(size) for x in range(size)]
    return torch.tensor(p).double().reshape(1, 3, size, size)


def unit(x, name, ci, co, k, stride=1, relu=True):
    x = F.conv2d(x, weights(name + '.weight', (co, ci, k, k)), stride=stride, padding=k // 2)
    bn = [weights(name + '_bn.' + part, (co,))
          for part in ('running_mean', 'running_var', 'weight', 'bias')]
    x = F.batch_norm(x, *bn, eps=1e-5)
    return F.relu(x) if relu else x


def resnet50_face(pixels):
    x = pixels - torch.tensor([131.0912, 103.8827, 91.4953]).double().reshape(1, 3, 1, 1)
    x = F.max_pool2d(unit(x, 'conv1_7x7_s2', 3, 64, 7, 2), 3, 2, ceil_mode=True)
    ci = 64
    for stage, (n, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), 2):
        for block in range(1, n + 1):
            name = 'conv%d_%d_' % (stage, block)
            stride = 2 if block == 1 and stage > 2 else 1
            y = unit(x, name + '1x1_reduce', ci, width, 1, stride)
            y = unit(y, name + '3x3', width, width, 3)
            y = unit(y, name + '1x1_increase', width, 4 * width, 1, relu=False)
            if block == 1:
                x = unit(x, name + '1x1_proj', ci, 4 * width, 1, stride, relu=False)
            x, ci = F.relu(x + y), 4 * width
    return x


def main():
    torch.set_num_threads(1)
    x = resnet50_face(picture(64))
    d = x.mean((2, 3)).reshape(-1)
    print('shape', tuple(x.shape), 'sum', d.sum().item(), 'squares', (d * d).sum().item())
    print('first', d[:8].tolist())


if __name__ == '__main__':
    main()
