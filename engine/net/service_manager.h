/* engine/net/service_manager.h - what a service manager such as systemd is told: sd_notify(3).
 *
 * The protocol is a datagram of assignments to the socket that NOTIFY_SOCKET names; its manual
 * page shows that it needs no library, and promises that it stays as it is. Only Linux has such
 * managers: elsewhere nobody listens. */
#ifndef MOONGATE_NET_SERVICE_MANAGER_H
#define MOONGATE_NET_SERVICE_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

/* What a manager reads of one message: PIPE_BUF of Linux. */
enum { SERVICE_MANAGER_MOST_BYTES = 4096 };

struct service_manager;

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child
 * speaks in our name. Never NULL. */
struct service_manager *service_manager_open(void);

/* Accepts NULL. */
void service_manager_close(struct service_manager *manager);

/* Whether there is one that wants to be told. */
bool service_manager_listens(const struct service_manager *manager);

/* Tells it assignments, one a line: "READY=1", "STATUS=3 runs", "RELOADING=1" (to which the time
 * that goes with it is added: MONOTONIC_USEC), "STOPPING=1", "WATCHDOG=1". At most
 * SERVICE_MANAGER_MOST_BYTES in all. Waits for a second at most while the manager does not
 * read. NULL when it is told or nobody listens; else why not (owned by the caller). */
char *service_manager_tell(struct service_manager *manager, const char *text);

/* How often it expects "WATCHDOG=1", in microseconds; 0 when it does not, or expects it of
 * another process. In `*wrong` what is wrong with the environment, or NULL (owned by the
 * caller). */
int64_t service_manager_watchdog_us(const struct service_manager *manager, char **wrong);

#endif
