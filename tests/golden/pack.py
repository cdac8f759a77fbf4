"""pack.py - records of an xl stream, written by hand as msgpack-numpy writes them."""
import os

import msgpack
import numpy as np


def array(a):
    """An array as msgpack-numpy writes it."""
    a = np.ascontiguousarray(a)
    return {b'nd': True, b'type': a.dtype.str, b'kind': b'',
            b'shape': list(a.shape), b'data': a.tobytes()}


def record(ident, meta, tensors):
    return {'xl': 1, 'kind': 'features', 'id': ident, 'meta': meta,
            'tensors': {k: array(a) for k, a in tensors.items()}}


def write(path, records):
    with open(path, 'wb') as f:
        for r in records:
            f.write(msgpack.packb(r, use_bin_type=True))
    size = os.path.getsize(path)
    print('%-24s %3d records %7d bytes' % (os.path.basename(path), len(records), size))
    assert size <= 600000, path + ' is too large'
    return size


def result(t):
    """A computed tensor, in the type it is stored in."""
    a = t.detach().numpy()
    a = a.reshape(1) if a.ndim == 0 else a
    return a.astype('<f8' if a.size <= 96 else '<f4')


def given(t):
    """An input, whose values are exact in <f4."""
    a = t.detach().numpy()
    assert (a == a.astype('<f4')).all()
    return a.astype('<f4')
