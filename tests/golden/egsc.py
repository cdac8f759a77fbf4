"""egsc.py - EGSC-IT's networks, losses and one iteration of each stage, by torch's own operators."""
import math

import numpy as np
import torch
import torch.nn.functional as F

from lomit import hashed
from mbu import update
from ops import REAL
from pack import record

SIZE, WIDTH, BATCH, LR = 20, 4, 2, 1e-3
NOISE = 777
DOMAINS = 'AB'

# What is recorded, with the seeds of the weights (make.py, WEIGHTS).
CASES = {
    'pre': {'seed': 1, 'pre': True},
    'std': {'seed': 1, 'adain': 'std', 'percept': True},
    'code': {'seed': 1, 'adain': 'code', 'n1': 3},
    'paper': {'seed': 1, 'adain': 'paper', 'n1': 2, 'log': True, 'once': True, 'on_z': True,
              'eta': 0.25},
    'bare': {'seed': 1, 'adain': 'none', 'mask': False, 'shared': False, 'n1': 2},
}


# ---- networks -----------------------------------------------------------

def block(name, c):
    return [('%s.%d' % (name, i), (c, c, 3, 3), False) for i in (1, 2)]


def blocks(c):
    return [row for i in (1, 2, 3) for row in block('R%d' % i, c)]


def encoder(n1):
    down = [('K%d' % (i + 1), (WIDTH << i, WIDTH << (i - 1), 3, 3), False) for i in range(1, n1)]
    return [('K1', (WIDTH, 3, 7, 7), False)] + down + blocks(WIDTH << (n1 - 1))


def middle(n1):
    c = WIDTH << (n1 - 1)
    return block('E', c) + block('G', c)


def generator(n1):
    up = [('U%d' % (i + 1), (WIDTH << (n1 - 1 - i), WIDTH << (n1 - 2 - i), 3, 3), False)
          for i in range(n1 - 1)]
    return blocks(WIDTH << (n1 - 1)) + up + [('O1', (3, WIDTH, 1, 1), False)]


def critic():
    rows = [('C%d' % (i + 1), (WIDTH << i, WIDTH << (i - 1) if i else 3, 4, 4), i > 0)
            for i in range(4)]
    return rows + [('C5', (1, WIDTH << 3, 1, 1), False)]


def small_vgg():
    widths, rows, ci = (16, 32, 64, 128, 128), [], 3
    for i, co in enumerate(widths):
        for j in range(1 if i == 4 else 2):
            rows.append(('%d_%d' % (i + 1, j + 1), (co, ci, 3, 3), False))
            ci = co
    return rows


def networks(net):
    """Rows (name, shape, is normalised) of each network, in the order of their numbers."""
    out = {'E_' + d: encoder(net.n1) for d in DOMAINS}
    if net.shared:
        out['S'] = middle(net.n1)
    out.update({'G_' + d: generator(net.n1) for d in DOMAINS})
    if net.mask or net.adain != 'none':
        out.update({'F_' + d: encoder(net.n1) for d in DOMAINS})
    if net.pre:
        out.update({'R_' + d: middle(net.n1) for d in DOMAINS})
    out.update({'D_' + d: critic() for d in DOMAINS})
    if net.percept:
        out['V'] = small_vgg()
    return out


def initial(nets, seed):
    """All parameters by name, as make.py defines them; those of D and V are halved."""
    params = {}
    for name, rows in nets.items():
        for row, shape, normalised in rows:
            fan = (shape[0] if row[0] == 'U' else shape[1]) * shape[2] * shape[3]
            co = shape[1] if row[0] == 'U' else shape[0]
            parts = [('weight', shape), ('bias', (co,))]
            parts += [('scale', (co,)), ('shift', (co,))] if normalised else []
            for part, size in parts:
                z = hashed(len(params) + seed, int(np.prod(size)))
                if part == 'weight':
                    z = math.sqrt(2 / fan) * (0.5 if name[0] in 'DV' else 1) * z
                else:
                    z = 0.1 * z + (1 if part == 'scale' else 0)
                z = z.astype(np.float32).reshape(size)
                params['%s/%s.%s' % (name, row, part)] = torch.tensor(z).to(REAL)
    return params


class Egsc:
    def __init__(self, seed=1, pre=False, adain='std', n1=1, mask=True, shared=True,
                 percept=False, log=False, once=False, on_z=False, eta=0.5):
        self.seed, self.pre, self.adain, self.n1, self.mask = seed, pre, adain, n1, mask
        self.shared, self.percept, self.log, self.once = shared, percept, log, once
        self.on_z, self.eta, self.lr, self.clip = on_z, eta, LR, math.inf
        self.nets = networks(self)
        self.p = {k: p.requires_grad_(True) for k, p in initial(self.nets, seed).items()}
        side, c = SIZE >> (n1 - 1), WIDTH << (n1 - 1)
        z = hashed(NOISE, 12 * c * side * side).astype(np.float32).reshape(12, c, side, side)
        self.noise = torch.tensor(z).to(REAL)

    def draw(self, n):
        """The noise of the next n codes."""
        z, self.noise = self.noise[:n], self.noise[n:]
        return z

    def conv(self, x, row, stride=1, pad=0, mode='reflect'):
        if pad:
            x = F.pad(x, (pad,) * 4, mode=mode)
        return F.conv2d(x, self.p[row + '.weight'], self.p[row + '.bias'], stride=stride)

    def block(self, x, name):
        return x + self.conv(F.relu(self.conv(x, name + '.1', 1, 1)), name + '.2', 1, 1)

    def blocks(self, x, net):
        for i in (1, 2, 3):
            x = self.block(x, '%s/R%d' % (net, i))
        return x

    def encode(self, x, net):
        x = F.leaky_relu(self.conv(x, net + '/K1', 1, 3), 0.2)
        for i in range(2, self.n1 + 1):
            x = F.leaky_relu(self.conv(x, '%s/K%d' % (net, i), 2, 1), 0.2)
        return self.blocks(x, net)

    def generate(self, x, net):
        x = self.blocks(x, net)
        for i in range(1, self.n1):
            row = '%s/U%d' % (net, i)
            x = F.conv_transpose2d(x, self.p[row + '.weight'], self.p[row + '.bias'], stride=2)
            x = F.leaky_relu(x[:, :, :-1, :-1], 0.2)
        return torch.tanh(self.conv(x, net + '/O1'))

    def judge(self, x, net):
        for i in range(1, 5):
            row, h = '%s/C%d' % (net, i), x.shape[2]
            total = max((-(-h // 2) - 1) * 2 + 4 - h, 0)
            front = total // 2
            x = F.pad(x, (front, total - front) * 2)
            x = F.conv2d(x, self.p[row + '.weight'], self.p[row + '.bias'], stride=2)
            if not self.once:
                x = F.leaky_relu(x, 0.2)
            if i > 1:
                x = F.instance_norm(x, weight=self.p[row + '.scale'], bias=self.p[row + '.shift'],
                                    eps=1e-5)
            x = F.leaky_relu(x, 0.2)
        x = self.conv(x, net + '/C5')
        return x if self.once or self.log else F.leaky_relu(x, 0.2)

    def taps(self, x):
        out = []
        for i in range(1, 6):
            if i > 1:
                x = F.max_pool2d(x, 2, ceil_mode=True)
            for j in (1, 2) if i < 5 else (1,):
                x = F.relu(self.conv(x, 'V/%d_%d' % (i, j), 1, 1, 'constant'))
                if j == 1:
                    squares = (x * x).sum((2, 3), keepdim=True)
                    out.append((squares > 1e-12) * x / squares.clamp(min=1e-12).sqrt())
        return out

    def group(self, k):
        """What the discriminators' update trains, or the other's in this stage."""
        names = 'D' if k else 'FRG' if self.pre else 'ESG'
        return {n: p for n, p in self.p.items() if n[0] in names}

    # ---- losses ----

    def score(self, s, real):
        if self.log:
            return F.softplus(-s if real else s).mean()
        return ((s - (1 if real else 0)) ** 2).mean()

    def fool(self, made):
        return sum(self.score(self.judge(made[d], 'D_' + d), True) for d in DOMAINS)

    def discriminate(self, x, made):
        return sum(self.score(self.judge(x[d], 'D_' + d), True)
                   + self.score(self.judge(made[d].detach(), 'D_' + d), False) for d in DOMAINS)

    def rebuild(self, x):
        made, prior = {}, 0
        for d in DOMAINS:
            mu = self.block(self.encode(x[d], 'F_' + d), 'R_%s/E' % d)
            z = mu + self.draw(BATCH)
            made[d] = self.generate(self.block(z, 'R_%s/G' % d), 'G_' + d)
            prior = prior + ((z if self.on_z else mu) ** 2).mean()
        return made, prior

    def features(self, x):
        if 'F_A' not in self.nets:
            return None
        with torch.no_grad():
            return {d: self.encode(x[d], 'F_' + d) for d in DOMAINS}

    def contents(self, x, via):
        """Codes of A and of B, by the encoders of these domains; and their prior."""
        mu = {d: self.encode(x[d], 'E_' + e) for d, e in zip(DOMAINS, via)}
        if self.shared:
            mu = {d: self.block(m, 'S/E') for d, m in mu.items()}
        z = {d: mu[d] + self.draw(BATCH) for d in DOMAINS}
        prior = sum(((z if self.on_z else mu)[d] ** 2).mean() for d in DOMAINS)
        return {d: self.block(z[d], 'S/G') if self.shared else z[d] for d in DOMAINS}, prior

    def show(self, c, f_mask, f_style, domain):
        if self.mask:
            c = c * ((1 - self.eta) * torch.sigmoid(f_mask) + self.eta)
        if self.adain != 'none':
            stats = lambda t: (t.mean((2, 3), keepdim=True),
                               t.var((2, 3), unbiased=False, keepdim=True))
            (mc, vc), (mf, vf) = stats(c), stats(f_style)
            if self.adain == 'std':
                c = (vf + 1e-5).sqrt() * (c - mc) / (vc + 1e-5).sqrt() + mf
            else:
                scale, shift = (mf, vf) if self.adain == 'code' else (vf, mf)
                c = scale * (c - mc) / (vc + 1e-8) + shift
        return self.generate(c, 'G_' + domain)

    def translate(self, x, via, f):
        """Of A in B and of B in A, from codes."""
        c, prior = self.contents(x, via)
        fa, fb = (f['A'], f['B']) if f else (None, None)
        return {'B': self.show(c['A'], fa, fb, 'B'), 'A': self.show(c['B'], fb, fa, 'A')}, c, prior

    def perceive(self, x, made):
        style = content = 0
        for source, exemplar, out in ((x['A'], x['B'], made['B']), (x['B'], x['A'], made['A'])):
            gram = lambda t: torch.einsum('nip,njp->nij', t.flatten(2), t.flatten(2)) / (
                t.shape[2] * t.shape[3])
            for i, (a, b, o) in enumerate(zip(*map(self.taps, (source, exemplar, out))), 1):
                content = content + i / 5 * F.l1_loss(o, a.detach())
                style = style + F.l1_loss(gram(o), gram(b).detach())
        return style, content


def images(part):
    out = {}
    for d, which in zip(DOMAINS, (0, 1.7)):
        n, c, i, j = np.meshgrid(*map(np.arange, (2 * BATCH, 3, SIZE, SIZE)), indexing='ij')
        x = np.sin(0.05 * (c + 1) * (i + 1) + 0.07 * (j + 1) * (n + 1) + which)
        x = x * np.cos(0.11 * i - 0.06 * j * (c + 1) + 0.5 * n)
        out[d] = torch.tensor(x.astype(np.float32)).to(REAL)[part * BATCH:(part + 1) * BATCH]
    return out


# ---- one iteration ------------------------------------------------------

def discriminators(net):
    x = images(0)
    with torch.no_grad():
        made = net.rebuild(x)[0] if net.pre else net.translate(x, 'AB', net.features(x))[0]
    gan = net.discriminate(x, made)
    return {'gan': gan, 'total': 5 * gan}


def the_rest(net):
    x = images(1)
    if net.pre:
        made, prior = net.rebuild(x)
        loss = {'gan': net.fool(made), 'vae': sum(F.l1_loss(made[d], x[d]) for d in DOMAINS),
                'kl': prior}
        loss['total'] = 10 * loss['gan'] + 100 * loss['vae'] + 0.1 * loss['kl']
        return loss
    f = net.features(x)
    of = lambda d: f[d] if f else None
    made, c, prior = net.translate(x, 'AB', f)
    back, again = net.contents({'A': made['B'], 'B': made['A']}, 'BA')
    loss = {'gan': net.fool(made), 'kl': prior, 'cyc_kl': again,
            'vae': sum(F.l1_loss(net.show(c[d], of(d), of(d), d), x[d]) for d in DOMAINS),
            'cyc': sum(F.l1_loss(net.show(back[d], of(d), of(d), d), x[d]) for d in DOMAINS)}
    loss['total'] = (10 * loss['gan'] + 100 * (loss['vae'] + loss['cyc'])
                     + 0.1 * (loss['kl'] + loss['cyc_kl']))
    if net.percept:
        loss['style'], loss['content'] = net.perceive(x, made)
        loss['total'] = loss['total'] + 1e3 * loss['style'] + 10 * loss['content']
    return loss


def records():
    out = []
    for name, options in CASES.items():
        net = Egsc(**options)
        for ident, k, losses in (('d', 1, discriminators), ('g', 0, the_rest)):
            loss = losses(net)
            meta, tensors = update(net, k, loss['total'])
            meta.update({key: float(v) for key, v in loss.items()})
            out.append(record('%s-%s' % (name, ident),
                              {'size': SIZE, 'width': WIDTH, 'seed': net.seed, **meta}, tensors))
    return out
