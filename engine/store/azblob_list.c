/* engine/store/azblob_list.c - the names in the container: lists, and removing what they have. */
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/memory.h"
#include "store/azblob_parts.h"

/* A request for the page at `marker` (NULL: the first) of all blobs whose names in the store
 * begin with `prefix`; `is_flat`: folders are not told as such, but all that is in them. */
static struct azblob_request *list_request(struct azblob *own, const char *prefix,
                                           const char *marker, bool is_flat,
                                           const char *doing)
{
    struct buffer query = {0};
    struct azblob_request *request;

    buffer_append_string(&query, "restype=container&comp=list");
    if (!is_flat)
        buffer_append_string(&query, "&delimiter=%2F");
    if (own->account.prefix[0] != '\0' || prefix[0] != '\0') {
        buffer_append_string(&query, "&prefix=");
        buffer_append_escaped(&query, own->account.prefix);
        buffer_append_escaped(&query, prefix);
    }
    if (marker != NULL) {
        buffer_append_string(&query, "&marker=");
        buffer_append_escaped(&query, marker);
    }
    request = azblob_request_new(own, "GET", NULL, query.data, doing);
    buffer_deinit(&query);
    return request;
}

static struct failure *malformed(const struct azblob *own, const char *doing)
{
    char *what = azblob_format_name(own, NULL);
    struct failure *failure = failure_new(
        "ProtocolError", "%s %s: the answer is no list of blobs", doing, what);

    free(what);
    return failure;
}

/* Why there is no page in the job's answer, or NULL: there is one, and `page` has it. */
static struct failure *read_page(const struct azblob_job *job, struct azblob_page *page)
{
    const struct buffer *answer = &job->request->exchange->transfer.answer;
    const char *xml = answer->data != NULL ? answer->data : "";

    if (azblob_request_has_code(job->request, "ContainerNotFound"))
        return NULL;
    if (azblob_request_status(job->request) != 200)
        return azblob_request_failure(job->request);
    return azblob_page_read(page, job->own->account.prefix, xml, answer->length)
               ? NULL
               : malformed(job->own, job->request->doing);
}

/* --- list ----------------------------------------------------------------------------- */

struct list_job {
    struct azblob_job job;
    struct azblob_page page; /* all of them together */
};

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct store_entry *)a)->name,
                  ((const struct store_entry *)b)->name);
}

/* Adds a further blob of a log to its log. */
static void add_part(struct azblob_page *page, size_t count,
                     const struct store_entry *part)
{
    struct store_entry wanted = {
        .name = memory_copy_text(part->name,
                                 strcspn(part->name, (char[]){AZBLOB_PART_MARK, '\0'}))};
    struct store_entry *entry =
        bsearch(&wanted, page->entries, count, sizeof *page->entries, compare_entries);

    if (entry != NULL) {
        entry->size_bytes += part->size_bytes;
        if (part->modified_ms > entry->modified_ms)
            entry->modified_ms = part->modified_ms;
    }
    free(wanted.name);
}

/* A folder may be told on each of two pages. */
static bool is_wanted(const struct store_entry *entry, const struct store_entry *before)
{
    const size_t length = strlen(entry->name);
    const bool is_folder = length > 0 && entry->name[length - 1] == '/';
    char *name = memory_copy_text(entry->name, length - (is_folder ? 1 : 0));
    const bool is_name = store_name_is_valid(name);

    free(name);
    return is_name && (before == NULL || strcmp(before->name, entry->name) != 0);
}

/* Puts the names into their order, and leaves out what is no name of a store: the further
 * blobs of logs, and what is of others. */
static void tidy(struct azblob_page *page)
{
    size_t kept = 0;

    if (page->count > 0)
        qsort(page->entries, page->count, sizeof *page->entries, compare_entries);
    for (size_t i = 0; i < page->count; i++) {
        if (strchr(page->entries[i].name, AZBLOB_PART_MARK) != NULL)
            add_part(page, page->count, &page->entries[i]);
    }
    for (size_t i = 0; i < page->count; i++) {
        const struct store_entry *entry = &page->entries[i];

        if (is_wanted(entry, kept > 0 ? &page->entries[kept - 1] : NULL))
            page->entries[kept++] = *entry;
        else
            free(entry->name);
    }
    page->count = kept;
}

static void ask_page(struct list_job *list);

static void on_page(struct azblob_job *job)
{
    struct list_job *list = (struct list_job *)job;
    struct failure *failure;

    free(list->page.next);
    list->page.next = NULL;
    failure = read_page(job, &list->page);
    if (failure != NULL) {
        azblob_job_end(job, failure);
    } else if (list->page.next != NULL) {
        ask_page(list);
    } else {
        tidy(&list->page);
        job->call->entries = list->page.entries;
        job->call->entry_count = list->page.count;
        list->page = (struct azblob_page){0};
        azblob_job_end(job, NULL);
    }
}

static void ask_page(struct list_job *list)
{
    struct azblob_job *job = &list->job;

    azblob_job_send(job,
                    list_request(job->own, job->name, list->page.next, false, "listing"),
                    on_page);
}

static void release_list(struct azblob_job *job)
{
    azblob_page_deinit(&((struct list_job *)job)->page);
}

void azblob_list(struct store *store, struct store_call *call, const char *folder)
{
    struct list_job *list =
        azblob_job_new((struct azblob *)store, call, folder, sizeof *list);

    if (!azblob_job_checks(&list->job, STORE_FOLDER | STORE_ROOT))
        return;
    list->job.release = release_list;
    ask_page(list);
}

/* --- remove --------------------------------------------------------------------------- */

enum { MOST_AT_ONCE = 64 };

/* Removes all blobs whose names begin with `prefix`, page by page, and then that of its own
 * name unless that is a folder's: a log's further blobs must not outlive its first. */
struct remove_job {
    struct azblob_job job;
    char *prefix;
    struct azblob_page page;
    size_t next; /* entry of the page */
    unsigned under_way;
    bool is_starting;
    struct failure *failure; /* the first one */
};

static void remove_more(struct remove_job *remove);

/* Whether the blob is gone, whoever removed it. */
static bool is_gone(const struct azblob_request *request)
{
    return azblob_request_status(request) == 202 || azblob_request_found_none(request);
}

static void on_removed(struct azblob_request *request)
{
    struct remove_job *remove = request->owner;

    remove->under_way--;
    if (!is_gone(request) && remove->failure == NULL)
        remove->failure = azblob_request_failure(request);
    azblob_request_free(request);
    remove_more(remove);
}

static void on_page_to_remove(struct azblob_job *job)
{
    struct remove_job *remove = (struct remove_job *)job;

    azblob_page_deinit(&remove->page);
    remove->next = 0;
    remove->failure = read_page(job, &remove->page);
    remove_more(remove);
}

static void ask_page_to_remove(struct remove_job *remove)
{
    struct azblob_job *job = &remove->job;

    azblob_job_send(
        job, list_request(job->own, remove->prefix, remove->page.next, true, "listing"),
        on_page_to_remove);
}

static void on_last_removed(struct azblob_job *job)
{
    if (is_gone(job->request))
        azblob_job_end(job, NULL);
    else
        azblob_job_refuse(job);
}

static void finish_remove(struct remove_job *remove)
{
    struct azblob_job *job = &remove->job;
    struct failure *failure = remove->failure;

    remove->failure = NULL;
    if (failure != NULL || strcmp(remove->prefix, job->name) == 0)
        azblob_job_end(job, failure);
    else
        azblob_job_send(job,
                        azblob_request_new(job->own, "DELETE", job->name, "", "removing"),
                        on_last_removed);
}

static void remove_more(struct remove_job *remove)
{
    struct azblob_page *page = &remove->page;

    if (remove
            ->is_starting) /* a request was refused at once, from inside the loop below */
        return;
    remove->is_starting = true;
    while (remove->failure == NULL && remove->under_way < MOST_AT_ONCE &&
           remove->next < page->count) {
        remove->under_way++;
        azblob_request_start(azblob_request_new(remove->job.own, "DELETE",
                                                page->entries[remove->next++].name, "",
                                                "removing"),
                             on_removed, remove);
    }
    remove->is_starting = false;
    if (remove->under_way > 0)
        return;
    if (remove->failure == NULL && page->next != NULL)
        ask_page_to_remove(remove);
    else
        finish_remove(remove);
}

static void release_remove(struct azblob_job *job)
{
    struct remove_job *remove = (struct remove_job *)job;

    azblob_page_deinit(&remove->page);
    free(remove->prefix);
}

void azblob_remove(struct store *store, struct store_call *call, const char *name)
{
    struct azblob *own = (struct azblob *)store;
    struct remove_job *remove = azblob_job_new(own, call, name, sizeof *remove);
    bool is_folder;

    if (!azblob_job_checks(&remove->job, STORE_TEXT | STORE_FOLDER))
        return;
    is_folder = name[strlen(name) - 1] == '/';
    remove->job.release = release_remove;
    remove->prefix = is_folder ? memory_copy_string(name)
                               : memory_format("%s%c", name, AZBLOB_PART_MARK);
    if (!is_folder)
        azblob_forget_end(own, name);
    ask_page_to_remove(remove);
}
