/* engine/arm/steps.h - operations and the journal: what is known of a write, and what became of
 * it. All of it does nothing in a run that keeps no journal. */
#ifndef MOONGATE_ARM_STEPS_H
#define MOONGATE_ARM_STEPS_H

#include <stdbool.h>

struct client;
struct failure;
struct operation_request;
struct reply;
struct step;
struct step_answer;
struct step_content;

/* Hands on what a request that is a write by itself is known by; false when it is no write. */
bool steps_tell(const struct operation_request *request,
                void (*tell)(void *context, const struct step_content *content),
                void *context);

/* The step of a request that is a write by itself, or NULL. */
struct step *steps_begin(const struct client *client,
                         const struct operation_request *request);

/* Whether an earlier attempt of the run has sent this request, which is not begun by that. */
bool steps_know(const struct client *client, const struct operation_request *request);

/* The answer that is known of the step, as far as it was kept. */
void steps_fill_reply(const struct step *step, struct reply *reply);

/* Whether nothing goes on any more: it is done, or its answer said so. */
bool steps_has_ended(const struct step *step, const char *method);
bool steps_answer_has_ended(const struct step_answer *answer, const char *method);

/* Writes down how it ended: `outcome`, or a failure. With `is_refusal` the service has said that
 * it was not done, or it was not sent; any other failure leaves open whether it was done, is not
 * written, and is looked up when the run is carried on. `step` may be NULL. */
void steps_conclude(const struct client *client, struct step *step, const char *outcome,
                    const struct failure *failure, bool is_refusal);

#endif
