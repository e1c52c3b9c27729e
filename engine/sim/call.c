/* engine/sim/call.c - one request to the simulated control plane, taken apart. */
#include "sim/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/jsonc.h"

/* Decodes in place. False when the text hides a NUL, which would cut it short, or is not
 * UTF-8: no answer could repeat it. */
static bool decode(char *text)
{
    const size_t length = text_unescape(text);

    return length == strlen(text) && text_is_utf8(text, length);
}

static bool split_path(struct call *call)
{
    char *rest = call->path_text = memory_copy_string(call->path);

    while (*rest != '\0') {
        char *segment = rest;

        rest += strcspn(rest, "/");
        if (*rest != '\0')
            *rest++ = '\0';
        if (*segment == '\0')
            continue; /* clients double slashes */
        if (call->segment_count == CALL_SEGMENT_LIMIT || !decode(segment) ||
            strchr(segment, '/') != NULL)
            return false;
        call->segments[call->segment_count++] = segment;
    }
    return true;
}

static void plus_to_space(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '+')
            *text = ' ';
    }
}

static bool split_query(struct call *call)
{
    char *rest = call->query_text =
        memory_copy_string(call->query != NULL ? call->query : "");

    while (*rest != '\0') {
        char *name = rest, *value;

        rest += strcspn(rest, "&");
        if (*rest != '\0')
            *rest++ = '\0';
        value = name + strcspn(name, "=");
        if (*value != '\0')
            *value++ = '\0';
        plus_to_space(value);
        if (call->parameter_count == CALL_PARAMETER_LIMIT || !decode(name) ||
            !decode(value))
            return false;
        call->parameters[call->parameter_count++] =
            (struct call_parameter){.name = name, .value = value};
    }
    return true;
}

bool call_open(struct call *call)
{
    return split_path(call) && split_query(call);
}

void call_close(struct call *call)
{
    cJSON_Delete(call->json);
    free(call->path_text);
    free(call->query_text);
}

enum call_class call_find_class(const struct call *call)
{
    switch (call->method) {
    case CALL_GET:
    case CALL_HEAD:
        return CLASS_READS;
    case CALL_DELETE:
        return CLASS_DELETES;
    case CALL_PUT:
    case CALL_PATCH:
    case CALL_POST:
        break;
    }
    return CLASS_WRITES;
}

const char *call_parameter(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->parameter_count; i++) {
        if (text_equal_nocase(call->parameters[i].name, name))
            return call->parameters[i].value;
    }
    return NULL;
}

bool call_flag(const struct call *call, const char *name)
{
    const char *value = call_parameter(call, name);

    return value != NULL && text_equal_nocase(value, "true");
}

bool call_segment_is(const struct call *call, size_t index, const char *text)
{
    return index < call->segment_count && text_equal_nocase(call->segments[index], text);
}

cJSON *call_json(struct call *call)
{
    if (call->json == NULL && call->body_length > 0 &&
        text_is_utf8(call->body, call->body_length))
        call->json = json_parse(call->body, call->body_length, NULL);
    return cJSON_IsObject(call->json) ? call->json : NULL;
}

cJSON *call_jsonc(struct call *call)
{
    if (call_json(call) == NULL && call->json == NULL && call->body_length > 0 &&
        text_is_utf8(call->body, call->body_length)) {
        char *text = jsonc_to_json(call->body, call->body_length);

        call->json = json_parse(text, strlen(text), NULL);
        free(text);
    }
    return cJSON_IsObject(call->json) ? call->json : NULL;
}

cJSON *call_form(const struct call *call)
{
    char *text =
        memory_copy_text(call->body != NULL ? call->body : "", call->body_length);
    char *rest = text;
    cJSON *form = cJSON_CreateObject();

    for (size_t i = 0; i < CALL_FORM_LIMIT && *rest != '\0'; i++) {
        char *field = rest, *value;

        rest += strcspn(rest, "&");
        if (*rest != '\0')
            *rest++ = '\0';
        value = field + strcspn(field, "=");
        if (*value != '\0')
            *value++ = '\0';
        plus_to_space(value);
        if (decode(field) && decode(value))
            cJSON_AddStringToObject(form, field, value);
    }
    free(text);
    return form;
}
