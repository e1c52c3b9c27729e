/* engine/net/http_head.c - whether the head of a request is good HTTP/1.1. */
#include "net/http_head.h"

#include <string.h>

#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

#include "base/text.h"

/* Two of one of these are no request that one may guess about. */
static const char *const singles[] = {"Host", "Content-Length", "Transfer-Encoding",
                                      "Content-Encoding", "Authorization"};

enum { SINGLES = sizeof singles / sizeof singles[0] };

/* The first value of each of `singles`, or NULL; the flaw of the fields as such. */
static const char *read_singles(struct evhttp_request *request, const char **values)
{
    const struct evkeyval *field;

    for (field = evhttp_request_get_input_headers(request)->tqh_first; field != NULL;
         field = field->next.tqe_next) {
        if (strpbrk(field->key, " \t") != NULL)
            return "the name of a header has a blank in it";
        for (size_t i = 0; i < SINGLES; i++) {
            if (!text_equal_nocase(field->key, singles[i]))
                continue;
            if (values[i] != NULL)
                return "a header that may stand once stands twice";
            values[i] = field->value;
        }
    }
    return NULL;
}

/* "name:port", without what would make a URL say something else. */
static bool is_host(const char *host)
{
    return host[0] != '\0' &&
           host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789.-_:[]")] == '\0';
}

static bool is_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

const char *http_head_find_flaw(struct evhttp_request *request)
{
    const char *values[SINGLES] = {NULL};
    const char *flaw = read_singles(request, values);
    const char *host = values[0], *length = values[1], *encoding = values[2];

    if (flaw != NULL)
        return flaw;
    if (host == NULL && (request->major > 1 || request->minor > 0))
        return "there is no Host header";
    if (host != NULL && !is_host(host))
        return "the Host header is not a name with a port";
    if (length != NULL && encoding != NULL)
        return "there are both Content-Length and Transfer-Encoding";
    if (length != NULL && !is_number(length))
        return "Content-Length is not a number";
    if (encoding != NULL && !text_equal_nocase(encoding, "chunked"))
        return "Transfer-Encoding is not chunked";
    return NULL;
}

size_t http_head_size(struct evhttp_request *request)
{
    const struct evkeyval *field;
    size_t size = 0;

    for (field = evhttp_request_get_input_headers(request)->tqh_first; field != NULL;
         field = field->next.tqe_next)
        size += strlen(field->key) + strlen(field->value) + strlen(": \r\n");
    return size;
}

size_t http_head_count(struct evhttp_request *request)
{
    const struct evkeyval *field;
    size_t count = 0;

    for (field = evhttp_request_get_input_headers(request)->tqh_first; field != NULL;
         field = field->next.tqe_next)
        count++;
    return count;
}

bool http_head_has_unread_body(struct evhttp_request *request)
{
    const struct evkeyvalq *fields = evhttp_request_get_input_headers(request);
    const enum evhttp_cmd_type command = evhttp_request_get_command(request);
    const char *length = evhttp_find_header(fields, "Content-Length");

    return (command == EVHTTP_REQ_HEAD || command == EVHTTP_REQ_TRACE ||
            command > EVHTTP_REQ_PATCH) &&
           (evhttp_find_header(fields, "Transfer-Encoding") != NULL ||
            (length != NULL && strcmp(length, "0") != 0));
}
