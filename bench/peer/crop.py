#!/usr/bin/python3
"""crop.py PROCESSES FOLDER - time Pillow on what xl-crop does with the pictures of
a folder: decode, cut the largest centred square, resize it to 128x128, and lay it
out as planes. Prints the seconds it took, without the start of Python and its
processes, and without handing the results on.
"""
import glob
import multiprocessing
import sys
import time

import numpy
from PIL import Image


def crop(path):
    im = Image.open(path).convert('RGB')
    side = min(im.size)
    x, y = (im.width - side) // 2, (im.height - side) // 2
    im = im.crop((x, y, x + side, y + side)).resize((128, 128), Image.BILINEAR)
    return numpy.ascontiguousarray(numpy.asarray(im).transpose(2, 0, 1)).size


paths = sorted(glob.glob(sys.argv[2] + '/*.jpg'))
with multiprocessing.Pool(int(sys.argv[1])) as pool:
    pool.map(crop, paths[:100])
    start = time.perf_counter()
    pool.map(crop, paths, chunksize=20)
    print(time.perf_counter() - start)
