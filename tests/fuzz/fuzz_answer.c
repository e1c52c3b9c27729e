/* tests/fuzz/fuzz_answer.c - a status and a body: errors, and the states of operations. */
#include "arm/poll.h"

#include "arm/refusal.h"
#include "base/failure.h"
#include "base/json.h"
#include "fuzz.h"
#include "net/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"PUT", "PATCH", "POST", "DELETE"};
    char *text;
    cJSON *body;

    if (size < 2)
        return 0;

    const int status = 200 + data[0] * 2;
    const char *method = methods[data[1] % 4];
    const struct transfer answer = {.status = status};
    const char *url, *state = NULL;

    text = memory_copy_text((const char *)data + 2, size - 2);
    body = json_parse(text, strlen(text), NULL);

    struct failure *failure = refusal_from_answer(status, body, text);

    fuzz_claim(failure->code[0] != '\0' && failure->message[0] != '\0');
    fuzz_claim(strlen(failure->message) <= 2000);
    (void)refusal_healing(failure);
    failure_free(failure);
    for (int i = POLL_MONITOR; i <= POLL_ABSENCE; i++)
        (void)poll_judge((enum poll_method)i, method, status, body, text[0] != '\0',
                         &state);
    (void)poll_choose(method, &answer, body, &url);
    cJSON_Delete(body);
    free(text);
    return 0;
}
