/*
 * tape.c - values, nodes and the way back. The operators are in ops*.c.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "core/arena.h"
#include "core/mem.h"
#include "grad/node.h"
#include "grad/ops.h"

enum { CHUNK_VARS = 512 };

struct xl_chunk {
	struct xl_chunk *next;
	int used;
	struct xl_var vars[CHUNK_VARS];
};

struct xl_tape *xl_tape_new(void)
{
	struct xl_tape *t = xl_alloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->k = xl_kernels();
	t->arena = t->k ? xl_arena_new() : NULL;
	if (!t->arena) {
		free(t);
		return NULL;
	}
	return t;
}

void xl_tape_reset(struct xl_tape *t)
{
	xl_arena_reset(t->arena);
	for (struct xl_chunk *c = t->chunks; c; c = c->next)
		c->used = 0;
	t->n_nodes = 0;
	t->recording = false;
	t->keep = false;
}

void xl_tape_free(struct xl_tape *t)
{
	if (!t)
		return;
	while (t->chunks) {
		struct xl_chunk *c = t->chunks;
		t->chunks = c->next;
		free(c);
	}
	xl_arena_free(t->arena);
	free(t->nodes);
	free(t);
}

bool xl_tape_record(struct xl_tape *t, bool on)
{
	const bool was = t->recording;
	t->recording = on;
	return was;
}

int xl_tape_mark(const struct xl_tape *t)
{
	return t->n_nodes;
}

void *xl_tape_take(struct xl_tape *t, size_t bytes)
{
	return xl_arena_take(t->arena, bytes);
}

void xl_tape_give(struct xl_tape *t, void *p, size_t bytes)
{
	xl_arena_give(t->arena, p, bytes);
}

static size_t bytes_of(const struct xl_dims *d)
{
	return (size_t)xl_dims_count(d) * sizeof(float);
}

static struct xl_var *new_var(struct xl_tape *t, struct xl_dims d)
{
	struct xl_chunk *c = t->chunks;

	while (c && c->used == CHUNK_VARS)
		c = c->next;
	if (!c) {
		c = xl_alloc(1, sizeof *c);
		if (!c)
			return NULL;
		c->next = t->chunks;
		t->chunks = c;
	}
	struct xl_var *v = &c->vars[c->used++];
	*v = (struct xl_var){.d = d};
	return v;
}

struct xl_var *xl_tape_out(struct xl_tape *t, struct xl_dims d)
{
	struct xl_var *v = new_var(t, d);

	if (!v)
		return NULL;
	v->owned = true;
	v->data = xl_tape_take(t, bytes_of(&d));
	return v->data ? v : NULL;
}

struct xl_var *xl_var_leaf(struct xl_tape *t, struct xl_dims d, const float *data, float *grad)
{
	struct xl_var *v = new_var(t, d);

	if (!v)
		return NULL;
	v->data = (float *)(uintptr_t)data; /* never written: leaves are not outputs */
	v->leaf_grad = grad;
	v->needs = grad != NULL;
	return v;
}

struct xl_var *xl_var_input(struct xl_tape *t, int n, int c, int h, int w, const float *plain)
{
	struct xl_var *v = xl_tape_out(t, xl_dims_map(n, c, h, w));

	if (v && !t->dry)
		xl_map_pack(v->data, plain, &v->d);
	return v;
}

struct xl_var *xl_var_const(struct xl_tape *t, struct xl_dims d, float value)
{
	struct xl_var *v = xl_tape_out(t, d);

	if (v && !t->dry)
		for (int64_t i = 0; i < xl_dims_count(&d); i++)
			v->data[i] = value;
	return v;
}

void xl_var_read(const struct xl_tape *t, const struct xl_var *v, float *plain)
{
	if (t->dry)
		memset(plain, 0, bytes_of(&v->d));
	else
		xl_map_unpack(plain, v->data, &v->d);
}

double xl_var_scalar(const struct xl_tape *t, const struct xl_var *v)
{
	assert(xl_dims_count(&v->d) == 1);
	return t->dry ? 0 : (double)v->data[0];
}

static void release(struct xl_tape *t, struct xl_var *v)
{
	if (!v->owned || !v->data)
		return;
	xl_tape_give(t, v->data, bytes_of(&v->d));
	v->data = NULL;
}

/* The node that can compute v again, or NULL. */
static const struct xl_node *maker(const struct xl_tape *t, const struct xl_var *v)
{
	const struct xl_node *nd = v->node ? &t->nodes[v->node - 1] : NULL;

	return nd && nd->op->redo ? nd : NULL;
}

void xl_drop(struct xl_tape *t, struct xl_var *v)
{
	if (v && v->uses == 0 && (!v->read || maker(t, v)))
		release(t, v);
}

/* Note what the way back from nd will read: its operands, and what these are
 * computed again from. */
static void note_reads(const struct xl_node *nd)
{
	unsigned wanted = 0;

	for (int i = 0; i < XL_OP_INPUTS; i++)
		if (nd->in[i] && nd->in[i]->needs)
			wanted |= XL_WANT(i);
	for (int i = 0; i < XL_OP_INPUTS; i++)
		if (nd->in[i] && (nd->op->redo || (nd->op->reads[i] & wanted)))
			nd->in[i]->read = true;
	if (nd->op->reads[XL_OP_INPUTS] & wanted)
		nd->out->read = true;
}

struct xl_var *xl_tape_push(struct xl_tape *t, const struct xl_node *nd)
{
	bool needs = false;

	for (int i = 0; i < XL_OP_INPUTS; i++)
		needs |= nd->in[i] && nd->in[i]->needs;
	if (!t->recording || !needs) {
		xl_tape_give(t, nd->aux, nd->aux_bytes);
		return nd->out;
	}
	if (t->n_nodes == t->cap_nodes) {
		const int cap = t->cap_nodes ? 2 * t->cap_nodes : 1024;
		struct xl_node *p = xl_realloc(t->nodes, (size_t)cap, sizeof *p);
		if (!p)
			return NULL;
		t->nodes = p;
		t->cap_nodes = cap;
	}
	note_reads(nd);
	t->nodes[t->n_nodes++] = *nd;
	nd->out->needs = true;
	nd->out->recorded = true;
	nd->out->node = t->n_nodes;
	for (int i = 0; i < XL_OP_INPUTS; i++)
		if (nd->in[i])
			nd->in[i]->recorded = true;
	return nd->out;
}

/* One more contribution to the gradient of v. */
static int add_grad(struct xl_tape *t, struct xl_var *v, struct xl_var *g)
{
	if (v->leaf_grad && !t->keep) { /* xl_grad wants the gradient itself */
		if (!t->dry)
			t->k->binary(XL_ADD, v->leaf_grad, &v->d, v->leaf_grad, &v->d, g->data,
				     &v->d, 0);
		return 0;
	}
	if (!v->grad) {
		v->grad = g;
		g->uses++;
		return 0;
	}
	if (!t->keep && v->grad->owned && v->grad->uses == 1 && v->grad != g) {
		if (!t->dry)
			t->k->binary(XL_ADD, v->grad->data, &v->d, v->grad->data, &v->d, g->data,
				     &v->d, 0);
		return 0;
	}
	struct xl_var *sum = xl_op_add(t, v->grad, g);
	if (!sum)
		return -1;
	if (--v->grad->uses == 0)
		xl_drop(t, v->grad);
	v->grad = sum;
	sum->uses++;
	return 0;
}

/* Bring back the numbers of v that were given up. */
static int restore(struct xl_tape *t, struct xl_var *v)
{
	if (!v || v->data)
		return 0;
	const struct xl_node *nd = maker(t, v);
	assert(nd);
	for (int i = 0; i < XL_OP_INPUTS; i++)
		if (restore(t, nd->in[i]))
			return -1;
	if (!(v->data = xl_tape_take(t, bytes_of(&v->d))))
		return -1;
	if (!t->dry)
		nd->op->redo(t, nd);
	return 0;
}

static int restore_operands(struct xl_tape *t, const struct xl_node *nd, const bool *want)
{
	const unsigned char *reads = nd->op->reads;
	unsigned wanted = 0;
	int rc = 0;

	for (int i = 0; i < XL_OP_INPUTS; i++)
		if (want[i])
			wanted |= XL_WANT(i);
	for (int i = 0; i < XL_OP_INPUTS && rc == 0; i++)
		if (reads[i] & wanted)
			rc = restore(t, nd->in[i]);
	if (rc == 0 && (reads[XL_OP_INPUTS] & wanted))
		rc = restore(t, nd->out);
	return rc;
}

/* Run the vjp of node i and hand its results on. */
static int step_back(struct xl_tape *t, int i, const bool *want)
{
	const struct xl_node nd = t->nodes[i]; /* the array may move */
	struct xl_var *gin[XL_OP_INPUTS] = {0}, *g = nd.out->grad;
	int rc = restore_operands(t, &nd, want);

	if (rc == 0)
		rc = nd.op->vjp(t, &nd, g, want, gin);
	for (int k = 0; k < XL_OP_INPUTS; k++) {
		if (!gin[k])
			continue;
		assert(xl_dims_same(&gin[k]->d, &nd.in[k]->d));
		if (rc == 0)
			rc = add_grad(t, nd.in[k], gin[k]);
	}
	for (int k = 0; k < XL_OP_INPUTS; k++)
		if (gin[k] && gin[k] != g)
			xl_drop(t, gin[k]);
	nd.out->grad = NULL;
	if (--g->uses == 0)
		xl_drop(t, g);
	return rc;
}

int xl_backward(struct xl_tape *t, struct xl_var *loss, int mark)
{
	int rc = -1;

	if (!loss)
		return -1;
	xl_tape_record(t, false);
	if (loss->needs && !loss->leaf_grad) {
		struct xl_var *one = xl_var_const(t, loss->d, 1);
		if (!one || add_grad(t, loss, one))
			goto out;
	}
	rc = 0;
	for (int i = t->n_nodes - 1; i >= mark; i--) {
		struct xl_node *nd = &t->nodes[i];
		bool want[XL_OP_INPUTS];
		for (int k = 0; k < XL_OP_INPUTS; k++)
			want[k] = nd->in[k] && nd->in[k]->needs;
		if (nd->out->grad && rc == 0)
			rc = step_back(t, i, want);
		release(t, t->nodes[i].out);
		xl_tape_give(t, t->nodes[i].aux, t->nodes[i].aux_bytes);
	}
out:
	t->n_nodes = mark;
	return rc;
}

void xl_var_watch(struct xl_var *x, bool on)
{
	if (x)
		x->needs = on;
}

struct xl_var *xl_grad(struct xl_tape *t, struct xl_var *y, struct xl_var *x)
{
	const int end = t->n_nodes, call = ++t->grads;
	struct xl_var *g;
	int rc;

	if (!y || !x)
		return NULL;
	x->reach = call;
	for (int i = 0; i < end; i++)
		for (int k = 0; k < XL_OP_INPUTS; k++)
			if (t->nodes[i].in[k] && t->nodes[i].in[k]->reach == call)
				t->nodes[i].out->reach = call;
	if (y->reach != call) {
		xl_err("gradient: the result does not depend on the variable");
		return NULL;
	}
	t->keep = true;
	rc = !(g = xl_var_const(t, y->d, 1)) || add_grad(t, y, g) ? -1 : 0;
	for (int i = end - 1; i >= 0 && rc == 0; i--) {
		const struct xl_node *nd = &t->nodes[i];
		bool want[XL_OP_INPUTS];
		if (!nd->out->grad)
			continue;
		for (int k = 0; k < XL_OP_INPUTS; k++)
			want[k] = nd->in[k] && nd->in[k]->reach == call;
		rc = step_back(t, i, want);
	}
	t->keep = false;
	g = x->grad;
	x->grad = NULL;
	if (rc == 0 && g)
		g->uses--;
	return rc == 0 ? g : NULL;
}
