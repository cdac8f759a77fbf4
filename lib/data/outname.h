/*
 * outname.h - ids of records as names: of fused records, and of files in a folder,
 * which no id can leave and no file there is lost to.
 */
#ifndef XL_DATA_OUTNAME_H
#define XL_DATA_OUTNAME_H

#include "xl.h"

/* xl_id_stem - an id without its extension: a dot, a letter, and at most four
 * letters and digits more, also in front of numbers ("a.png" gives "a", "a.png#0" "a#0",
 * "v1.2" stays). The caller frees it; NULL with xl_err set */
char *xl_id_stem(const char *id);

/* xl_id_fused - "INPUT+EXEMPLAR", extensions dropped. The caller frees it; NULL
 * with xl_err set */
char *xl_id_fused(const char *input, const char *exemplar);

/* xl_make_dir - a folder of that name, made if it is not there (its parent must
 * be); 0, or -1 with xl_err set */
int xl_make_dir(const char *dir);

/*
 * xl_save_picture - write a picture as dir/STEM.png, or, where that is taken, as
 * the first of STEM-1.png, STEM-2.png, ... that is free
 *
 * Slashes and control characters of the id become "_", as does a dot in front;
 * what is longer than a file name may be is cut. The file appears whole, and never
 * in place of another, even when several programs write there at once.
 *
 * Shapes   t: (3,H,W) or (1,H,W), |u1 or <f4 -1..1
 * Owns     *path is the caller's: the name it got ("STEM.png" for dir NULL, which
 *          is the current directory)
 * Errors   0, 1 where the name was taken and has a number now, -1 with xl_err set
 */
int xl_save_picture(const struct xl_tensor *t, const char *dir, const char *id, char **path);

#endif
