# moongate. `make` builds, `make demo` shows what it does, `make test` runs every test.

CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
BUILD   ?= build
VERSION := 0.1.0

MODULES  := lua5.4 libcjson libcrypto libssl libevent_core libevent_extra libevent_openssl \
            sqlite3 zlib expat yaml-0.1 libedit
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion
override CPPFLAGS += -Iengine -I. -D_XOPEN_SOURCE=700 -D_DEFAULT_SOURCE \
                     -DMOONGATE_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(MODULES) 2>/dev/null)
override LDLIBS   += $(shell pkg-config --libs $(MODULES) 2>/dev/null) -lm -ldl -pthread
COMPILE  = $(CC) -std=c11 $(WARNINGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP

OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard engine/*/*.c lua/*.c)) $(BUILD)/embedded.o
OWN     := $(wildcard stdlib/*.lua scripts/*.lua scripts/*.csv engine/jobs/page/*)
SUITES  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/check_*.c)) $(BUILD)/tests/decade_of_jobs
SPECS   := $(wildcard tests/spec/spec_*.lua) tests/secrets.sh tests/determinism.sh tests/forms.sh \
           tests/record.sh tests/runs.sh tests/jobs.sh tests/schedule.sh tests/doc.sh \
           tests/torture.sh tests/torture_jobs.sh tests/jobs_hostile.sh tests/deployment.sh

all: $(BUILD)/moongate

$(BUILD)/moongate: $(BUILD)/engine/main.o $(OBJECTS)
	@echo "LD $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "CC $<"
	@$(COMPILE) -c -o $@ $<

$(BUILD)/embedded.c: engine/embed.sh engine/native_doc.sh $(OWN) $(wildcard lua/*.c)
	@mkdir -p $(@D)
	@echo "EMBED stdlib scripts"
	@sh engine/native_doc.sh lua/*.c > $(BUILD)/native.doc
	@sh engine/embed.sh native.doc=$(BUILD)/native.doc $(OWN) > $@

$(BUILD)/embedded.o: $(BUILD)/embedded.c
	@$(COMPILE) -c -o $@ $<

$(BUILD)/tests/check_%: tests/check_%.c $(OBJECTS)
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(COMPILE) $(LDFLAGS) -o $@ $< $(OBJECTS) $(LDLIBS) $$(pkg-config --cflags --libs check)

$(BUILD)/tests/decade_%: tests/decade_%.c $(OBJECTS)
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(COMPILE) $(LDFLAGS) -o $@ $< $(OBJECTS) $(LDLIBS) $$(pkg-config --cflags --libs check)

$(BUILD)/tests/conformance/%: tests/conformance/%.c $(OBJECTS)
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(COMPILE) -Itests $(LDFLAGS) -o $@ $< $(OBJECTS) $(LDLIBS) $$(pkg-config --cflags --libs check)

$(BUILD)/tests/bench/%: tests/bench/%.c $(OBJECTS)
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(COMPILE) $(LDFLAGS) -o $@ $< $(OBJECTS) $(LDLIBS) $$(pkg-config --cflags --libs libcurl)

$(BUILD)/tests/browser/%: tests/browser/%.c $(OBJECTS)
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(COMPILE) $(LDFLAGS) -o $@ $< $(OBJECTS) $(LDLIBS)

# Kills, stops and starves runs; kill.so is preloaded into the moongate that is tortured.
TORTURE := $(BUILD)/tests/torture/torture $(BUILD)/tests/torture/kill.so

$(BUILD)/tests/torture/torture: $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/kill.c,$(wildcard tests/torture/*.c))) $(OBJECTS)
	@echo "LD $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/torture/kill.so: tests/torture/kill.c tests/torture/kill.h
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(CC) -std=c11 $(WARNINGS) -D_GNU_SOURCE -O1 -g -fPIC -shared -o $@ $< -ldl

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# Installs what is missing where apt can, then goes on in a make that sees it.
packages:
	@sh tests/packages.sh

demo: packages
	@$(MAKE) -s --no-print-directory all
	$(BUILD)/moongate run --sim --clock 2000x bulk_onboard --teams scripts/teams.csv --network integration

test: packages
	@$(MAKE) --no-print-directory run-tests

run-tests: $(BUILD)/moongate $(SUITES) $(TORTURE)
	@SPEC_OPTIONS="$(SPEC_OPTIONS)" sh tests/run.sh $(BUILD)/moongate $(SUITES) $(SPECS)

# The same tests under AddressSanitizer and UndefinedBehaviorSanitizer, and all garbage
# collected after each resume of a task.
asan: packages
	@$(MAKE) --no-print-directory run-tests BUILD=build/asan SPEC_OPTIONS=--stress-gc \
	    CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'

# Against a test server, Azurite and unmodified Azure clients: npm, python3-azure, az.
conformance: packages
	@sh tests/packages.sh conformance
	@$(MAKE) --no-print-directory all $(BUILD)/tests/conformance/azurite
	@sh tests/conformance/run.sh $(BUILD)/moongate $(BUILD)/conformance

# Kills a run at every point of its life and carries it on, and 500 times a long one at random.
torture: packages
	@$(MAKE) --no-print-directory $(BUILD)/moongate $(TORTURE)
	@mkdir -p $(BUILD)/torture
	@$(BUILD)/tests/torture/torture $(BUILD)/moongate $(BUILD)/tests/torture/kill.so $(BUILD)/torture

# Ten years of jobs on a virtual clock, with every slot accounted for.
decade: packages
	@$(MAKE) --no-print-directory $(BUILD)/tests/decade_of_jobs
	@$(BUILD)/tests/decade_of_jobs

# Three schedulers on one store, killed and stopped at random, through 1,000 slots.
torture-jobs: packages
	@$(MAKE) --no-print-directory $(BUILD)/moongate
	@sh tests/torture_jobs.sh $(BUILD)/moongate --slots 1000 --sets 2

# The same on a store in Azurite, from npm; skipped, saying so, where there is none. No lease of a
# blob is shorter than 15 s, so what a host left waits longer; and Azurite takes the longer for a list
# the more blobs it has, so these are 250 slots.
torture-jobs-azurite: packages
	@$(MAKE) --no-print-directory $(BUILD)/moongate
	@sh tests/with_azurite.sh "the torture of schedulers on Azure Blob Storage" $(BUILD)/azurite \
	    sh tests/torture_jobs.sh $(BUILD)/moongate --slots 250 --sets 2 --lease 15 --calm 5 \
	    --store azblob://devstoreaccount1/torture/jobs

# `make torture` with stores in Azurite, from npm; skipped, saying so, where there is none.
torture-azurite: packages
	@$(MAKE) --no-print-directory $(BUILD)/moongate $(TORTURE)
	@sh tests/torture/azurite.sh $(BUILD)/moongate $(BUILD)/azurite

# The status page in a browser: Chromium, and puppeteer-core and axe-core from npm. Pictures of each
# view are left in build/browser.
browser: packages
	@sh tests/packages.sh browser
	@$(MAKE) --no-print-directory $(BUILD)/moongate $(BUILD)/tests/browser/host
	@sh tests/browser/run.sh $(BUILD)/moongate $(BUILD)/tests/browser/host $(BUILD)/browser

# What the Dockerfile and the unit say, in folders of debootstrap; as root, from a mirror of Debian.
deployment: packages
	@$(MAKE) --no-print-directory all
	@sh tests/deployment_chroot.sh $${TMPDIR:-/var/tmp}/moongate-deployment
	@sh tests/deployment_systemd.sh $(BUILD)/moongate $${TMPDIR:-/var/tmp}/moongate-deployment

bench: packages
	@sh tests/packages.sh bench
	@$(MAKE) --no-print-directory $(BUILD)/moongate $(BUILD)/tests/check_sim_kill $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
	@sh tests/bench/run.sh $(BUILD)

# libFuzzer targets for the parsers, each for FUZZ_SECONDS; needs clang.
FUZZ_SECONDS ?= 600
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))

fuzz: packages
	@sh tests/packages.sh fuzz
	@$(MAKE) --no-print-directory run-fuzz BUILD=build/fuzz CC=clang \
	    CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined'

run-fuzz: $(FUZZERS)
	@sh tests/fuzz/run.sh $(BUILD) $(FUZZ_SECONDS) $(FUZZERS)

$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(OBJECTS)
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(COMPILE) -Itests/fuzz $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(OBJECTS) $(LDLIBS)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BUILD)/moongate $(DESTDIR)$(PREFIX)/bin/moongate
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	$(BUILD)/moongate doc --man > $(BUILD)/moongate.1
	install -m 644 $(BUILD)/moongate.1 $(DESTDIR)$(PREFIX)/share/man/man1/moongate.1

clean:
	rm -rf $(BUILD)

.PHONY: all packages demo test run-tests asan torture decade torture-jobs torture-jobs-azurite \
        torture-azurite deployment conformance browser bench fuzz run-fuzz install clean
