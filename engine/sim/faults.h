/* engine/sim/faults.h - what shall go wrong, by name, and how often it has.
 *
 * A text such as "throttle=0.1,reset-after=#3,lro-fail=gw-7,token-life=10m" lists rules:
 *
 *   throttle, error, error-after, reset, reset-after, timeout, revoke, monitor-lost
 *                     =RATE, from 0 to 1: that part of the requests that could have it; or
 *                     =#N: the Nth of these alone. A name may come more than once.
 *   token-life        =DURATION, 1s to 1d: how long new tokens live
 *   lro-fail, lro-cancel
 *                     =NAME of a resource: how its next long operation ends, once
 *
 * Which requests could have which fault says sim/strike.h. Draws depend on the seed and on
 * how many requests there were, so the same run meets the same faults. */
#ifndef MOONGATE_SIM_FAULTS_H
#define MOONGATE_SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct faults;

enum fault {
    FAULT_THROTTLE,
    FAULT_ERROR,
    FAULT_ERROR_AFTER,
    FAULT_RESET,
    FAULT_RESET_AFTER,
    FAULT_TIMEOUT,
    FAULT_REVOKE,
    FAULT_MONITOR_LOST,
    FAULT_TOKEN_LIFE,
    FAULT_LRO_FAIL,
    FAULT_LRO_CANCEL,
    FAULT_COUNT
};

/* Without any rule. Owned by the caller. */
struct faults *faults_new(uint64_t seed);

/* Accepts NULL. */
void faults_free(struct faults *faults);

/* Replaces all rules and begins to count anew; an empty text leaves none. Returns NULL, or what is wrong with the
 * text (owned by the caller), and then nothing has changed. */
char *faults_set(struct faults *faults, const char *text);

/* What is wrong with a text, owned by the caller, or NULL when it is a good one. */
char *faults_check(const char *text);

/* Whether a request that could have the fault does. `*bits`, when it is not NULL, gets
 * something to draw the fault's form by. */
bool faults_strike(struct faults *faults, enum fault fault, uint64_t *bits);

/* Whether FAULT_LRO_FAIL or FAULT_LRO_CANCEL awaits the operation on this resource, which
 * ends now. */
bool faults_strike_operation(struct faults *faults, enum fault fault, const char *name);

/* How long a token lives, or `otherwise_ms`. */
int64_t faults_token_life_ms(const struct faults *faults, int64_t otherwise_ms);

/* How many faults there were, of all rules that were ever set. */
int64_t faults_count(const struct faults *faults);

/* What the latest one is called, "" when there was none. A constant. */
const char *faults_latest(const struct faults *faults);

/* Appends the rules as a text that faults_set() takes. */
void faults_write(const struct faults *faults, struct buffer *to);

/* Appends the rules and how often each struck, as JSON. */
void faults_describe(const struct faults *faults, struct buffer *to);

/* How long a token may live at least and at most. */
enum { TOKEN_LIFE_LEAST_MS = 1000, TOKEN_LIFE_MOST_MS = 24 * 3600 * 1000 };

#endif
