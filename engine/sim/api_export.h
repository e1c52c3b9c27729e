/* engine/sim/api_export.h - the documents that APIs are imported from and exported to. */
#ifndef MOONGATE_SIM_API_EXPORT_H
#define MOONGATE_SIM_API_EXPORT_H

#include <stdbool.h>

#include <cjson/cJSON.h>

struct answer;
struct call;
struct change;
struct target;
struct world;

/* Takes a document out of the properties of an API that is written. What was read is in the
 * result, owned by the caller: `tree` (sim/api_document.h) or `error`; NULL when there is no
 * document. */
cJSON *api_import_take(const struct change *change);

/* Writes the operations and schemas of a document that was taken: those that were there
 * before and are in it keep their policies, those that are not go. */
void api_import_save(struct change *change, const cJSON *tree);

/* Answers a GET with export=true with a link to the document. False when it is no such GET. */
bool api_export_answer(struct world *world, const struct call *call,
                       const struct target *target, struct answer *answer);

/* The document behind a link, which is good for five minutes and needs no token. False when
 * the path is no such link. */
bool api_export_download(struct world *world, const struct call *call,
                         struct answer *answer);

#endif
