/*
 * picture_kind.c - the kind of picture that a name ends in.
 */
#include <string.h>
#include <strings.h>
#include "image/picture_kind.h"

enum xl_picture_kind xl_picture_kind(const char *name)
{
	const char *slash = strrchr(name, '/'), *file = slash ? slash + 1 : name;
	const char *dot = strrchr(file, '.');

	if (!dot || dot == file)
		return XL_PICTURE_NEITHER;
	if (strcasecmp(dot, ".png") == 0)
		return XL_PICTURE_PNG;
	return strcasecmp(dot, ".svg") == 0 ? XL_PICTURE_SVG : XL_PICTURE_NEITHER;
}
