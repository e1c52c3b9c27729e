/* engine/sim/call.h - one request to the simulated control plane, whatever brought it.
 *
 * The server fills the first part from HTTP; tests and plans may fill it by hand. Strings
 * are borrowed and must live as long as the call. */
#ifndef MOONGATE_SIM_CALL_H
#define MOONGATE_SIM_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "model/kind.h"

/* As enum kind_operation where that has the same. */
enum call_method {
    CALL_GET = KIND_GET,
    CALL_HEAD = KIND_HEAD,
    CALL_PUT = KIND_PUT,
    CALL_PATCH = KIND_PATCH,
    CALL_DELETE = KIND_DELETE,
    CALL_POST = 1024
};

/* As Azure Resource Manager counts requests. */
enum call_class { CLASS_READS, CLASS_WRITES, CLASS_DELETES, CALL_CLASS_COUNT };

enum { CALL_SEGMENT_LIMIT = 48, CALL_PARAMETER_LIMIT = 24, CALL_FORM_LIMIT = 64 };

struct call_parameter {
    const char *name, *value;
};

struct call {
    enum call_method method;
    const char *base;  /* "http://127.0.0.1:4280": what absolute URLs begin with */
    const char *path;  /* as it was sent, percent-encoded, without the query */
    const char *query; /* as it was sent, or NULL */
    const char *authorization, *if_match, *if_none_match, *consistency_level,
        *client_request_id; /* or NULL */
    const char *body;
    size_t body_length;

    /* filled by call_open() */
    char *segments[CALL_SEGMENT_LIMIT]; /* of the path, decoded */
    size_t segment_count;
    struct call_parameter parameters[CALL_PARAMETER_LIMIT]; /* of the query, decoded */
    size_t parameter_count;
    cJSON *json; /* the body, once call_json() has read it */
    char *path_text, *query_text;
};

/* Splits path and query. Returns false when they cannot be understood; close it all the
 * same. */
bool call_open(struct call *call);
void call_close(struct call *call);

/* An action (POST) counts as a write. */
enum call_class call_find_class(const struct call *call);

/* The value of a query parameter, "" when it has none, NULL when it is not there. Names
 * compare without regard to case. Borrowed. */
const char *call_parameter(const struct call *call, const char *name);

/* Whether the query parameter is there and "true". */
bool call_flag(const struct call *call, const char *name);

/* Whether segment `index` of the path is `text`, without regard to case. */
bool call_segment_is(const struct call *call, size_t index, const char *text);

/* The body as a JSON object, or NULL when it is none. Borrowed; it may be changed. */
cJSON *call_json(struct call *call);

/* The same, and comments and bare names are taken, too (sim/jsonc.h). */
cJSON *call_jsonc(struct call *call);

/* The fields of a body that is a form (application/x-www-form-urlencoded): an object with a
 * string for each, owned by the caller. Of one that comes twice the first counts; what cannot
 * be decoded, and what comes after the 64th, is left out. */
cJSON *call_form(const struct call *call);

#endif
