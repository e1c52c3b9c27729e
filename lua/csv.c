/* lua/csv.c - the module csv: RFC 4180 as people's programs write it.
 *
 * Records end with LF, CRLF or CR; a byte order mark in front is passed over; a quoted field
 * may hold commas, line ends and doubled quotes. All mistakes are collected with their line,
 * so that they can be told at once. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "run/source.h"

enum { LARGEST_FILE = 256 << 20, SLOT_RECORDS = 2, SLOT_MISTAKES = 3, SLOT_FIELD = 4 };

struct reader {
    lua_State *L;
    const char *at, *end;
    int line;
    struct buffer *field; /* of a userdata, so that an error does not lose it */
};

static void add_mistake(const struct reader *reader, int line, const char *text)
{
    lua_State *L = reader->L;

    lua_createtable(L, 0, 2);
    lua_pushinteger(L, line);
    lua_setfield(L, -2, "line");
    lua_pushstring(L, text);
    lua_setfield(L, -2, "message");
    lua_rawseti(L, SLOT_MISTAKES, (lua_Integer)lua_rawlen(L, SLOT_MISTAKES) + 1);
}

static void skip_line_end(struct reader *reader)
{
    if (*reader->at == '\r' && reader->at + 1 < reader->end && reader->at[1] == '\n')
        reader->at++;
    reader->at++;
    reader->line++;
}

/* Reads what is between quotes; `at` is behind the first. */
static void read_quoted(struct reader *reader)
{
    const int first_line = reader->line;

    while (reader->at < reader->end) {
        if (*reader->at == '"') {
            if (reader->at + 1 >= reader->end || reader->at[1] != '"') {
                reader->at++;
                return;
            }
            reader->at++;
        } else if (*reader->at == '\n') {
            reader->line++;
        }
        buffer_append_char(reader->field, *reader->at++);
    }
    add_mistake(reader, first_line, "a quote is opened and never closed");
}

static bool is_at_end_of_field(const struct reader *reader)
{
    return reader->at >= reader->end || strchr(",\r\n", *reader->at) != NULL;
}

/* Pushes the next field. */
static void read_field(struct reader *reader)
{
    buffer_clear(reader->field);
    if (reader->at < reader->end && *reader->at == '"') {
        reader->at++;
        read_quoted(reader);
        if (!is_at_end_of_field(reader))
            add_mistake(reader, reader->line, "there is text behind a closing quote");
    }
    while (!is_at_end_of_field(reader))
        buffer_append_char(reader->field, *reader->at++);
    lua_pushlstring(reader->L, reader->field->data != NULL ? reader->field->data : "",
                    reader->field->length);
}

/* Pushes {line=, fields...} of the next record. */
static void read_record(struct reader *reader)
{
    lua_State *L = reader->L;
    lua_Integer count = 0;

    lua_newtable(L);
    lua_pushinteger(L, reader->line);
    lua_setfield(L, -2, "line");
    for (;;) {
        read_field(reader);
        lua_rawseti(L, -2, ++count);
        if (reader->at >= reader->end)
            return;
        if (*reader->at != ',') {
            skip_line_end(reader);
            return;
        }
        reader->at++;
    }
}

static int close_field(lua_State *L)
{
    buffer_deinit(lua_touserdata(L, 1));
    return 0;
}

static void push_field_buffer(lua_State *L, struct reader *reader)
{
    reader->field = lua_newuserdatauv(L, sizeof *reader->field, 0);
    *reader->field = (struct buffer){0};
    if (luaL_newmetatable(L, "csv field") != 0) {
        lua_pushcfunction(L, close_field);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
}

/* csv.parse(text) -> records, mistakes: each record is the list of its fields and `line`,
 * each mistake has `line` and `message`. Empty lines are no records. */
static int csv_parse(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    struct reader reader = {.L = L, .at = text, .end = text + length, .line = 1};

    lua_settop(L, 1);
    lua_newtable(L);
    lua_newtable(L);
    push_field_buffer(L, &reader);
    if (!text_is_utf8(text, length))
        add_mistake(&reader, 1, "the text is not UTF-8");
    else if (memchr(text, '\0', length) != NULL)
        add_mistake(&reader, 1, "the text has a NUL byte in it");
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        reader.at += 3;
    while (reader.at < reader.end) {
        if (strchr("\r\n", *reader.at) != NULL) {
            skip_line_end(&reader);
            continue;
        }
        read_record(&reader);
        lua_rawseti(L, SLOT_RECORDS, (lua_Integer)lua_rawlen(L, SLOT_RECORDS) + 1);
    }
    lua_settop(L, SLOT_MISTAKES);
    return 2;
}

/* csv.read(path) -> records, mistakes, as csv.parse; raises a failure IOError */
static int csv_read(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct failure *failure = NULL;
    size_t length;
    char *text = source_read_file(path, LARGEST_FILE, &length, &failure);

    if (text == NULL)
        return bind_raise_owned(L, failure);
    lua_settop(L, 0);
    lua_pushlstring(L, text, length);
    free(text);
    return csv_parse(L);
}

int open_csv(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"parse", csv_parse}, {"read", csv_read}, {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
