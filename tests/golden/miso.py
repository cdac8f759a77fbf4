"""miso.py - MISO's networks, losses and one training iteration, by torch's own operators."""
import math

import numpy as np
import torch
import torch.nn.functional as F

from lomit import hashed
from ops import REAL
from pack import given, record

SIZE, WIDTH, PHASE, NZ = 32, 4, 2, 8  # images of a domain in a phase: PHASE
DECAY, LR, LIMITS = 1e-4, 1e-4, (-8, 4)
WEIGHT = {'adv_enc': 1, 'adv_rand': 1, 'info': 0.1, 'cyc': 10, 'kl': 0.01, 'lat': 1, 'sr': 10}

# What is recorded, with the seeds of the weights (make.py, WEIGHTS); the first two whole.
CASES = {
    'concat': {'seed': 8},
    'adain': {'seed': 1, 'cond': 'adain'},
    'input': {'seed': 14, 'cond': 'input'},
    'sr': {'seed': 8, 'ifi': 'sr'},
    'target': {'seed': 8, 'milo_z': 'target'},
    'full': {'seed': 8, 'milo_z': 'full'},
    'minimax': {'seed': 8, 'gan': 'minimax'},
    'ls': {'seed': 8, 'gan': 'ls'},
    'lat-freezes-e': {'seed': 8, 'freeze': True},
    'cyc-fake': {'seed': 8, 'cyc': 'fake'},
    'sr-cyc-fake': {'seed': 8, 'ifi': 'sr', 'cyc': 'fake'},
    'no-adv-enc': {'seed': 8, 'without': ('adv_enc',)},
    'no-adv-rand': {'seed': 8, 'without': ('adv_rand',)},
}
WHOLE = ('concat', 'adain')


# ---- networks -----------------------------------------------------------

def style_rows(w):
    yield 'S0', 3, w, 4
    for i in (1, 2, 3):
        yield 'S%d.1' % i, i * w, i * w, 3
        yield 'S%d.2' % i, i * w, (i + 1) * w, 3
        yield 'S%d.0' % i, i * w, (i + 1) * w, 1
    yield 'mu', 4 * w, NZ, 1
    yield 'l', 4 * w, NZ, 1


def encoder_rows(w, cond):
    """The fifth number counts the planes of the style."""
    every = NZ if cond == 'concat' else 0
    yield 'K1', 3, w, 7, 0 if cond == 'adain' else NZ
    yield 'K2', w, 2 * w, 4, every
    yield 'K3', 2 * w, 4 * w, 4, every
    for i in (1, 2, 3):
        yield 'R%d.1' % i, 4 * w, 4 * w, 3, every
        yield 'R%d.2' % i, 4 * w, 4 * w, 3
    if cond == 'adain':
        yield 'M1', NZ, 256, 1
        yield 'M2', 256, 256, 1
        yield 'M3', 256, 48 * w, 1


def generator_rows(w):
    for i in (4, 5, 6):
        for k in (1, 2):
            yield 'R%d.%d' % (i, k), 4 * w, 4 * w, 3
    yield 'U1', 4 * w, 2 * w, 3
    yield 'U2', 2 * w, w, 3
    yield 'O', w, 3, 7


def critic_rows(w, scales):
    for s in range(1, scales + 1):
        for i in range(4):
            yield '%d.%d' % (s, i), w << (i - 1) if i else 3, w << i, 4
        yield '%d.4' % s, 8 * w, 1, 1


def networks(w, cond='concat', scales=2):
    """Rows of all networks, in the order their parameters are numbered."""
    nets = {n: list(style_rows(w)) for n in ('E_A', 'E_B')}
    nets.update({n: list(encoder_rows(w, cond)) for n in ('E_AB', 'E_BA')})
    nets.update({n: list(generator_rows(w)) for n in ('G_AB', 'G_BA')})
    nets.update({n: list(critic_rows(w, scales)) for n in ('D_A', 'D_B')})
    return nets


def shapes(row):
    """Name, shape and fan of each parameter of a row."""
    name, ci, co, k = row[:4]
    planes = row[4] if len(row) > 4 else 0
    fan = (ci + planes) * k * k
    yield name + '.weight', (co, ci, k, k), fan
    yield name + '.bias', (co,), 0
    if name[0] == 'U':
        yield name + '.scale', (co,), 0
        yield name + '.shift', (co,), 0
    if planes:
        yield name + '.planes', (co, planes, k, k), fan


def initial(nets, seed):
    """All parameters by name, as make.py defines them."""
    params = {}
    for net, rows in nets.items():
        for row in rows:
            for name, shape, fan in shapes(row):
                z = hashed(len(params) + seed, int(np.prod(shape)))
                if row[0] in ('mu', 'l') and fan:
                    z = 0.02 * z
                elif fan:
                    z = math.sqrt(2 / fan) * (0.5 if net[0] == 'D' else 1) * z
                else:
                    z = 0.1 * z + (1 if 'scale' in name else 0)
                params['%s/%s' % (net, name)] = torch.tensor(z.astype(np.float32).reshape(shape))
    return params


class Net:
    """One network: its convolutions by row, with all other parameters beside them."""
    def __init__(self, params, name):
        self.p = {k.split('/')[1]: v for k, v in params.items() if k.startswith(name + '/')}

    def conv(self, row, x, stride=1, z=None):
        weight = self.p[row + '.weight']
        if row + '.planes' in self.p:
            weight = torch.cat([weight, self.p[row + '.planes']], 1)
            planes = z[:, :, None, None].expand(-1, -1, *x.shape[2:])
            x = torch.cat([x, planes], 1)
        pad = (weight.shape[2] - 1) // 2
        x = F.pad(x, (pad,) * 4, mode='reflect') if pad else x
        return F.conv2d(x, weight, self.p[row + '.bias'], stride)


class Clamp(torch.autograd.Function):
    """Log-variances within limits; the gradient stops only where it leads further out."""
    @staticmethod
    def forward(ctx, raw):
        ctx.save_for_backward(raw)
        return raw.clamp(*LIMITS)

    @staticmethod
    def backward(ctx, g):
        raw, = ctx.saved_tensors
        out = ((raw <= LIMITS[0]) & (g > 0)) | ((raw >= LIMITS[1]) & (g < 0))
        return torch.where(out, torch.zeros_like(g), g)


def style(net, x):
    x = net.conv('S0', x, 2)
    for i in (1, 2, 3):
        u = net.conv('S%d.1' % i, F.leaky_relu(x, 0.2))
        u = F.avg_pool2d(net.conv('S%d.2' % i, F.leaky_relu(u, 0.2)), 2)
        x = u + net.conv('S%d.0' % i, F.avg_pool2d(x, 2))
    x = F.leaky_relu(x, 0.2).mean((2, 3), keepdim=True)
    return net.conv('mu', x)[:, :, 0, 0], Clamp.apply(net.conv('l', x)[:, :, 0, 0])


def adain(x, part):
    shift, scale = part[:, :, None, None].chunk(2, 1)
    return F.instance_norm(x) * scale + shift


def encode(net, cond, x, z):
    if cond == 'adain':
        p = z[:, :, None, None]
        p = F.relu(net.conv('M2', F.relu(net.conv('M1', p))))
        parts = iter(net.conv('M3', p)[:, :, 0, 0].chunk(6, 1))
        for row, stride in (('K1', 1), ('K2', 2), ('K3', 2)):
            x = F.relu(F.instance_norm(net.conv(row, x, stride)))
        for i in (1, 2, 3):
            u = F.relu(adain(net.conv('R%d.1' % i, x), next(parts)))
            x = x + adain(net.conv('R%d.2' % i, u), next(parts))
        return x
    x = F.relu(net.conv('K1', x, 1, z))
    for row in ('K2', 'K3'):
        x = F.relu(net.conv(row, F.instance_norm(x), 2, z))
    for i in (1, 2, 3):
        u = F.relu(net.conv('R%d.1' % i, F.instance_norm(x), 1, z))
        x = x + net.conv('R%d.2' % i, u)
    return x


def generate(net, x):
    for i in (4, 5, 6):
        u = F.relu(F.instance_norm(net.conv('R%d.1' % i, x)))
        x = x + F.instance_norm(net.conv('R%d.2' % i, u))
    for row in ('U1', 'U2'):
        x = net.conv(row, F.interpolate(x, scale_factor=2))
        x = F.relu(F.group_norm(x, 1, net.p[row + '.scale'], net.p[row + '.shift']))
    return torch.tanh(net.conv('O', x))


def critic(net, x):
    """Logits of every scale."""
    out, s = [], 1
    while '%d.0.weight' % s in net.p:
        u = x
        for i in range(4):
            u = F.leaky_relu(net.conv('%d.%d' % (s, i), u, 2), 0.2)
        out.append(net.conv('%d.4' % s, u))
        x, s = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), s + 1
    return out


class Miso:
    def __init__(self, seed=1, cond='concat', ifi='milo', milo_z='leaf', gan='ns', cyc='real',
                 freeze=False, without=(), dtype=REAL):
        self.seed, self.cond, self.ifi, self.milo_z, self.gan = seed, cond, ifi, milo_z, gan
        self.cyc, self.freeze, self.without, self.dtype = cyc, freeze, without, dtype
        self.nets = networks(WIDTH, cond)
        self.p = {k: v.to(dtype).requires_grad_(True)
                  for k, v in initial(self.nets, seed).items()}

    def net(self, name, frozen=False):
        return Net({k: v.detach() if frozen else v for k, v in self.p.items()}, name)

    def translate(self, name, x, z):
        return generate(self.net('G_' + name), encode(self.net('E_' + name), self.cond, x, z))

    def side(self, is_critic):
        return {k: v for k, v in self.p.items() if k.startswith('D') == is_critic}


# ---- one iteration ------------------------------------------------------

def milo(z, mu, l):
    return (0.5 * math.log(2 * math.pi) + 0.5 * l
            + 0.5 * (z - mu) ** 2 * torch.exp(-l)).sum(1).mean()


def kl(mu, l):
    return (0.5 * (mu ** 2 + torch.exp(l) - l - 1)).sum(1).mean()


def judge(gan, s, is_real):
    if gan == 'ls':
        return ((s - float(is_real)) ** 2).mean()
    return F.softplus(-s if is_real else s).mean()


def fool(gan, s):
    if gan == 'minimax':
        return -F.softplus(s).mean()
    return judge(gan, s, True)


def images(which):
    n, c, i, j = np.meshgrid(*map(np.arange, (2 * PHASE, 3, SIZE, SIZE)), indexing='ij')
    x = np.sin(0.05 * (c + 1) * (i + 1) + 0.07 * (j + 1) * (n + 1) + which)
    x = x * np.cos(0.11 * i - 0.06 * j * (c + 1) + 0.5 * n)
    return torch.tensor(x.astype(np.float32)).to(REAL)


def noise():
    """Rows for eps of real A and B, drawn styles of A and B, eps of fake A and B."""
    z = np.stack([hashed(1000 + i, NZ) for i in range(6 * PHASE)])
    return torch.tensor(z.astype(np.float32)).to(REAL)


def sampled(q, eps):
    return q[0] + torch.exp(q[1] / 2) * eps


def generators(m, x, eps):
    """The terms of L_GE; pictures of both phases, for the discriminators."""
    d = 'AB'
    x1, x2 = ({k: v[:PHASE] for k, v in x.items()}, {k: v[PHASE:] for k, v in x.items()})
    q = {k: style(m.net('E_' + k), x1[k]) for k in d}
    z = {k: sampled(q[k], eps[0, i]) for i, k in enumerate(d)}
    fed = {k: z[k].detach() if m.milo_z == 'leaf' else z[k] for k in d}
    target = {k: z[k] if m.milo_z == 'full' else z[k].detach() for k in d}
    prior = {k: eps[1, i] for i, k in enumerate(d)}
    loss = {k: 0 for k in ('adv_enc', 'adv_rand', 'info', 'cyc', 'kl', 'lat', 'sr')}
    way = {'A': 'BA', 'B': 'AB'}
    enc = {k: m.translate(way[k], x1[way[k][0]], fed[k]) for k in d}
    rand = {k: m.translate(way[k], x2[way[k][0]], prior[k]) for k in d}
    read = {k: style(m.net('E_' + k), enc[k]) for k in d}
    seen = {}
    for i, k in enumerate(d):
        back = z[k] if m.cyc == 'real' else sampled(read[k], eps[2, i])
        loss['info'] += milo(target[k], *read[k])
        loss['sr'] += (m.translate(way[k], x1[k], z[k]) - x1[k]).abs().mean()
        loss['cyc'] += (m.translate(way[k], enc[way[k][0]], back) - x1[k]).abs().mean()
        loss['kl'] += kl(*q[k])
        drawn = style(m.net('E_' + k, m.freeze), rand[k])[0]
        loss['lat'] += (prior[k] - drawn).abs().mean()
        seen[k] = drawn
        for name, fake in (('adv_enc', enc[k]), ('adv_rand', rand[k])):
            for s in critic(m.net('D_' + k), fake):
                loss[name] += fool(m.gan, s)
    for name in m.without + (('info',) if m.ifi == 'sr' else ('sr',)):
        del loss[name]
    loss['total'] = sum(WEIGHT[k] * v for k, v in loss.items())
    with torch.no_grad():
        rms = lambda a, b: torch.sqrt(sum(((a[k] - b[k]) ** 2).mean() for k in d) / 2)
        mu = {k: read[k][0] for k in d}
        sigma = lambda q: sum(torch.exp(q[k][1] / 2).mean() for k in d) / 2
        extra = {'sigma_real': sigma(q), 'rms_rand': rms(prior, seen)}
        if m.ifi == 'milo' or m.cyc == 'fake':
            extra.update(sigma_fake=sigma(read), rms_enc=rms(target, mu))
    return loss, extra, enc, rand


def discriminators(m, x, enc, rand):
    loss = {'adv_enc': 0, 'adv_rand': 0}
    hit = {'hit_real': [], 'hit_enc': [], 'hit_rand': []}
    edge = 0.5 if m.gan == 'ls' else 0
    for k in 'AB':
        for name, real, fake in (('enc', x[k][:PHASE], enc[k]), ('rand', x[k][PHASE:], rand[k])):
            for r, f in zip(critic(m.net('D_' + k), real),
                            critic(m.net('D_' + k), fake.detach())):
                loss['adv_' + name] += judge(m.gan, r, True) + judge(m.gan, f, False)
                hit['hit_real'].append(float((r > edge).to(REAL).mean()))
                hit['hit_' + name].append(float((f < edge).to(REAL).mean()))
    for name in m.without:
        del loss[name]
    loss['total'] = sum(loss.values())
    return loss, {k: sum(v) / len(v) for k, v in hit.items()}


def update(m, objective, is_critic):
    """One step of Adam with decay, of one side; the meta and tensors of its record."""
    side = m.side(is_critic)
    grads = torch.autograd.grad(objective, list(side.values()), retain_graph=True,
                                allow_unused=True)
    for p, g in zip(side.values(), grads):
        p.grad = torch.zeros_like(p) if g is None else g.clone()
    power, count = {}, {}
    for name, p in side.items():
        n = name.split('/')[0]
        power[n] = power.get(n, 0) + float(p.grad.pow(2).sum())
        count[n] = count.get(n, 0) + p.numel()
    before = {n: p.detach().clone() for n, p in side.items()}
    torch.optim.Adam(side.values(), lr=LR, betas=(0.5, 0.999), eps=1e-8,
                     weight_decay=DECAY).step()
    rows = {key: [] for key in ('grad_norm', 'index', 'grad', 'after', 'sum', 'slack')}
    zero = []
    for name, p in side.items():
        g, n = p.grad, name.split('/')[0]
        if float(g.abs().max()) < 1e-10 * math.sqrt(power[n]):
            zero.append(name)
        off = 3e-3 * max(math.sqrt(power[n] / count[n]), float(g.norm()) / math.sqrt(g.numel()))
        step = lambda g: LR * g / (g.abs() + 1e-8)
        pulled = g + DECAY * before[name]
        moved = step(pulled + off) - step(pulled - off)
        best = torch.argsort(-g.abs().reshape(-1), stable=True)[:4]
        fill = [0] * (4 - len(best))
        rows['grad_norm'].append(float(g.norm()))
        rows['index'].append(best.tolist() + [-1] * len(fill))
        rows['grad'].append(g.reshape(-1)[best].tolist() + fill)
        rows['after'].append(p.detach().reshape(-1)[best].tolist() + fill)
        rows['sum'].append(float(p.detach().double().sum()))
        rows['slack'].append(float(moved.sum()) / 2 + float(before[name].abs().sum()) / 2 ** 24)
    meta = {'norm_' + n: math.sqrt(v) for n, v in power.items()}
    meta.update(names=list(side), zero=zero)
    return meta, {key: np.array(v, '<i4' if key == 'index' else '<f8')
                  for key, v in rows.items()}


def iteration(m):
    """Generators, then discriminators on the same pictures."""
    x = {'A': images(0).to(m.dtype), 'B': images(1.7).to(m.dtype)}
    eps = noise().to(m.dtype).reshape(3, 2, PHASE, NZ)
    g, extra, enc, rand = generators(m, x, eps)
    g_step = update(m, g['total'], False)
    d, hits = discriminators(m, x, enc, rand)
    d_step = update(m, d['total'], True)
    number = lambda *parts: {k: float(v) for part in parts for k, v in part.items()}
    return {'g': number(g, extra), 'd': number(d, hits), 'g_step': g_step, 'd_step': d_step,
            'enc': enc, 'rand': rand}


def records():
    out = [record('inputs', {'size': SIZE, 'width': WIDTH}, {'noise': given(noise())})]
    for name, options in CASES.items():
        m = Miso(**options)
        r = iteration(m)
        for side in 'gd':
            meta, tensors = r[side + '_step']
            meta = {'size': SIZE, 'width': WIDTH, 'seed': m.seed, **r[side], **meta}
            if name not in WHOLE:
                tensors = {}
                del meta['names'], meta['zero']
            out.append(record('%s-%s' % (name, side), meta, tensors))
    return out
