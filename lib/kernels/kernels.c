/*
 * kernels.c - which backend this process uses, and which Winograd form.
 */
#include <stdlib.h>
#include <string.h>
#include "kernels/kernels.h"
#include "xl.h"

extern const struct xl_kernels xl_kernels_generic;
#ifdef XL_HAVE_avx2
extern const struct xl_kernels xl_kernels_avx2;
#endif
#ifdef XL_HAVE_avx512
extern const struct xl_kernels xl_kernels_avx512;
#endif

static const struct xl_kernels *selected;
static int winograd = -1; /* not chosen yet */

/* Best first; NULL where this CPU cannot run it. */
static const struct xl_kernels *backend(int i)
{
	switch (i) {
#ifdef XL_HAVE_avx512
	case 0:
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
				       __builtin_cpu_supports("avx512vl") &&
				       __builtin_cpu_supports("avx512bw")
			       ? &xl_kernels_avx512
			       : NULL;
#endif
#ifdef XL_HAVE_avx2
	case 1:
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
			       ? &xl_kernels_avx2
			       : NULL;
#endif
	case 2:
		return &xl_kernels_generic;
	default:
		return NULL;
	}
}

int xl_kernels_select(const char *name)
{
	for (int i = 0; i < 3; i++) {
		const struct xl_kernels *k = backend(i);
		if (k && strcmp(k->name, name) == 0) {
			selected = k;
			return 0;
		}
	}
	return xl_err("XL_CPU: '%s' is not a kind of CPU this program can use here "
		      "(avx512, avx2, generic)",
		      name);
}

int xl_winograd(void)
{
	return winograd;
}

int xl_winograd_select(const char *name)
{
	if (strcmp(name, "4") != 0 && strcmp(name, "2") != 0 && strcmp(name, "0") != 0)
		return xl_err("XL_WINOGRAD: '%s' is not a Winograd form (4, 2, or 0 for none)",
			      name);
	winograd = name[0] - '0';
	return 0;
}

const struct xl_kernels *xl_kernels(void)
{
	const char *cpu = getenv("XL_CPU"), *form = getenv("XL_WINOGRAD");

	if (winograd < 0 && xl_winograd_select(form && *form ? form : "4"))
		return NULL;
	if (!selected && cpu && *cpu && xl_kernels_select(cpu))
		return NULL;
	for (int i = 0; !selected && i < 3; i++)
		selected = backend(i);
	return selected;
}

int xl_kernels_check(void)
{
	return xl_kernels() ? 0 : -1;
}
