#!/usr/bin/env python3
"""stream.py OUT: makes tests/golden/stream.msgpack with Python's own msgpack.

enc() is what msgpack_numpy.encode returns for an array; where that package is
installed the script checks that it still does."""
import sys

import msgpack
import numpy as np


def enc(a):
    return {b'nd': True, b'type': a.dtype.str, b'kind': b'', b'shape': a.shape,
            b'data': a.tobytes()}


def record(kind, name, meta, tensors):
    r = {'xl': 1, 'kind': kind, 'id': name}
    if meta is not None:
        r['meta'] = meta
    r['tensors'] = {k: enc(v) for k, v in tensors.items()}
    data = msgpack.packb(r, use_bin_type=True)
    try:
        import msgpack_numpy
    except ImportError:
        return data
    r['tensors'] = tensors
    assert data == msgpack.packb(r, default=msgpack_numpy.encode, use_bin_type=True)
    return data


integers = [0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1,
            -1, -32, -33, -128, -129, -32768, -32769, -2**31, -2**31 - 1, -2**63]

with open(sys.argv[1], 'wb') as out:
    out.write(record('image', 'ä.png', {
        'domain': 'A',
        'attributes': ['Black_Hair', 'Smiling'],
        'mixed': ['a', 1, 2.5, True, False],
        'empty': [],
        'integers': integers,
        'half': 0.5,
        'three': 3.0,
        'yes': True,
        'no': False,
        's31': 'x' * 31,
        's32': 'y' * 32,
        's256': 'z' * 256,
    }, {
        'x': (np.arange(3 * 4 * 5) * 4).astype(np.uint8).reshape(3, 4, 5),
        'y': np.array([1, 0], np.uint8),
        'b': np.array([True, False, True]),
        'i4': np.arange(-2, 4, dtype='<i4').reshape(2, 3),
        'i8': np.array([2**62, -5], '<i8'),
        'f2': np.array([0, 0.5, -2, 65504], '<f2'),
        'm': (np.arange(300) / 512).astype('<f4').reshape(1, 1, 300),
        'f8': np.array([0.1], '<f8'),
        'scalar': np.array(7, '<f4'),
        'none': np.zeros((0, 3), '<f4'),
    }))
    out.write(record('code', '', None, {}))
    out.write(record('stats', 'many', {}, {
        't%d' % i: np.array([i], '<i4') for i in range(20)}))
