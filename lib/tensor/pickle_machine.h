/*
 * pickle_machine.h - what the two parts of the pickle machine share: its input,
 * its stack, and the opcodes that know of torch. Used by pickle*.c alone.
 */
#ifndef XL_TENSOR_PICKLE_MACHINE_H
#define XL_TENSOR_PICKLE_MACHINE_H

#include "tensor/pickle.h"

/* On the stack: below it, values that the next opcode does not take. */
#define XL_MARK UINT32_MAX

struct xl_machine {
	struct xl_pickle *p;
	const uint8_t *data, *at, *end;
};

/* xl_machine_push - a value onto the stack; _push_new - a new node (copied);
 * _push_number - a new one of a type and i alone. 0, or -1 with xl_err set.
 * Pointers to nodes are good until the next new one. */
int xl_machine_push(struct xl_machine *m, xl_node_id id);
int xl_machine_push_new(struct xl_machine *m, const struct xl_pickle_node *node);
int xl_machine_push_number(struct xl_machine *m, enum xl_pickle_type type, int64_t i);

/* xl_machine_pop - a value from the stack; 0, or -1 with xl_err set.
 * xl_machine_top - the node on top, which must be of that type, and stays; NULL with
 * xl_err set */
int xl_machine_pop(struct xl_machine *m, xl_node_id *out);
struct xl_pickle_node *xl_machine_top(struct xl_machine *m, enum xl_pickle_type type);

/* xl_machine_take_line - input up to a newline, which is dropped; 0, or -1 with
 * xl_err set */
int xl_machine_take_line(struct xl_machine *m, const char **line, size_t *n);

/* xl_node_add_items - append to a node's items. xl_machine_set_items - keys and values
 * in turn into the DICT on top. 0, or -1 with xl_err set */
int xl_node_add_items(struct xl_pickle_node *to, const xl_node_id *items, uint32_t n);
int xl_machine_set_items(struct xl_machine *m, const xl_node_id *items, uint32_t n);

/* The opcodes GLOBAL, BINPERSID, REDUCE and BUILD; 0, or -1 with xl_err set */
int xl_machine_global(struct xl_machine *m);
int xl_machine_storage(struct xl_machine *m);
int xl_machine_reduce(struct xl_machine *m);
int xl_machine_build(struct xl_machine *m);

#endif
