/* tests/store_promises.h - what every store promises, whatever it is made of (store.h).
 *
 * A suite opens an empty store before each of these and adds them by add_promises(). */
#ifndef MOONGATE_TESTS_STORE_PROMISES_H
#define MOONGATE_TESTS_STORE_PROMISES_H

#include "base/clock.h"
#include "store_calls.h"

START_TEST(a_new_text_is_put_only_when_there_is_none)
{
    ck_assert_str_eq(put(STORE_NEW, "runs/1/run.json", "first"), "");
    ck_assert(!call.is_there);
    ck_assert_str_eq(put(STORE_NEW, "runs/1/run.json", "first"), "");
    ck_assert(call.is_there);
    ck_assert_str_eq(put(STORE_NEW, "runs/1/run.json", "second"), "");
    ck_assert(call.is_there);
    assert_text("runs/1/run.json", "first");
}
END_TEST

START_TEST(a_text_is_replaced)
{
    ck_assert_str_eq(put(STORE_REPLACE, "end.json", "a long first one"), "");
    ck_assert_str_eq(put(STORE_REPLACE, "end.json", "second"), "");
    ck_assert(!call.is_there);
    assert_text("end.json", "second");
    ck_assert_str_eq(put(STORE_REPLACE, "end.json", ""), "");
    assert_text("end.json", "");
}
END_TEST

START_TEST(bytes_are_kept_as_they_are)
{
    char all[256];

    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    store->put(store, start_call(), STORE_NEW, "bytes", all, sizeof all);
    ck_assert_str_eq(finish(), "");
    ck_assert_str_eq(get("bytes", 0, SIZE_MAX), "");
    ck_assert_uint_eq(call.bytes.length, sizeof all);
    ck_assert_mem_eq(call.bytes.data, all, sizeof all);
}
END_TEST

START_TEST(what_is_absent_is_told_as_such)
{
    ck_assert_str_eq(get("runs/9/run.json", 0, SIZE_MAX), "");
    ck_assert(call.is_absent);
    ck_assert_str_eq(put(STORE_NEW, "a", "1"), "");
    ck_assert_str_eq(get("b", 0, 0), "");
    ck_assert(call.is_absent);
}
END_TEST

static const struct range_row {
    uint64_t offset;
    size_t most;
    const char *bytes;
} range_rows[] = {
    {0, 3, "012"}, {4, 3, "456"}, {7, 100, "789"}, {9, SIZE_MAX, "9"},
    {10, 5, ""},   {99, 5, ""},   {3, 0, ""},      {UINT64_MAX, SIZE_MAX, ""}};

START_TEST(a_part_of_a_text_is_read)
{
    const struct range_row *row = &range_rows[_i];

    ck_assert_str_eq(put(STORE_NEW, "a", "0123456789"), "");
    ck_assert_str_eq(get("a", row->offset, row->most), "");
    ck_assert(!call.is_absent);
    ck_assert_str_eq(bytes(), row->bytes);
    ck_assert_uint_eq(call.size_bytes, 10);
}
END_TEST

static const char *const bad_names[] = {"",    "/etc/passwd", "runs/../../x", "a b",
                                        "a~2", "caf\xc3\xa9", "runs//1"};

START_TEST(names_are_plain)
{
    const char *name = bad_names[_i];

    ck_assert_str_eq(put(STORE_REPLACE, name, "x"), "StoreNameInvalid");
    assert_message_has("cannot be the name");
    ck_assert_str_eq(get(name, 0, 1), "StoreNameInvalid");
    ck_assert_str_eq(remove_name(name), "StoreNameInvalid");
    store->append(store, start_call(), name, NULL, 0, "x", 1, true);
    ck_assert_str_eq(finish(), "StoreNameInvalid");
    store->acquire(store, start_call(), name, "{}", 15000);
    ck_assert_str_eq(finish(), "StoreNameInvalid");
    store->look(store, start_call(), name);
    ck_assert_str_eq(finish(), "StoreNameInvalid");
}
END_TEST

START_TEST(calls_have_a_kind_of_name)
{
    ck_assert_str_eq(put(STORE_NEW, "runs/", "x"), "StoreNameInvalid");
    ck_assert_str_eq(list("runs"), "StoreNameInvalid");
    ck_assert_str_eq(get("runs/", 0, 1), "StoreNameInvalid");
}
END_TEST

START_TEST(a_list_is_sorted_and_has_folders)
{
    static const char *const all[] = {
        "runs/2/run.json", "runs/10/run.json", "runs/a", "runs/2/log", "top", "runsaway"};

    ck_assert_str_eq(list("runs/"), "");
    ck_assert_uint_eq(call.entry_count, 0);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ck_assert_str_eq(put(STORE_NEW, all[i], "12345"), "");
    ck_assert_str_eq(list("runs/"), "");
    ck_assert_str_eq(names(), "runs/10/ runs/2/ runs/a");
    ck_assert_uint_eq(call.entries[2].size_bytes, 5);
    ck_assert_int_ge(call.entries[2].modified_ms, clock_machine_wall_ms() - 60000);
    ck_assert_int_le(call.entries[2].modified_ms, clock_machine_wall_ms() + 60000);
    ck_assert_str_eq(list(""), "");
    ck_assert_str_eq(names(), "runs/ runsaway top");
    ck_assert_str_eq(list("runs/2/"), "");
    ck_assert_str_eq(names(), "runs/2/log runs/2/run.json");
    ck_assert_str_eq(list("none/"), "");
    ck_assert_uint_eq(call.entry_count, 0);
}
END_TEST

START_TEST(a_name_or_a_folder_is_removed)
{
    ck_assert_str_eq(remove_name("runs/1/a"), "");
    ck_assert_str_eq(remove_name("runs/1/"), "");
    ck_assert_str_eq(put(STORE_NEW, "runs/1/a", "1"), "");
    ck_assert_str_eq(put(STORE_NEW, "runs/1/b", "1"), "");
    ck_assert_str_eq(put(STORE_NEW, "runs/1/deep/c", "1"), "");
    ck_assert_str_eq(put(STORE_NEW, "runs/12/a", "1"), "");
    ck_assert_str_eq(remove_name("runs/1/a"), "");
    ck_assert_str_eq(list("runs/1/"), "");
    ck_assert_str_eq(names(), "runs/1/b runs/1/deep/");
    ck_assert_str_eq(remove_name("runs/1/"), "");
    ck_assert_str_eq(list("runs/"), "");
    ck_assert_str_eq(names(), "runs/12/");
}
END_TEST

START_TEST(a_log_grows_at_its_end_alone)
{
    ck_assert_str_eq(append(NULL, 0, "one\n"), "");
    ck_assert_uint_eq(call.size_bytes, 4);
    ck_assert_str_eq(append(NULL, 4, "two\n"), "");
    ck_assert_uint_eq(call.size_bytes, 8);
    ck_assert_str_eq(append(NULL, 4, "two\n"), "StorePositionMismatch");
    assert_message_has(LOG);
    assert_message_has("is 8 bytes long, not 4");
    ck_assert_str_eq(append(NULL, 0, "one\n"), "StorePositionMismatch");
    ck_assert_str_eq(append(NULL, 9, "far\n"), "StorePositionMismatch");
    assert_log("one\ntwo\n");
    ck_assert_str_eq(append(NULL, 8, "three\n"), "");
    assert_log("one\ntwo\nthree\n");
    ck_assert_str_eq(get(LOG, 4, 3), "");
    ck_assert_str_eq(bytes(), "two");
}
END_TEST

START_TEST(a_log_that_is_absent_is_made_at_its_beginning_alone)
{
    ck_assert_str_eq(append(NULL, 3, "x"), "StorePositionMismatch");
    ck_assert_str_eq(get(LOG, 0, 1), "");
    ck_assert(call.is_absent);
}
END_TEST

START_TEST(one_has_the_lease_and_others_are_told_who)
{
    struct store_lease *lease;

    ck_assert_str_eq(look(), "");
    ck_assert(!call.is_held);
    ck_assert_uint_eq(call.fence, 0);

    lease = acquire("{\"host\":\"one \xc3\xa9\"}");
    ck_assert_uint_eq(lease->fence, 1);
    ck_assert_ptr_null(acquire_for("{\"host\":\"two\"}", 30000));
    ck_assert_ptr_null(call.failure);
    ck_assert(call.is_held);
    ck_assert_str_eq(bytes(), "{\"host\":\"one \xc3\xa9\"}");
    ck_assert_int_gt(call.held_for_ms, 0);
    ck_assert_int_le(call.held_for_ms, 30000);
    ck_assert_str_eq(look(), "");
    ck_assert(call.is_held);
    ck_assert_uint_eq(call.fence, 1);
    ck_assert_str_eq(bytes(), "{\"host\":\"one \xc3\xa9\"}");

    ck_assert_str_eq(append(lease, 0, "one\n"), "");
    ck_assert_str_eq(renew(lease), "");
    ck_assert_str_eq(append(lease, 4, "two\n"), "");
    ck_assert_str_eq(append(lease, 4, "two\n"), "StorePositionMismatch");
    ck_assert_str_eq(append(lease, 8, "three\n"), "");
    ck_assert_str_eq(release(lease), "");
    assert_log("one\ntwo\nthree\n");
    ck_assert_str_eq(look(), "");
    ck_assert(!call.is_held);
    ck_assert_uint_eq(call.fence, 1);
    ck_assert_str_eq(bytes(), "{\"host\":\"one \xc3\xa9\"}");
}
END_TEST

START_TEST(each_holder_has_a_higher_fence)
{
    for (uint64_t fence = 1; fence <= 3; fence++) {
        struct store_lease *lease = acquire("{}");

        ck_assert_uint_eq(lease->fence, fence);
        ck_assert_uint_eq(call.fence, fence);
        ck_assert_str_eq(append(lease, 2 * (fence - 1), "x\n"), "");
        ck_assert_str_eq(release(lease), "");
    }
    assert_log("x\nx\nx\n");
}
END_TEST

static inline void add_promises(TCase *topic)
{
    tcase_add_test(topic, a_new_text_is_put_only_when_there_is_none);
    tcase_add_test(topic, a_text_is_replaced);
    tcase_add_test(topic, bytes_are_kept_as_they_are);
    tcase_add_test(topic, what_is_absent_is_told_as_such);
    tcase_add_loop_test(topic, a_part_of_a_text_is_read, 0,
                        sizeof range_rows / sizeof range_rows[0]);
    tcase_add_loop_test(topic, names_are_plain, 0,
                        sizeof bad_names / sizeof bad_names[0]);
    tcase_add_test(topic, calls_have_a_kind_of_name);
    tcase_add_test(topic, a_list_is_sorted_and_has_folders);
    tcase_add_test(topic, a_name_or_a_folder_is_removed);
    tcase_add_test(topic, a_log_grows_at_its_end_alone);
    tcase_add_test(topic, a_log_that_is_absent_is_made_at_its_beginning_alone);
    tcase_add_test(topic, one_has_the_lease_and_others_are_told_who);
    tcase_add_test(topic, each_holder_has_a_higher_fence);
}

#endif
