# moongate. `make` builds, `make demo` shows it, `make test` runs every test.

CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
BUILD   ?= build

MODULES  := lua5.4 libcjson openssl libevent_core libevent_extra sqlite3
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion
CPPFLAGS += -Iengine -I. -I$(BUILD) -D_XOPEN_SOURCE=700 -D_DEFAULT_SOURCE \
            -DMOONGATE_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(MODULES) 2>/dev/null)
LDLIBS   += $(shell pkg-config --libs $(MODULES) 2>/dev/null) -lm -ldl
VERSION  := 0.1.0

ENGINE   := $(filter-out engine/main.c,$(wildcard engine/*/*.c)) $(wildcard lua/*.c)
OBJECTS  := $(ENGINE:%.c=$(BUILD)/%.o) $(BUILD)/embedded.o
SCRIPTS  := $(wildcard stdlib/*.lua scripts/*.lua scripts/*.csv)
CHECKS   := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/check_*.c))

all: $(BUILD)/moongate

$(BUILD)/moongate: $(BUILD)/engine/main.o $(OBJECTS)
	@echo "LD $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "CC $<"
	@$(CC) -std=c11 $(WARNINGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/embedded.o: $(BUILD)/embedded.c
	@$(CC) -std=c11 $(WARNINGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/embedded.c: $(SCRIPTS) engine/embed.sh
	@mkdir -p $(@D)
	@echo "EMBED stdlib scripts"
	@sh engine/embed.sh $(SCRIPTS) > $@

$(BUILD)/tests/%: tests/%.c $(OBJECTS)
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(CC) -std=c11 $(WARNINGS) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(shell pkg-config --cflags --libs check)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
