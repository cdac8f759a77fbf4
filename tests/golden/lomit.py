"""lomit.py - LOMIT's networks, losses and one training iteration, by autograd."""
import math
from collections import namedtuple

import numpy as np
import torch

from ops import REAL, adam, avgpool, batch_stats, bce, bilinear4, conv2d, hadain, l1, leaky
from ops import nearest2, normalise, penalty, r1
from pack import given, record, result

SIZE, WIDTH, C_DIM, BATCH = 32, 4, 3, 2

# What is recorded, with the seeds of the weights (make.py, WEIGHTS).
CASES = {
    'ijcai': {'seed': 723},
    'iclr': {'seed': 5044, 'variant': 'iclr'},
    'ijcai-style-split': {'seed': 502, 'split': True},
    'ijcai-gamma-exp': {'seed': 170, 'gamma': 'exp'},
    'ijcai-compat': {'seed': 34, 'sigma': 'rows', 'gamma': 'exp'},
    'ijcai-mask-norm-in': {'seed': 55, 'mask_norm': 'in'},
    'ijcai-no-exemplar-mask': {'seed': 29, 'exemplar_mask': False},
    'iclr-style-split': {'seed': 87, 'variant': 'iclr', 'split': True},
    'iclr-compat': {'seed': 93, 'variant': 'iclr', 'sigma': 'rows', 'gamma': 'exp'},
}


# ---- networks -----------------------------------------------------------

# One convolution with what goes before (pool, up) and after it. block: 'open'
# keeps the layer's input, 'close' adds it to the output.
Row = namedtuple('Row', 'name ci co k s p norm act pool up block',
                 defaults=(None, None, False, False, None))


def residuals(c, first, norm):
    out = []
    for i in range(first, first + 4):
        out.append(Row('%da' % i, c, c, 3, 1, 1, norm, 'relu', block='open'))
        out.append(Row('%db' % i, c, c, 3, 1, 1, norm, block='close'))
    return out


def style_tail(w, suffix=''):
    return [Row('4' + suffix, 4 * w, 4 * w, 4, 2, 1, None, 'leaky'),
            Row('5' + suffix, 4 * w, 4 * w, 4, 2, 1, None, 'leaky'),
            Row('7' + suffix, 4 * w, 8, 1, 1, 0, pool=True)]


def critic_depth(size):
    return min(6, int(math.log2(size)) - 1)


def networks(size, w, c_dim, variant='ijcai', split=False, mask_norm='bn'):
    """All networks, in the order their parameters are numbered."""
    nets = {}
    nets['E_c'] = [Row('1', 3, w, 7, 1, 3, 'in', 'relu'),
                   Row('2', w, 2 * w, 4, 2, 1, 'in', 'relu'),
                   Row('3', 2 * w, 4 * w, 4, 2, 1, 'in', 'relu')] + residuals(4 * w, 4, 'in')
    nets['E_s'] = [Row('1', 3, w, 7, 1, 3, None, 'leaky'),
                   Row('2', w, 2 * w, 4, 2, 1, None, 'leaky'),
                   Row('3', 2 * w, 4 * w, 4, 2, 1, None, 'leaky')]
    nets['E_s'] += style_tail(w) + (style_tail(w, 'b') if split else [])
    nets['G_m'] = [Row(str(i), 4 * w, 4 * w, 3, 1, 1, mask_norm, 'relu') for i in range(1, 7)]
    nets['G_m'] += [Row('7', 4 * w, 1, 1, 1, 0, None, 'sigmoid')]
    if variant == 'iclr':
        nets['gate'] = [Row('1', 4 * w, 8 * w, 1, 1, 0, None, 'tanh', pool=True),
                        Row('2', 8 * w, 4 * w, 1, 1, 0, None, 'sigmoid')]
    for name in ('MLP_f', 'MLP_b'):
        nets[name] = [Row('1', 8, 4 * w, 1, 1, 0, None, 'leaky'),
                      Row('2', 4 * w, 4 * w, 1, 1, 0, None, 'leaky'),
                      Row('3', 4 * w, 8 * w, 1, 1, 0)]
    nets['G'] = residuals(4 * w, 1, 'ln') + [
        Row('5', 4 * w, 2 * w, 5, 1, 2, 'ln', 'relu', up=True),
        Row('6', 2 * w, w, 5, 1, 2, 'ln', 'relu', up=True),
        Row('7', w, 3, 7, 1, 3, None, 'tanh')]
    depth = critic_depth(size)
    last = w << (depth - 1)
    nets['D'] = [Row(str(i), 3 if i == 1 else w << (i - 2), w << (i - 1), 4, 2, 1, None, 'leaky')
                 for i in range(1, depth + 1)]
    nets['D'] += [Row('src', last, 1, 3, 1, 1), Row('cls', last, c_dim, size >> depth, 1, 0)]
    return nets


def parts(row):
    """Name and shape of each parameter of a layer."""
    out = [('weight', (row.co, row.ci, row.k, row.k)), ('bias', (row.co,))]
    return out + ([('scale', (row.co,)), ('shift', (row.co,))] if row.norm else [])


def hashed(p, n):
    h = np.arange(n, dtype=np.uint64) + np.uint64(p * 0x9e3779b9 & 0xffffffff)
    h &= np.uint64(0xffffffff)
    h ^= h >> np.uint64(16)
    h = h * np.uint64(0x85ebca6b) & np.uint64(0xffffffff)
    h ^= h >> np.uint64(13)
    h = h * np.uint64(0xc2b2ae35) & np.uint64(0xffffffff)
    h ^= h >> np.uint64(16)
    return math.sqrt(3) * (2 * (h / 2.0 ** 32) - 1)


def initial(nets, seed):
    """All parameters by name, as make.py defines them."""
    params = {}
    for net, rows in nets.items():
        for row in rows:
            for part, shape in parts(row):
                z = hashed(len(params) + seed, int(np.prod(shape)))
                if part == 'weight':
                    std = math.sqrt(2 / (row.ci * row.k * row.k)) * (0.5 if net == 'D' else 1)
                    z = std * z
                else:
                    z = 0.1 * z + (1 if part == 'scale' else 0)
                z = z.astype(np.float32).reshape(shape)
                params['%s/%s.%s' % (net, row.name, part)] = torch.tensor(z).to(REAL)
    return params


def images(which):
    n, c, i, j = np.meshgrid(*map(np.arange, (BATCH, 3, SIZE, SIZE)), indexing='ij')
    x = np.sin(0.05 * (c + 1) * (i + 1) + 0.07 * (j + 1) * (n + 1) + which)
    x = x * np.cos(0.11 * i - 0.06 * j * (c + 1) + 0.5 * n)
    return torch.tensor(x.astype(np.float32)).to(REAL)


ACTS = {None: lambda x: x, 'relu': torch.relu, 'leaky': leaky, 'tanh': torch.tanh,
        'sigmoid': torch.sigmoid}
DIMS = {'in': (2, 3), 'ln': (1, 2, 3), 'bn': (0, 2, 3)}


class Lomit:
    def __init__(self, variant='ijcai', split=False, sigma='std', gamma='linear',
                 mask_norm='bn', exemplar_mask=True, seed=1, dtype=REAL):
        self.variant, self.split, self.exemplar_mask = variant, split, exemplar_mask
        self.sigma, self.gamma, self.seed, self.dtype = sigma, gamma, seed, dtype
        self.nets = networks(SIZE, WIDTH, C_DIM, variant, split, mask_norm)
        self.p = {k: p.to(dtype).requires_grad_(True) for k, p in initial(self.nets, seed).items()}
        start = torch.zeros(4 * WIDTH, dtype=dtype)
        self.running = {row.name: (start, start + 1) for row in self.nets['G_m']
                        if row.norm == 'bn'}

    def run(self, net, x, rows=None):
        for row in self.nets[net] if rows is None else rows:
            part = lambda name: self.p['%s/%s.%s' % (net, row.name, name)]
            kept = x if row.block == 'open' else None if row.block is None else kept
            x = avgpool(x) if row.pool else nearest2(x) if row.up else x
            x = conv2d(x, part('weight'), part('bias'), row.s, row.p)
            if row.norm == 'bn':
                old, new = self.running[row.name], batch_stats(x.detach())
                self.running[row.name] = tuple(0.9 * a + 0.1 * b for a, b in zip(old, new))
            if row.norm:
                x = normalise(x, DIMS[row.norm], part('scale'), part('shift'))
            x = ACTS[row.act](x)
            x = x + kept if row.block == 'close' else x
        return x

    def mask(self, c, partner):
        if self.variant == 'iclr':
            c = self.run('gate', partner) * c
        return self.run('G_m', c)

    def styles(self, x, m):
        """Foreground and background code of an image."""
        big = bilinear4(m)
        xf, xb = (big * x, (1 - big) * x) if self.exemplar_mask else (x, x)
        out = []
        for image, own in ((xf, False), (xb, self.split)):
            rows = [r for r in self.nets['E_s'] if r.name in '123' or ('b' in r.name) == own]
            out.append(self.run('E_s', image, rows)[:, :, 0, 0])
        return out

    def fuse(self, m, c, s_f, s_b):
        halves = []
        for net, s in (('MLP_f', s_f), ('MLP_b', s_b)):
            halves += self.run(net, s[:, :, None, None])[:, :, 0, 0].chunk(2, 1)
        return hadain(c, m, *halves, sigma=self.sigma, gamma=self.gamma)

    def decode(self, h):
        return self.run('G', h)

    def critic(self, x):
        rows = self.nets['D']
        trunk = self.run('D', x, rows[:-2])
        return self.run('D', trunk, rows[-2:-1]), self.run('D', trunk, rows[-1:])[:, :, 0, 0]

    def side(self, is_critic):
        return {k: v for k, v in self.p.items() if k.startswith('D/') == is_critic}


# ---- one iteration ------------------------------------------------------

WEIGHT = {'adv': 1, 'cls': 1, 'style_f': 1, 'style_b': 1, 'content': 1, 'cycle': 10,
          'self': 10, 'r1': 0.1, 'r_area': 1e-4, 'gp': 10}


def stage1(net, x1, x2):
    s = {'x1': x1, 'x2': x2, 'c1': net.run('E_c', x1), 'c2': net.run('E_c', x2)}
    s['m1'] = net.mask(s['c1'], s['c2'])
    s['m2'] = net.mask(s['c2'], s['c1'])
    s['s_f1'], s['s_b1'] = net.styles(x1, s['m1'])
    s['s_f2'], s['s_b2'] = net.styles(x2, s['m2'])
    s['h12'] = net.fuse(s['m1'], s['c1'], s['s_f2'], s['s_b1'])
    s['h21'] = net.fuse(s['m2'], s['c2'], s['s_f1'], s['s_b2'])
    s['x12'], s['x21'] = net.decode(s['h12']), net.decode(s['h21'])
    return s


def stage2(net, s):
    t = {'c12': net.run('E_c', s['x12']), 'c21': net.run('E_c', s['x21'])}
    t['m12'] = net.mask(t['c12'], t['c21'])
    t['m21'] = net.mask(t['c21'], t['c12'])
    t['s_f12'], t['s_b12'] = net.styles(s['x12'], t['m12'])
    t['s_f21'], t['s_b21'] = net.styles(s['x21'], t['m21'])
    t['x121'] = net.decode(net.fuse(t['m12'], t['c12'], t['s_f21'], t['s_b12']))
    t['x212'] = net.decode(net.fuse(t['m21'], t['c21'], t['s_f12'], t['s_b21']))
    own1, own2 = s['m1'], s['m2']
    if net.variant == 'iclr':
        own1 = t['m11'] = net.mask(s['c1'], s['c1'])
        own2 = t['m22'] = net.mask(s['c2'], s['c2'])
    t['x11'] = net.decode(net.fuse(own1, s['c1'], s['s_f1'], s['s_b1']))
    t['x22'] = net.decode(net.fuse(own2, s['c2'], s['s_f2'], s['s_b2']))
    return t


def losses_d(net, s, data):
    """The critic's losses, by name and direction, and what it said."""
    loss, said = {}, {}
    for i, j, key in ((1, 2, '_1'), (2, 1, '_2')):
        x, fake = s['x%d' % i], s['x%d%d' % (i, j)].detach()
        src, cls = net.critic(x)
        src_fake = net.critic(fake)[0]
        alpha = data['alpha%d' % i].view(-1, 1, 1, 1)
        gp, norm = penalty(lambda x: net.critic(x)[0], alpha * x + (1 - alpha) * fake)
        loss['adv' + key] = src_fake.mean() - src.mean()
        loss['cls' + key] = bce(cls, data['y%d' % i])
        loss['gp' + key] = gp
        said.update({'src%d' % i: src, 'cls%d' % i: cls, 'src%d%d' % (i, j): src_fake,
                     'norm%d' % i: norm})
    return loss, said


def losses_g(net, s, t, data):
    loss, said = {}, {}
    for i, j, key in ((1, 2, '_1'), (2, 1, '_2')):
        ij, src_cls = '%d%d' % (i, j), net.critic(s['x%d%d' % (i, j)])
        masks = [s['m%d' % i], t['m' + ij]]
        if net.variant == 'iclr':
            masks.append(t['m%d%d' % (i, i)])
        said['src%s_after' % ij], said['cls%s_after' % ij] = src_cls
        loss['adv' + key] = -src_cls[0].mean()
        loss['cls' + key] = bce(src_cls[1], data['y%d' % j])
        loss['style_f' + key] = l1(t['s_f' + ij], s['s_f%d' % j])
        loss['style_b' + key] = l1(t['s_b' + ij], s['s_b%d' % i])
        loss['content' + key] = l1(t['c' + ij], s['c%d' % i])
        loss['cycle' + key] = l1(t['x%d%d%d' % (i, j, i)], s['x%d' % i])
        loss['self' + key] = l1(t['x%d%d' % (i, i)], s['x%d' % i])
        loss['r1' + key] = sum(r1(m, s['c%d' % i]) for m in masks)
        loss['r_area' + key] = sum(m.mean() for m in masks)
    return loss, said


def total(loss, variant=None, s=None):
    """Add directions, then the weighted terms; puts the sums into loss."""
    for name in [k[:-2] for k in loss if k.endswith('_1')]:
        loss[name] = loss[name + '_1'] + loss[name + '_2']
    terms = [WEIGHT[k] * v for k, v in loss.items() if k in WEIGHT]
    if s is not None:
        loss['r_style'] = -l1(s['s_f1'], s['s_f2'])
        terms += [0.01 * loss['r_style']] if variant == 'iclr' else []
    loss['total'] = sum(terms)
    return loss['total']


def update(net, objective, is_critic):
    """One Adam step of one side; the tensors and meta of its record."""
    side = net.side(is_critic)
    grads = torch.autograd.grad(objective, list(side.values()), retain_graph=True)
    power, count = {}, {}
    for name, g in zip(side, grads):
        n = name.split('/')[0]
        power[n] = power.get(n, 0) + float(g.pow(2).sum())
        count[n] = count.get(n, 0) + g.numel()
    meta = {'norm_' + n: math.sqrt(v) for n, v in power.items()}
    meta.update(names=list(side), zero=[])
    rows = {k: [] for k in ('grad_norm', 'index', 'grad', 'after', 'sum', 'slack')}
    for (name, p), g in zip(side.items(), grads):
        n = name.split('/')[0]
        rms = max(math.sqrt(power[n] / count[n]), float(g.norm()) / math.sqrt(g.numel()))
        new, off = adam(p.detach(), [g])[0][0], 3e-3 * rms
        spread = adam(0 * g, [g - off])[0][0] - adam(0 * g, [g + off])[0][0]
        best = torch.argsort(-g.abs().reshape(-1), stable=True)[:4]
        fill = [0] * (4 - len(best))
        rows['grad_norm'].append(float(g.norm()))
        rows['index'].append(best.tolist() + [-1] * len(fill))
        rows['grad'].append(g.reshape(-1)[best].tolist() + fill)
        rows['after'].append(new.reshape(-1)[best].tolist() + fill)
        rows['sum'].append(float(new.double().sum()))
        rows['slack'].append(float(spread.sum()) / 2 + float(new.abs().sum()) / 2 ** 24)
        if float(g.abs().max()) < 1e-10 * math.sqrt(power[n]):
            meta['zero'].append(name)
        with torch.no_grad():
            p.copy_(new)
    tensors = {k: np.array(v, '<i4' if k == 'index' else '<f8') for k, v in rows.items()}
    return meta, tensors


def inputs():
    y1 = torch.tensor([[1, 0, 1], [0, 0, 1]], dtype=REAL)
    y2 = torch.tensor([[0, 1, 0], [1, 1, 0]], dtype=REAL)
    return {'x1': images(0), 'x2': images(1.7), 'y1': y1, 'y2': y2,
            'alpha1': torch.tensor([0.3125, 0.84375], dtype=REAL),
            'alpha2': torch.tensor([0.59375, 0.15625], dtype=REAL)}


def iteration(net, data=None):
    """A critic step and a generator step; everything worth keeping."""
    data = {k: v.to(net.dtype) for k, v in (data or inputs()).items()}
    s = stage1(net, data['x1'], data['x2'])
    d, said = losses_d(net, s, data)
    d_step = update(net, total(d), True)
    t = stage2(net, s)
    g, said_after = losses_g(net, s, t, data)
    g_step = update(net, total(g, net.variant, s), False)
    said.update(said_after)
    d, g = ({k: float(v) for k, v in loss.items()} for loss in (d, g))
    return {'data': data, 's': s, 't': t, 'said': said, 'd': d, 'g': g,
            'd_step': d_step, 'g_step': g_step}


def base_meta(net):
    return {'variant': net.variant, 'size': SIZE, 'width': WIDTH, 'c_dim': C_DIM, 'seed': net.seed}


def records(name):
    net = Lomit(**CASES[name])
    r, base = iteration(net), base_meta(net)
    keep = {k: v.numpy().astype('|u1') if k[0] == 'y' else given(v)
            for k, v in r['data'].items() if k[0] != 'x'}
    out = [record('inputs', base, keep)]
    for ident, key in (('stage1', 's'), ('critic', 'said'), ('stage2', 't')):
        tensors = {k: result(v) for k, v in r[key].items() if k not in ('x1', 'x2')}
        out.append(record(ident, base, tensors))
    for ident, loss, (meta, tensors) in (('d-step', r['d'], r['d_step']),
                                         ('g-step', r['g'], r['g_step'])):
        out.append(record(ident, {**base, **loss, **meta}, tensors))
    stats = [np.array([v[i][:4].numpy() for v in net.running.values()]) for i in (0, 1)]
    out.append(record('batchnorm', base, {'running_mean': stats[0], 'running_var': stats[1]}))
    return out


def switch_records():
    out = []
    for name in list(CASES)[2:]:
        net = Lomit(**CASES[name])
        r, meta = iteration(net), base_meta(net)
        for side in 'dg':
            values = {**r[side], **r[side + '_step'][0]}
            meta.update({'%s_%s' % (side, k): v for k, v in values.items()
                         if k not in ('names', 'zero')})
        out.append(record(name, meta, {}))
    return out
