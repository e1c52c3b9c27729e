/* engine/sim/scope_filter.c - $filter of Microsoft.Authorization. */
#include "sim/scope_filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/call.h"

/* Passes over `word` and the spaces around it when it comes next. */
static bool accept(const char **at, const char *word)
{
    const char *end;

    while (**at == ' ')
        (*at)++;
    if (!text_has_prefix_nocase(*at, word))
        return false;
    end = *at + strlen(word);
    if (isalpha((unsigned char)word[0]) && isalnum((unsigned char)*end))
        return false;
    while (*end == ' ')
        end++;
    *at = end;
    return true;
}

/* A text in quotes, a doubled one standing for itself; owned by the caller, or NULL. */
static char *accept_text(const char **at)
{
    struct buffer text = {0};

    if (**at != '\'')
        return NULL;
    for (const char *c = *at + 1; *c != '\0'; c++) {
        if (*c == '\'' && *++c != '\'') {
            *at = c;
            return buffer_take(&text);
        }
        buffer_append_char(&text, *c);
    }
    buffer_deinit(&text);
    return NULL;
}

/* What the question asks for, when it comes next; owned by the caller, or NULL. */
static char *accept_question(const char **at, const struct scope_question *question)
{
    const char *after = *at;
    char *text = NULL;

    if (!accept(&after, question->name) ||
        !accept(&after, question->form == ASK_EQUALITY ? "eq" : "("))
        return NULL;
    text = question->form == ASK_NOTHING ? memory_copy_string("") : accept_text(&after);
    if (text != NULL && (question->form == ASK_EQUALITY || accept(&after, ")"))) {
        *at = after;
        return text;
    }
    free(text);
    return NULL;
}

static bool read_question(struct scope_filter *filter,
                          const struct scope_question *questions, const char **at)
{
    for (size_t i = 0; questions[i].name != NULL; i++) {
        char *text = filter->texts[i] == NULL ? accept_question(at, &questions[i]) : NULL;

        if (text != NULL) {
            filter->texts[i] = text;
            return true;
        }
    }
    return false;
}

bool scope_filter_read(struct scope_filter *filter,
                       const struct scope_question *questions, const struct call *call,
                       struct answer *answer)
{
    const char *text = call_parameter(call, "$filter"), *at = text;
    bool is_good = true;

    *filter = (struct scope_filter){0};
    if (text == NULL || *text == '\0')
        return true;
    do
        is_good = read_question(filter, questions, &at);
    while (is_good && accept(&at, "and"));
    while (*at == ' ')
        at++;
    return (is_good && *at == '\0') ||
           answer_refuse(answer, REFUSE_FILTER, "The filter '%s' is not supported.",
                         text);
}

void scope_filter_release(struct scope_filter *filter)
{
    for (size_t i = 0; i < SCOPE_QUESTIONS; i++)
        free(filter->texts[i]);
}
