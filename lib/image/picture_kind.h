/*
 * picture_kind.h - what kind of picture a name asks for, where more than one can be drawn.
 */
#ifndef XL_IMAGE_PICTURE_KIND_H
#define XL_IMAGE_PICTURE_KIND_H

enum xl_picture_kind { XL_PICTURE_NEITHER, XL_PICTURE_PNG, XL_PICTURE_SVG };

/* xl_picture_kind - by what a name ends in, .png or .svg, in letters of either case; a name
 * that is nothing else ends in neither */
enum xl_picture_kind xl_picture_kind(const char *name);

#endif
