"""spec.py - is what make.py computes what the specification says? Reference
vectors and identities of the specification, and torch's own operators."""
import numpy as np
import torch
import torch.nn.functional as F

import mbu
import miso
from lomit import CASES, Lomit, inputs, iteration, networks, parts
from ops import REAL, adam, batch_stats, bce, bilinear4, critic, hadain, normalise, penalty, r1


def real(*a):
    return torch.tensor(a, dtype=REAL)


class Check:
    failed = 0

    def __call__(self, what, got, want, places):
        """Equal to as many decimals as the printed value has."""
        got = np.array([float(v) for v in torch.as_tensor(got, dtype=REAL).reshape(-1)])
        want = np.array(want, float).reshape(-1)
        worst = np.abs(got - want).max()
        ok = got.shape == want.shape and worst <= 0.51 * 10.0 ** -places
        self.failed += not ok
        print('%-4s %-44s worst difference %.1e' % ('ok' if ok else 'FAIL', what, worst))


def check_hadain(close):
    idx = torch.arange(24, dtype=REAL).reshape(1, 2, 3, 4)
    x = {'c': torch.sin(0.7 * idx + 0.3),
         'm': torch.arange(12).remainder(5).to(REAL).reshape(1, 1, 3, 4) / 4,
         'beta_f': real([0.1, -0.2]), 'gamma_f': real([1.5, 0.5]),
         'beta_b': real([-0.3, 0.4]), 'gamma_b': real([0.8, -1.1])}
    want = {'paper': ([-0.1672906, 0.7208216, 1.2324065, 0.9377015],
                      [0.0974444, 0.2849465, 0.3925845, 0.9234184], -0.4078775, -5.0798047,
                      [1.355810, 1.556512, 0.450931, -1.161128],
                      [-0.192385, 0.506245, -1.108121, 0.234254],
                      [0.325239, 0.304140, -2.381923, -2.571501],
                      [-1.970692, 0.762119], [-2.752961, -0.358081]),
            'compat': ([0.7869723, 6.6367283, 9.0825576, 6.0946707],
                       [47.7381710, 36.2536874, 0.5138484, -20.9746348], -6.2206273, -14.4623558,
                       [61.402344, -10.785791, -38.824578, -7.245324],
                       [146.892955, 114.495436, -35.102197, -167.616474],
                       [-3.005345, 1.900391, -20.908951, -20.650790],
                       [-9.162176, 14.322215], [-9.019383, -3.023661])}
    for form, v in want.items():
        a = {k: t.clone().requires_grad_(True) for k, t in x.items()}
        y = hadain(**a, **({} if form == 'paper' else {'sigma': 'rows', 'gamma': 'exp'}))
        loss = (y * torch.cos(0.9 * idx)).sum()
        g = dict(zip(a, torch.autograd.grad(loss, list(a.values()))))
        close('hadain %s: y' % form, torch.cat([y[0, 0, 0], y[0, 1, 2]]), v[0] + v[1], 7)
        close('hadain %s: sum of y, L' % form, torch.stack([y.sum(), loss]), v[2:4], 7)
        close('hadain %s: dL/dc' % form, torch.cat([g['c'][0, 0, 0], g['c'][0, 1, 2]]),
              v[4] + v[5], 6)
        close('hadain %s: dL/dm' % form, g['m'][0, 0, 0], v[6], 6)
        close('hadain %s: dL/dgamma' % form, torch.cat([g['gamma_f'][0], g['gamma_b'][0]]),
              v[7] + v[8], 6)
        close('hadain %s: dL/dbeta' % form, torch.cat([g['beta_f'][0], g['beta_b'][0]]),
              [-0.883987, 1.963703, 0.465806, -0.188662], 6)
    c = x['c']
    close('hadain: variances, means',
          torch.cat([c.var((2, 3), unbiased=False)[0], c.mean((2, 3))[0]]),
          [0.4917336, 0.4447439, 0.1791931, 0.0034674], 7)
    close('hadain: std of row stds', c.std(3).std(2)[0], [0.1596442, 0.0227733], 7)


def check_losses(close):
    i, q = torch.arange(6, dtype=REAL), torch.arange(3, dtype=REAL)
    c = torch.sin(1.1 * i[None, :] + 0.4 * q[:, None] + 0.2).reshape(1, 3, 1, 6)
    m = real(0.1, 0.8, 0.8, 0.3, 0.95, 0).reshape(1, 1, 1, 6).requires_grad_(True)
    value = r1(m, c)
    close('r1: value', value, -0.057138102, 9)
    close('r1: gradient', torch.autograd.grad(value, m)[0],
          [0.0314134, 0.0237733, -0.0147984, -0.0194818, -0.0648577, 0.0439513], 7)
    z = real([2, -1, 0.5], [-3, 0, 4]).requires_grad_(True)
    value = bce(z, real([1, 0, 0], [0, 1, 1]))
    close('bce: value', value, 1.0870756, 7)
    close('bce: gradient', torch.autograd.grad(value, z)[0],
          [-0.0596015, 0.1344707, 0.3112297, 0.0237129, -0.25, -0.0089931], 7)
    close('bce: zero logits, 4 attributes', bce(torch.zeros(3, 4, dtype=REAL), 1), 2.7726, 4)
    steps, _, _ = adam(real(0.5), [real(0.3), real(-0.2), real(0.1)])
    close('adam', torch.cat(steps), [0.499900000003, 0.499913075670, 0.499893230995], 12)
    close('bilinear4: one axis', bilinear4(real(0, 1).reshape(1, 1, 1, 2))[0, 0, 0],
          [0, 0, .125, .375, .625, .875, 1, 1], 12)
    close('bilinear4: two axes', bilinear4(real([0, 1], [0.5, 0.25])[None, None])[0, 0, 2],
          [.0625, .0625, .167969, .378906, .589844, .800781, .90625, .90625], 6)


def check_penalty(close):
    o, u, v = torch.meshgrid(*(torch.arange(n, dtype=REAL) for n in (2, 4, 4)), indexing='ij')
    w = {'w1': 0.3 * torch.sin(1.3 * (16 * o + 4 * u + v) + 0.2)[:, None],
         'b1': real(0.05, -0.07)}
    x = torch.cos(0.5 * (16 * o + 4 * u + v))[:, None]
    o, u, v = torch.meshgrid(*(torch.arange(n, dtype=REAL) for n in (2, 3, 3)), indexing='ij')
    w.update(w2=(0.4 * torch.cos(0.9 * (9 * o + 3 * u + v) + 0.5))[None], b2=real(0.01))
    for p in w.values():
        p.requires_grad_(True)
    d = lambda x: critic(x, w, ((4, 2, 1), (3, 1, 1)))
    gp, norm = penalty(d, x)
    g1, g2 = torch.autograd.grad(gp, [w['w1'], w['w2']])
    close('penalty: src', d(x), [-0.1499864, -0.1250853, -0.1139780, -0.0688983,
                                 -0.2166339, -0.2728183, 0.1092304, 0.1338962], 7)
    close('penalty: norms', norm, [0.9160622, 0.5131536], 7)
    close('penalty: value', gp, 0.122032473, 9)
    close('penalty: dW1', torch.cat([g1[0, 0, 0], g1[1, 0, 3]]),
          [0.0225121, -0.0092232, 0.0217040, -0.0271164,
           -0.1655804, -0.3275419, -0.1965829, 0.1048832], 7)
    close('penalty: dW2', g2, [-0.0287713] * 9 + [0.4648750] * 9, 7)


def count(nets, side):
    return sum(int(np.prod(shape)) for net, rows in nets.items() if (net == 'D') == (side == 'D')
               for row in rows for _, shape in parts(row))


def check_networks(close):
    for size, w, options, want in (
            (128, 64, {}, (17857676, 44753861)),
            (128, 64, {'variant': 'iclr'}, (18120588, 44753861)),
            (128, 64, {'variant': 'iclr', 'split': True}, (20220308, 44753861)),
            (256, 64, {}, (17857676, 44852165)), (64, 32, {}, (4478540, 2800613)),
            (32, 8, {'variant': 'iclr'}, (289404, 45117))):
        nets = networks(size, w, 4, **options)
        close('parameters: %d/%d %s' % (size, w, ' '.join(map(str, options.values()))),
              real(count(nets, 'G'), count(nets, 'D')), want, 0)
    net, data = Lomit(), inputs()
    src = net.critic(data['x1'])[0]
    trunk = net.run('D', data['x1'], net.nets['D'][:-2])
    taps = net.p['D/src.weight'].sum((2, 3))
    mean = net.p['D/src.bias'] + (trunk.sum((2, 3)) * taps).sum(1) / 4
    close('critic: mean of the 2x2 map', src.mean((1, 2, 3)), mean.detach().numpy(), 12)
    for variant in ('ijcai', 'iclr'):
        swap = {k[:-1] + '21'[int(k[-1]) - 1]: v for k, v in data.items()}
        a, b = (iteration(Lomit(**CASES[variant]), d) for d in (data, swap))
        close('%s: losses with 1 and 2 exchanged' % variant,
              real(a['d']['total'], a['g']['total']), [b['d']['total'], b['g']['total']], 10)
        same = {**data, 'x2': data['x1'], 'y2': data['y1']}
        a = iteration(Lomit(**CASES[variant]), same)
        close('%s: x1 = x2 gives x12 = x11' % variant, a['s']['x12'],
              a['t']['x11'].detach().numpy(), 12)


def check_miso(close):
    for width, cond, scales, want in (
            (64, 'concat', 3, (1344080, 4335232, 3919107, 8271171)),
            (64, 'adain', 3, (1344080, 5063296, 3919107, 8271171)),
            (64, 'input', 3, (1344080, 4230784, 3919107, 8271171)),
            (8, 'concat', 2, (21976, 83152, 62499, 87154))):
        nets = miso.networks(width, cond, scales)
        got = [sum(int(np.prod(shape)) for row in nets[n] for _, shape, _ in miso.shapes(row))
               for n in ('E_A', 'E_AB', 'G_AB', 'D_A')]
        close('miso: parameters at %d %s' % (width, cond), real(*got), want, 0)
    zero, z = torch.zeros(1, 8, dtype=REAL), torch.arange(8, dtype=REAL)[None] / 3
    close('miso: MILO at the style', miso.milo(z, z, zero), 7.351508, 6)
    close('miso: MILO one away', miso.milo(z, z + 1, zero), 11.351508, 6)
    close('miso: MILO at the floor', miso.milo(z, z, zero - 8), -24.648492, 6)
    z = real([.3, -1.2, 0, 2, -.5, .7, 1.1, -.9])
    mu = real([.1, -1, .2, 1.5, -.5, .4, 1.3, -.6]).requires_grad_(True)
    l = real([-1, -.5, 0, .5, -2, -1.5, .25, -.25]).requires_grad_(True)
    value = miso.milo(z, mu, l)
    close('miso: MILO, worked', value, 5.559698, 6)
    dmu, dl = torch.autograd.grad(value, (mu, l))
    close('miso: gradient for mu', dmu, [-.543656, .329744, .2, -.303265, 0, -1.344507, .155760,
                                         .385208], 6)
    close('miso: gradient for l', dl, [.445634, .467026, .48, .424184, .5, .298324, .484424,
                                       .442219], 6)
    close('miso: KL, worked', miso.kl(mu, l), 4.152212, 6)
    close('miso: L_lat, worked', (z - mu).abs().mean(), 0.2375, 6)
    raw = real(-9, -9, 5, 5, 0).requires_grad_(True)
    g, = torch.autograd.grad((miso.Clamp.apply(raw) * real(1, -1, 1, -1, 1)).sum(), raw)
    close('miso: gradient of the limits', g, [0, -1, 1, 0, 1], 12)
    x = torch.arange(16, dtype=REAL).reshape(1, 1, 4, 4)
    close('miso: mean of 3x3 pixels', F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)[0, 0],
          [[2.5, 4], [8.5, 10]], 12)
def check_mbu(close):
    k = torch.arange(1, 17, dtype=REAL).reshape(1, 1, 4, 4)
    close('mbu: convolution', F.conv2d(k, k, real(0.5), 2, 1), [[696.5, 732.5], [732.5, 696.5]], 9)
    close('mbu: transposed convolution',
          F.conv_transpose2d(real([1, 2], [3, 4])[None, None], k, real(0.5), 2, 1),
          [[6.5, 17.5, 20.5, 14.5], [16.5, 42.5, 52.5, 34.5],
           [32.5, 82.5, 92.5, 58.5], [30.5, 69.5, 76.5, 44.5]], 9)
    for size, sep, want in ((128, 25, (6483482, 742379, 6984099, 6984612, 998401)),
                            (128, 100, (5097032, 896204, 6984099, 6984612, 844801)),
                            (64, 25, (6483482, 742379, 6984099, 6984612, 250369)),
                            (256, 25, (6483482, 742379, 6984099, 6984612, 3990529))):
        got = [sum(int(np.prod(shape)) for _, shape, _ in mbu.shapes(net, channels))
               for net, channels in mbu.networks(size, 32, sep).items()]
        close('mbu: parameters at %d, sep %d' % (size, sep), real(*got), want, 0)
    l = real(0.3).requires_grad_(True)
    r = real(0.5, -1, 2).requires_grad_(True)
    c = real(0.2, -0.4, 0.9).requires_grad_(True)
    out = mbu.blend((torch.sigmoid(l), torch.tanh(r)), c)
    g = torch.autograd.grad((out * real(1, -2, 0.5)).sum(), (l, r, c))
    close('mbu: blended pixel', torch.cat([out, *g]),
          [0.350571240, -0.607715057, 0.936780164, 0.248692149, 0.451769015, -0.482502236,
           0.020292419, 0.425557483, -0.851114966, 0.212778742], 9)


def check_torch(close):
    """The equations of ops.py against torch's own operators."""
    x = torch.sin(torch.arange(120, dtype=REAL)).reshape(2, 3, 4, 5)
    a, b = real(1.5, -0.5, 0.7), real(0.1, 0.2, -0.3)
    mean, var = torch.zeros(3, dtype=REAL), torch.ones(3, dtype=REAL)
    for name, dims, other in (('instance', (2, 3), F.instance_norm(x, weight=a, bias=b)),
                              ('layer', (1, 2, 3), F.group_norm(x, 1, a, b)),
                              ('batch', (0, 2, 3), F.batch_norm(x, mean, var, a, b, True))):
        close('torch: %s norm' % name, normalise(x, dims, a, b), other, 12)
    stats = torch.cat([0.1 * batch_stats(x)[0], 0.9 + 0.1 * batch_stats(x)[1]])
    close('torch: running statistics', stats, torch.cat([mean, var]), 12)
    up = F.interpolate(x, scale_factor=4, mode='bilinear', align_corners=False)
    close('torch: bilinear x4', bilinear4(x), up, 12)
    t = (x.cos() > 0.5).to(REAL).reshape(10, 12)
    other = F.binary_cross_entropy_with_logits(9 * x.reshape(10, 12), t, reduction='sum') / 10
    close('torch: bce', bce(9 * x.reshape(10, 12), t), other, 12)
    p = x[0].clone().requires_grad_(True)
    optimiser = torch.optim.Adam([p], lr=1e-4, betas=(0.5, 0.999), eps=1e-8)
    for g in x:
        p.grad = g.clone()
        optimiser.step()
    close('torch: adam', adam(x[0], list(x))[0][-1], p.detach(), 12)


def check():
    close = Check()
    for part in (check_hadain, check_losses, check_penalty, check_networks, check_mbu, check_miso,
                 check_torch):
        part(close)
    return close.failed
