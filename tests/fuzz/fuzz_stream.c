/*
 * fuzz_stream.c - the stream reader under libFuzzer or AFL++:
 *
 *   make SAN=1 CC=clang && clang -std=c11 -D_GNU_SOURCE -g -Ilib -Itests \
 *     -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz_stream.c \
 *     build-san/libxl.a -lpthread -lm -o fuzz_stream
 *   ./fuzz_stream -max_len=4096 corpus/ tests/golden/
 */
#include "fuzz/stream_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (try_stream(data, size) < 0)
		abort();
	return 0;
}
