/* tests/check_sim_keepsake.c - files that are made once per user: who makes them, who agrees
 * on them, and when they are not trusted. */
#include "sim/keepsake.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/memory.h"
#include "tests/suite.h"

static char home[] = "/tmp/moongate-keepsake-XXXXXX";
static int made;

static void give_a_home(void)
{
    strcpy(home + strlen(home) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    setenv("XDG_STATE_HOME", home, 1);
    made = 0;
}

static void take_the_home(void)
{
    char *command = memory_format("rm -rf %s", home);

    ck_assert_int_eq(system(command), 0);
    free(command);
}

static char *make(void *context, struct failure **failure)
{
    (void)failure;
    made++;
    return memory_format("%s %d", (const char *)context, (int)getpid());
}

static char *refuse(void *context, struct failure **failure)
{
    *failure = failure_new("IOError", "no %s today", (const char *)context);
    return NULL;
}

static char *get(void)
{
    struct failure *failure = NULL;
    char *text = keepsake_read_or_make("thing", make, "word", &failure);

    ck_assert_ptr_null(failure);
    ck_assert_ptr_nonnull(text);
    return text;
}

static void check_refused(const char *why)
{
    struct failure *failure = NULL;

    ck_assert_ptr_null(keepsake_read_or_make("thing", make, "word", &failure));
    ck_assert_ptr_nonnull(failure);
    ck_assert_msg(strstr(failure->message, why) != NULL, "%s", failure->message);
    ck_assert_msg(strstr(failure->message, "/moongate/sim/thing: ") != NULL, "%s",
                  failure->message);
    failure_free(failure);
    ck_assert_int_eq(made, 1);
}

START_TEST(it_is_made_once_and_is_for_its_owner_only)
{
    char *first = get(), *second = get(), *path = keepsake_path("thing");
    struct stat facts;

    ck_assert_str_eq(first, second);
    ck_assert_int_eq(made, 1);
    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0777, 0600);
    free(first);
    free(second);
    free(path);
}
END_TEST

/* Each child says whether what it has is what lies in the file in the end. */
START_TEST(all_who_make_it_at_once_agree)
{
    enum { CHILDREN = 16 };
    pid_t children[CHILDREN];
    char *texts[CHILDREN];

    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            char name[64];
            char *text = get();

            snprintf(name, sizeof name, "%s/%d", home, i);

            FILE *file = fopen(name, "w");

            fputs(text, file);
            fclose(file);
            free(text);
            _exit(0);
        }
    }

    char *agreed = NULL;

    for (int i = 0; i < CHILDREN; i++) {
        int status;
        char name[64], line[128] = "";

        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
        snprintf(name, sizeof name, "%s/%d", home, i);

        FILE *file = fopen(name, "r");

        ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
        fclose(file);
        texts[i] = memory_copy_string(line);
    }
    agreed = get();
    ck_assert_int_eq(made, 0);
    for (int i = 0; i < CHILDREN; i++) {
        ck_assert_str_eq(texts[i], agreed);
        free(texts[i]);
    }
    free(agreed);
}
END_TEST

START_TEST(one_that_others_can_read_is_refused)
{
    char *path = keepsake_path("thing");

    free(get());
    ck_assert_int_eq(chmod(path, 0640), 0);
    check_refused("other users can read or write it");
    free(path);
}
END_TEST

START_TEST(a_link_in_its_place_is_refused)
{
    char *path = keepsake_path("thing"), *elsewhere = keepsake_path("elsewhere");

    free(get());
    ck_assert_int_eq(rename(path, elsewhere), 0);
    ck_assert_int_eq(symlink(elsewhere, path), 0);
    check_refused("it is a symbolic link");
    free(path);
    free(elsewhere);
}
END_TEST

START_TEST(without_a_folder_it_is_made_each_time)
{
    setenv("XDG_STATE_HOME", "/dev/null/nowhere", 1);
    free(get());
    free(get());
    ck_assert_int_eq(made, 2);
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    free(get());
    ck_assert_int_eq(made, 3);
    ck_assert_ptr_null(keepsake_path("thing"));
}
END_TEST

START_TEST(what_could_not_be_made_leaves_nothing)
{
    struct failure *failure = NULL;
    char *path = keepsake_path("thing");

    ck_assert_ptr_null(keepsake_read_or_make("thing", refuse, "word", &failure));
    ck_assert_str_eq(failure->message, "no word today");
    failure_free(failure);
    ck_assert_int_ne(access(path, F_OK), 0);
    free(path);
}
END_TEST

START_TEST(what_is_published_replaces_what_was_there)
{
    char *path = memory_format("%s/public.pem", home);
    char line[32] = "";
    struct stat facts;

    ck_assert_ptr_null(keepsake_publish(path, "one, and longer"));
    ck_assert_ptr_null(keepsake_publish(path, "two"));

    FILE *file = fopen(path, "r");

    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    fclose(file);
    ck_assert_str_eq(line, "two");
    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0200, 0200);
    free(path);

    struct failure *failure = keepsake_publish("/nowhere/public.pem", "two");

    ck_assert_ptr_nonnull(failure);
    ck_assert_str_eq(failure->message, "/nowhere/public.pem: No such file or directory");
    failure_free(failure);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keepsake");
    TCase *files = tcase_create("files");

    tcase_add_checked_fixture(files, give_a_home, take_the_home);
    tcase_add_test(files, it_is_made_once_and_is_for_its_owner_only);
    tcase_add_test(files, all_who_make_it_at_once_agree);
    tcase_add_test(files, one_that_others_can_read_is_refused);
    tcase_add_test(files, a_link_in_its_place_is_refused);
    tcase_add_test(files, without_a_folder_it_is_made_each_time);
    tcase_add_test(files, what_could_not_be_made_leaves_nothing);
    tcase_add_test(files, what_is_published_replaces_what_was_there);
    suite_add_tcase(suite, files);

    return run_suite(suite);
}
