/* engine/model/policy.c - policies of API Management as text.
 *
 * expat reads the XML. What it could not read, the expressions of rawxml, is found first: for
 * a check they are blanked out, which leaves each line and column where it was; for a
 * comparison they are escaped, which makes xml of rawxml. */
#include "model/policy.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { MAX_NESTING = 32 }; /* of strings within strings of an expression */

/* --- C# ------------------------------------------------------------------------------- */

static const char *skip_code(const char *at, char open, char close, int nesting);

/* Behind the next `mark`, or the end of the text when it does not come. */
static const char *skip_past(const char *at, const char *mark)
{
    const size_t length = strlen(mark);

    while (*at != '\0' && strncmp(at, mark, length) != 0)
        at++;
    return *at != '\0' ? at + length : at;
}

/* Over 'x', '\n' or '\u0041', or over the one quote when it begins none of these. */
static const char *skip_character(const char *at)
{
    const char *end = at + 1;

    if (*end == '\\') {
        for (end += end[1] != '\0' ? 2 : 1;
             end - at < 12 && *end != '\'' && *end != '\0';)
            end++;
    } else if (*end != '\0') {
        do {
            end++;
        } while (((unsigned char)*end & 0xc0) == 0x80); /* the rest of one character */
    }
    return *end == '\'' ? end + 1 : at + 1;
}

/* Over a string; `at` is behind its first quote. One that is not verbatim ends with its line.
 * In an interpolated one {code} may hold strings of its own. */
static const char *skip_string(const char *at, bool is_verbatim, bool is_interpolated,
                               int nesting)
{
    while (*at != '\0') {
        if (*at == '"' && is_verbatim && at[1] == '"') {
            at += 2;
        } else if (*at == '"') {
            return at + 1;
        } else if (*at == '\n' && !is_verbatim) {
            return at;
        } else if (*at == '\\' && !is_verbatim && at[1] != '\0') {
            at += 2;
        } else if (*at == '{' && is_interpolated && at[1] == '{') {
            at += 2;
        } else if (*at == '{' && is_interpolated && nesting < MAX_NESTING) {
            const char *end = skip_code(at + 1, '{', '}', nesting + 1);

            at = end != NULL ? end : at + strlen(at);
        } else {
            at++;
        }
    }
    return at;
}

/* Over the string, character or comment that begins at `at`, or NULL when none does. */
static const char *skip_token(const char *at, int nesting)
{
    bool is_verbatim = false, is_interpolated = false;
    const char *quote = at;

    for (; quote < at + 2 && (*quote == '$' || *quote == '@'); quote++) {
        is_verbatim = is_verbatim || *quote == '@';
        is_interpolated = is_interpolated || *quote == '$';
    }
    if (*quote == '"')
        return skip_string(quote + 1, is_verbatim, is_interpolated, nesting);
    if (*at == '\'')
        return skip_character(at);
    if (at[0] == '/' && at[1] == '/')
        return at + strcspn(at, "\n");
    if (at[0] == '/' && at[1] == '*')
        return skip_past(at + 2, "*/");
    return NULL;
}

/* Over code up to and with the bracket that closes it, or NULL when none does. */
static const char *skip_code(const char *at, char open, char close, int nesting)
{
    int depth = 1;

    while (*at != '\0') {
        const char *token = skip_token(at, nesting);

        if (token != NULL) {
            at = token;
            continue;
        }
        depth += (*at == open) - (*at == close);
        at++;
        if (depth == 0)
            return at;
    }
    return NULL;
}

/* --- expressions ---------------------------------------------------------------------- */

/* Writes an expression to `to` in a form that XML can hold. */
typedef void expression_writer(struct buffer *to, const char *from, const char *end);

/* What XML reads in ways of its own becomes spaces; lines stay, and so do bytes that may be no
 * characters of XML at all, and the first, so that it is still found where no text may be. */
static void blank_out(struct buffer *to, const char *from, const char *end)
{
    buffer_append_char(to, *from++);
    for (; from < end; from++)
        buffer_append_char(to, *from > ' ' && *from < 0x7f ? ' ' : *from);
}

static void escape(struct buffer *to, const char *from, const char *end)
{
    for (; from < end; from++) {
        switch (*from) {
        case '<':
            buffer_append_string(to, "&lt;");
            break;
        case '>': /* of "]]>" */
            buffer_append_string(to, "&gt;");
            break;
        case '"':
            buffer_append_string(to, "&quot;");
            break;
        case '\'':
            buffer_append_string(to, "&apos;");
            break;
        case '&':
            buffer_append_string(to, "&amp;");
            break;
        default:
            buffer_append_char(to, *from);
        }
    }
}

/* What of the text is not looked into for expressions: over the comment or CDATA section that
 * begins at `at`, or NULL. */
static const char *skip_markup(const char *at)
{
    static const struct {
        const char *begin, *end;
    } kinds_of_markup[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}};

    for (size_t i = 0; *at == '<' && i < 2; i++) {
        const size_t length = strlen(kinds_of_markup[i].begin);

        if (strncmp(at, kinds_of_markup[i].begin, length) == 0)
            return skip_past(at + length, kinds_of_markup[i].end);
    }
    return NULL;
}

/* Whether an attribute or a text begins here, blanks aside. */
static bool begins_value(const char *text, const char *at)
{
    while (at > text && strchr(" \t\r\n", at[-1]) != NULL)
        at--;
    return at > text && strchr("\"'>", at[-1]) != NULL;
}

/* The text with its expressions written by `write`, owned by the caller. NULL when one is not
 * closed, which then is at `*open`. In the middle of a value "@(" that is never closed is taken
 * for text, and so is what follows. */
static char *rewrite(const char *text, expression_writer *write, const char **open)
{
    struct buffer to = {0};
    const char *at = text;

    while (*at != '\0') {
        const char *end = skip_markup(at);

        if (end == NULL && at[0] == '@' && (at[1] == '(' || at[1] == '{')) {
            end = skip_code(at + 2, at[1], at[1] == '(' ? ')' : '}', 0);
            if (end == NULL && begins_value(text, at)) {
                buffer_deinit(&to);
                *open = at;
                return NULL;
            }
            if (end == NULL)
                break;
            write(&to, at, end);
            at = end;
            continue;
        }
        if (end == NULL)
            end = at + 1;
        buffer_append(&to, at, (size_t)(end - at));
        at = end;
    }
    buffer_append_string(&to, at);
    return buffer_take(&to);
}

/* --- the check ------------------------------------------------------------------------ */

static const char *const sections[] = {"inbound", "backend", "outbound", "on-error"};
enum { SECTION_COUNT = sizeof sections / sizeof sections[0] };

struct check {
    XML_Parser parser;
    const char *root;
    bool has_sections;
    int depth;
    char *wrong; /* NULL: nothing so far */
};

static char *format_place(XML_Parser parser, const char *what)
{
    return memory_format("value: line %lu, column %lu: %s",
                         (unsigned long)XML_GetCurrentLineNumber(parser),
                         (unsigned long)XML_GetCurrentColumnNumber(parser) + 1, what);
}

/* Takes `what`. */
static void refuse(struct check *check, char *what)
{
    check->wrong = format_place(check->parser, what);
    free(what);
    XML_StopParser(check->parser, XML_FALSE);
}

static void check_section(struct check *check, const char *name)
{
    const char *near = text_nearest(name, sections, SECTION_COUNT);

    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (strcmp(sections[i], name) == 0)
            return;
    }
    if (near != NULL)
        refuse(check,
               memory_format("<%.80s> is no section of a policy; did you mean <%s>?",
                             name, near));
    else
        refuse(check,
               memory_format("<%.80s> is no section of a policy; there are inbound, "
                             "backend, outbound and on-error",
                             name));
}

static void XMLCALL on_start(void *context, const XML_Char *name,
                             const XML_Char **attributes)
{
    struct check *check = context;

    (void)attributes;
    if (check->wrong != NULL)
        return;
    if (check->depth == 0 && strcmp(name, check->root) != 0)
        refuse(check,
               memory_format("the root is <%.80s>, and must be <%s>", name, check->root));
    else if (check->depth == 1 && check->has_sections)
        check_section(check, name);
    check->depth++;
}

static void XMLCALL on_end(void *context, const XML_Char *name)
{
    struct check *check = context;

    (void)name;
    check->depth--;
}

static char *check_xml(const char *text, const char *root, bool has_sections)
{
    struct check check = {
        .parser = XML_ParserCreate("UTF-8"), .root = root, .has_sections = has_sections};

    XML_SetUserData(check.parser, &check);
    XML_SetElementHandler(check.parser, on_start, on_end);
    if (XML_Parse(check.parser, text, (int)strlen(text), XML_TRUE) != XML_STATUS_OK &&
        check.wrong == NULL)
        check.wrong =
            format_place(check.parser, XML_ErrorString(XML_GetErrorCode(check.parser)));
    XML_ParserFree(check.parser);
    return check.wrong;
}

static char *refuse_open(const char *text, const char *open)
{
    unsigned long line = 1, column = 1;

    for (; text < open; text++) {
        if (*text == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*text & 0xc0) != 0x80) {
            column++;
        }
    }
    return memory_format(
        "value: line %lu, column %lu: the expression %.2s is never closed", line, column,
        open);
}

/* The text of the body, or NULL when it has none that can be read here. */
static const char *text_of(const cJSON *body, bool *is_raw)
{
    const char *format = json_string_at(body, "properties.format");

    *is_raw = format != NULL && text_equal_nocase(format, "rawxml");
    return format == NULL || *is_raw || text_equal_nocase(format, "xml")
               ? json_string_at(body, "properties.value")
               : NULL;
}

static char *check_body(const cJSON *body, const char *root, bool has_sections)
{
    bool is_raw;
    const char *text = text_of(body, &is_raw), *open = NULL;
    char *plain, *wrong;

    if (text == NULL)
        return NULL;
    if (!is_raw)
        return check_xml(text, root, has_sections);
    plain = rewrite(text, blank_out, &open);
    if (plain == NULL)
        return refuse_open(text, open);
    wrong = check_xml(plain, root, has_sections);
    free(plain);
    return wrong;
}

char *policy_check(const cJSON *body)
{
    return check_body(body, "policies", true);
}

char *policy_check_fragment(const cJSON *body)
{
    return check_body(body, "fragment", false);
}

/* --- comparing ------------------------------------------------------------------------ */

/* What a policy says, written in the one way that all who say the same share: marks that no
 * XML text can hold, attributes by name, texts without blanks around them. */
struct canon {
    struct buffer to, text;
};

static void end_text(struct canon *canon)
{
    const char *from = canon->text.data, *end;

    if (canon->text.length == 0)
        return;
    end = from + canon->text.length;
    while (from < end && strchr(" \t\r\n", *from) != NULL)
        from++;
    while (end > from && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    if (from < end) {
        buffer_append_char(&canon->to, '\1');
        buffer_append(&canon->to, from, (size_t)(end - from));
    }
    buffer_clear(&canon->text);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void XMLCALL canon_start(void *context, const XML_Char *name,
                                const XML_Char **attributes)
{
    struct canon *canon = context;
    size_t count = 0;
    const char **sorted;

    end_text(canon);
    buffer_append_char(&canon->to, '\2');
    buffer_append_string(&canon->to, name);
    while (attributes[2 * count] != NULL)
        count++;
    sorted = memory_resize(NULL, (2 * count + 1) * sizeof *sorted);
    memcpy(sorted, attributes, 2 * count * sizeof *sorted);
    qsort(sorted, count, 2 * sizeof *sorted, compare_names);
    for (size_t i = 0; i < 2 * count; i++) {
        buffer_append_char(&canon->to, i % 2 == 0 ? '\3' : '\4');
        buffer_append_string(&canon->to, sorted[i]);
    }
    free(sorted);
}

static void XMLCALL canon_end(void *context, const XML_Char *name)
{
    struct canon *canon = context;

    (void)name;
    end_text(canon);
    buffer_append_char(&canon->to, '\5');
}

static void XMLCALL canon_text(void *context, const XML_Char *text, int length)
{
    struct canon *canon = context;

    buffer_append(&canon->text, text, (size_t)length);
}

static void XMLCALL canon_comment(void *context, const XML_Char *text)
{
    struct canon *canon = context;

    end_text(canon);
    buffer_append_char(&canon->to, '\6');
    buffer_append_string(&canon->to, text);
}

/* Owned by the caller; NULL when it is no XML. */
static char *canonical_xml(const char *text)
{
    struct canon canon = {{0}, {0}};
    XML_Parser parser = XML_ParserCreate("UTF-8");
    enum XML_Status status;

    XML_SetUserData(parser, &canon);
    XML_SetElementHandler(parser, canon_start, canon_end);
    XML_SetCharacterDataHandler(parser, canon_text);
    XML_SetCommentHandler(parser, canon_comment);
    status = XML_Parse(parser, text, (int)strlen(text), XML_TRUE);
    XML_ParserFree(parser);
    buffer_deinit(&canon.text);
    if (status == XML_STATUS_OK)
        return buffer_take(&canon.to);
    buffer_deinit(&canon.to);
    return NULL;
}

static char *canonical(const cJSON *body)
{
    bool is_raw;
    const char *text = text_of(body, &is_raw), *open;
    char *xml, *result;

    if (text == NULL || !is_raw)
        return text != NULL ? canonical_xml(text) : NULL;
    xml = rewrite(text, escape, &open);
    result = xml != NULL ? canonical_xml(xml) : NULL;
    free(xml);
    return result;
}

char *policy_escape(const char *raw)
{
    const char *open = NULL;
    char *xml = rewrite(raw, escape, &open);

    return xml != NULL ? xml : memory_copy_string(raw);
}

bool policy_is_same(const cJSON *a, const cJSON *b)
{
    char *one = canonical(a);
    char *other = one != NULL ? canonical(b) : NULL;
    const bool is_same = other != NULL && strcmp(one, other) == 0;

    free(one);
    free(other);
    return is_same;
}

bool policy_is_same_fragment(const cJSON *have, const cJSON *wanted)
{
    const char *a = json_string_at(have, "properties.description");
    const char *b = json_string_at(wanted, "properties.description");

    return (b == NULL || (a != NULL && strcmp(a, b) == 0)) &&
           policy_is_same(have, wanted);
}
