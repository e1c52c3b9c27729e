/* engine/run/signer.c - whose tokens a run's requests carry. */
#include "run/signer.h"

#include "auth/tokens.h"

static struct token_provider *chosen(struct token_provider *provider)
{
    const struct signer *signer = (const struct signer *)provider;

    return tokens_provider(signer->is_guest ? signer->guest : signer->own);
}

static void get(struct token_provider *provider, struct token_request *request)
{
    struct token_provider *giver = chosen(provider);

    giver->get(giver, request);
}

/* Either giver takes a request off the list that it is on. */
static void cancel(struct token_provider *provider, struct token_request *request)
{
    struct token_provider *giver = chosen(provider);

    giver->cancel(giver, request);
}

void signer_init(struct signer *signer, struct tokens *own)
{
    *signer = (struct signer){.provider = {.get = get, .cancel = cancel}, .own = own};
}
