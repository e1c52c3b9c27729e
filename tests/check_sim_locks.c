/* tests/check_sim_locks.c - management locks: where they hold, what they keep from whom. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "tests/suite.h"
#include "tests/world.h"

#define LOCKS     "/providers/Microsoft.Authorization/locks"
#define SERVICE   "/providers/Microsoft.ApiManagement/service/contoso-apim"
#define WORKSPACE SERVICE "/workspaces/w1"
#define LOCKING   "?api-version=2020-05-01"

static const char workspace[] = "{\"properties\":{\"displayName\":\"W\"}}";

/* At a path below the group, or below the subscription when it begins with '~'. */
static int lock_call(enum call_method method, const char *path, const char *body)
{
    const bool is_above = path[0] == '~';
    char *url = memory_format(
        "%s%s" LOCKING, is_above ? h.world->subscription_id : h.group, path + is_above);
    const int status = ask(method, url, body);

    free(url);
    return status;
}

static int lock(const char *scope, const char *name, const char *level)
{
    char *path = memory_format("%s" LOCKS "/%s", scope, name);
    char *body = memory_format("{\"properties\":{\"level\":\"%s\",\"notes\":\"n\","
                               "\"owners\":[{\"applicationId\":\"a\"}]}}",
                               level);
    const int status = lock_call(CALL_PUT, path, body);

    free(path);
    free(body);
    return status;
}

static int unconditionally(enum call_method method, const char *path, const char *body)
{
    char *url = memory_format("%s%s?" VERSION, h.group, path);
    const int status = plane_ask(
        h.world, &h.answer, &h.json, url,
        (struct call){
            .method = method, .authorization = h.bearer, .if_match = "*", .body = body});

    free(url);
    return status;
}

static void start_world(void)
{
    open_harness();
    open_world(NULL, NULL, 1);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACE, workspace), 201);
}

static const char *const scopes[] = {"~", "", SERVICE, WORKSPACE};

START_TEST(nothing_is_deleted_below_a_lock)
{
    ck_assert_int_eq(lock(scopes[_i], "keep", "CanNotDelete"), 201);
    ck_assert_str_eq(said("name"), "keep");
    ck_assert_str_eq(said("type"), "Microsoft.Authorization/locks");
    ck_assert_str_eq(said("properties.notes"), "n");
    ck_assert_int_eq(unconditionally(CALL_DELETE, WORKSPACE, NULL), 409);
    ck_assert_str_eq(said("error.code"), "ScopeLocked");
    ck_assert_ptr_nonnull(
        strstr(said("error.message"), "cannot perform delete operation"));
    ck_assert_int_eq(
        unconditionally(CALL_PUT, WORKSPACE, "{\"properties\":{\"displayName\":\"X\"}}"),
        200);
}
END_TEST

START_TEST(what_holds_a_lock_below_is_not_deleted)
{
    ck_assert_int_eq(lock(WORKSPACE, "keep", "CanNotDelete"), 201);
    ck_assert_int_eq(unconditionally(CALL_DELETE, SERVICE, NULL), 409);
    ck_assert_str_eq(said("error.code"), "ScopeLocked");
    ck_assert_ptr_nonnull(strstr(said("error.message"), "locked: '/subscriptions/"));
    ck_assert_ptr_nonnull(strstr(said("error.message"), "/workspaces/w1'"));
    ck_assert_int_eq(call_arm(CALL_DELETE, "", NULL), 409);
}
END_TEST

START_TEST(a_read_only_lock_keeps_from_writes_too)
{
    ck_assert_int_eq(lock(scopes[_i], "still", "ReadOnly"), 201);
    ck_assert_int_eq(unconditionally(CALL_PUT, WORKSPACE, workspace), 409);
    ck_assert_ptr_nonnull(
        strstr(said("error.message"), "cannot perform write operation"));
    ck_assert_int_eq(unconditionally(CALL_PATCH, WORKSPACE, workspace), 409);
    ck_assert_int_eq(unconditionally(CALL_DELETE, WORKSPACE, NULL), 409);
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACE, NULL), 200);
}
END_TEST

START_TEST(a_lock_does_not_hold_above_or_beside_it)
{
    ck_assert_int_eq(lock(WORKSPACE, "still", "ReadOnly"), 201);
    ck_assert_int_eq(call_arm(CALL_PUT, SERVICE "/workspaces/w12", workspace), 201);
    ck_assert_int_eq(unconditionally(CALL_DELETE, SERVICE "/workspaces/w12", NULL), 200);
}
END_TEST

START_TEST(a_lock_is_taken_away_again)
{
    ck_assert_int_eq(lock("", "still", "ReadOnly"), 201);
    ck_assert_int_eq(lock("", "still", "CanNotDelete"), 200);
    ck_assert_int_eq(lock_call(CALL_GET, LOCKS "/still", NULL), 200);
    ck_assert_str_eq(said("properties.level"), "CanNotDelete");
    ck_assert_int_eq(lock_call(CALL_DELETE, LOCKS "/still", NULL), 200);
    ck_assert_int_eq((int)h.answer.body.length, 0);
    ck_assert_int_eq(lock_call(CALL_DELETE, LOCKS "/still", NULL), 204);
    ck_assert_int_eq(lock_call(CALL_GET, LOCKS "/still", NULL), 404);
    ck_assert_int_eq(unconditionally(CALL_DELETE, WORKSPACE, NULL), 200);
}
END_TEST

static int count_locks(const char *path, const char *filter)
{
    char *url = memory_format("%s%s" LOCKS LOCKING "%s", h.group, path, filter);

    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
    free(url);
    return cJSON_GetArraySize(json_at(h.json, "value"));
}

START_TEST(a_list_has_those_below_unless_it_is_of_the_scope_alone)
{
    ck_assert_int_eq(lock("", "a", "CanNotDelete"), 201);
    ck_assert_int_eq(lock(SERVICE, "b", "CanNotDelete"), 201);
    ck_assert_int_eq(lock(WORKSPACE, "c", "CanNotDelete"), 201);
    ck_assert_int_eq(count_locks("", ""), 3);
    ck_assert_int_eq(count_locks(SERVICE, ""), 2);
    ck_assert_int_eq(count_locks(SERVICE, "&$filter=atScope()"), 1);

    char *url = memory_format("%s" LOCKS LOCKING "&$filter=level%%20eq%%20'x'", h.group);

    ck_assert_int_eq(ask(CALL_GET, url, NULL), 400);
    ck_assert_str_eq(said("error.code"), "InvalidFilterInQueryString");
    free(url);
}
END_TEST

START_TEST(a_lock_is_checked)
{
    ck_assert_int_eq(lock("", "x", "Sometimes"), 400);
    ck_assert_int_eq(lock_call(CALL_PUT, LOCKS "/x", "{\"properties\":{}}"), 400);
    ck_assert_int_eq(lock("", "x.", "ReadOnly"), 400);
    ck_assert_int_eq(lock(SERVICE "/workspaces/none", "x", "ReadOnly"), 404);
    ck_assert_int_eq(
        ask(CALL_PUT, LOCKS "/x" LOCKING, "{\"properties\":{\"level\":\"ReadOnly\"}}"),
        403);
}
END_TEST

START_TEST(a_template_does_not_get_around_a_lock)
{
    char *url = memory_format(
        "%s/providers/Microsoft.Resources/deployments/d?api-version=2025-04-01", h.group);

    ck_assert_int_eq(lock("", "still", "ReadOnly"), 201);
    ck_assert_int_eq(
        ask(CALL_PUT, url,
            "{\"properties\":{\"mode\":\"Incremental\",\"template\":{\"resources\":[{"
            "\"type\":\"Microsoft.ApiManagement/service/workspaces\",\"apiVersion\":"
            "\"2024-05-01\",\"name\":\"contoso-apim/w2\",\"properties\":{\"displayName\":"
            "\"x\"}}]}}}"),
        409);
    ck_assert_str_eq(said("error.code"), "ScopeLocked");
    free(url);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim_locks");
    TCase *locks = tcase_create("locks");

    tcase_add_checked_fixture(locks, start_world, close_harness);
    tcase_add_loop_test(locks, nothing_is_deleted_below_a_lock, 0, 4);
    tcase_add_test(locks, what_holds_a_lock_below_is_not_deleted);
    tcase_add_loop_test(locks, a_read_only_lock_keeps_from_writes_too, 0, 4);
    tcase_add_test(locks, a_lock_does_not_hold_above_or_beside_it);
    tcase_add_test(locks, a_lock_is_taken_away_again);
    tcase_add_test(locks, a_list_has_those_below_unless_it_is_of_the_scope_alone);
    tcase_add_test(locks, a_lock_is_checked);
    tcase_add_test(locks, a_template_does_not_get_around_a_lock);
    suite_add_tcase(suite, locks);

    return run_suite(suite);
}
