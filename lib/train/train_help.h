/*
 * train_help.h - what xl-train --help METHOD tells beside the table of options. Called by
 * xl-train.
 */
#ifndef XL_TRAIN_TRAIN_HELP_H
#define XL_TRAIN_TRAIN_HELP_H

#include "train/train_setup.h"

/*
 * xl_help_presets - in a table of xl_settings_table, add to each default of the method what
 * presets have instead: "64; small 32, tiny 16"
 *
 * Owns     the new texts belong to the table and are never freed: --help ends the program
 * Errors   0, or -1 with xl_err set
 */
int xl_help_presets(struct xl_opt *table, const struct xl_method *method);

#endif
