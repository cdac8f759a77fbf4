/*
 * test_engine.c - a model that is loaded when it is needed: all of it, or none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "data/engine.h"

/* The tests run in the folder above theirs. */
static const char model[] = "models/default.msgpack";

static void nothing_is_started_with_half_of_its_settings(void **state)
{
	struct xl_engine e = {.path = model};

	(void)state;
	assert_int_equal(xl_engine_set(&e, "set", "noise-test=0"), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(xl_engine_start(&e), 1);
		assert_string_equal(xl_err_msg(),
				    "--set: method lomit has no 'noise-test' to set here");
		assert_null(e.model);
	}
	e.n_set = 0;
	assert_int_equal(xl_engine_start(&e), 0);
	assert_non_null(e.model);
	xl_engine_done(&e);
}

static void a_model_is_loaded_once(void **state)
{
	struct xl_engine e = {.path = model};

	(void)state;
	assert_int_equal(xl_engine_start(&e), 0);
	const struct xl_model *first = e.model;
	e.path = "none";
	assert_int_equal(xl_engine_start(&e), 0);
	assert_ptr_equal(e.model, first);
	xl_engine_done(&e);
	assert_int_equal(xl_engine_start(&e), -1);
	assert_string_equal(xl_err_msg(), "none: cannot open: no such file or directory");
	xl_engine_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_started_with_half_of_its_settings),
		cmocka_unit_test(a_model_is_loaded_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
