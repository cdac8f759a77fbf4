/*
 * method.c - the registry: methods.inc lists one XL_METHOD(name) for each file of
 * this folder that defines a descriptor.
 */
#include <string.h>
#include "core/mem.h"
#include "methods/method.h"

#define XL_METHOD(name) extern const struct xl_method xl_method_##name;
#include "methods.inc"
#undef XL_METHOD

static const struct xl_method *const methods[] = {
#define XL_METHOD(name) &xl_method_##name,
#include "methods.inc"
#undef XL_METHOD
	NULL,
};

const struct xl_method *xl_method_at(int i)
{
	return methods[i];
}

static bool is_among(const char *const *known, const char *name)
{
	for (; known && *known; known++)
		if (strcmp(*known, name) == 0)
			return true;
	return false;
}

bool xl_method_can(const struct xl_method *m, const char *mode)
{
	return is_among(m->fuse_modes, mode);
}

bool xl_method_sets(const struct xl_method *m, const char *name)
{
	return is_among(m->at_stages, name);
}

const char *xl_method_list(char *buf, size_t size)
{
	*buf = '\0';
	for (int i = 0; methods[i]; i++)
		xl_list_add(buf, size, methods[i]->name);
	return buf;
}

const struct xl_method *xl_method_find(const char *name)
{
	char list[256];

	for (int i = 0; methods[i]; i++)
		if (strcmp(methods[i]->name, name) == 0)
			return methods[i];
	xl_err("'%s' is not a method (%s)", name, xl_method_list(list, sizeof list));
	return NULL;
}
