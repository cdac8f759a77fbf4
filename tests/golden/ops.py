"""ops.py - the operators, written as their equations, and the cases of ops.msgpack."""
import numpy as np
import torch
import torch.nn.functional as F

from pack import given, record, result

LR, BETA1, BETA2, EPS = 1e-4, 0.5, 0.999, 1e-8
SLOPE = 0.01
REAL = torch.float64


def conv2d(x, w, b, stride, pad, padding='reflect'):
    if pad:
        x = F.pad(x, (pad,) * 4, mode='reflect' if padding == 'reflect' else 'constant')
    return F.conv2d(x, w, b, stride)


def per_channel(t):
    return t.view(1, -1, 1, 1)


def normalise(x, dims, scale, shift, eps=1e-5):
    mean = x.mean(dims, keepdim=True)
    var = ((x - mean) ** 2).mean(dims, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps) * per_channel(scale) + per_channel(shift)


def batch_stats(x):
    """Mean and unbiased variance of each channel, for the running estimates."""
    n = x.numel() // x.shape[1]
    mean = x.mean((0, 2, 3))
    return mean, ((x - per_channel(mean)) ** 2).sum((0, 2, 3)) / (n - 1)


def leaky(x):
    return torch.where(x > 0, x, SLOPE * x)


def nearest2(x):
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def bilinear_matrix(n, dtype):
    u = torch.zeros(4 * n, n, dtype=dtype)
    for d in range(4 * n):
        f = max((d + 0.5) / 4 - 0.5, 0)
        i = int(f)
        u[d, i] += 1 - (f - i)
        u[d, min(i + 1, n - 1)] += f - i
    return u


def bilinear4(x):
    u, v = (bilinear_matrix(n, x.dtype) for n in x.shape[2:])
    return torch.einsum('dh,nchw,ew->ncde', u, x, v)


def avgpool(x):
    return x.mean((2, 3), keepdim=True)


def hadain(c, m, beta_f, gamma_f, beta_b, gamma_b, sigma='std', gamma='linear'):
    mean = c.mean((2, 3), keepdim=True)
    if sigma == 'std':
        scale = torch.sqrt(((c - mean) ** 2).mean((2, 3), keepdim=True) + 1e-5)
    else:
        scale = c.std(3, unbiased=True).std(2, unbiased=True)[:, :, None, None] + 1e-5
    if gamma == 'exp':
        gamma_f, gamma_b = torch.exp(gamma_f / 2), torch.exp(gamma_b / 2)
    n = (c - mean) / scale
    at = (slice(None), slice(None), None, None)
    return (m * (gamma_f[at] * n + beta_f[at])
            + (1 - m) * (gamma_b[at] * n + beta_b[at]))


def l1(a, b):
    return (a - b).abs().mean()


def bce(z, t):
    return (torch.logaddexp(z, torch.zeros_like(z)) - z * t).sum(1).mean()


def r1(m, c):
    b, n = m.shape[0], m[0].numel()
    c = c.detach().reshape(b, -1, n)
    c = c / c.norm(dim=1, keepdim=True).clamp(min=1e-8)
    m = m.reshape(b, n)
    difference = (m[:, :, None] - m[:, None, :]).abs()
    return (difference * torch.einsum('bki,bkj->bij', c, c)).sum() / (n * n * b)


def penalty(critic, x_hat):
    """Gradient penalty, and the gradient norm of each sample."""
    x_hat = x_hat.detach().requires_grad_(True)
    g, = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    norm = g.pow(2).sum((1, 2, 3)).sqrt()
    return ((norm - 1) ** 2).mean(), norm


def adam(p, grads):
    """The value after each step, and the moments after the last."""
    m, v, out = 0 * p, 0 * p, []
    for t, g in enumerate(grads, 1):
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        p = p - LR * (m / (1 - BETA1 ** t)) / (torch.sqrt(v / (1 - BETA2 ** t)) + EPS)
        out.append(p)
    return out, m, v


# ---- cases --------------------------------------------------------------

class Cases:
    def __init__(self):
        self.rng = np.random.RandomState(1)
        self.records = []

    def draw(self, *shape, zeros=False, low=-1.0, high=1.0):
        a = self.rng.uniform(low, high, shape)
        a = np.round(a * 2 ** 20) / 2 ** 20
        if zeros:
            a.reshape(-1)[::3] = 0
        return torch.tensor(a, dtype=REAL)

    def add(self, op, ident, fn, inputs, meta=None, second=True, fixed=None, extra=None):
        """Record fn's value, its gradients and, if second, theirs."""
        x = {k: v.clone().requires_grad_(True) for k, v in inputs.items()}
        y = fn(**x)
        gy = self.draw(*y.shape) if y.ndim else self.draw(1)[0] + 2
        gy.requires_grad_(True)
        g = torch.autograd.grad((y * gy).sum(), list(x.values()), create_graph=second)
        t = {k: given(v) for k, v in inputs.items()}
        t.update({k: given(v) for k, v in (fixed or {}).items()})
        t['y'] = result(y)
        t['gy'] = gy.detach().numpy().reshape(y.shape or 1).astype('<f4')
        t.update({'g' + k: result(v) for k, v in zip(x, g)})
        if second:
            v = [self.draw(*u.shape) for u in g]
            l2 = sum((a * b).sum() for a, b in zip(g, v))
            h = torch.autograd.grad(l2, list(x.values()) + [gy], allow_unused=True)
            for k, a, b in zip(list(x) + ['gy'], h, list(x.values()) + [gy]):
                h_k = torch.zeros_like(b) if a is None else a
                t['h' + k] = result(h_k)
            t.update({'v' + k: given(a) for k, a in zip(x, v)})
        t.update({k: result(v) for k, v in (extra or {}).items()})
        full = {'op': op, 'inputs': list(inputs), 'second': second}
        full.update(meta or {})
        self.records.append(record(op + '/' + ident, full, t))


# kernel, stride, pad: n ci co h w, and whether second derivatives are kept
CONVS = [
    ((7, 1, 3), [(2, 3, 2, 9, 8, 1), (1, 1, 2, 4, 5, 1), (1, 3, 16, 4, 5, 0),
                 (1, 16, 1, 7, 8, 0)]),
    ((4, 2, 1), [(2, 3, 4, 8, 8, 1), (1, 1, 2, 2, 2, 1), (1, 4, 16, 6, 10, 0),
                 (1, 16, 16, 6, 4, 0), (1, 32, 2, 4, 4, 0)]),
    ((4, 2, 1), [(2, 3, 4, 7, 9, 1), (1, 2, 1, 3, 3, 1), (1, 16, 4, 5, 7, 0)]),
    ((3, 1, 1), [(2, 4, 4, 5, 7, 1), (1, 1, 3, 2, 3, 1), (2, 2, 16, 3, 5, 0),
                 (2, 32, 1, 2, 2, 1), (1, 16, 32, 4, 3, 0)]),
    ((5, 1, 2), [(2, 4, 2, 6, 7, 1), (1, 1, 1, 3, 3, 1), (1, 16, 2, 6, 8, 0),
                 (1, 32, 1, 5, 5, 0)]),
    ((1, 1, 0), [(2, 16, 4, 5, 3, 1), (1, 1, 1, 4, 4, 1), (2, 32, 1, 3, 2, 1),
                 (1, 32, 32, 3, 3, 0)]),
    ((2, 1, 0), [(2, 16, 3, 2, 2, 1)]),
]


def conv_cases(cases):
    for (k, s, p), shapes in CONVS:
        for padding in ('reflect', 'zero') if p else ('zero',):
            for n, ci, co, h, w, second in shapes:
                if padding == 'zero' and p and ci * co * k * k > 1000:
                    continue
                ident = '%s-k%ds%dp%d-%dx%dx%dx%d-%d' % (padding, k, s, p, n, ci, h, w, co)
                cases.add('conv2d', ident,
                          lambda x, w, b, a=(s, p, padding): conv2d(x, w, b, *a),
                          {'x': cases.draw(n, ci, h, w), 'w': cases.draw(co, ci, k, k),
                           'b': cases.draw(co)},
                          {'kernel': k, 'stride': s, 'pad': p, 'padding': padding},
                          bool(second) and (padding == 'reflect' or ci * co * k * k <= 200))


def norm_cases(cases):
    for shape in ((2, 3, 4, 5), (1, 1, 2, 3), (3, 16, 3, 3)):
        name = 'x'.join(map(str, shape))
        for op, dims in (('instance_norm', (2, 3)), ('layer_norm', (1, 2, 3)),
                         ('batch_norm', (0, 2, 3))):
            x = {'x': 2 * cases.draw(*shape) + 0.5, 'scale': 1 + cases.draw(shape[1]) / 4,
                 'shift': cases.draw(shape[1])}
            meta, fixed, extra = {'eps': 1e-5}, None, None
            if op == 'batch_norm':
                mean, var = batch_stats(x['x'])
                rm, rv = cases.draw(shape[1]), 1 + cases.draw(shape[1]) / 2
                meta.update(training=True, momentum=0.1)
                fixed = {'running_mean': rm, 'running_var': rv}
                extra = {'running_mean_after': 0.9 * rm + 0.1 * mean,
                         'running_var_after': 0.9 * rv + 0.1 * var}
            cases.add(op, name, lambda d=dims, **a: normalise(a['x'], d, a['scale'], a['shift']),
                      x, meta, shape[1] < 16, fixed, extra)
    rm, rv = cases.draw(3), 1 + cases.draw(3) / 2

    def frozen(x, scale, shift):
        n = (x - per_channel(rm)) / torch.sqrt(per_channel(rv) + 1e-5)
        return n * per_channel(scale) + per_channel(shift)
    cases.add('batch_norm', 'running-2x3x4x5', frozen,
              {'x': cases.draw(2, 3, 4, 5), 'scale': cases.draw(3), 'shift': cases.draw(3)},
              {'eps': 1e-5, 'training': False, 'momentum': 0.1}, True,
              {'running_mean': rm, 'running_var': rv},
              {'running_mean_after': rm, 'running_var_after': rv})


def pointwise_cases(cases):
    for op, fn in (('relu', torch.relu), ('leaky_relu', leaky), ('tanh', torch.tanh),
                   ('sigmoid', torch.sigmoid)):
        cases.add(op, '2x3x3x5', fn_of_x(fn), {'x': 2 * cases.draw(2, 3, 3, 5, zeros=True)},
                  {'slope': SLOPE} if op == 'leaky_relu' else {})
    for op, fn in (('nearest2', nearest2), ('bilinear4', bilinear4), ('avgpool', avgpool)):
        for shape in ((2, 2, 3, 4), (1, 1, 1, 1), (1, 2, 1, 5)):
            cases.add(op, 'x'.join(map(str, shape)), fn_of_x(fn), {'x': cases.draw(*shape)})
    for n, ci, co in ((2, 3, 4), (1, 8, 16), (3, 16, 1), (4, 1, 2)):
        cases.add('linear', '%dx%d-%d' % (n, ci, co), lambda x, w, b: x @ w.T + b,
                  {'x': cases.draw(n, ci), 'w': cases.draw(co, ci), 'b': cases.draw(co)})


def fn_of_x(fn):
    return lambda x: fn(x)


def hadain_cases(cases):
    for form, sigma, gamma in (('paper', 'std', 'linear'), ('paper-exp', 'std', 'exp'),
                               ('compat', 'rows', 'exp')):
        for n, c, h, w in ((2, 3, 4, 4), (1, 16, 3, 2)):
            x = {'c': 2 * cases.draw(n, c, h, w), 'm': cases.draw(n, 1, h, w, low=0)}
            for name in ('beta_f', 'gamma_f', 'beta_b', 'gamma_b'):
                x[name] = cases.draw(n, c)
            cases.add('hadain', '%s-%dx%dx%dx%d' % (form, n, c, h, w),
                      lambda s=sigma, g=gamma, **a: hadain(**a, sigma=s, gamma=g),
                      x, {'sigma': sigma, 'gamma': gamma}, sigma == 'std')


def loss_cases(cases):
    a, b = cases.draw(2, 3, 4, 5), cases.draw(2, 3, 4, 5)
    b.view(-1)[::7] = a.view(-1)[::7]
    cases.add('l1', 'ties-2x3x4x5', l1, {'a': a, 'b': b}, {}, False)
    cases.add('l1', '1x1x1x1', l1, {'a': cases.draw(1, 1, 1, 1), 'b': cases.draw(1, 1, 1, 1)},
              {}, False)
    for n, attributes in ((2, 3), (5, 12), (1, 1)):
        t = (cases.draw(n, attributes) > 0).to(REAL)
        cases.add('bce', '%dx%d' % (n, attributes), lambda z, t=t: bce(z, t),
                  {'z': 8 * cases.draw(n, attributes)}, {}, False, {'t': t})
    for shape, levels in (((2, 3, 4, 5), 0), ((2, 3, 4, 4), 4), ((1, 16, 3, 3), 2),
                          ((1, 2, 1, 7), 1)):
        n, c, h, w = shape
        m, cc = cases.draw(n, 1, h, w, low=0), cases.draw(*shape)
        if levels:
            m = torch.round(m * levels) / levels
        cases.add('r1', '%s-%s' % ('ties' if levels else 'plain', 'x'.join(map(str, shape))),
                  lambda m, cc=cc: r1(m, cc), {'m': m}, {}, False, {'c': cc})


# channels; kernel, stride, pad of each layer; size; batch
CRITICS = [((1, 2, 1), ((4, 2, 1), (3, 1, 1)), (4, 4), 2),
           ((3, 4, 8, 1), ((4, 2, 1), (4, 2, 1), (3, 1, 1)), (8, 8), 3),
           ((2, 3, 2, 1), ((4, 2, 1), (3, 1, 1), (3, 1, 1)), (7, 9), 1)]


def critic(x, weights, layers):
    for i, (_, stride, pad) in enumerate(layers):
        x = conv2d(leaky(x) if i else x, weights['w%d' % (i + 1)], weights['b%d' % (i + 1)],
                   stride, pad)
    return x


def penalty_cases(cases):
    for channels, layers, (h, w), n in CRITICS:
        weights = {}
        for i, (k, _, _) in enumerate(layers):
            co, ci = channels[i + 1], channels[i]
            weights['w%d' % (i + 1)] = cases.draw(co, ci, k, k) / 2
            weights['b%d' % (i + 1)] = cases.draw(co)
        x = cases.draw(n, channels[0], h, w)
        for p in weights.values():
            p.requires_grad_(True)
        gp, norm = penalty(lambda x: critic(x, weights, layers), x)
        g = torch.autograd.grad(gp, list(weights.values()), allow_unused=True)
        t = {'x_hat': given(x)}
        t.update({k: given(v) for k, v in weights.items()})
        t.update(src=result(critic(x, weights, layers)), norm=result(norm), y=result(gp))
        t.update({'g' + k: result(torch.zeros_like(p) if a is None else a)
                  for (k, p), a in zip(weights.items(), g)})
        cases.records.append(record(
            'gradient_penalty/%dx%dx%dx%d-%d' % (n, channels[0], h, w, len(layers)),
            {'op': 'gradient_penalty', 'slope': SLOPE, 'padding': 'reflect',
             'kernels': [a[0] for a in layers], 'strides': [a[1] for a in layers],
             'pads': [a[2] for a in layers]}, t))


def adam_cases(cases):
    p0, g = cases.draw(17), cases.draw(5, 17) * torch.pow(10.0, -torch.arange(17.0, dtype=REAL) / 2)
    g[:, 0] = 0
    p0, g = p0.float().to(REAL), g.float().to(REAL)
    steps, m, v = adam(p0, list(g))
    cases.records.append(record(
        'adam/5-steps', {'op': 'adam', 'lr': LR, 'beta1': BETA1, 'beta2': BETA2, 'eps': EPS},
        {'p0': given(p0), 'g': given(g),
         'p': result(torch.stack(steps)), 'm': result(m), 'v': result(v)}))


def records():
    cases = Cases()
    for group in (conv_cases, norm_cases, pointwise_cases, hadain_cases, loss_cases,
                  penalty_cases, adam_cases):
        group(cases)
    assert len({r['id'] for r in cases.records}) == len(cases.records)
    return cases.records
