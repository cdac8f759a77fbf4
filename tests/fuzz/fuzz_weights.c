/*
 * fuzz_weights.c - the readers of weights under libFuzzer or AFL++; see
 * fuzz_stream.c for how. A corpus: tests/golden/weights* tests/golden/python2.pth
 */
#include "fuzz/weights_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (try_weights(data, size) < 0)
		abort();
	return 0;
}
