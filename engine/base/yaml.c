/* engine/base/yaml.c - YAML as the JSON that it stands for, by libyaml. */
#include "base/yaml.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

/* --- reading -------------------------------------------------------------------------- */

struct reader {
    yaml_document_t document;
    size_t count; /* of nodes made */
    char *wrong;
};

static cJSON *fail(struct reader *reader, const yaml_node_t *node, const char *reason)
{
    if (reader->wrong == NULL)
        reader->wrong = memory_format("line %zu: %s", node->start_mark.line + 1, reason);
    return NULL;
}

/* A plain scalar by the core schema (YAML 1.2.2, 10.3.2); all others are texts. */
static cJSON *read_plain(const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const trues[] = {"true", "True", "TRUE"};
    static const char *const falses[] = {"false", "False", "FALSE"};

    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) {
        if (strcmp(text, nulls[i]) == 0)
            return cJSON_CreateNull();
    }
    for (size_t i = 0; i < sizeof trues / sizeof trues[0]; i++) {
        if (strcmp(text, trues[i]) == 0 || strcmp(text, falses[i]) == 0)
            return cJSON_CreateBool(strcmp(text, trues[i]) == 0);
    }
    if (text_matches(text, "^[-+]?([.][0-9]+|[0-9]+([.][0-9]*)?)([eE][-+]?[0-9]+)?$"))
        return cJSON_CreateNumber(strtod(text, NULL));
    if (text_matches(text, "^0x[0-9a-fA-F]+$") || text_matches(text, "^0o[0-7]+$"))
        return cJSON_CreateNumber(
            (double)strtoull(text + 2, NULL, text[1] == 'x' ? 16 : 8));
    return cJSON_CreateString(text);
}

static cJSON *read_node(struct reader *reader, int index, int depth);

static cJSON *read_scalar(struct reader *reader, const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;

    if (strlen(text) != node->data.scalar.length)
        return fail(reader, node, "a NUL character");
    return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? read_plain(text)
                                                              : cJSON_CreateString(text);
}

static cJSON *read_sequence(struct reader *reader, const yaml_node_t *node, int depth)
{
    cJSON *list = cJSON_CreateArray();

    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        cJSON *value = read_node(reader, *item, depth + 1);

        if (value == NULL) {
            cJSON_Delete(list);
            return NULL;
        }
        cJSON_AddItemToArray(list, value);
    }
    return list;
}

/* Whether the keys of a mapping are texts of which none comes twice. */
static bool check_keys(struct reader *reader, const yaml_node_t *node, const cJSON *map)
{
    const cJSON *member;

    cJSON_ArrayForEach (member, map) {
        const cJSON *first = cJSON_GetObjectItemCaseSensitive(map, member->string);

        if (first != member) {
            char *reason = memory_format("'%.100s' comes twice", member->string);

            fail(reader, node, reason);
            free(reason);
            return false;
        }
    }
    return true;
}

static cJSON *read_mapping(struct reader *reader, const yaml_node_t *node, int depth)
{
    cJSON *map = cJSON_CreateObject();
    bool is_good = true;

    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         is_good && pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
        cJSON *value;

        if (key == NULL || key->type != YAML_SCALAR_NODE) {
            fail(reader, node, "a key that is no text");
            is_good = false;
            break;
        }
        value = read_node(reader, pair->value, depth + 1);
        is_good = value != NULL;
        if (is_good)
            cJSON_AddItemToObject(map, (const char *)key->data.scalar.value, value);
    }
    if (is_good && check_keys(reader, node, map))
        return map;
    cJSON_Delete(map);
    return NULL;
}

static cJSON *read_node(struct reader *reader, int index, int depth)
{
    const yaml_node_t *node = yaml_document_get_node(&reader->document, index);

    if (depth > YAML_DEEPEST)
        return fail(reader, node, "nested too deep");
    if (++reader->count > YAML_MOST_NODES)
        return fail(reader, node, "its aliases make too much of it");
    switch (node->type) {
    case YAML_SCALAR_NODE:
        return read_scalar(reader, node);
    case YAML_SEQUENCE_NODE:
        return read_sequence(reader, node, depth);
    case YAML_MAPPING_NODE:
        return read_mapping(reader, node, depth);
    default:
        return fail(reader, node, "a node of no kind");
    }
}

cJSON *yaml_parse(const char *text, size_t length, char **wrong)
{
    struct reader reader = {.count = 0};
    yaml_parser_t parser;
    cJSON *tree = NULL;

    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    if (!yaml_parser_load(&parser, &reader.document)) {
        reader.wrong =
            memory_format("line %zu: %s", parser.problem_mark.line + 1,
                          parser.problem != NULL ? parser.problem : "it is no YAML");
    } else {
        const yaml_node_t *root = yaml_document_get_root_node(&reader.document);

        if (root == NULL)
            reader.wrong = memory_copy_string("there is nothing in it");
        else
            tree = read_node(&reader, 1, 0);
        yaml_document_delete(&reader.document);
    }
    yaml_parser_delete(&parser);
    *wrong = reader.wrong;
    return tree;
}

/* --- writing -------------------------------------------------------------------------- */

static int append(void *context, unsigned char *text, size_t length)
{
    buffer_append(context, (const char *)text, length);
    return 1;
}

static void emit_text(yaml_emitter_t *emitter, const char *text,
                      yaml_scalar_style_t style)
{
    yaml_event_t event;

    yaml_scalar_event_initialize(&event, NULL, NULL, (const unsigned char *)text,
                                 (int)strlen(text), 1, 1, style);
    yaml_emitter_emit(emitter, &event);
}

/* Plain where reading would give the same text back. */
static void emit_string(yaml_emitter_t *emitter, const char *text)
{
    cJSON *same = read_plain(text);
    const bool is_plain = cJSON_IsString(same);

    cJSON_Delete(same);
    emit_text(emitter, text,
              strchr(text, '\n') != NULL ? YAML_LITERAL_SCALAR_STYLE
              : is_plain                 ? YAML_ANY_SCALAR_STYLE
                                         : YAML_SINGLE_QUOTED_SCALAR_STYLE);
}

static void emit(yaml_emitter_t *emitter, const cJSON *value)
{
    const cJSON *member;
    yaml_event_t event;
    char *text;

    if (cJSON_IsString(value)) {
        emit_string(emitter, value->valuestring);
    } else if (cJSON_IsArray(value)) {
        yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                             YAML_BLOCK_SEQUENCE_STYLE);
        yaml_emitter_emit(emitter, &event);
        cJSON_ArrayForEach (member, value)
            emit(emitter, member);
        yaml_sequence_end_event_initialize(&event);
        yaml_emitter_emit(emitter, &event);
    } else if (cJSON_IsObject(value)) {
        yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                            YAML_BLOCK_MAPPING_STYLE);
        yaml_emitter_emit(emitter, &event);
        cJSON_ArrayForEach (member, value) {
            emit_string(emitter, member->string);
            emit(emitter, member);
        }
        yaml_mapping_end_event_initialize(&event);
        yaml_emitter_emit(emitter, &event);
    } else {
        text = json_print(value);
        emit_text(emitter, text, YAML_PLAIN_SCALAR_STYLE);
        free(text);
    }
}

char *yaml_print(const cJSON *tree)
{
    struct buffer text = {0};
    yaml_emitter_t emitter;
    yaml_event_t event;

    yaml_emitter_initialize(&emitter);
    yaml_emitter_set_output(&emitter, append, &text);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    yaml_emitter_emit(&emitter, &event);
    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    yaml_emitter_emit(&emitter, &event);
    emit(&emitter, tree);
    yaml_document_end_event_initialize(&event, 1);
    yaml_emitter_emit(&emitter, &event);
    yaml_stream_end_event_initialize(&event);
    yaml_emitter_emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
    return buffer_take(&text);
}
