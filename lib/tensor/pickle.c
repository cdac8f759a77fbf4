/*
 * pickle.c - the machine: a stack, a memo, and the opcodes of state dictionaries.
 * Every other opcode is refused, also those that would do no harm.
 */
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "tensor/pickle_machine.h"
#include "tensor/stream.h"

enum {
	MAX_NODES = 1 << 20, /* a tensor takes about 20 */
	MAX_STACK = 1 << 20,
	MAX_MEMO = 1 << 20
};

enum opcode {
	OP_MARK = '(',
	OP_EMPTY_TUPLE = ')',
	OP_STOP = '.',
	OP_BINFLOAT = 'G',
	OP_BININT = 'J',
	OP_BININT1 = 'K',
	OP_BININT2 = 'M',
	OP_NONE = 'N',
	OP_BINPERSID = 'Q',
	OP_REDUCE = 'R',
	OP_BINSTRING = 'T',
	OP_SHORT_BINSTRING = 'U',
	OP_BINUNICODE = 'X',
	OP_EMPTY_LIST = ']',
	OP_APPEND = 'a',
	OP_BUILD = 'b',
	OP_GLOBAL = 'c',
	OP_APPENDS = 'e',
	OP_BINGET = 'h',
	OP_LONG_BINGET = 'j',
	OP_BINPUT = 'q',
	OP_LONG_BINPUT = 'r',
	OP_SETITEM = 's',
	OP_TUPLE = 't',
	OP_SETITEMS = 'u',
	OP_EMPTY_DICT = '}',
	OP_PROTO = 0x80,
	OP_TUPLE1 = 0x85,
	OP_TUPLE2 = 0x86,
	OP_TUPLE3 = 0x87,
	OP_NEWTRUE = 0x88,
	OP_NEWFALSE = 0x89,
	OP_LONG1 = 0x8a,
	OP_SHORT_BINUNICODE = 0x8c
};

/* ---- nodes, stack, input ---------------------------------------------- */

const struct xl_pickle_node *xl_pickle_at(const struct xl_pickle *p, xl_node_id id)
{
	return &p->nodes[id];
}

const struct xl_pickle_node *xl_pickle_item(const struct xl_pickle *p,
					    const struct xl_pickle_node *of, uint32_t k)
{
	return &p->nodes[of->items[k]];
}

bool xl_pickle_is(const struct xl_pickle_node *s, const char *text)
{
	return s->type == XL_P_STR && s->n == strlen(text) && memcmp(s->text, text, s->n) == 0;
}

const struct xl_pickle_node *xl_pickle_get(const struct xl_pickle *p,
					   const struct xl_pickle_node *dict, const char *key)
{
	for (uint32_t k = 0; k < dict->n; k += 2)
		if (xl_pickle_is(xl_pickle_item(p, dict, k), key))
			return xl_pickle_item(p, dict, k + 1);
	return NULL;
}

static int grow(void **array, uint32_t *cap, uint32_t n, size_t size)
{
	const uint32_t want = *cap ? 2 * *cap : 16;
	void *q;

	if (n < *cap)
		return 0;
	q = xl_realloc(*array, want, size);
	if (!q)
		return -1;
	*array = q;
	*cap = want;
	return 0;
}

int xl_machine_push(struct xl_machine *m, xl_node_id id)
{
	struct xl_pickle *p = m->p;

	if (p->n_stack == MAX_STACK)
		return xl_err("has more than %d values on its stack", MAX_STACK);
	if (grow((void **)&p->stack, &p->cap_stack, p->n_stack, sizeof *p->stack))
		return -1;
	p->stack[p->n_stack++] = id;
	return 0;
}

int xl_machine_push_new(struct xl_machine *m, const struct xl_pickle_node *node)
{
	struct xl_pickle *p = m->p;

	if (p->n_nodes == MAX_NODES)
		return xl_err("makes more than %d values", MAX_NODES);
	if (grow((void **)&p->nodes, &p->cap_nodes, p->n_nodes, sizeof *p->nodes))
		return -1;
	p->nodes[p->n_nodes] = *node;
	return xl_machine_push(m, p->n_nodes++);
}

int xl_machine_push_number(struct xl_machine *m, enum xl_pickle_type type, int64_t i)
{
	return xl_machine_push_new(m, &(struct xl_pickle_node){.type = type, .i = i});
}

/* The node on top, which must be of that type, and stays; NULL with xl_err set */
struct xl_pickle_node *xl_machine_top(struct xl_machine *m, enum xl_pickle_type type)
{
	struct xl_pickle *p = m->p;
	const xl_node_id id = p->n_stack ? p->stack[p->n_stack - 1] : XL_MARK;

	if (id != XL_MARK && p->nodes[id].type == type)
		return &p->nodes[id];
	xl_err("wants another value on its stack");
	return NULL;
}

int xl_machine_pop(struct xl_machine *m, xl_node_id *out)
{
	struct xl_pickle *p = m->p;

	if (p->n_stack == 0 || p->stack[p->n_stack - 1] == XL_MARK)
		return xl_err("wants more values than its stack has");
	*out = p->stack[--p->n_stack];
	return 0;
}

/* The values above the last mark leave the stack with it; *first is where they are. */
static int pop_mark(struct xl_machine *m, const xl_node_id **first, uint32_t *n)
{
	struct xl_pickle *p = m->p;
	uint32_t at = p->n_stack;

	while (at > 0 && p->stack[at - 1] != XL_MARK)
		at--;
	if (at == 0)
		return xl_err("wants a mark on its stack");
	*first = p->stack + at;
	*n = p->n_stack - at;
	p->n_stack = at - 1;
	return 0;
}

int xl_node_add_items(struct xl_pickle_node *to, const xl_node_id *items, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (grow((void **)&to->items, &to->cap, to->n, sizeof *to->items))
			return -1;
		to->items[to->n++] = items[i];
	}
	return 0;
}

/* size bytes of input; NULL with xl_err set */
static const uint8_t *take(struct xl_machine *m, size_t size)
{
	const uint8_t *p = m->at;

	if (size > (size_t)(m->end - m->at)) {
		xl_err("ends in the middle");
		return NULL;
	}
	m->at += size;
	return p;
}

/* A number of up to 8 bytes, little endian. */
static int take_number(struct xl_machine *m, size_t size, uint64_t *out)
{
	const uint8_t *p = take(m, size);

	*out = 0;
	for (size_t i = 0; p && i < size; i++)
		*out |= (uint64_t)p[i] << 8 * i;
	return p ? 0 : -1;
}

/* ---- what the opcodes do ---------------------------------------------- */

static int do_int(struct xl_machine *m, size_t size, bool is_signed)
{
	uint64_t v;

	if (take_number(m, size, &v))
		return -1;
	if (is_signed && size > 0 && size < 8 && v >> (8 * size - 1))
		v |= UINT64_MAX << 8 * size;
	return xl_machine_push_number(m, XL_P_INT, (int64_t)v);
}

static int do_long(struct xl_machine *m)
{
	uint64_t size;

	if (take_number(m, 1, &size))
		return -1;
	if (size > 8)
		return xl_err("has a number of %llu bytes", (unsigned long long)size);
	return do_int(m, (size_t)size, true);
}

static int do_float(struct xl_machine *m)
{
	struct xl_pickle_node node = {.type = XL_P_FLOAT};
	const uint8_t *p = take(m, sizeof node.f);
	uint64_t bits = 0;

	for (size_t i = 0; p && i < sizeof bits; i++)
		bits = bits << 8 | p[i];
	memcpy(&node.f, &bits, sizeof bits);
	return p ? xl_machine_push_new(m, &node) : -1;
}

static int do_text(struct xl_machine *m, size_t length_size)
{
	struct xl_pickle_node node = {.type = XL_P_STR};
	const uint8_t *p;
	uint64_t n;

	if (take_number(m, length_size, &n) || !(p = take(m, (size_t)n)))
		return -1;
	if (n > XL_LIMIT_TEXT)
		return xl_err("has a string of %llu bytes", (unsigned long long)n);
	node.text = (const char *)p;
	node.n = (uint32_t)n;
	return xl_machine_push_new(m, &node);
}

static int do_tuple(struct xl_machine *m, const xl_node_id *items, uint32_t n)
{
	struct xl_pickle_node node = {.type = XL_P_TUPLE};

	if (xl_node_add_items(&node, items, n) || xl_machine_push_new(m, &node)) {
		free(node.items);
		return -1;
	}
	return 0;
}

static int do_short_tuple(struct xl_machine *m, uint32_t n)
{
	xl_node_id items[3] = {0};

	for (uint32_t i = n; i > 0; i--)
		if (xl_machine_pop(m, &items[i - 1]))
			return -1;
	return do_tuple(m, items, n);
}

static int do_marked_tuple(struct xl_machine *m)
{
	const xl_node_id *items;
	uint32_t n;

	return pop_mark(m, &items, &n) ? -1 : do_tuple(m, items, n);
}

int xl_machine_set_items(struct xl_machine *m, const xl_node_id *items, uint32_t n)
{
	struct xl_pickle_node *dict = xl_machine_top(m, XL_P_DICT);

	if (!dict)
		return -1;
	if (n % 2)
		return xl_err("sets a key without a value");
	for (uint32_t i = 0; i < n; i += 2) {
		const enum xl_pickle_type t = m->p->nodes[items[i]].type;

		if (t != XL_P_STR && t != XL_P_INT)
			return xl_err("has a key that is neither text nor a number");
	}
	return xl_node_add_items(dict, items, n);
}

static int append_items(struct xl_machine *m, const xl_node_id *items, uint32_t n)
{
	struct xl_pickle_node *list = xl_machine_top(m, XL_P_LIST);

	return list ? xl_node_add_items(list, items, n) : -1;
}

/* One or two values from the stack, or all above a mark, into what is then on top. */
static int do_add(struct xl_machine *m, uint32_t n,
		  int (*add)(struct xl_machine *, const xl_node_id *, uint32_t))
{
	const xl_node_id *first;
	xl_node_id items[2] = {0};

	if (n == 0)
		return pop_mark(m, &first, &n) ? -1 : add(m, first, n);
	for (uint32_t i = n; i > 0; i--)
		if (xl_machine_pop(m, &items[i - 1]))
			return -1;
	return add(m, items, n);
}

static int do_put(struct xl_machine *m, size_t size)
{
	struct xl_pickle *p = m->p;
	uint64_t i;

	if (take_number(m, size, &i))
		return -1;
	if (i >= MAX_MEMO)
		return xl_err("remembers more than %d values", MAX_MEMO);
	if (p->n_stack == 0 || p->stack[p->n_stack - 1] == XL_MARK)
		return xl_err("wants more values than its stack has");
	if (i >= p->n_memo) {
		const uint32_t n = (uint32_t)i < p->n_memo * 2 ? p->n_memo * 2 : (uint32_t)i + 16;
		xl_node_id *q = xl_realloc(p->memo, n, sizeof *q);

		if (!q)
			return -1;
		p->memo = q;
		while (p->n_memo < n)
			p->memo[p->n_memo++] = XL_MARK;
	}
	p->memo[i] = p->stack[p->n_stack - 1];
	return 0;
}

static int do_get(struct xl_machine *m, size_t size)
{
	uint64_t i;

	if (take_number(m, size, &i))
		return -1;
	if (i >= m->p->n_memo || m->p->memo[i] == XL_MARK)
		return xl_err("recalls what it did not remember");
	return xl_machine_push(m, m->p->memo[i]);
}

int xl_machine_take_line(struct xl_machine *m, const char **line, size_t *n)
{
	const uint8_t *p = m->at, *end = memchr(p, '\n', (size_t)(m->end - p));

	if (!end)
		return xl_err("ends in the middle");
	*line = (const char *)p;
	*n = (size_t)(end - p);
	m->at = end + 1;
	return 0;
}

static int do_proto(struct xl_machine *m)
{
	uint64_t version;

	if (take_number(m, 1, &version))
		return -1;
	return version >= 2 && version <= 5
		       ? 0
		       : xl_err("is of protocol %d, which is not read", (int)version);
}

/* ---- the machine ------------------------------------------------------ */

static int step(struct xl_machine *m, uint8_t op)
{
	switch (op) {
	case OP_PROTO:
		return do_proto(m);
	case OP_MARK:
		return xl_machine_push(m, XL_MARK);
	case OP_NONE:
		return xl_machine_push_number(m, XL_P_NONE, 0);
	case OP_NEWTRUE:
	case OP_NEWFALSE:
		return xl_machine_push_number(m, XL_P_BOOL, op == OP_NEWTRUE);
	case OP_BININT1:
		return do_int(m, 1, false);
	case OP_BININT2:
		return do_int(m, 2, false);
	case OP_BININT:
		return do_int(m, 4, true);
	case OP_LONG1:
		return do_long(m);
	case OP_BINFLOAT:
		return do_float(m);
	case OP_SHORT_BINSTRING:
	case OP_SHORT_BINUNICODE:
		return do_text(m, 1);
	case OP_BINSTRING:
	case OP_BINUNICODE:
		return do_text(m, 4);
	case OP_EMPTY_TUPLE:
		return do_short_tuple(m, 0);
	case OP_TUPLE1:
	case OP_TUPLE2:
	case OP_TUPLE3:
		return do_short_tuple(m, (uint32_t)(op - OP_TUPLE1) + 1);
	case OP_TUPLE:
		return do_marked_tuple(m);
	case OP_EMPTY_LIST:
		return xl_machine_push_number(m, XL_P_LIST, 0);
	case OP_APPEND:
		return do_add(m, 1, append_items);
	case OP_APPENDS:
		return do_add(m, 0, append_items);
	case OP_EMPTY_DICT:
		return xl_machine_push_number(m, XL_P_DICT, 0);
	case OP_SETITEM:
		return do_add(m, 2, xl_machine_set_items);
	case OP_SETITEMS:
		return do_add(m, 0, xl_machine_set_items);
	case OP_BINPUT:
		return do_put(m, 1);
	case OP_LONG_BINPUT:
		return do_put(m, 4);
	case OP_BINGET:
		return do_get(m, 1);
	case OP_LONG_BINGET:
		return do_get(m, 4);
	case OP_GLOBAL:
		return xl_machine_global(m);
	case OP_BINPERSID:
		return xl_machine_storage(m);
	case OP_REDUCE:
		return xl_machine_reduce(m);
	case OP_BUILD:
		return xl_machine_build(m);
	default:
		return xl_err("has opcode %02x, which is never run (a state dictionary needs none)",
			      op);
	}
}

size_t xl_pickle_run(struct xl_pickle *p, const uint8_t *data, size_t size)
{
	struct xl_machine m = {p, data, data, data + size};

	*p = (struct xl_pickle){.n_nodes = 0};
	while (m.at < m.end && *m.at != OP_STOP) {
		const size_t at = (size_t)(m.at - data);

		if (step(&m, *m.at++)) {
			xl_err_prefix("byte %zu of the pickle", at);
			return 0;
		}
	}
	if (m.at == m.end || p->n_stack != 1 || p->stack[0] == XL_MARK) {
		xl_err(m.at == m.end ? "the pickle ends in the middle"
				     : "the pickle does not leave one value");
		return 0;
	}
	p->root = p->stack[0];
	return (size_t)(m.at + 1 - data);
}

void xl_pickle_done(struct xl_pickle *p)
{
	for (uint32_t i = 0; i < p->n_nodes; i++)
		free(p->nodes[i].items);
	free(p->nodes);
	free(p->stack);
	free(p->memo);
	*p = (struct xl_pickle){.n_nodes = 0};
}
