/* tests/sign_in.h - asking for tokens as the credential stage does, of a server of our own.
 *
 * All that is logged meanwhile, at any level, is written down: no test may leave SECRET in
 * it. */
#ifndef MOONGATE_TESTS_SIGN_IN_H
#define MOONGATE_TESTS_SIGN_IN_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/tokens.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "harness.h"

#define SECRET     "s3cret-9f8e7d"
#define TOKEN_PATH "POST /tenant/oauth2/v2.0/token"

struct sign_in {
    struct harness h;
    struct credential_settings settings;
    struct tokens *tokens; /* once somebody asked */
    struct buffer log, told;
    char folder[64];
};

/* A wish for a token. */
struct wish {
    struct token_request request;
    unsigned done_count;
};

static inline void sign_in_log(void *context, enum log_level level, const char *text)
{
    (void)level;
    buffer_printf(&((struct sign_in *)context)->log, "%s\n", text);
}

static inline void sign_in_tell(void *context, const char *text)
{
    buffer_printf(&((struct sign_in *)context)->told, "%s\n", text);
}

/* With settings that name no credential and lead nowhere outside. */
static inline void sign_in_open(struct sign_in *s)
{
    memset(s, 0, sizeof *s);
    harness_open(&s->h, &(struct transport_options){.total_timeout_ms = 2000});
    strcpy(s->folder, "/tmp/check_auth.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->folder));
    s->settings = (struct credential_settings){
        .authority = s->h.server.base,
        .resources = {[AUDIENCE_ARM] = "https://arm.example",
                      [AUDIENCE_GRAPH] = "https://graph.example",
                      [AUDIENCE_STORAGE] = "https://storage.azure.com"},
        .imds_host = "http://127.0.0.1:1",
        .arc_agent = "/nonexistent/himds",
        .search_path = s->folder,
        .state_folder = s->folder,
        .tell = sign_in_tell,
        .tell_context = s};
    log_set_level(LOG_DEBUG);
    log_set_sink(sign_in_log, s);
}

static inline int sign_in_remove(const char *path, const struct stat *facts, int type,
                                 struct FTW *place)
{
    (void)facts, (void)type, (void)place;
    return remove(path);
}

/* Removes the folder with all in it. */
static inline void sign_in_clean(const char *folder)
{
    nftw(folder, sign_in_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void sign_in_close(struct sign_in *s)
{
    tokens_free(s->tokens);
    harness_close(&s->h);
    log_set_sink(NULL, NULL);
    ck_assert(s->log.data == NULL || strstr(s->log.data, SECRET) == NULL);
    buffer_deinit(&s->log);
    buffer_deinit(&s->told);
    sign_in_clean(s->folder);
}

/* An application with a secret, the simplest of all. */
static inline void sign_in_use_secret(struct sign_in *s)
{
    s->settings.tenant_id = "tenant";
    s->settings.client_id = "client";
    s->settings.client_secret = SECRET;
}

static inline void sign_in_on_done(struct token_request *request)
{
    ((struct wish *)request)->done_count++;
}

/* Asks without waiting; the tokens are made at the first time, by the settings of then. */
static inline void sign_in_begin(struct sign_in *s, struct wish *wish,
                                 enum audience audience, const struct token *refused,
                                 const char *claims)
{
    if (s->tokens == NULL) {
        s->tokens = tokens_new(s->h.loop, &s->settings);
        tokens_set_pipeline(s->tokens, s->h.client.pipeline);
    }
    *wish = (struct wish){.request = {.audience = audience,
                                      .refused = refused,
                                      .claims = claims,
                                      .done = sign_in_on_done}};
    tokens_provider(s->tokens)->get(tokens_provider(s->tokens), &wish->request);
}

/* Asks, and waits until everything is over. */
static inline struct wish sign_in_ask(struct sign_in *s, enum audience audience)
{
    struct wish wish;

    sign_in_begin(s, &wish, audience, NULL, NULL);
    harness_settle(&s->h);
    ck_assert_uint_eq(wish.done_count, 1);
    return wish;
}

static inline void wish_release(struct wish *wish)
{
    if (wish->request.token != NULL)
        token_release(wish->request.token);
    failure_free(wish->request.failure);
    wish->request = (struct token_request){0};
}

/* Checks the token, and gives it back. */
static inline void wish_got(struct wish *wish, const char *token)
{
    char *header = memory_format("Authorization: Bearer %s", token);

    if (wish->request.failure != NULL)
        ck_abort_msg("%s: %s", wish->request.failure->code,
                     wish->request.failure->message);
    ck_assert_str_eq(wish->request.token->header, header);
    free(header);
    wish_release(wish);
}

/* Checks the failure and that no secret is in it, and gives it back. */
static inline void wish_failed(struct wish *wish, const char *code, const char *words)
{
    char *text;

    ck_assert_ptr_nonnull(wish->request.failure);
    text = failure_describe(wish->request.failure);
    ck_assert_msg(strcmp(wish->request.failure->code, code) == 0, "%s", text);
    ck_assert_msg(strstr(text, words) != NULL, "expected '%s' in: %s", words, text);
    ck_assert_ptr_null(strstr(text, SECRET));
    free(text);
    wish_release(wish);
}

static inline void sign_in_gets(struct sign_in *s, const char *token)
{
    struct wish wish = sign_in_ask(s, AUDIENCE_ARM);

    wish_got(&wish, token);
}

static inline void sign_in_fails(struct sign_in *s, const char *code, const char *words)
{
    struct wish wish = sign_in_ask(s, AUDIENCE_ARM);

    wish_failed(&wish, code, words);
}

/* A file in the test's folder, owner only; returns its path, owned by the caller. */
static inline char *sign_in_write(struct sign_in *s, const char *name, const void *bytes,
                                  size_t length, mode_t mode)
{
    char *path = memory_format("%s/%s", s->folder, name);
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert(length == 0 || fwrite(bytes, 1, length, file) == length);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}

/* The value of a field in the last form that came, decoded; owned by the caller. */
static inline char *sign_in_form_field(const struct sign_in *s, const char *name)
{
    char *mark = memory_format("%s=", name);
    const char *at = s->h.server.body.data;

    while (at != NULL && strncmp(at, mark, strlen(mark)) != 0) {
        at = strchr(at, '&');
        at = at != NULL ? at + 1 : NULL;
    }

    char *value =
        at != NULL ? memory_copy_text(at + strlen(mark), strcspn(at + strlen(mark), "&"))
                   : NULL;

    free(mark);
    if (value != NULL)
        text_unescape(value);
    return value;
}

#endif
