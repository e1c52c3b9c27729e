/* tests/check_loop.c - the event loop's timers, on clocks of all kinds. */
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <event2/event.h>

#include "base/memory.h"
#include "harness.h"
#include "net/loop.h"

static struct clock the_clock;
static struct loop *loop;

static void set_up(void)
{
    clock_init(&the_clock, CLOCK_VIRTUAL, 1.0);
    loop = loop_new(&the_clock);
    ck_assert_ptr_nonnull(loop);
}

static void tear_down(void)
{
    loop_free(loop);
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static void settle(void)
{
    ck_assert(!loop_run(loop, never, NULL, false));
}

/* A timer that writes down its letter and when it fired. */
struct letter {
    struct timer timer;
    struct deferred deferred;
    char name;
    int64_t fired_ms;
    struct letter *other; /* stopped, or deferred, when this one fires */
};

static char fired[64];

static void write_down(struct letter *letter)
{
    const char text[2] = {letter->name, '\0'};

    letter->fired_ms = clock_now_ms(&the_clock);
    strcat(fired, text);
}

static void on_fire(struct timer *timer)
{
    write_down(LIST_ENTRY(timer, struct letter, timer));
}

static void start(struct letter *letter, char name, int64_t delay_ms)
{
    letter->name = name;
    if (letter->timer.fire == NULL)
        letter->timer.fire = on_fire;
    timer_start(loop, &letter->timer, delay_ms);
}

START_TEST(timers_fire_in_order_and_equal_times_in_the_order_of_their_start)
{
    struct letter letters[6] = {0};

    start(&letters[0], 'd', 300);
    start(&letters[1], 'a', 100);
    start(&letters[2], 'e', 300);
    start(&letters[3], 'b', 100);
    start(&letters[4], 'c', 200);
    start(&letters[5], 'f', 300);
    settle();
    ck_assert_str_eq(fired, "abcdef");
    ck_assert_int_eq(letters[1].fired_ms, 100);
    ck_assert_int_eq(letters[5].fired_ms, 300);
}
END_TEST

START_TEST(a_virtual_clock_jumps_over_hours_and_stops_at_each_timer)
{
    struct letter letters[2] = {0};
    const int64_t machine_ms = clock_machine_ms();

    start(&letters[0], 'a', INT64_C(3) * 3600000);
    start(&letters[1], 'b', INT64_C(1000) * 86400000);
    settle();
    ck_assert_int_eq(letters[0].fired_ms, INT64_C(3) * 3600000);
    ck_assert_int_eq(letters[1].fired_ms, INT64_C(1000) * 86400000);
    ck_assert_int_lt(clock_machine_ms() - machine_ms, 3000);
}
END_TEST

START_TEST(a_restarted_timer_fires_once_at_its_new_time)
{
    struct letter letters[2] = {0};

    start(&letters[0], 'a', 100);
    start(&letters[1], 'b', 200);
    start(&letters[0], 'a', 300);
    settle();
    ck_assert_str_eq(fired, "ba");
}
END_TEST

START_TEST(a_stopped_timer_does_not_fire)
{
    struct letter letters[3] = {0};

    for (int i = 0; i < 3; i++)
        start(&letters[i], (char)('a' + i), 100 * (i + 1));
    timer_stop(loop, &letters[1].timer);
    timer_stop(loop, &letters[1].timer); /* nothing happens */
    settle();
    ck_assert_str_eq(fired, "ac");
}
END_TEST

static void stop_other(struct timer *timer)
{
    struct letter *letter = LIST_ENTRY(timer, struct letter, timer);

    write_down(letter);
    timer_stop(loop, &letter->other->timer);
}

START_TEST(a_timer_that_fires_can_stop_one_that_is_due_at_the_same_time)
{
    struct letter letters[3] = {0};

    letters[0].timer.fire = stop_other;
    letters[0].other = &letters[1];
    for (int i = 0; i < 3; i++)
        start(&letters[i], (char)('a' + i), 100);
    settle();
    ck_assert_str_eq(fired, "ac");
}
END_TEST

static void start_again(struct timer *timer)
{
    struct letter *letter = LIST_ENTRY(timer, struct letter, timer);

    write_down(letter);
    if (strlen(fired) < 5)
        timer_start(loop, timer, 10);
}

START_TEST(a_timer_that_fires_can_start_itself_again)
{
    struct letter letter = {.timer.fire = start_again};

    start(&letter, 'a', 10);
    settle();
    ck_assert_str_eq(fired, "aaaaa");
    ck_assert_int_eq(letter.fired_ms, 50);
}
END_TEST

static void free_itself(struct timer *timer)
{
    struct letter *letter = LIST_ENTRY(timer, struct letter, timer);

    write_down(letter);
    free(letter);
}

START_TEST(a_timer_that_fires_can_be_freed)
{
    struct letter *letter = memory_new(sizeof *letter);

    letter->timer.fire = free_itself;
    start(letter, 'a', 10);
    settle();
    ck_assert_str_eq(fired, "a");
}
END_TEST

enum { LOTS = 100000 };

static struct timer *lots;
static size_t lots_fired;
static int64_t last_due_ms;

static void on_lots(struct timer *timer)
{
    ck_assert_int_ge(timer->due_ms, last_due_ms);
    last_due_ms = timer->due_ms;
    lots_fired++;
}

START_TEST(a_hundred_thousand_timers_fire_in_order)
{
    uint64_t seed = 1;
    size_t stopped = 0;

    lots = memory_new(LOTS * sizeof *lots);
    for (size_t i = 0; i < LOTS; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        lots[i].fire = on_lots;
        timer_start(loop, &lots[i], (int64_t)(seed >> 40));
    }
    for (size_t i = 0; i < LOTS; i += 7, stopped++)
        timer_stop(loop, &lots[i]);
    settle();
    ck_assert_uint_eq(lots_fired, LOTS - stopped);
    free(lots);
}
END_TEST

/* --- hold, deferred work, the end ----------------------------------------------------- */

static void on_real_event(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events;
    strcat(fired, "x");
    ck_assert_int_eq(clock_now_ms(&the_clock), 0);
    loop_release(context);
}

START_TEST(a_held_loop_stands_still_until_the_outside_world_has_answered)
{
    struct letter letter = {0};
    struct event *event = evtimer_new(loop_event_base(loop), on_real_event, loop);
    const struct timeval soon = {.tv_usec = 20000};

    start(&letter, 'a', 1);
    loop_hold(loop);
    event_add(event, &soon);
    settle();
    ck_assert_str_eq(fired, "xa");
    event_free(event);
}
END_TEST

static void on_deferred(struct deferred *deferred)
{
    struct letter *letter = LIST_ENTRY(deferred, struct letter, deferred);

    write_down(letter);
    if (letter->other != NULL)
        loop_defer(loop, &letter->other->deferred);
}

START_TEST(deferred_work_runs_in_order_once_and_before_time_goes_on)
{
    struct letter letters[4] = {0};

    for (int i = 0; i < 3; i++) {
        letters[i].name = (char)('a' + i);
        letters[i].deferred.run = on_deferred;
        loop_defer(loop, &letters[i].deferred);
        loop_defer(loop, &letters[i].deferred);
    }
    letters[0].other = &letters[2]; /* is queued already */
    letters[2].other = NULL;
    deferred_cancel(&letters[1].deferred);
    start(&letters[3], 't', 0);
    settle();
    ck_assert_str_eq(fired, "act");
}
END_TEST

static void defer_other(struct timer *timer)
{
    struct letter *letter = LIST_ENTRY(timer, struct letter, timer);

    write_down(letter);
    loop_defer(loop, &letter->other->deferred);
}

START_TEST(what_a_timer_defers_runs_at_that_time)
{
    struct letter letters[3] = {0};

    letters[1] = (struct letter){.name = 'd', .deferred.run = on_deferred};
    letters[0].timer.fire = defer_other;
    letters[0].other = &letters[1];
    start(&letters[0], 'a', 10);
    start(&letters[2], 'z', 20);
    settle();
    ck_assert_str_eq(fired, "adz");
    ck_assert_int_eq(letters[1].fired_ms, 10);
}
END_TEST

static bool has_fired(void *context)
{
    (void)context;
    return fired[0] != '\0';
}

START_TEST(a_run_ends_as_soon_as_it_is_over)
{
    struct letter letters[2] = {0};

    start(&letters[0], 'a', 10);
    start(&letters[1], 'b', 20);
    ck_assert(loop_run(loop, has_fired, NULL, false));
    ck_assert_str_eq(fired, "a");
    ck_assert_int_eq(clock_now_ms(&the_clock), 10);
    timer_stop(loop, &letters[1].timer);
}
END_TEST

START_TEST(a_run_in_which_nothing_can_happen_ends)
{
    settle();
    ck_assert_int_eq(clock_now_ms(&the_clock), 0);
}
END_TEST

/* --- clocks that move ----------------------------------------------------------------- */

static const struct {
    enum clock_mode mode;
    double factor;
    int64_t delay_ms;
} moving[] = {
    {CLOCK_REAL, 1.0, 30}, {CLOCK_SCALED, 1000.0, 30000}, {CLOCK_SCALED, 0.5, 15}};

START_TEST(a_moving_clock_wakes_in_time_and_never_early)
{
    struct letter letter = {0};

    clock_init(&the_clock, moving[_i].mode, moving[_i].factor);

    const int64_t machine_ms = clock_machine_ms(), start_ms = clock_now_ms(&the_clock);

    start(&letter, 'a', moving[_i].delay_ms);
    settle();
    ck_assert_str_eq(fired, "a");
    ck_assert_int_ge(letter.fired_ms - start_ms, moving[_i].delay_ms);
    ck_assert_int_ge(clock_machine_ms() - machine_ms, 28);
    ck_assert_int_lt(clock_machine_ms() - machine_ms, 3000); /* on a busy machine, too */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loop");
    TCase *timers = tcase_create("timers"), *turns = tcase_create("turns"),
          *clocks = tcase_create("moving clocks");
    TCase *const topics[] = {timers, turns, clocks};

    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        tcase_add_checked_fixture(topics[i], set_up, tear_down);
        tcase_set_timeout(topics[i], 20);
        suite_add_tcase(suite, topics[i]);
    }
    tcase_add_test(timers,
                   timers_fire_in_order_and_equal_times_in_the_order_of_their_start);
    tcase_add_test(timers, a_virtual_clock_jumps_over_hours_and_stops_at_each_timer);
    tcase_add_test(timers, a_restarted_timer_fires_once_at_its_new_time);
    tcase_add_test(timers, a_stopped_timer_does_not_fire);
    tcase_add_test(timers, a_timer_that_fires_can_stop_one_that_is_due_at_the_same_time);
    tcase_add_test(timers, a_timer_that_fires_can_start_itself_again);
    tcase_add_test(timers, a_timer_that_fires_can_be_freed);
    tcase_add_test(timers, a_hundred_thousand_timers_fire_in_order);
    tcase_add_test(turns, a_held_loop_stands_still_until_the_outside_world_has_answered);
    tcase_add_test(turns, deferred_work_runs_in_order_once_and_before_time_goes_on);
    tcase_add_test(turns, what_a_timer_defers_runs_at_that_time);
    tcase_add_test(turns, a_run_ends_as_soon_as_it_is_over);
    tcase_add_test(turns, a_run_in_which_nothing_can_happen_ends);
    tcase_add_loop_test(clocks, a_moving_clock_wakes_in_time_and_never_early, 0, 3);
    return harness_run_suite(suite);
}
