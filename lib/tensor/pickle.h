/*
 * pickle.h - a machine for the pickles of torch state dictionaries, and for
 * nothing else. A pickle is a program; this machine builds plain values, and
 * knows the few names a state dictionary needs by their spelling alone: nothing
 * is looked up, called or executed.
 */
#ifndef XL_TENSOR_PICKLE_H
#define XL_TENSOR_PICKLE_H

#include "tensor/foreign.h"

enum xl_pickle_type {
	XL_P_NONE,
	XL_P_BOOL,
	XL_P_INT,
	XL_P_FLOAT,
	XL_P_STR,
	XL_P_TUPLE,
	XL_P_LIST,
	XL_P_DICT,
	XL_P_NAME,    /* of a function or class; never leaves the machine in a place that matters */
	XL_P_STORAGE, /* items: its key, a string */
	XL_P_TENSOR   /* items: storage, offset, sizes, strides */
};

/* A value: the number of a node. */
typedef uint32_t xl_node_id;

struct xl_pickle_node {
	enum xl_pickle_type type;
	bool is_ordered;         /* DICT: made as an OrderedDict */
	enum xl_foreign storage; /* STORAGE: its elements */
	int64_t i;               /* BOOL, INT; STORAGE: its elements' number */
	double f;                /* FLOAT */
	const char *text;        /* STR: n bytes in the pickle */
	xl_node_id *items;       /* n of them; DICT: keys and values in turn */
	uint32_t n, cap;
};

struct xl_pickle {
	struct xl_pickle_node *nodes;
	uint32_t n_nodes, cap_nodes;
	xl_node_id *stack, *memo;
	uint32_t n_stack, cap_stack, n_memo;
	xl_node_id root; /* what the pickle is of */
};

/*
 * xl_pickle_run - run one pickle, protocol 2 (or later, in the same words)
 *
 * Containers may hold themselves: whoever walks them must count.
 * Source   the opcodes of Python's pickletools; what torch.save writes
 * Owns     xl_pickle_done frees, also after a failure; texts stay in data
 * Errors   the bytes used, or 0 with xl_err set: "byte 12: asks for posix.system,
 *          which is never called"
 */
size_t xl_pickle_run(struct xl_pickle *p, const uint8_t *data, size_t size);
void xl_pickle_done(struct xl_pickle *p);

/* xl_pickle_at - the node of a value; xl_pickle_item - of item k of a value */
const struct xl_pickle_node *xl_pickle_at(const struct xl_pickle *p, xl_node_id id);
const struct xl_pickle_node *xl_pickle_item(const struct xl_pickle *p,
					    const struct xl_pickle_node *of, uint32_t k);

/* xl_pickle_get - the value of a key of a DICT, or NULL */
const struct xl_pickle_node *xl_pickle_get(const struct xl_pickle *p,
					   const struct xl_pickle_node *dict, const char *key);

/* xl_pickle_is - is it a string of just these characters? */
bool xl_pickle_is(const struct xl_pickle_node *s, const char *text);

#endif
