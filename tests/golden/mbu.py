"""mbu.py - MBU's networks, losses and one training iteration, by torch's own operators."""
import math

import numpy as np
import torch
import torch.nn.functional as F

from lomit import hashed
from ops import REAL
from pack import record

SIZE, WIDTH, BATCH = 128, 2, 2
GROUPS = (('E_c', 'E_s', 'D_A', 'D_B'), ('C',))

GLASSES = {'recon1_a': 5, 'recon1_b': 7, 'cycle_c': 0, 'cycle_s': 0.001,
           'recon2_a': 0.7, 'recon2_b': 0.7, 'dc': 0.005}
BEARD = {'recon1_a': 5, 'recon1_b': 5, 'cycle_c': 1, 'cycle_s': 1,
         'recon2_a': 1, 'recon2_b': 1, 'dc': 0.005}

# What is recorded, with the seeds of the weights (make.py, WEIGHTS).
CASES = {
    'code': {'seed': 11},
    'paper': {'seed': 10, 'weight': BEARD, 'lr': 5e-5, 'sep': 6, 'relu': True,
              'encode': True, 'target': 1, 'clip': 0.5},
    'mask-l2': {'seed': 7, 'mask_l2': 0.3},
    'norms-l2': {'seed': 13, 'recon1': 'l2', 'recon2': 'l2'},
    'without-c': {'seed': 7, 'weight': {**GLASSES, 'dc': 0}},
}


# ---- networks -----------------------------------------------------------

def networks(size, w, sep):
    """Channels of each network's blocks; all convolutions are 4x4 of stride 2."""
    code = 16 * w
    down = [3, w, 2 * w, 4 * w, 8 * w, code - sep, code - sep]
    up = [code, code, 8 * w, 4 * w, 2 * w, w]
    return {'E_c': down, 'E_s': [3, w, 2 * w, 4 * w, 4 * w, 4 * w, sep],
            'D_A': up + [3], 'D_B': up + [4], 'C': [(code - sep) * (size // 64) ** 2, code, 1]}


def shapes(net, channels):
    """Name, shape and fan of each parameter."""
    for i, (ci, co) in enumerate(zip(channels, channels[1:]), 1):
        weight = {'E': (co, ci, 4, 4), 'D': (ci, co, 4, 4), 'C': (co, ci)}[net[0]]
        yield '%d.weight' % i, weight, ci * (1 if net == 'C' else 16)
        yield '%d.bias' % i, (co,), 0
        if net[0] == 'E' or (net[0] == 'D' and i < 6):
            yield '%d.scale' % i, (co,), 0
            yield '%d.shift' % i, (co,), 0


def initial(nets, seed):
    """All parameters by name, as make.py defines them."""
    params = {}
    for net, channels in nets.items():
        for name, shape, fan in shapes(net, channels):
            z = hashed(len(params) + seed, int(np.prod(shape)))
            if fan:
                z = math.sqrt(2 / fan) * (0.5 if net == 'C' else 1) * z
            else:
                z = 0.1 * z + (1 if 'scale' in name else 0)
            z = z.astype(np.float32).reshape(shape)
            params['%s/%s' % (net, name)] = torch.tensor(z).to(REAL)
    return params


def images(which):
    n, c, i, j = np.meshgrid(*map(np.arange, (BATCH, 3, SIZE, SIZE)), indexing='ij')
    x = np.sin(0.05 * (c + 1) * (i + 1) + 0.07 * (j + 1) * (n + 1) + which)
    x = x * np.cos(0.11 * i - 0.06 * j * (c + 1) + 0.5 * n)
    return torch.tensor(x.astype(np.float32)).to(REAL)


class Mbu:
    def __init__(self, seed=1, weight=None, lr=2e-4, sep=5, relu=False, encode=False, target=0,
                 clip=5, mask_l2=0, recon1='l1', recon2='l1', dtype=REAL):
        self.seed, self.weight, self.lr, self.sep = seed, weight or GLASSES, lr, sep
        self.slope, self.encode, self.target = 0 if relu else 0.2, encode, target
        self.clip, self.mask_l2, self.recon1, self.recon2 = clip, mask_l2, recon1, recon2
        self.dtype = dtype
        self.nets = networks(SIZE, WIDTH, sep)
        self.p = {k: p.to(dtype).requires_grad_(True)
                  for k, p in initial(self.nets, seed).items()}
        self.running = {}

    def block(self, net, i, x, slope, transposed, norm=True):
        part = lambda name: self.p['%s/%d.%s' % (net, i, name)]
        conv = F.conv_transpose2d if transposed else F.conv2d
        x = conv(x, part('weight'), part('bias'), stride=2, padding=1)
        if not norm:
            return x
        zero = torch.zeros(x.shape[1], dtype=self.dtype)
        mean, var = self.running.setdefault((net, i), (zero, zero + 1))
        x = F.batch_norm(x, mean, var, part('scale'), part('shift'), True, 0.1, 1e-5)
        return F.leaky_relu(x, slope)

    def down(self, net, x):
        for i in range(1, 7):
            x = self.block(net, i, x, 0.2, False)
        return x

    def up(self, net, code):
        for i in range(1, 7):
            code = self.block(net, i, code, self.slope, True, i < 6)
        return code

    def without(self, c):
        return torch.tanh(self.up('D_A', torch.cat([c, c.new_zeros(*c[:, :1].shape)
                                                    .repeat(1, self.sep, 1, 1)], 1)))

    def draw(self, c, s):
        """Mask and picture by D_B; s None: zeros."""
        if s is None:
            s = c.new_zeros(c.shape[0], self.sep, *c.shape[2:])
        y = self.up('D_B', torch.cat([c, s], 1))
        return torch.sigmoid(y[:, :1]), torch.tanh(y[:, 1:])

    def confuse(self, c):
        part = lambda name: self.p['C/' + name]
        h = F.leaky_relu(F.linear(c.flatten(1), part('1.weight'), part('1.bias')), 0.2)
        return F.linear(h, part('2.weight'), part('2.bias'))

    def group(self, k):
        return {n: p for n, p in self.p.items() if n.split('/')[0] in GROUPS[k]}


# ---- one iteration ------------------------------------------------------

def blend(drawn, background):
    m, raw = drawn
    return m * raw + (1 - m) * background


def distance(norm, a, b):
    return F.mse_loss(a, b) if norm == 'l2' else F.l1_loss(a, b)


def judged(logit, label):
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, label))


def first(net, a, b):
    """The losses of encoders and decoders; passes as the published code does."""
    cb, sb, ca = net.down('E_c', b), net.down('E_s', b), net.down('E_c', a)
    loss = {}
    db, bb = net.without(cb), net.draw(cb, sb)
    loss['recon1_b'] = distance(net.recon1, blend(bb, db), b)
    loss['recon1_a'] = distance(net.recon1, net.without(ca), a)
    z = blend(net.draw(ca, sb), a)
    aa = net.draw(ca, net.down('E_s', a) if net.encode else None)
    bb_again = net.draw(cb, sb)
    if net.mask_l2:
        loss['mask_l2'] = (aa[0] ** 2).mean() + (bb_again[0] ** 2).mean()
    else:
        loss['recon2_a'] = distance(net.recon2, blend(aa, a), a)
        loss['recon2_b'] = distance(net.recon2, blend(bb_again, b), b)
    loss['cycle_c'] = F.mse_loss(net.down('E_c', z), ca)
    loss['cycle_s'] = F.mse_loss(net.down('E_s', z), sb)
    if net.weight['dc']:
        loss['dc'] = judged(net.confuse(ca), net.target) + judged(net.confuse(cb), net.target)
    weight = {**net.weight, 'mask_l2': net.mask_l2}
    loss['total'] = sum(weight[k] * v for k, v in loss.items())
    return loss


def second(net, a, b):
    with torch.no_grad():
        cb, ca = net.down('E_c', b), net.down('E_c', a)
    return {'c': judged(net.confuse(ca), 0) + judged(net.confuse(cb), 1)}


def update(net, k, objective):
    """Clip, and one Adam step of one group; the meta and tensors of its record."""
    side = net.group(k)
    grads = torch.autograd.grad(objective, list(side.values()))
    for p, g in zip(side.values(), grads):
        p.grad = g.clone()
    whole = float(torch.nn.utils.clip_grad_norm_(list(side.values()), net.clip))
    rows = {key: [] for key in ('grad_norm', 'index', 'grad', 'after', 'sum', 'slack')}
    norm, count = {}, {}
    for name, p in side.items():
        n = name.split('/')[0]
        norm[n] = norm.get(n, 0) + float(p.grad.pow(2).sum())
        count[n] = count.get(n, 0) + p.numel()
    zero = [n for n, p in side.items()
            if float(p.grad.abs().max()) < 1e-10 * math.sqrt(norm[n.split('/')[0]])]
    before = {n: p.detach().clone() for n, p in side.items()}
    optimiser = torch.optim.Adam(side.values(), lr=net.lr, betas=(0.5, 0.999), eps=1e-8)
    optimiser.step()
    for name, p in side.items():
        g, n = p.grad, name.split('/')[0]
        off = 3e-3 * max(math.sqrt(norm[n] / count[n]), float(g.norm()) / math.sqrt(g.numel()))
        moved = net.lr * ((g + off) / ((g + off).abs() + 1e-8) - (g - off) / ((g - off).abs() + 1e-8))
        best = torch.argsort(-g.abs().reshape(-1), stable=True)[:4]
        fill = [0] * (4 - len(best))
        rows['grad_norm'].append(float(g.norm()))
        rows['index'].append(best.tolist() + [-1] * len(fill))
        rows['grad'].append(g.reshape(-1)[best].tolist() + fill)
        rows['after'].append(p.detach().reshape(-1)[best].tolist() + fill)
        rows['sum'].append(float(p.detach().double().sum()))
        rows['slack'].append(float(moved.sum()) / 2 + float(before[name].abs().sum()) / 2 ** 24)
    meta = {'norm_' + n: math.sqrt(v) for n, v in norm.items()}
    meta.update(grad=whole, names=list(side), zero=zero)
    return meta, {key: np.array(v, '<i4' if key == 'index' else '<f8')
                  for key, v in rows.items()}


def iteration(net):
    a, b = (images(which).to(net.dtype) for which in (0, 1.7))
    out = {'first': first(net, a, b)}
    out['first_step'] = update(net, 0, out['first']['total'])
    if net.weight['dc']:
        out['second'] = second(net, a, b)
        out['second_step'] = update(net, 1, out['second']['c'])
    return out


def statistics(net):
    """Running statistics of each network: means, then variances, block by block."""
    out = {}
    for (n, _), pair in sorted(net.running.items()):
        out.setdefault(n, []).extend(v.numpy() for v in pair)
    return {n: np.concatenate(v).astype('<f8') for n, v in out.items()}


def records():
    out = []
    for name, options in CASES.items():
        net = Mbu(**options)
        r = iteration(net)
        base = {'size': SIZE, 'width': WIDTH, 'sep': net.sep, 'seed': net.seed}
        for ident in ('first', 'second'):
            if ident not in r:
                continue
            meta, tensors = r[ident + '_step']
            losses = {k: float(v) for k, v in r[ident].items()}
            out.append(record('%s-%s' % (name, ident), {**base, **losses, **meta}, tensors))
        out.append(record(name + '-batchnorm', base, statistics(net)))
    return out
