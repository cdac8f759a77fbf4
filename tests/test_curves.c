/*
 * test_curves.c - logs as curves: JSON lines, hostile ones too, resumed runs,
 * the choice of keys, averages, and the script for gnuplot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/curves.h"
#include "data/jsonline.h"

static char path[] = "/tmp/test_curves.XXXXXX";

static int make_file(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 || close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static int read_text(struct xl_curves *c, const char *text)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return xl_curves_read(c, path);
}

#define HEAD "{\"tool\":\"xl-train\",\"hyper\":{\"size\":32},\"list\":[1,[2,{}]]}\n"

/* ---- JSON --------------------------------------------------------------- */

static int count_members(const char *line)
{
	struct xl_jsonline j;
	int got, n = 0;

	xl_jsonline_begin(&j, line);
	while ((got = xl_jsonline_next(&j)) == 1)
		n++;
	return got < 0 ? -1 : n;
}

static void json_members_are_given(void **state)
{
	(void)state;
	struct xl_jsonline j;

	xl_jsonline_begin(&j, " { \"a\\n\\u00e9\\u20ac\" : -1.5e1 , \"b\":\"x\\\"}\",\"c\":null}\n");
	assert_int_equal(xl_jsonline_next(&j), 1);
	assert_string_equal(j.key, "a\n\xc3\xa9\xe2\x82\xac");
	assert_int_equal(j.type, XL_JSON_NUMBER);
	assert_true(j.number == -15);
	assert_int_equal(xl_jsonline_next(&j), 1);
	assert_int_equal(j.type, XL_JSON_TEXT);
	assert_int_equal(xl_jsonline_next(&j), 1);
	assert_int_equal(j.type, XL_JSON_OTHER);
	assert_int_equal(xl_jsonline_next(&j), 0);
	assert_int_equal(count_members("{}"), 0);
	assert_int_equal(count_members("{\"a\":{},\"b\":[],\"c\":[[],{},[{\"d\":[1,2]}],3]}"), 3);
	assert_int_equal(count_members("{\"a\":[{\"x\":1,\"y\":[true]},false],\"b\":0}"), 2);
}

static void json_that_is_none_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "x", "[]", "1", "{", "{}}", "{} x", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
		"{\"a\":01}", "{\"a\":+1}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e}", "{\"a\":1e999}",
		"{\"a\":nan}", "{\"a\":tru}", "{\"a\":\"x}", "{\"a\":\"\\q\"}", "{\"a\":\"\\u12\"}",
		"{\"a\":\"\n\"}", "{\"a\":[1 2]}", "{\"a\":[1,]}", "{\"a\":[}", "{\"a\":{]}",
		"{\"a\":{1:2}}", "{\"a\":{\"b\" 2}}", "{\"a\":1 \"b\":2}", "{\"a\":0x1}", "{a:1}",
	};
	char deep[400] = "{\"a\":";

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(count_members(bad[i]), -1);
		assert_memory_equal(xl_err_msg(), "not JSON (at byte ", 18);
	}
	memset(deep + 5, '[', 300);
	assert_int_equal(count_members(deep), -1);
}

/* ---- logs --------------------------------------------------------------- */

static void numbers_become_curves(void **state)
{
	(void)state;
	struct xl_curves c = { .n = 0 };

	assert_int_equal(read_text(&c, HEAD "{\"step\":10,\"time\":\"t\",\"D.a\":1,\"G.b\":null}\n"
	                                    "{\"note\":\"no step\",\"D.a\":7}\n"
	                                    "{\"step\":20,\"D.a\":2,\"G.b\":5}\n"
	                                    "{\"end\":\"done\",\"step\":20,\"seconds\":9}\n"), 0);
	assert_int_equal(c.n, 2);
	assert_string_equal(c.curves[0].key, "D.a");
	assert_int_equal(c.curves[0].n, 2);
	assert_int_equal(c.curves[0].points[1].step, 20);
	assert_true(c.curves[0].points[1].value == 2);
	assert_int_equal(c.curves[1].n, 1);
	assert_false(c.is_cut);
	xl_curves_done(&c);
}

static void a_resumed_run_replaces_what_it_repeats(void **state)
{
	(void)state;
	struct xl_curves c = { .n = 0 };

	assert_int_equal(read_text(&c, HEAD "{\"step\":1,\"a\":1}\n{\"step\":2,\"a\":2}\n"
	                                    "{\"step\":3,\"a\":3}\n" HEAD
	                                    "{\"step\":2,\"a\":20}\n{\"step\":3,\"a\":30}\n"), 0);
	assert_int_equal(c.curves[0].n, 3);
	assert_true(c.curves[0].points[0].value == 1);
	assert_true(c.curves[0].points[1].value == 20);
	assert_true(c.curves[0].points[2].value == 30);
	xl_curves_done(&c);
}

static void hostile_logs_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "has no steps yet" },
		{ HEAD, "has no steps yet" },
		{ "{\"step\":1,\"a\":1}\n", "line 1: not a log of xl-train" },
		{ "hello\n", "line 1: not JSON (at byte 0)" },
		{ HEAD "{\"step\":1,\"a\":}\n{\"step\":2}\n", "line 2: not JSON (at byte 14)" },
		{ HEAD "{\"step\":1.5,\"a\":1}\n", "line 2: 'step' is not a whole number" },
		{ HEAD "{\"step\":-1,\"a\":1}\n", "line 2: 'step' is not a whole number" },
		{ HEAD "{\"step\":1e300,\"a\":1}\n", "line 2: 'step' is not a whole number" },
		{ HEAD "{\"step\":\"1\",\"a\":1}\n", "line 2: 'step' is not a whole number" },
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct xl_curves c = { .n = 0 };
		assert_int_equal(read_text(&c, bad[i].text), -1);
		assert_memory_equal(xl_err_msg(), path, strlen(path));
		assert_non_null(strstr(xl_err_msg(), bad[i].message));
		xl_curves_done(&c);
	}
}

static void a_line_without_end_is_refused(void **state)
{
	(void)state;
	struct xl_curves c = { .n = 0 };
	FILE *f = fopen(path, "wb");

	fputs(HEAD "{\"step\":1,\"a\":\"", f);
	for (int i = 0; i < 1100000; i++)
		putc('x', f);
	fputs("\"}\n", f);
	fclose(f);
	assert_int_equal(xl_curves_read(&c, path), -1);
	assert_non_null(strstr(xl_err_msg(), "line 2 is longer than 1048576 bytes"));
	xl_curves_done(&c);
}

static void a_cut_last_line_is_left_out(void **state)
{
	(void)state;
	struct xl_curves c = { .n = 0 };

	assert_int_equal(read_text(&c, HEAD "{\"step\":1,\"a\":1}\n{\"step\":2,\"a"), 0);
	assert_true(c.is_cut);
	assert_int_equal(c.curves[0].n, 1);
	xl_curves_done(&c);
}

static void broken_lines_are_left_out(void **state)
{
	(void)state;
	struct xl_curves c = { .n = 0 };

	assert_int_equal(read_text(&c, HEAD "{\"step\":1,\"a\":1}\n{\"st\n{\"step\":1.5}\n"
					    "{\"step\":2,\"a\":2}\n"),
			 0);
	assert_false(c.is_cut);
	assert_int_equal(c.n_broken, 2);
	assert_string_equal(c.first_broken, "line 3: not JSON (at byte 4)");
	assert_int_equal(c.curves[0].n, 2);
	xl_curves_done(&c);
}

/* ---- choice, average, script -------------------------------------------- */

static void keys_are_chosen(void **state)
{
	(void)state;
	static const struct {
		const char *keys, *want;
	} cases[] = { { NULL, "D.a D.b G.a " }, { "rate", "rate " }, { "D.", "D.a D.b " },
		      { "G.a,D.b", "D.b G.a " } };
	struct xl_curves c = { .n = 0 };

	for (size_t i = 0; i < 4; i++) {
		char got[64] = "";
		assert_int_equal(read_text(&c, HEAD "{\"step\":1,\"rate\":1,\"D.a\":1,\"D.b\":1,"
		                                    "\"G.a\":1}\n"), 0);
		assert_int_equal(xl_curves_choose(&c, cases[i].keys), 0);
		for (int k = 0; k < c.n; k++)
			snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", c.curves[k].key);
		assert_string_equal(got, cases[i].want);
		xl_curves_done(&c);
	}
	assert_int_equal(read_text(&c, HEAD "{\"step\":1,\"rate\":1}\n"), 0);
	assert_int_equal(xl_curves_choose(&c, "x"), -1);
	assert_string_equal(xl_err_msg(), "--keys: there is no 'x'; there are rate");
	assert_int_equal(xl_curves_choose(&c, "rate,"), -1);
	assert_int_equal(xl_curves_choose(&c, NULL), 0);
	assert_int_equal(c.n, 1);
	xl_curves_done(&c);
}

static void means_are_centred(void **state)
{
	(void)state;
	struct xl_point p[5] = { { 1, 1 }, { 2, 2 }, { 3, 6 }, { 4, 4 }, { 5, 5 } };
	struct xl_curve c = { .points = p, .n = 5 };

	assert_true(xl_curve_mean(&c, 2, 1) == 6);
	assert_true(xl_curve_mean(&c, 2, 3) == 4);
	assert_true(xl_curve_mean(&c, 0, 3) == 1.5);
	assert_true(xl_curve_mean(&c, 4, 3) == 4.5);
	assert_true(xl_curve_mean(&c, 2, 1000) == 3.6);
}

/* A name can end neither its quotes nor its line, nor call a program. */
static void names_stay_text(void **state)
{
	(void)state;
	struct xl_curves c = { .n = 0 };
	struct xl_plot p = { .terminal = "svg", .w = 300, .h = 200, .window = 1 };
	char script[4096];
	FILE *f = tmpfile();
	size_t n;

	assert_int_equal(read_text(&c, HEAD "{\"step\":1,\"D.'`\\n;q\":2.5}\n"), 0);
	assert_int_equal(xl_curves_script(f, &c, &p), 0);
	rewind(f);
	n = fread(script, 1, sizeof script - 1, f);
	script[n] = '\0';
	fclose(f);
	assert_non_null(strstr(script, "set terminal svg size 300,200"));
	assert_non_null(strstr(script, "$c0 << END\n1 2.5 2.5\nEND\n"));
	assert_non_null(strstr(script, "title 'D.''\?\?;q'\n"));
	assert_null(strchr(script, '`'));
	xl_curves_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_members_are_given),
		cmocka_unit_test(json_that_is_none_is_refused),
		cmocka_unit_test(numbers_become_curves),
		cmocka_unit_test(a_resumed_run_replaces_what_it_repeats),
		cmocka_unit_test(hostile_logs_are_named),
		cmocka_unit_test(a_line_without_end_is_refused),
		cmocka_unit_test(a_cut_last_line_is_left_out),
		cmocka_unit_test(broken_lines_are_left_out),
		cmocka_unit_test(keys_are_chosen),
		cmocka_unit_test(means_are_centred),
		cmocka_unit_test(names_stay_text),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
