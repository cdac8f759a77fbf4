/*
 * torchfile.h - the state dictionaries that torch.save writes, in its two layouts.
 */
#ifndef XL_TENSOR_TORCHFILE_H
#define XL_TENSOR_TORCHFILE_H

#include "tensor/ziparchive.h"
#include "xl.h"

/* xl_is_torch_zip - is this archive a .pth? xl_is_torch_legacy - does a file that
 * begins with these bytes have the layout from before 2020? */
bool xl_is_torch_zip(const struct xl_zip *z);
bool xl_is_torch_legacy(const void *bytes, size_t n);

/*
 * xl_torch_zip_read, xl_torch_legacy_read - all tensors of a file, put into r
 *
 * The names of nested dictionaries are joined by dots; what is no tensor is left
 * out. key is the entry of the outermost dictionary to read; where it is NULL and
 * that one holds no tensors itself, but just one of state_dict, model, net,
 * params, it is that one. `module.` before every name is dropped. Tensors may
 * share storages, and come with any strides, but take at most MAX_TENSOR_SHARE
 * times the bytes of the file in all.
 *
 * size: of the file.
 * Errors   0, or -1 with xl_err set, without the name of the file; r may have some
 *          tensors after a failure
 */
int xl_torch_zip_read(struct xl_record *r, const char *key, struct xl_zip *z, size_t size);
int xl_torch_legacy_read(struct xl_record *r, const char *key, const uint8_t *data, size_t size);

enum { MAX_TENSOR_SHARE = 16 };

#endif
