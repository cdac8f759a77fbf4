/*
 * datafile.h - where files of ours are that are not named: models, and weights of
 * published networks.
 */
#ifndef XL_CORE_DATAFILE_H
#define XL_CORE_DATAFILE_H

/*
 * xl_data_file - the path of the first such file that can be read: in
 *                $XDG_DATA_HOME/xl (or ~/.local/share/xl where that is not set); then,
 *                seen from the folder of the running program, in ../share/xl and in
 *                ../models
 *
 * Owns     the caller frees it
 * Errors   NULL without a message: there is none
 */
char *xl_data_file(const char *name);

#endif
