/* engine/sim/faults.h - what shall go wrong, by name, and how often it has.
 *
 * A text such as "throttle=0.1,reset-after@gw-7=#3,lro-fail=gw-7,token-life=10m" lists rules,
 * each NAME[@TARGET]=VALUE:
 *
 *   VALUE   a rate from 0 to 1: that part of the requests that could have it;
 *           #N the Nth of these alone; #A-B those from the Ath to the Bth; Nx the first N
 *   TARGET  [METHOD:]PATTERN: only requests with this method whose path it matches. A
 *           pattern with a slash or a star is the path's end, from any segment on, where a
 *           star stands for any text: PUT:gateways/gw-7, Microsoft.Network/(star). Any other
 *           is a name: some segment of the path is that. Case does not matter.
 *
 *   throttle, error, error-500, error-502, error-503, error-504, reset, timeout,
 *   error-after, reset-after, truncated, malformed, html, content-type, empty,
 *   headers-lost, slow
 *                      requests; which of them and what they get says sim/strike.h
 *   stale              reads of resources in ARM: they answer what was there
 *                      replication-lag (10 s unless it is said) ago
 *   maintenance        writes to API Management: the service or gateway is locked, for 1 to
 *                      10 minutes
 *   monitor-lost       polls: 404
 *   revoke             tokens, at a request that uses one
 *   lro-fail, lro-cancel, lro-hang, lro-vanish
 *                      long operations, when they come to their end: it fails, is canceled,
 *                      never comes until the rule is taken back, or is a success that leaves
 *                      no resource. The method is PUT or DELETE, the path the resource's id.
 *                      =NAME is short for @NAME=1x.
 *
 * and, as NAME=VALUE:
 *
 *   capacity=REGION    services and gateways cannot be made there: half of them are refused,
 *                      half fail in the end
 *   token-life=DURATION       how long new tokens live, 1s to 1d
 *   replication-lag=DURATION  reads are as old as that, 1ms to 1d: all, unless `stale` is
 *                             said
 *   clock-skew=DURATION       how far the times the services tell are ahead, -30d to 30d
 *
 * A name may come more than once. Draws depend on the seed and on how many requests could
 * have had the fault by this rule, so the same run meets the same faults. */
#ifndef MOONGATE_SIM_FAULTS_H
#define MOONGATE_SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct call;
struct faults;

enum fault {
    FAULT_THROTTLE,
    FAULT_ERROR,
    FAULT_ERROR_500,
    FAULT_ERROR_502,
    FAULT_ERROR_503,
    FAULT_ERROR_504,
    FAULT_RESET,
    FAULT_TIMEOUT,
    FAULT_ERROR_AFTER,
    FAULT_RESET_AFTER,
    FAULT_TRUNCATED,
    FAULT_MALFORMED,
    FAULT_HTML,
    FAULT_CONTENT_TYPE,
    FAULT_EMPTY,
    FAULT_HEADERS_LOST,
    FAULT_SLOW,
    FAULT_STALE,
    FAULT_MAINTENANCE,
    FAULT_MONITOR_LOST,
    FAULT_REVOKE,
    FAULT_LRO_FAIL,
    FAULT_LRO_CANCEL,
    FAULT_LRO_HANG,
    FAULT_LRO_VANISH,
    FAULT_CAPACITY,
    FAULT_TOKEN_LIFE,
    FAULT_REPLICATION_LAG,
    FAULT_CLOCK_SKEW,
    FAULT_COUNT
};

/* Without any rule. Owned by the caller. */
struct faults *faults_new(uint64_t seed);

/* Accepts NULL. */
void faults_free(struct faults *faults);

/* Replaces all rules and begins to count anew; an empty text leaves none. What is locked is
 * free again. Returns NULL, or what is wrong with the text (owned by the caller), and then
 * nothing has changed. */
char *faults_set(struct faults *faults, const char *text);

/* What is wrong with a text, owned by the caller, or NULL when it is a good one. */
char *faults_check(const char *text);

/* Whether there is a rule for the fault. */
bool faults_has(const struct faults *faults, enum fault fault);

/* Whether a request that could have the fault does. `*bits`, when it is not NULL, gets
 * something to draw the fault's form by. */
bool faults_strike(struct faults *faults, enum fault fault, const struct call *call,
                   uint64_t *bits);

/* The same of a long operation that ends now, by its `verb` and the id of its resource. */
bool faults_strike_operation(struct faults *faults, enum fault fault, const char *verb,
                             const char *id);

/* Whether FAULT_CAPACITY says that a region is full. Spaces and case do not matter. */
bool faults_strike_region(struct faults *faults, const char *region);

/* What FAULT_TOKEN_LIFE, FAULT_REPLICATION_LAG or FAULT_CLOCK_SKEW says, or `otherwise_ms`. */
int64_t faults_duration_ms(const struct faults *faults, enum fault fault,
                           int64_t otherwise_ms);

/* Locks what `key` stands for until then (UTC), until the next faults_set(); and until when
 * it is locked, or 0. */
void faults_lock(struct faults *faults, const char *key, int64_t until_ms);
int64_t faults_locked_until_ms(const struct faults *faults, const char *key);

/* When the lock that lasts longest ends, or INT64_MAX when that is not ahead. */
int64_t faults_next_event(const struct faults *faults, int64_t now_ms);

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
