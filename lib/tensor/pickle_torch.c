/*
 * pickle_torch.c - what a state dictionary's pickle says of torch: storages,
 * tensors, parameters, and the one class of dictionaries.
 */
#include <stdlib.h>
#include <string.h>
#include "tensor/pickle_machine.h"

enum { MAX_NAME = 256 };

/* What a NAME node's i says; storage classes come after. */
enum callable { ORDERED_DICT, REBUILD_TENSOR, REBUILD_TENSOR_V2, REBUILD_PARAMETER, CALLABLES };

int xl_machine_global(struct xl_machine *m)
{
	static const char *const callables[CALLABLES] = {
		"collections.OrderedDict", "torch._utils._rebuild_tensor",
		"torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"};
	static const char torch[] = "torch.";
	const char *module = NULL, *name = NULL;
	char full[2 * MAX_NAME + 2];
	size_t n = 0, k = 0;
	enum xl_foreign storage;

	if (xl_machine_take_line(m, &module, &n) || xl_machine_take_line(m, &name, &k))
		return -1;
	snprintf(full, sizeof full, "%.*s.%.*s", n > MAX_NAME ? MAX_NAME : (int)n, module,
		 k > MAX_NAME ? MAX_NAME : (int)k, name);
	for (int i = 0; i < CALLABLES; i++)
		if (strcmp(callables[i], full) == 0)
			return xl_machine_push_number(m, XL_P_NAME, i);
	if (strncmp(full, torch, strlen(torch)) == 0 &&
	    xl_foreign_find(XL_TORCH, full + strlen(torch), strlen(full + strlen(torch)),
			    &storage) == 0)
		return xl_machine_push_number(m, XL_P_NAME, CALLABLES + (int64_t)storage);
	return xl_err("asks for %s, which is never called (a state dictionary needs no such thing)",
		      full);
}

/* ("storage", class, key, device, elements [, None]): the device does not matter */
int xl_machine_storage(struct xl_machine *m)
{
	const struct xl_pickle *p = m->p;
	const struct xl_pickle_node *args = xl_machine_top(m, XL_P_TUPLE), *name, *key, *count;
	struct xl_pickle_node node = {.type = XL_P_STORAGE};
	xl_node_id id;

	if (!args)
		return -1;
	if (args->n < 5 || args->n > 6 || !xl_pickle_is(xl_pickle_item(p, args, 0), "storage") ||
	    (args->n == 6 && xl_pickle_item(p, args, 5)->type != XL_P_NONE))
		return xl_err("refers to something that is no storage, or a view of one");
	name = xl_pickle_item(p, args, 1);
	key = xl_pickle_item(p, args, 2);
	count = xl_pickle_item(p, args, 4);
	if (name->type != XL_P_NAME || name->i < CALLABLES || key->type != XL_P_STR ||
	    count->type != XL_P_INT || count->i < 0)
		return xl_err("refers to a storage without class, key or size");
	node.storage = (enum xl_foreign)(name->i - CALLABLES);
	node.i = count->i;
	id = args->items[2];
	xl_machine_pop(m, &(xl_node_id){0});
	if (xl_node_add_items(&node, &id, 1) || xl_machine_push_new(m, &node)) {
		free(node.items);
		return -1;
	}
	return 0;
}

/* Numbers from 0 on. */
static bool are_sizes(const struct xl_pickle *p, const struct xl_pickle_node *t)
{
	if (t->type != XL_P_TUPLE || t->n > XL_MAX_DIMS)
		return false;
	for (uint32_t i = 0; i < t->n; i++)
		if (xl_pickle_item(p, t, i)->type != XL_P_INT || xl_pickle_item(p, t, i)->i < 0)
			return false;
	return true;
}

/* (storage, offset, sizes, strides, ...): the rest is about gradients. */
static int make_tensor(struct xl_machine *m, const struct xl_pickle_node *args, bool is_v2)
{
	const struct xl_pickle *p = m->p;
	struct xl_pickle_node node = {.type = XL_P_TENSOR};

	if (args->n < 4 || (is_v2 ? args->n < 6 || args->n > 7 : args->n != 4) ||
	    xl_pickle_item(p, args, 0)->type != XL_P_STORAGE ||
	    xl_pickle_item(p, args, 1)->type != XL_P_INT || xl_pickle_item(p, args, 1)->i < 0 ||
	    !are_sizes(p, xl_pickle_item(p, args, 2)) ||
	    !are_sizes(p, xl_pickle_item(p, args, 3)) ||
	    xl_pickle_item(p, args, 2)->n != xl_pickle_item(p, args, 3)->n)
		return xl_err("makes a tensor that is not storage, offset, sizes and strides");
	if (xl_node_add_items(&node, args->items, 4) || xl_machine_push_new(m, &node)) {
		free(node.items);
		return -1;
	}
	return 0;
}

/* Nothing, or a list of pairs, as Python 2 wrote it. */
static int make_dict(struct xl_machine *m, const struct xl_pickle_node *args)
{
	const struct xl_pickle *p = m->p;
	const bool has_list = args->n > 0;
	const xl_node_id list = has_list ? args->items[0] : 0;

	if (args->n > 1 || (has_list && p->nodes[list].type != XL_P_LIST))
		return xl_err("makes a dictionary of something else than pairs");
	if (xl_machine_push_new(m, &(struct xl_pickle_node){.type = XL_P_DICT, .is_ordered = true}))
		return -1;
	for (uint32_t i = 0; has_list && i < p->nodes[list].n; i++) {
		const struct xl_pickle_node *pair = xl_pickle_item(p, &p->nodes[list], i);

		if ((pair->type != XL_P_LIST && pair->type != XL_P_TUPLE) || pair->n != 2)
			return xl_err("makes a dictionary of something else than pairs");
		if (xl_machine_set_items(m, pair->items, 2))
			return -1;
	}
	return 0;
}

int xl_machine_reduce(struct xl_machine *m)
{
	xl_node_id args_id = 0, name_id = 0;
	const struct xl_pickle_node *args, *name;

	if (!xl_machine_top(m, XL_P_TUPLE) || xl_machine_pop(m, &args_id) ||
	    !xl_machine_top(m, XL_P_NAME) || xl_machine_pop(m, &name_id))
		return -1;
	args = &m->p->nodes[args_id];
	name = &m->p->nodes[name_id];
	switch (name->i) {
	case ORDERED_DICT:
		return make_dict(m, args);
	case REBUILD_TENSOR:
	case REBUILD_TENSOR_V2:
		return make_tensor(m, args, name->i == REBUILD_TENSOR_V2);
	case REBUILD_PARAMETER:
		if (args->n == 3 && xl_pickle_item(m->p, args, 0)->type == XL_P_TENSOR)
			return xl_machine_push(m, args->items[0]);
		return xl_err("makes a parameter of something else than a tensor");
	default:
		return xl_err("calls the class of a storage");
	}
}

/* The state of an OrderedDict is its _metadata: versions, which nothing here needs. */
int xl_machine_build(struct xl_machine *m)
{
	const struct xl_pickle_node *dict;

	if (xl_machine_pop(m, &(xl_node_id){0}) || !(dict = xl_machine_top(m, XL_P_DICT)))
		return -1;
	return dict->is_ordered ? 0 : xl_err("gives a state to something that has none");
}
