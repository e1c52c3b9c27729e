/* engine/model/policy.h - policies of API Management as text: are they well-formed, and do two
 * of them say the same?
 *
 * A policy comes in one of two formats. `xml` is XML. `rawxml` is XML in which C# expressions,
 * `@(...)` and `@{...}`, stand as they are, with quotes, `<` and `&` that are not escaped. The
 * other formats are links to such texts, which only the service can read. */
#ifndef MOONGATE_MODEL_POLICY_H
#define MOONGATE_MODEL_POLICY_H

#include <stdbool.h>

#include <cjson/cJSON.h>

/* What is wrong with the body of a policy, in a message owned by the caller that names line and
 * column, or NULL: it must be well-formed, its root `policies`, and what is in that `inbound`,
 * `backend`, `outbound` or `on-error`. Says nothing of a body without text or with a link. */
char *policy_check(const cJSON *body);

/* The same of a policy fragment: its root is `fragment`, and anything may be in that. */
char *policy_check_fragment(const cJSON *body);

/* A rawxml text as xml: its expressions are escaped. Owned by the caller. */
char *policy_escape(const char *raw);

/* Whether two bodies of policies or fragments say the same, whatever their formats, indentation
 * and order of attributes. False when it cannot be told: a link, or text that is no policy. */
bool policy_is_same(const cJSON *a, const cJSON *b);

/* The same of fragments, which must have the same description, too, if `wanted` has one. */
bool policy_is_same_fragment(const cJSON *have, const cJSON *wanted);

#endif
