#!/usr/bin/python3
"""backbones.py - the numbers of ResNet-50 and VGG-Face in test_backbone.c, by torch in float64.

Weights and pictures are made as there; the numbers of the other networks are those of
the specification. Needs python3-torch.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

M64 = (1 << 64) - 1


def states(seed, count):
    """The next states of the generator; each half is the other, as many steps ahead."""
    a, c = 6364136223846793005, 1442695040888963407
    out = np.array([seed * a + c & M64], np.uint64)
    while len(out) < count:
        out = np.concatenate([out, out * np.uint64(a) + np.uint64(c)])
        a, c = a * a & M64, c * (a + 1) & M64
    return out[:count]


def weights(name, shape):
    """Made of the name: a linear congruential generator, seeded by its FNV-1a hash."""
    seed = 0xcbf29ce484222325
    for c in name.encode():
        seed = (seed ^ c) * 0x100000001b3 & M64
    count = math.prod(shape)
    scale = math.sqrt(6 * shape[0] / count) if len(shape) > 1 else 0.1
    u = (states(seed, count) >> np.uint64(11)) * 2.0 ** -53
    v = 2 * u - 1
    out = (1 + 0.5 * u if name.endswith('running_var')
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


def vgg16_face(pixels):
    mean = [129.186279296875, 104.76238250732422, 93.59396362304688]
    x, ci = pixels - torch.tensor(mean).double().reshape(1, 3, 1, 1), 3
    for stage, (n, co) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), 1):
        for layer in range(1, n + 1):
            name = 'conv%d_%d' % (stage, layer)
            x = F.relu(F.conv2d(x, weights(name + '.weight', (co, ci, 3, 3)),
                                weights(name + '.bias', (co,)), padding=1))
            ci = co
        x = F.max_pool2d(x, 2)
    x = x.flatten(1)
    for name in 'fc6', 'fc7':
        x = F.linear(F.relu(x), weights(name + '.weight', (4096, x.shape[1])),
                     weights(name + '.bias', (4096,)))
    return x


def say(name, d):
    print(name, len(d), 'sum', d.sum().item(), 'squares', (d * d).sum().item())
    print('first', d[:8].tolist())


def main():
    torch.set_num_threads(1)
    say('resnet50-face', resnet50_face(picture(64)).mean((2, 3)).reshape(-1))
    d = vgg16_face(picture(224)).reshape(-1)
    say('vgg16-face before its ReLU', d)
    say('vgg16-face', F.relu(d))


if __name__ == '__main__':
    main()
