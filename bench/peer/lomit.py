#!/usr/bin/python3
"""lomit.py HOW THREADS RUNS SIZE WIDTH BATCH - LOMIT's steps in PyTorch, timed.

HOW is `published`: the work as the authors' code does it (the critic's step encodes
both images anew for each direction, the generator's step computes gradients of the
critic's weights, the 5x5 layers run on the enlarged map, R1 compares all pairs of
pixels); or `shared`: what lib/methods/lomit.c avoids is avoided here too. Its folded
5x5 is not exact in the outermost ring, which costs no time. `once` translates once
and prints nothing, for the time of a whole process.

Variant iclr, Adam, random numbers. Prints lines of tab-separated fields: step, what,
minimum and median in milliseconds; rss, MB.
"""
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

RESBLOCKS, STYLE, ATTRIBUTES = 4, 8, 4


# ---- networks -----------------------------------------------------------

def fold(w, dim):
    """Tap u of output 2i + a reads row (u + a) // 2 of three around the small row i."""
    taps = w.unbind(dim)
    return [torch.stack([sum(t for u, t in enumerate(taps) if (u + a) // 2 == j)
                         for j in range(3)], dim) for a in (0, 1)]


class Layer(nn.Module):
    def __init__(self, ci, co, k, stride=1, pad=0, norm=None, act=None, up=None):
        super().__init__()
        self.conv, self.pad, self.up = nn.Conv2d(ci, co, k, stride), (pad,) * 4, up
        self.norm = {None: nn.Identity, 'in': lambda: nn.InstanceNorm2d(co, affine=True),
                     'ln': lambda: nn.GroupNorm(1, co), 'bn': lambda: nn.BatchNorm2d(co)}[norm]()
        self.act = {None: nn.Identity, 'relu': lambda: nn.ReLU(True), 'tanh': nn.Tanh,
                    'leaky': lambda: nn.LeakyReLU(0.01, True), 'sigmoid': nn.Sigmoid}[act]()

    def enlarged(self, x):
        if self.up == 'unfolded':
            return self.conv(F.pad(F.interpolate(x, scale_factor=2), self.pad, 'reflect'))
        phases = [p for rows in fold(self.conv.weight, 2) for p in fold(rows, 3)]
        y = F.conv2d(F.pad(x, (1,) * 4, 'replicate'), torch.stack(phases, 1).flatten(0, 1),
                     self.conv.bias.repeat_interleave(4))
        return F.pixel_shuffle(y, 2)

    def forward(self, x):
        if self.up:
            x = self.enlarged(x)
        else:
            x = self.conv(F.pad(x, self.pad, 'reflect') if self.pad[0] else x)
        return self.act(self.norm(x))


class Block(nn.Module):
    def __init__(self, c, norm):
        super().__init__()
        self.body = nn.Sequential(Layer(c, c, 3, 1, 1, norm, 'relu'), Layer(c, c, 3, 1, 1, norm))

    def forward(self, x):
        return x + self.body(x)


def down(w, norm, act):
    return [Layer(3, w, 7, 1, 3, norm, act), Layer(w, 2 * w, 4, 2, 1, norm, act),
            Layer(2 * w, 4 * w, 4, 2, 1, norm, act)]


def mlp(w):
    return nn.Sequential(Layer(STYLE, 4 * w, 1, act='leaky'), Layer(4 * w, 4 * w, 1, act='leaky'),
                         Layer(4 * w, 8 * w, 1))


class Generator(nn.Module):
    def __init__(self, w, up):
        super().__init__()
        c = 4 * w
        self.content = nn.Sequential(*down(w, 'in', 'relu'),
                                     *[Block(c, 'in') for _ in range(RESBLOCKS)])
        self.style = nn.Sequential(*down(w, None, 'leaky'), Layer(c, c, 4, 2, 1, act='leaky'),
                                   Layer(c, c, 4, 2, 1, act='leaky'), nn.AdaptiveAvgPool2d(1),
                                   Layer(c, STYLE, 1))
        self.trunk = nn.Sequential(*[Layer(c, c, 3, 1, 1, 'bn', 'relu') for _ in range(6)],
                                   Layer(c, 1, 1, act='sigmoid'))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), Layer(c, 2 * c, 1, act='tanh'),
                                  Layer(2 * c, c, 1, act='sigmoid'))
        self.mlp_f, self.mlp_b = mlp(w), mlp(w)
        self.draw = nn.Sequential(*[Block(c, 'ln') for _ in range(RESBLOCKS)],
                                  Layer(c, 2 * w, 5, 1, 2, 'ln', 'relu', up),
                                  Layer(2 * w, w, 5, 1, 2, 'ln', 'relu', up),
                                  Layer(w, 3, 7, 1, 3, act='tanh'))

    def mask(self, c, partner):
        return self.trunk(c * self.gate(partner))

    def styles(self, x, m):
        """Of foreground and background, in one batch of two."""
        big = F.interpolate(m, scale_factor=4, mode='bilinear', align_corners=False)
        return self.style(torch.cat((big * x, (1 - big) * x))).chunk(2)

    def decode(self, c, m, s_f, s_b):
        n = F.instance_norm(c)
        (beta_f, gamma_f), (beta_b, gamma_b) = (p.chunk(2, 1) for p in
                                                (self.mlp_f(s_f), self.mlp_b(s_b)))
        return self.draw(m * (gamma_f * n + beta_f) + (1 - m) * (gamma_b * n + beta_b))

    def translate(self, a, b):
        """a with the foreground of b."""
        ca, cb = self.content(a), self.content(b)
        ma, mb = self.mask(ca, cb), self.mask(cb, ca)
        return self.decode(ca, ma, self.styles(b, mb)[0], self.styles(a, ma)[1])


class Critic(nn.Module):
    def __init__(self, size, w):
        super().__init__()
        depth, rows = min(6, size.bit_length() - 2), [Layer(3, w, 4, 2, 1, act='leaky')]
        rows += [Layer(w << i, w << (i + 1), 4, 2, 1, act='leaky') for i in range(depth - 1)]
        last = w << (depth - 1)
        self.trunk, self.src = nn.Sequential(*rows), Layer(last, 1, 3, 1, 1)
        self.cls = Layer(last, ATTRIBUTES, size >> depth)

    def forward(self, x):
        h = self.trunk(x)
        return self.src(h), self.cls(h).flatten(1)


# ---- losses -------------------------------------------------------------

def bce(z, y):
    return F.binary_cross_entropy_with_logits(z, y, reduction='sum') / len(z)


def penalty(d, real, fake):
    a = torch.rand(len(real), 1, 1, 1)
    x = (a * real + (1 - a) * fake).requires_grad_(True)
    g, = torch.autograd.grad(d.src(d.trunk(x)).sum(), x, create_graph=True)
    return ((g.flatten(1).norm(dim=1) - 1) ** 2).mean()


def directions(c):
    f = c.detach().flatten(2)
    return f / f.norm(dim=1, keepdim=True).clamp(min=1e-8)


def smooth_by_pairs(m, f):
    v = m.flatten(1)
    return (torch.bmm(f.transpose(1, 2), f) * (v[:, None] - v[:, :, None]).abs()).mean()


def smooth_by_order(m, f):
    """The same sorted: R1 is homogeneous in m, so sum m g has gradient g."""
    v, order = m.flatten(1).sort(1)
    f = f.gather(2, order[:, None].expand_as(f))
    below = f.cumsum(2) - f
    g = (f * (2 * below + f - f.sum(2, keepdim=True))).sum(1) * 2 / v.shape[1] ** 2
    return (v * g.detach()).sum(1).mean()


# ---- the work as published ----------------------------------------------

class Published:
    up = 'unfolded'

    def __init__(self, size, w):
        self.g, self.d = Generator(w, self.up), Critic(size, w)
        self.adam_g, self.adam_d = (torch.optim.Adam(n.parameters(), 1e-4, (0.5, 0.999))
                                    for n in (self.g, self.d))

    def half(self, a, b, y):
        """The critic's losses of one direction."""
        src, cls = self.d(a)
        with torch.no_grad():
            fake = self.g.translate(a, b)
        return (self.d(fake)[0].mean() - src.mean() + bce(cls, y)
                + 10 * penalty(self.d, a, fake))

    def critic(self, a, b, ya, yb):
        self.adam_d.zero_grad()
        (self.half(a, b, ya) + self.half(b, a, yb)).backward()
        self.adam_d.step()

    def both(self, a, b, ya, yb):
        self.critic(a, b, ya, yb)
        g, d, l1 = self.g, self.d, F.l1_loss
        ca, cb = g.content(a), g.content(b)
        ma, mb = g.mask(ca, cb), g.mask(cb, ca)
        (fa, ba), (fb, bb) = g.styles(a, ma), g.styles(b, mb)
        ab, ba_ = g.decode(ca, ma, fb, ba), g.decode(cb, mb, fa, bb)
        (s1, k1), (s2, k2) = d(ab), d(ba_)
        loss = bce(k1, yb) + bce(k2, ya) - s1.mean() - s2.mean()
        cab, cba = g.content(ab), g.content(ba_)
        mab, mba = g.mask(cab, cba), g.mask(cba, cab)
        (fab, bab), (fba, bba) = g.styles(ab, mab), g.styles(ba_, mba)
        own_a, own_b = g.mask(ca, ca), g.mask(cb, cb)
        loss = loss + 10 * (l1(g.decode(cab, mab, fba, bab), a)
                            + l1(g.decode(cba, mba, fab, bba), b)
                            + l1(g.decode(ca, own_a, fa, ba), a)
                            + l1(g.decode(cb, own_b, fb, bb), b))
        for u, v in ((fab, fb), (fba, fa), (bab, ba), (bba, bb), (cab, ca), (cba, cb)):
            loss = loss + l1(u, v)
        for c, masks in ((ca, (ma, mab, own_a)), (cb, (mb, mba, own_b))):
            f = directions(c)
            loss = loss + sum(0.1 * smooth_by_pairs(m, f) + 1e-4 * m.mean() for m in masks)
        self.adam_g.zero_grad()
        (loss - 0.01 * l1(fa, fb)).backward()
        self.adam_g.step()


# ---- the work that can be shared ----------------------------------------

def swap(v):
    return torch.cat(v.chunk(2)[::-1])


class Shared(Published):
    up = 'folded'

    def mask(self, c, gate):
        """Batch norm sees the halves one by one."""
        return torch.cat([self.g.trunk(h) for h in (c * gate).chunk(2)])

    def encode(self, x):
        c = self.g.content(x)
        gate = self.g.gate(c)
        m = self.mask(c, swap(gate))
        return (c, gate, m, *self.g.styles(x, m))

    def critic_of(self, x, y, fake):
        n, h = len(x), self.d.trunk(torch.cat((x, fake)))
        src = self.d.src(h)
        loss = (src[n:].mean() - src[:n].mean() + bce(self.d.cls(h[:n]).flatten(1), y)
                + 10 * penalty(self.d, x, fake))
        self.adam_d.zero_grad()
        (2 * loss).backward()
        self.adam_d.step()

    def stage1(self, x):
        codes = self.encode(x)
        c, _, m, s_f, s_b = codes
        return codes, self.g.decode(c, m, swap(s_f), s_b)

    def critic(self, a, b, ya, yb):
        x = torch.cat((a, b))
        with torch.no_grad():
            fake = self.stage1(x)[1]
        self.critic_of(x, torch.cat((ya, yb)), fake)

    def both(self, a, b, ya, yb):
        x, y, l1 = torch.cat((a, b)), torch.cat((ya, yb)), F.l1_loss
        (c, gate, m, s_f, s_b), fake = self.stage1(x)
        self.critic_of(x, y, fake.detach())
        self.d.requires_grad_(False)
        src, cls = self.d(fake)
        c2, _, m2, s_f2, s_b2 = self.encode(fake)
        own = self.mask(c, gate)
        loss = (bce(cls, swap(y)) - src.mean() + l1(s_f2, swap(s_f)) + l1(s_b2, s_b) + l1(c2, c)
                + 10 * l1(self.g.decode(c2, m2, swap(s_f2), s_b2), x)
                + 10 * l1(self.g.decode(c, own, s_f, s_b), x))
        f = directions(c)
        loss = loss + sum(0.1 * smooth_by_order(v, f) + 1e-4 * v.mean() for v in (m, m2, own))
        self.adam_g.zero_grad()
        (2 * loss - 0.01 * l1(*s_f.chunk(2))).backward()
        self.adam_g.step()
        self.d.requires_grad_(True)


# ---- timing -------------------------------------------------------------

def report(what, fn, runs):
    for _ in range(2):
        fn()
    ms = []
    while len(ms) < runs or (len(ms) < 200 and sum(ms) < 100):
        start = time.perf_counter()
        fn()
        ms.append((time.perf_counter() - start) * 1e3)
    ms.sort()
    n = len(ms)
    print('step\t%s\t%.3f\t%.3f' % (what, ms[0], (ms[n // 2] + ms[(n - 1) // 2]) / 2), flush=True)


def main():
    how = sys.argv[1]
    threads, runs, size, width, batch = map(int, sys.argv[2:])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = (Shared if how == 'shared' else Published)(size, width)
    one = torch.rand(1, 3, size, size) * 2 - 1
    if how != 'once':
        a, b = (torch.rand(batch, 3, size, size) * 2 - 1 for _ in 'ab')
        ya, yb = (torch.randint(0, 2, (batch, ATTRIBUTES)).float() for _ in 'ab')
        report('D', lambda: net.critic(a, b, ya, yb), runs)
        report('D + G', lambda: net.both(a, b, ya, yb), runs)
        print('rss\t%d' % (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))
    net.g.eval()
    with torch.no_grad():
        if how == 'once':
            net.g.translate(one, one)
        else:
            report('translation', lambda: net.g.translate(one, one), runs)


main()
