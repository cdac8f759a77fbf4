/*
 * netio.h - a network as a record of a model file, and back.
 */
#ifndef XL_NN_NETIO_H
#define XL_NN_NETIO_H

#include "nn/net.h"
#include "xl.h"

/* A record whose tensors are a block of the network itself: nothing is copied. */
struct xl_net_view {
	struct xl_record r;
	char id[32];
};

/*
 * xl_net_view - the record of a block laid out as net's parameters, called by the
 *               network's id and suffix; xl_net_view_done - forget it
 *
 * Owns     borrows net and block; the record itself must not be freed or changed
 * Errors   0, or -1 with xl_err set
 */
int xl_net_view(struct xl_net_view *v, const struct xl_net *net, const char *suffix,
		const float *block);
void xl_net_view_done(struct xl_net_view *v);

/* xl_net_check - that r has every parameter, <f4 of its shape; 0, or -1 with xl_err
 * set. xl_net_take - copy them into a block; r was checked */
int xl_net_check(const struct xl_net *net, const struct xl_record *r);
void xl_net_take(const struct xl_net *net, const struct xl_record *r, float *block);

#endif
