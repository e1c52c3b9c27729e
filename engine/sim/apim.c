/* engine/sim/apim.c - what the rules of API Management's kinds share. */
#include "sim/apim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/database.h"
#include "sim/rules.h"
#include "sim/world.h"

/* "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/name" and
 * "/workspaces/name" behind it. */
enum { SERVICE_LENGTH = 8, WORKSPACE_LENGTH = 2 };

static const char *skip(const char *id, int segments)
{
    while (*id != '\0' && segments-- > 0)
        id += 1 + strcspn(id + 1, "/");
    return id;
}

char *apim_service(const char *id)
{
    return memory_copy_text(id, (size_t)(skip(id, SERVICE_LENGTH) - id));
}

char *apim_owner(const char *id)
{
    const char *end = skip(id, SERVICE_LENGTH);

    if (text_has_prefix_nocase(end, "/workspaces/"))
        end = skip(end, WORKSPACE_LENGTH);
    return memory_copy_text(id, (size_t)(end - id));
}

void apim_default(cJSON *body, const char *path, cJSON *value)
{
    if (json_at(body, path) == NULL)
        json_set_at(body, path, value);
    else
        cJSON_Delete(value);
}

char *apim_expand(const char *owner, const char *id)
{
    return text_has_prefix_nocase(id, "/subscriptions/")
               ? memory_copy_string(id)
               : memory_format("%s%s%s", owner, *id == '/' ? "" : "/", id);
}

char *apim_name_target(const char *owner, const char *of, const char *name)
{
    return text_lower(memory_format("%s/%s?%s", owner, of, name));
}

bool apim_refuse_field(const struct change *change, const char *field, const char *format,
                       ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);

    const int length = vsnprintf(NULL, 0, format, again);
    char *message = memory_new((size_t)length + 1);

    va_end(again);
    vsnprintf(message, (size_t)length + 1, format, arguments);
    va_end(arguments);
    answer_add_detail(change->answer, field, "%s", message);
    free(message);
    return answer_refuse_details(change->answer);
}

bool apim_check_unused(struct world *world, struct answer *answer, const char *target,
                       const struct kind *own, const char *what)
{
    struct buffer users = {0};
    char *owner = apim_owner(target);
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT entity.id FROM link JOIN entity ON entity.key = link.source"
        " WHERE link.target = ? AND link.type <> ? AND link.type NOT LIKE '%Links'"
        " ORDER BY link.source LIMIT 10",
        "tt", target, own->arm_type);

    while (database_step(world->database, row)) {
        const char *id = database_column(row, 0);

        buffer_printf(&users, "%s\r\n",
                      text_has_prefix_nocase(id, owner) ? id + strlen(owner) : id);
    }
    free(owner);

    const bool is_unused = users.length == 0;

    if (!is_unused)
        answer_refuse(answer, REFUSE_IN_USE,
                      "%s is used by the following entities:\r\n%s", what, users.data);
    buffer_deinit(&users);
    return is_unused;
}
