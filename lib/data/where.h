/*
 * where.h - conditions on labels, as in --where and --domain-by:
 * "Male=1,Mustache=1|Goatee=1". A comma is AND and is weaker than |, which is
 * OR. A name alone means that its label is not 0.
 */
#ifndef XL_DATA_WHERE_H
#define XL_DATA_WHERE_H

#include <stdbool.h>
#include <stdint.h>

struct xl_where;

/*
 * xl_where_new - read a condition over n labels of these names
 *
 * what is the option, for messages.
 * Owns     the caller frees it with xl_where_free; names are not kept
 * Errors   NULL with xl_err set: "--where: there is no attribute 'Hat'; there
 *          are Bald, Bangs", "--where: 'Bald=x' is not NAME=0 or NAME=1"
 */
struct xl_where *xl_where_new(const char *what, const char *expr, const char *const *names, int n);
void xl_where_free(struct xl_where *w);

/* xl_where_holds - whether labels y, in the order of the names, satisfy it */
bool xl_where_holds(const struct xl_where *w, const uint8_t *y);

/*
 * xl_where_name - the number of the name that is the first len bytes of s
 *
 * Errors   -1 with xl_err set, naming what there is
 */
int xl_where_name(const char *what, const char *s, int len, const char *const *names, int n);

#endif
