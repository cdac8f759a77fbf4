/*
 * digest.h - SHA-256 (FIPS 180-4), for model and data digests.
 */
#ifndef XL_CORE_DIGEST_H
#define XL_CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct xl_digest {
	uint32_t state[8];
	uint64_t length;
	uint8_t block[64];
};

void xl_digest_init(struct xl_digest *d);
void xl_digest_add(struct xl_digest *d, const void *data, size_t size);
/* xl_digest_hex - finish, and write 64 hex digits and a NUL */
void xl_digest_hex(struct xl_digest *d, char hex[65]);

#endif
