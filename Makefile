# SPDX-License-Identifier: Apache-2.0
# whyflow: `make` builds, `make check` tests; the other targets stand below `.PHONY`.
# Objects lie in build/<profile>/, so that profiles never mix. Changed flags rebuild everything,
# because every object depends on this file; other compilers want a BUILD of their own:
#     make CC=clang BUILD=build/clang WERROR=1

PROFILE ?= release
BUILD ?= build/$(PROFILE)
PREFIX ?= /usr/local
DESTDIR ?=
WERROR ?=
FUZZ_SECONDS ?= 60

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes $(if $(WERROR),-Werror)
# -ffp-contract=off and no -march=native: the same input gives the same bytes on every machine.
BASE_FLAGS := -std=c11 -D_GNU_SOURCE -g -ffp-contract=off -fPIE $(WARNINGS) -Iinclude -Isrc -I.
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
# -Wconversion: what the sanitizers insert makes gcc forget the ranges it relies on.
SANITIZING := -O1 -Wno-conversion -fno-omit-frame-pointer -fno-sanitize-recover=all \
              -DWHYFLOW_CHECK_LINES

FLAGS_release := -O2 $(HARDENING)
# The programs are optimised as a whole (4 % on real traffic), tests link the same objects as they are:
# a hundred links take no time then. clang 14 has no such objects.
LTO_release := $(if $(findstring clang,$(CC)),,-flto=auto)
NO_LTO = $(if $(LTO_$(PROFILE)),-fno-lto)
FLAGS_debug := -O0
FLAGS_asan := $(SANITIZING) -fsanitize=address,undefined
FLAGS_tsan := $(SANITIZING) -fsanitize=thread
FLAGS_fuzz := $(SANITIZING) -fsanitize=fuzzer-no-link,address,undefined
FLAGS_coverage := -O0 -fprofile-instr-generate -fcoverage-mapping

ifneq ($(filter fuzz coverage,$(PROFILE)),)
CC := clang
endif
ALL_CFLAGS = $(BASE_FLAGS) $(FLAGS_$(PROFILE)) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(FLAGS_$(PROFILE)) $(LDFLAGS)
LIBS := -lpcap -ljansson -lz -lzstd -lm -lpthread
CHECK_LIBS = $(shell pkg-config --libs check)

# The library: packets and time in, records out. What touches devices, files, threads or the
# command line belongs to the program.
PROGRAM_ONLY := src/main.c src/run.c src/inline.c src/rescore.c src/sensor_run.c src/runtime.c src/output.c \
                src/message.c $(wildcard src/option*.c) src/baseline_file.c \
                src/run_baseline.c src/flagged_capture.c src/base/stream.c
# whyflow-report's own, where it meets the rooms of the others.
REPORT_ONLY := src/alert_sections.c
LIBRARY_ROOMS := base packet flow feature anomaly behaviour incident explain format
PROGRAM_ROOMS := capture intake sink
LIBRARY_SOURCES := $(filter-out $(PROGRAM_ONLY) $(REPORT_ONLY),$(wildcard src/*.c) \
                   $(foreach room,$(LIBRARY_ROOMS),$(wildcard src/$(room)/*.c)))
PROGRAM_SOURCES := $(foreach room,$(PROGRAM_ROOMS),$(wildcard src/$(room)/*.c)) \
                   $(wildcard $(PROGRAM_ONLY))
# What runs on one thread is not built for the thread sanitizer; tests/run knows it too.
TEST_SOURCES := $(if $(filter tsan,$(PROFILE)),tests/unit/queue_test.c,\
                $(wildcard tests/unit/*_test.c tests/property/*_test.c))
SUPPORT_SOURCES := $(wildcard tests/support/*.c)
REPORT_SOURCES := $(wildcard src/report/*.c) $(REPORT_ONLY)
# What the report has in common with the program.
REPORT_SHARED := src/base/stream.c src/intake/alert_line.c src/intake/json_scope.c \
                 $(wildcard src/intake/flow_line*.c)
FUZZ_SOURCES := $(wildcard tests/fuzz/*_fuzz.c)

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
PROGRAM := $(BUILD)/whyflow
REPORT := $(BUILD)/whyflow-report
LIBRARY := $(BUILD)/libwhyflow.a
# Tests and fuzz targets link the program's own objects too, without its main().
PARTS := $(call objects,$(filter-out src/main.c,$(PROGRAM_SOURCES))) $(LIBRARY)
TESTS := $(patsubst %.c,$(BUILD)/tests/%,$(notdir $(TEST_SOURCES)))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(notdir $(FUZZ_SOURCES)))

.PHONY: all tests fuzzers demo check asan tsan fuzz-smoke bench eval eval-quick agree lint format \
        coverage docs report-uplot install clean
.SECONDARY:

all: $(PROGRAM) $(REPORT)
BENCHES := $(addprefix $(BUILD)/bench/,engine rooms table floor generate)
tests: $(TESTS) $(if $(filter asan tsan,$(PROFILE)),,$(BENCHES))
fuzzers: $(FUZZERS)

$(BUILD)/src/%.o: ALL_CFLAGS += $(if $(LTO_$(PROFILE)),$(LTO_$(PROFILE)) -ffat-lto-objects)
$(PROGRAM) $(REPORT): ALL_LDFLAGS += $(LTO_$(PROFILE))

$(PROGRAM): $(call objects,$(PROGRAM_SOURCES)) $(LIBRARY)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(LIBRARY): $(call objects,$(LIBRARY_SOURCES))
	@rm -f $@
	$(AR) rcs $@ $^

# whyflow-report: a program of its own, with the library and its page inside. `make report-uplot` fetches
# uPlot as its lock file names it; once it is there, the page's two large plots are drawn with it.
UPLOT := $(wildcard build/npm/node_modules/uplot)
PAGE := $(BUILD)/src/report/page$(if $(UPLOT),-uplot).c
$(REPORT): $(call objects,$(REPORT_SOURCES) $(REPORT_SHARED)) $(PAGE:.c=.o) $(LIBRARY)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -ljansson -lz -lzstd -lm
$(PAGE): $(addprefix src/report/report.,html css js) scripts/make-page $(UPLOT)
	@mkdir -p $(@D)
	scripts/make-page $@ $(UPLOT)
$(PAGE:.c=.o): $(PAGE) src/report/page.h Makefile
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

REPORT_PARTS := $(call objects,$(filter-out src/report/main.c src/report/html.c,$(REPORT_SOURCES)))
TEST_PARTS := $(call objects,$(SUPPORT_SOURCES)) $(REPORT_PARTS) $(PARTS)
link_test = $(CC) $(ALL_LDFLAGS) $(NO_LTO) -o $@ $^ $(CHECK_LIBS) $(LIBS)
$(BUILD)/tests/%_test: $(BUILD)/tests/unit/%_test.o $(TEST_PARTS)
	@mkdir -p $(@D)
	$(link_test)
$(BUILD)/tests/%_test: $(BUILD)/tests/property/%_test.o $(TEST_PARTS)
	@mkdir -p $(@D)
	$(link_test)

FUZZ_PARTS := $(call objects,tests/support/sensor_build.c) $(PARTS)
$(FUZZERS): $(BUILD)/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_PARTS)
	$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(BUILD)/bench/engine: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(BUILD)/bench/engine $(BUILD)/bench/table: $(LIBRARY)
$(BUILD)/bench/rooms: LDFLAGS += -Wl,--wrap=explain_alert
$(BUILD)/bench/rooms: $(PARTS)
$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $(NO_LTO) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

demo:
	scripts/demo
check: all tests
	tests/run $(PROFILE)
asan tsan:
	+$(MAKE) PROFILE=$@ check
fuzz-smoke:
	+$(MAKE) PROFILE=fuzz fuzzers
	scripts/fuzz-smoke $(FUZZ_SECONDS)
bench: all $(BENCHES)
	scripts/bench
# SETS="mixed-101 westermo" measures these alone; eval-quick leaves the other detectors out.
eval: all
	scripts/eval/eval.py --program $(PROGRAM) $(SETS)
	scripts/eval/repeat.py --program $(PROGRAM)
eval-quick: all
	scripts/eval/eval.py --program $(PROGRAM) --no-peers $(or $(SETS),pcaps-mixed pcaps-quiet)
agree: all
	scripts/agree --whyflow $(PROGRAM)
lint:
	scripts/lint
format:
	clang-format -i $$(scripts/list-sources c)
coverage:
	+$(MAKE) PROFILE=coverage all tests
	scripts/coverage

docs: $(BUILD)/generate
	$(BUILD)/generate man >contrib/whyflow.8
	$(BUILD)/generate bash >contrib/whyflow.bash
	$(BUILD)/generate features >docs/features.md
$(BUILD)/generate: $(BUILD)/contrib/generate.o
	$(CC) $(ALL_LDFLAGS) -o $@ $^

report-uplot:
	@mkdir -p build/npm
	cp src/report/package.json src/report/package-lock.json build/npm
	npm ci --prefix build/npm --ignore-scripts --no-audit --no-fund
	+$(MAKE) all

install: all
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin lib include/whyflow share/man/man1 share/man/man8 \
	    share/bash-completion/completions share/whyflow)
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/whyflow
	install -m 755 $(REPORT) $(DESTDIR)$(PREFIX)/bin/whyflow-report
	install -m 644 $(LIBRARY) $(DESTDIR)$(PREFIX)/lib/libwhyflow.a
	install -m 644 $(wildcard include/whyflow/*.h) $(DESTDIR)$(PREFIX)/include/whyflow
	install -m 644 contrib/whyflow.8 $(DESTDIR)$(PREFIX)/share/man/man8/whyflow.8
	install -m 644 contrib/whyflow-report.1 $(DESTDIR)$(PREFIX)/share/man/man1/whyflow-report.1
	install -m 644 contrib/whyflow.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/whyflow
	install -m 644 docs/whyflow.schema.json $(DESTDIR)$(PREFIX)/share/whyflow/whyflow.schema.json

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
