#!/usr/bin/python3
"""make.py [DIR] - make the golden files of xl's tests with PyTorch.

Written independently of the C code: networks, losses and operators follow the
specification and use torch autograd in float64. Needs python3-torch, -numpy and
-msgpack; the tests themselves only read the files. ops.py has the operators and
their cases, lomit.py, miso.py, mbu.py and egsc.py the methods, spec.py the checks that run first, pack.py the
encoding. Each file is an xl stream (xl-stream(5)) of `features` records. Inputs
are exact in <f4, so that C and Python start from equal numbers; results are <f8,
or <f4 in tensors of more than 96 elements. Scalars have shape [1].

ops.msgpack: one record for each case, id OP/CASE, meta.op the operator, its
numbers (stride, pad, eps ...) in meta. Unless listed otherwise the tensors are
  inputs            by name, see below; meta.inputs lists the differentiable ones
  y, gy             output; upstream gradient of y
  gNAME             gradient of sum(y * gy) with respect to input NAME
  vNAME             (meta.second only) a direction for each gNAME; with
                    L2 = sum over NAME of sum(gNAME * vNAME):
  hNAME, hgy        gradient of L2 with respect to input NAME and to gy
  conv2d            x w b; kernel stride pad padding ("reflect" or "zero")
  linear            x (N,ci) w (co,ci) b (co)
  instance_norm     x scale shift; eps (biased variance, eps inside the root)
  layer_norm        the same over C,H,W together, scale and shift per channel
  batch_norm        the same; training, momentum; running_mean running_var before,
                    running_mean_after running_var_after
  relu leaky_relu tanh sigmoid    x (with exact zeros); slope
  nearest2 bilinear4 avgpool      x
  hadain            c m beta_f gamma_f beta_b gamma_b (raw gamma);
                    sigma "std" (paper) or "rows" (compat), gamma "linear" or "exp"
  l1                a b (with ties); y = mean |a - b|
  bce               z t; y = sum over attributes, mean over the batch
  r1                m c; y; gm only, c is not differentiated
  gradient_penalty  x_hat, w1 b1 w2 b2 .. of a critic of conv2d layers (reflect;
                    kernels strides pads lists; leaky_relu between, none after the
                    last); src norm y; gwN gbN
  adam              p0 (n), g (T,n); p (T,n) after each step; m v after the last;
                    lr beta1 beta2 eps

lomit-ijcai.msgpack, lomit-iclr.msgpack: one iteration (critic step, then
generator step) at size 32, width 4, c_dim 3, a batch of 2 pairs, weights of
section WEIGHTS below. meta of every record: variant size width c_dim seed.
  id inputs    y1 y2 (2,3) |u1; alpha1 alpha2 (2): x_hat = alpha x + (1-alpha) fake
  id stage1    c1 c2 m1 m2 s_f1 s_b1 s_f2 s_b2 h12 h21 (after HAdaIN) x12 x21
  id critic    before its update: src1 cls1 src2 cls2 src12 src21 and norm1 norm2
               (gradient norm of each sample); after it: src12_after cls12_after
               src21_after cls21_after
  id stage2    c12 c21 m12 m21 s_f12 s_b12 s_f21 s_b21 x121 x212 x11 x22 (iclr m11 m22)
  id d-step    meta: the losses adv cls gp total, unweighted but for total, each also
               as NAME_1 (x1, x12) and NAME_2 (x2, x21); gradient norm of network N
               as norm_N; names: the parameters in order; zero: those whose
               gradient is 0 in exact arithmetic (never compare their samples).
               Tensors, a row for each parameter: grad_norm; index (P,4) <i4 of the
               elements of largest |gradient| (-1: fewer elements); grad and after
               (P,4) there, gradient and value after Adam; sum (P) of all values
               after Adam; slack (P), what that sum may move by when every gradient
               moves by 3e-3 of its network's rms gradient (or its own, if that is
               greater) and every value by 2^-24
  id g-step    the same for the generator side: adv cls style_f style_b content
               cycle self r1 r_area r_style total (r_style has weight 0 in ijcai)
  id batchnorm running_mean running_var (6,4): mask layers 1..6, channels 0..3, after
               updates in the order m1 m2 m12 m21 (iclr: then m11 m22); stage 1 is
               computed, and counted, once an iteration
lomit-switches.msgpack: the same iteration under other switches, id VARIANT-SWITCH,
meta: variant size width c_dim seed; losses of both steps as d_NAME, g_NAME;
gradient norms as d_norm_N, g_norm_N; no tensors. Switches: style-split, gamma-exp,
compat (sigma "rows" and gamma "exp"), mask-norm-in, no-exemplar-mask (all style
codes from whole images).

miso.msgpack: one iteration (encoders and generators, then discriminators on the same
pictures) of MISO at size 32, width 4, 2 images of each domain in each phase; for each
case of miso.py
  id inputs    noise (12,8): normal draws, two rows each for eps of the styles of real A
               and B, drawn styles of A and B, eps of styles read from fakes of A and B
  id CASE-g    meta: size width seed; the losses adv_enc adv_rand info (or sr) cyc kl lat,
               unweighted sums of both domains, and total; sigma_real sigma_fake rms_enc
               rms_rand; norm_N, and in the cases concat and adain names, zero and the
               tensors as in d-step above
  id CASE-d    the same of the discriminators: adv_enc adv_rand total, and the shares of
               logits on the right side, hit_real hit_enc hit_rand
Parameters are numbered over E_A E_B E_AB E_BA G_AB G_BA D_A D_B, rows in the order of
the tables, in each layer weight, bias, scale and shift if it has them, planes (the
columns of the style). Weights of a style's two heads are 0.02 z.

mbu.msgpack: one iteration (encoders and decoders, then C) of MBU at size 128, width 2,
a batch of 2 images of each domain (a, then b); for each case of mbu.py
  id CASE-first      meta: size width sep seed; the losses recon1_a recon1_b recon2_a
               recon2_b (or mask_l2) cycle_c cycle_s dc, unweighted, and total; grad, the
               norm of all gradients before they are clipped; norm_N, names, zero and
               the tensors as in d-step above, of the clipped gradients
  id CASE-second     the same for C, whose loss is c; absent in without-c
  id CASE-batchnorm  E_c E_s D_A D_B: running mean, then variance, of each block
Parameters are numbered over E_c E_s D_A D_B C, blocks 1 to 6, C's layers 1 and 2;
fan_in counts 16 taps of every input channel; C's weights are halved as D's.

egsc.msgpack: one iteration (discriminators on the first half of a batch of 4 images of
each domain, then the rest on the second) of EGSC-IT at size 20, width 4, lr 1e-3, lambda_s
1e3, lambda_c 10; for each case of egsc.py
  id CASE-d    meta: size width seed; gan, unweighted, and total; norm_N, names, zero and
               the tensors as in d-step above
  id CASE-g    the same of the rest: gan vae kl total, but in stage 1 (case pre) also cyc
               cyc_kl, and style content in case std
Parameters are numbered over E_A E_B S G_A G_B F_A F_B R_A R_B D_A D_B V, of which a case
has some, rows in the order of the networks; weights of D and V are halved; fan_in of a
transposed convolution is I*kh*kw. Noise on codes, in the order they are encoded: element k
of parameter 777, without the seed.

WEIGHTS. Parameters are numbered p = 0, 1, ... over the networks E_c E_s G_m [gate]
MLP_f MLP_b G D, rows in the order of the tables in the specification, in each
layer weight, bias, then scale, shift if it is normalised. Names are
NETWORK/ROW.PART: E_c/1.weight, E_c/4a.weight .. E_c/7b.shift, G_m/1..7, gate/1..2,
MLP_f/1..3, G/1a..4b 5 6 7, D/1..nD src cls. With style-split E_s has rows
1 2 3 4 5 7 4b 5b 7b. Element k (row-major) of parameter p is, in 32 bits,
  h = k + (p + seed) * 0x9e3779b9
  h ^= h >> 16; h *= 0x85ebca6b; h ^= h >> 13; h *= 0xc2b2ae35; h ^= h >> 16
  z = sqrt(3) * (2 * (h / 2^32) - 1)            (mean 0, variance 1)
and its value, rounded to <f4: weights sqrt(2 / fan_in) * z (D: half of that),
biases and shifts 0.1 z, scales 1 + 0.1 z. Gradients jump where a rectifier's
input or a difference under an L1 norm changes sign; each seed was searched for so
that none of those is near enough to 0 for single precision to flip it.
IMAGES. Of LOMIT, MBU and EGSC-IT: x[n,c,i,j] = sin(0.05 (c+1) (i+1) + 0.07 (j+1) (n+1) + which)
  * cos(0.11 i - 0.06 j (c+1) + 0.5 n), which = 0 for x1 or a, 1.7 for x2 or b, as <f4.
"""
import os
import sys

sys.dont_write_bytecode = True

import numpy as np
import torch

import egsc
import lomit
import mbu
import miso
import ops
import pack
import spec


def print_precision():
    """How far float32 is from the golden numbers: a floor for tolerances."""
    for name, options in lomit.CASES.items():
        exact = lomit.iteration(lomit.Lomit(**options))
        r = lomit.iteration(lomit.Lomit(dtype=torch.float32, **options))
        worst = max(abs(r[k][n] - v) / max(abs(v), 1e-2) for k in 'dg' for n, v in exact[k].items())
        print('float32 %-23s losses %.0e' % (name, worst), end='')
        for step in ('d_step', 'g_step'):
            (meta, a), (_, b) = exact[step], r[step]
            fine = np.array([n not in meta['zero'] for n in meta['names']])
            norm = np.abs(b['grad_norm'][fine] / a['grad_norm'][fine] - 1).max()
            same = fine & (a['index'] == b['index']).all(1)
            grad = (np.abs(a['grad'] - b['grad'])[same] / np.abs(a['grad'][same, :1])).max()
            after = np.abs(a['after'] - b['after'])[same].max()
            total = (np.abs(a['sum'] - b['sum']) / a['slack']).max()
            print('; %s norms %.0e grad %.0e after %.0e sum/slack %.2f'
                  % (step[0], norm, grad, after, total), end='')
        print()


def main():
    torch.set_num_threads(1)
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    failed = spec.check()
    if failed:
        sys.exit('make.py: %d checks failed, nothing written' % failed)
    print_precision()
    files = (('ops', ops.records), ('lomit-ijcai', lambda: lomit.records('ijcai')),
             ('lomit-iclr', lambda: lomit.records('iclr')),
             ('lomit-switches', lomit.switch_records), ('miso', miso.records),
             ('mbu', mbu.records), ('egsc', egsc.records))
    size = sum(pack.write(os.path.join(folder, name + '.msgpack'), make()) for name, make in files)
    assert size <= 1500000, 'the golden files exceed 1.5 MB'


if __name__ == '__main__':
    main()
