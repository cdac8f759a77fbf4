# xl: build, check, bench, demo, install. What a packager edits is in config.mk.
include config.mk

ARCH   := $(shell $(CC) -dumpmachine | cut -d- -f1)
BUILD  := build
BIN    := bin
ifneq ($(SAN),)
BUILD  := build-san
BIN    := build-san/bin
CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif
ifneq ($(NATIVE),)
OPT    += -march=native
endif

# Packages by pkg-config; msgpack-c is called msgpack on Debian 12.
MSGPACK := $(shell $(PKGCONF) --exists msgpack-c 2>/dev/null && echo msgpack-c || echo msgpack)
PKGS    := vips $(MSGPACK) libjpeg libpng zlib openblas
PKG_CFLAGS = $(shell $(PKGCONF) --cflags $(PKGS) | sed 's/-I/-isystem /g')
PKG_LIBS   = $(shell $(PKGCONF) --libs $(PKGS))

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) $(CFLAGS) -Ilib -I$(BUILD) $(PKG_CFLAGS) -MMD -MP
LIBS       = $(PKG_LIBS) -lpthread -lm

LIB_SRC   := $(filter-out lib/kernels/simd_%.c,$(wildcard lib/*/*.c))
TOOL_SRC  := $(wildcard tools/xl-*.c)
TEST_SRC  := $(wildcard tests/test_*.c)
SIMD_SRC  := $(wildcard lib/kernels/simd_*.c)
# A method is a file that defines a descriptor.
METHODS   := $(patsubst lib/methods/%.c,%,$(shell grep -l "^const struct xl_method xl_method_" lib/methods/*.c))

# The files lib/kernels/simd_*.c are compiled once for each instruction set;
# the right one is chosen when the program starts.
ISAS := generic
ifneq ($(filter x86_64 amd64,$(ARCH)),)
ISAS += avx2 avx512
endif
SIMD_FLAGS = -O3 -ffp-contract=fast -fno-math-errno
ISA_FLAGS_generic = -DXL_ISA=generic -DXL_LANES=4
ISA_FLAGS_avx2    = -DXL_ISA=avx2 -DXL_LANES=8 -mavx2 -mfma
ISA_FLAGS_avx512  = -DXL_ISA=avx512 -DXL_LANES=16 -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mprefer-vector-width=512

LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/%.o) \
            $(foreach i,$(ISAS),$(SIMD_SRC:lib/%.c=$(BUILD)/lib/%.$(i).o))
TOOLS    := $(TOOL_SRC:tools/%.c=$(BIN)/%)
TESTS    := $(TEST_SRC:tests/%.c=$(BUILD)/tests/%)

all: $(BUILD)/libxl.a $(TOOLS)

# Before anything is compiled, a missing package is named, with the command that installs it.
packages:
	@XL_DEPS=$(if $(filter check%,$(MAKECMDGOALS)),all,build) CC='$(CC)' \
	  PKGCONF='$(PKGCONF)' ./deps.sh -n

$(BUILD)/methods.inc: $(wildcard lib/methods/*.c) | $(BUILD)
	@printf 'XL_METHOD(%s)\n' $(METHODS) | sed '/()/d' > $@

$(BUILD):
	@mkdir -p $@

$(BUILD)/lib/%.o: lib/%.c | $(BUILD)/methods.inc packages
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

define simd_rule
$$(BUILD)/lib/kernels/simd_%.$(1).o: lib/kernels/simd_%.c | packages
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) $$(SIMD_FLAGS) $$(ISA_FLAGS_$(1)) -c -o $$@ $$<
endef
$(foreach i,$(ISAS),$(eval $(call simd_rule,$(i))))

# Loops over the bytes of pictures.
$(BUILD)/lib/image/%.o: OPT += -O3

$(BUILD)/lib/kernels/kernels.o: ALL_CFLAGS += $(ISAS:%=-DXL_HAVE_%)

$(BUILD)/libxl.a: $(LIB_OBJ)
	@mkdir -p $(@D) && rm -f $@
	$(AR) rcs $@ $^

$(BIN)/%: tools/%.c $(BUILD)/libxl.a
	@mkdir -p $(@D) $(BUILD)/tools
	$(CC) $(ALL_CFLAGS) -MF $(BUILD)/tools/$*.d $(LDFLAGS) -o $@ $< $(BUILD)/libxl.a -Wl,--as-needed $(LIBS)

$(BUILD)/tests/%: tests/%.c $(BUILD)/libxl.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests $(LDFLAGS) -o $@ $< $(BUILD)/libxl.a -Wl,--as-needed $(LIBS) -lcmocka

demo: all
	XL_BIN=$(BIN) pipelines/demo.sh

check: all $(TESTS)
	XL_BIN=$(BIN) XL_BUILD=$(BUILD) tests/run.sh

check-long: all $(TESTS)
	XL_BIN=$(BIN) XL_BUILD=$(BUILD) XL_LONG=1 tests/run.sh

bench: all $(BUILD)/bench/bench $(BUILD)/bench/steps $(BUILD)/bench/jpegs $(BUILD)/bench/distance
	XL_BIN=$(BIN) XL_BUILD=$(BUILD) bench/run.sh
	XL_BIN=$(BIN) XL_BUILD=$(BUILD) bench/steps.sh
	XL_BIN=$(BIN) XL_BUILD=$(BUILD) bench/crop.sh
	XL_BUILD=$(BUILD) bench/fid.sh

$(BUILD)/bench/%: bench/%.c $(BUILD)/libxl.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libxl.a -Wl,--as-needed $(LIBS)

# Puts each tool's option table into the OPTIONS section of its page.
man: all
	XL_BIN=$(BIN) man/options.sh

# One completion serves all tools; bash looks for it by the name of each.
PAGES     := $(wildcard man/*.[157])
SCRIPTS   := $(wildcard pipelines/*.sh pipelines/*.jq pipelines/*.html pipelines/*/*.sh \
	pipelines/*/*.jq pipelines/*/*.tsv)
MODELS    := $(wildcard models/*.msgpack models/*.png)
INSTALLED = $(TOOL_SRC:tools/%.c=$(DESTDIR)$(BINDIR)/%) $(TOOL_SRC:tools/%.c=$(DESTDIR)$(COMPDIR)/%) \
	$(DESTDIR)$(COMPDIR)/xl $(DESTDIR)$(LIBDIR)/libxl.a $(DESTDIR)$(LIBDIR)/pkgconfig/xl.pc \
	$(DESTDIR)$(INCDIR)/xl.h $(SCRIPTS:%=$(DESTDIR)$(DATADIR)/%) \
	$(MODELS:models/%=$(DESTDIR)$(DATADIR)/%) \
	$(foreach m,$(PAGES),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))

$(BUILD)/completion: completions/bash.sh $(TOOLS)
	completions/bash.sh $(TOOLS) > $@

install: all $(BUILD)/completion
	install -d $(sort $(dir $(INSTALLED)))
	install -m755 $(TOOLS) $(DESTDIR)$(BINDIR)
	install -m644 $(BUILD)/libxl.a $(DESTDIR)$(LIBDIR)
	sed 's|@PREFIX@|$(PREFIX)|;s|@LIBDIR@|$(LIBDIR)|;s|@INCDIR@|$(INCDIR)|' xl.pc.in | \
	  sed 's|@VERSION@|$(VERSION)|;s|@PKGS@|$(PKGS)|' > $(DESTDIR)$(LIBDIR)/pkgconfig/xl.pc
	install -m644 lib/xl.h $(DESTDIR)$(INCDIR)
	for m in $(PAGES); do \
	  install -m644 $$m $(DESTDIR)$(MANDIR)/man$${m##*.}/ || exit 1; done
	for p in $(SCRIPTS); do \
	  install -m`test -x $$p && echo 755 || echo 644` $$p $(DESTDIR)$(DATADIR)/$$p || exit 1; done
	for m in $(MODELS); do install -m644 $$m $(DESTDIR)$(DATADIR)/ || exit 1; done
	install -m644 $(BUILD)/completion $(DESTDIR)$(COMPDIR)/xl
	for t in $(notdir $(TOOLS)); do ln -sf xl $(DESTDIR)$(COMPDIR)/$$t || exit 1; done

# What is installed, and then the folders that are xl's alone.
uninstall:
	rm -f $(INSTALLED)
	find $(DESTDIR)$(DATADIR) -depth -type d -empty -delete 2>/dev/null || true

dist:
	git archive --prefix=xl-$(VERSION)/ -o xl-$(VERSION).tar.gz HEAD

clean:
	rm -rf build build-san bin xl-*.tar.gz

-include $(LIB_OBJ:.o=.d) $(wildcard $(BUILD)/tools/*.d $(BUILD)/bench/*.d) $(TESTS:%=%.d)

.PHONY: all packages demo check check-long bench man install uninstall dist clean
.DELETE_ON_ERROR:
.SECONDARY:
