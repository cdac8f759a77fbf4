# config.mk: what a packager edits.
VERSION = 0.1.0

PREFIX  = /usr/local
BINDIR  = $(PREFIX)/bin
LIBDIR  = $(PREFIX)/lib
INCDIR  = $(PREFIX)/include
MANDIR  = $(PREFIX)/share/man
DATADIR = $(PREFIX)/share/xl
COMPDIR = $(PREFIX)/share/bash-completion/completions

CC     ?= cc
AR     ?= ar
PKGCONF = pkg-config

# -O3 for the kernels is set in the Makefile; -ffast-math is never used.
OPT     = -O2 -g
WARN    = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
          -Wmissing-prototypes -Wvla -Wundef
CFLAGS  =
LDFLAGS =

# make NATIVE=1: for this machine only.  make SAN=1: address and undefined
# behaviour sanitizers, built in a directory of their own.
NATIVE  =
SAN     =
