/* engine/sim/entra_page.c - pages for a person who signs in with a browser. */
#include "sim/entra_page.h"

#include <string.h>

#include "base/json.h"
#include "sim/answer.h"
#include "sim/database.h"
#include "sim/world.h"

/* So many users are offered; any other can be typed. */
enum { USERS_SHOWN = 50 };

void entra_page_append_text(struct buffer *page, const char *text)
{
    static const struct {
        char character;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};

    for (; *text != '\0'; text++) {
        size_t i = 0;

        while (i < sizeof entities / sizeof entities[0] && entities[i].character != *text)
            i++;
        if (i < sizeof entities / sizeof entities[0])
            buffer_append_string(page, entities[i].entity);
        else
            buffer_append_char(page, *text);
    }
}

void entra_page_begin(struct answer *answer, int status, const char *title,
                      const char *message)
{
    struct buffer *page = &answer->body;

    answer_fail(answer, status, "text/html; charset=utf-8",
                "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<style>body{font-family:sans-serif;max-width:34em;margin:4em auto}"
                "</style><title>");
    entra_page_append_text(page, title);
    buffer_append_string(page, "</title></head><body><h1>");
    entra_page_append_text(page, title);
    buffer_append_string(page, "</h1>");
    if (message == NULL)
        return;
    buffer_append_string(page, "<p><strong>");
    entra_page_append_text(page, message);
    buffer_append_string(page, "</strong></p>");
}

void entra_page_append_hidden(struct buffer *page, const char *name, const char *value)
{
    buffer_append_string(page, "<input type=\"hidden\" name=\"");
    entra_page_append_text(page, name);
    buffer_append_string(page, "\" value=\"");
    entra_page_append_text(page, value);
    buffer_append_string(page, "\">");
}

static void append_option(struct buffer *page, const char *text)
{
    cJSON *user = json_parse(text, strlen(text), NULL);
    const char *name = json_string_at(user, "userPrincipalName");

    if (name != NULL) {
        buffer_append_string(page, "<option value=\"");
        entra_page_append_text(page, name);
        buffer_append_string(page, "\">");
    }
    cJSON_Delete(user);
}

void entra_page_append_user(struct buffer *page, struct world *world, const char *chosen)
{
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT body FROM object WHERE type = 'User' ORDER BY name_key, id LIMIT ?", "i",
        (int64_t)USERS_SHOWN);

    buffer_append_string(page, "<p><label>Sign in as <input name=\"user\" list=\"users\" "
                               "value=\"");
    entra_page_append_text(page, chosen);
    buffer_append_string(page, "\"></label><datalist id=\"users\">");
    while (database_step(world->database, row))
        append_option(page, database_column(row, 0));
    buffer_append_string(page, "</datalist></p><p>Nobody is asked for a password: all of "
                               "this tenant is simulated.</p>");
}

void entra_page_end(struct answer *answer)
{
    buffer_append_string(&answer->body, "</body></html>\n");
}
