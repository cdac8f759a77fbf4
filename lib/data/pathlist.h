/*
 * pathlist.h - a list of paths on stdin, one a line or each ended by a zero byte.
 */
#ifndef XL_DATA_PATHLIST_H
#define XL_DATA_PATHLIST_H

#include "xl.h"

/*
 * xl_path_list - all of stdin as *size bytes of paths, each ended by a zero byte
 *
 * Where stdin has a zero byte, those end its paths, else newlines do. Empty paths are
 * to be passed over.
 * Owns     the caller frees *text
 * Errors   0; 1 with xl_err set where stdin is no list of paths; -1 with xl_err set
 */
int xl_path_list(char **text, size_t *size);

#endif
