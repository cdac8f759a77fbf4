#!/usr/bin/python3
"""weights.py [DIR] - make the files that weights are read from in xl's tests.

Every file has the tensors of the stream weights.msgpack (one record, as xl keeps
them), written by torch or numpy, or for safetensors by the few lines below:

  weights-zip.pth     torch.save, a zip archive
  weights-old.pth     torch.save, the layout from before 2020
  weights-nested.pth  the same under "state_dict", among other things, and "module."
  weights.npz         numpy.savez, with bfloat16 as float32
  weights-packed.npz  numpy.savez_compressed, columns first
  weights.safetensors
  python2.pth         an OrderedDict as Python 2 wrote it: of pairs, in byte strings

Needs python3-torch, -numpy and -msgpack; the tests only read the files.
"""
import collections
import json
import os
import struct
import sys

sys.dont_write_bytecode = True

import msgpack
import numpy as np
import torch

import pack


def tensors():
    """One of each type, with every kind of stride, offset and shape."""
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 8 - 1
    small = torch.tensor([-3, 0, 5])
    t = collections.OrderedDict()
    t['conv.weight'] = base
    t['half'] = torch.tensor([0.5, -2, 65504, 6e-8]).half()
    t['brain'] = torch.tensor([[1.5, -0.1], [3e38, 1e-40]]).bfloat16()
    t['double'] = torch.tensor([0.1, -1e300], dtype=torch.float64)
    t['int8'], t['int16'], t['int32'] = small.to(torch.int8), small.short() * 9999, small.int()
    t['num_batches_tracked'] = torch.tensor(1 << 40)
    t['byte'] = torch.tensor([0, 7, 255], dtype=torch.uint8)
    t['bool'] = torch.tensor([True, False])
    t['transposed'] = base[0].t()
    t['part'] = base.reshape(-1)[3:20:4]
    t['tied'] = base
    t['none'] = torch.zeros(0, 3)
    t['parameter'] = torch.nn.Parameter(torch.tensor([[2.5]]))
    t['näme'] = torch.tensor([1.0])
    return t


def as_numpy(t):
    t = t.detach()
    return (t.float() if t.dtype == torch.bfloat16 else t).numpy()


def as_xl(t):
    a = as_numpy(t)
    return a.astype('<i4') if a.dtype in (np.int8, np.int16) else a


def safetensors(path, t):
    names = {torch.float32: 'F32', torch.float16: 'F16', torch.bfloat16: 'BF16',
             torch.float64: 'F64', torch.int8: 'I8', torch.int16: 'I16', torch.int32: 'I32',
             torch.int64: 'I64', torch.uint8: 'U8', torch.bool: 'BOOL'}
    header, data = {'__metadata__': {'format': 'pt', 'made by': 'a "test" \\'}}, b''
    for name, v in t.items():
        v = v.detach().contiguous()
        raw = (v.view(torch.int16) if v.dtype == torch.bfloat16 else v).numpy().tobytes()
        header[name] = {'dtype': names[v.dtype], 'shape': list(v.shape),
                        'data_offsets': [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + data)


def python2(path):
    """Two tensors; only what differs from Python 3: strings, and the dict's pairs."""
    def text(s):
        return b'U' + bytes([len(s)]) + s

    def tensor(key, n):
        return (b'ctorch._utils\n_rebuild_tensor\n((' + text(b'storage')
                + b'ctorch\nFloatStorage\n' + text(key) + text(b'cpu') + b'K' + bytes([n])
                + b'Ntq\x01QK\x00K' + bytes([n]) + b'\x85K\x01\x85tR')

    head = (bytes.fromhex('80028a0a6cfc9c46f9206aa850192e') + b'\x80\x02M\xe9\x03.'
            + b'\x80\x02}' + text(b'little_endian') + b'\x88s.')
    obj = (b'\x80\x02ccollections\nOrderedDict\n](](' + text(b'lin0.model.1.weight')
           + tensor(b'72', 2) + b'e](' + text(b'lin1.model.1.weight') + tensor(b'9', 1) + b'ee\x85R.')
    keys = b'\x80\x02](' + text(b'72') + text(b'9') + b'e.'
    with open(path, 'wb') as f:
        f.write(head + obj + keys + struct.pack('<qff', 2, 0.25, 0.75) + struct.pack('<qf', 1, -3))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))

    def at(name):
        return os.path.join(folder, name)

    t = tensors()
    torch.save(t, at('weights-zip.pth'))
    torch.save(t, at('weights-old.pth'), _use_new_zipfile_serialization=False)
    torch.save({'epoch': 3, 'best': 0.5, 'names': ['a', None, (1, 2, 3, 4)], 'large': 1 << 40,
                'optimizer': {'state': {0: {'step': 7}}},
                'state_dict': {'module.' + k: v for k, v in t.items()}}, at('weights-nested.pth'))
    np.savez(at('weights.npz'), **{k: as_numpy(v) for k, v in t.items()})
    np.savez_compressed(at('weights-packed.npz'),
                        **{k: as_numpy(v).copy(order='F') for k, v in t.items()})
    safetensors(at('weights.safetensors'), t)
    python2(at('python2.pth'))
    record = pack.record('weights', {}, {k: as_xl(v) for k, v in t.items()})
    for k, v in t.items():
        record['tensors'][k][b'shape'] = list(v.shape)  # numpy's packing has no scalars
    with open(at('weights.msgpack'), 'wb') as f:
        f.write(msgpack.packb(record))


if __name__ == '__main__':
    main()
