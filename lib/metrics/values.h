/*
 * values.h - named results of a measurement, listed once and then written
 * either as lines of text or as members of a JSON object.
 */
#ifndef XL_METRICS_VALUES_H
#define XL_METRICS_VALUES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/json.h"

enum { XL_VALUES_MAX = 64, XL_VALUE_NAME = 40 };

struct xl_value_item {
	char name[XL_VALUE_NAME];
	bool is_count;
	int64_t count;
	double number;
};

struct xl_values {
	struct xl_value_item item[XL_VALUES_MAX];
	int n;
};

/* xl_values_num, xl_values_int - append "name suffix" with its value; at most
 * XL_VALUES_MAX, asserted */
void xl_values_num(struct xl_values *v, const char *name, const char *suffix, double number);
void xl_values_int(struct xl_values *v, const char *name, const char *suffix, int64_t count);

/*
 * xl_values_text - one line "name value" for each, or "name value id"
 *
 * Units    numbers with 10 significant digits, "inf", "nan"; control characters
 *          of the id become '?'
 * Errors   none; the state of f tells
 */
void xl_values_text(const struct xl_values *v, FILE *f, const char *id);

/* xl_values_json - the same as members of the open object, numbers exact */
void xl_values_json(const struct xl_values *v, struct xl_json *j);

/*
 * xl_values_each - the values of one record: as text with its id, or as one JSON
 * object that begins with the record's number and id
 *
 * Errors   0, or -1 where f has failed
 */
int xl_values_each(const struct xl_values *v, FILE *f, bool is_json, int64_t record,
		   const char *id);

#endif
