/* engine/store/azblob_page.c - a page of a list of blobs, as XML: learn.microsoft.com, "List
 * Blobs". */
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/azblob_parts.h"

struct reader {
    struct azblob_page *page;
    size_t capacity;
    struct store_entry *entry; /* that is being read, or NULL */
    struct buffer text;        /* of the element that is being read */
    bool is_list, is_encoded;
};

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = context;
    struct azblob_page *page = reader->page;

    buffer_clear(&reader->text);
    if (strcmp(name, "EnumerationResults") == 0)
        reader->is_list = true;
    if (strcmp(name, "Name") == 0)
        reader->is_encoded = attributes[0] != NULL &&
                             strcmp(attributes[0], "Encoded") == 0 &&
                             strcmp(attributes[1], "true") == 0;
    if (strcmp(name, "Blob") != 0 && strcmp(name, "BlobPrefix") != 0)
        return;
    if (page->count == reader->capacity) {
        reader->capacity = reader->capacity > 0 ? reader->capacity * 2 : 64;
        page->entries =
            memory_resize(page->entries, reader->capacity * sizeof(struct store_entry));
    }
    reader->entry = &page->entries[page->count++];
    *reader->entry = (struct store_entry){0};
}

static void on_text(void *context, const XML_Char *text, int length)
{
    buffer_append(&((struct reader *)context)->text, text, (size_t)length);
}

static void on_end(void *context, const XML_Char *name)
{
    struct reader *reader = context;
    struct store_entry *entry = reader->entry;
    const char *text = reader->text.data != NULL ? reader->text.data : "";

    if (strcmp(name, "NextMarker") == 0 && text[0] != '\0') {
        free(reader->page->next);
        reader->page->next = memory_copy_string(text);
    }
    if (strcmp(name, "Blob") == 0 || strcmp(name, "BlobPrefix") == 0)
        reader->entry = NULL;
    if (entry == NULL)
        return;
    if (strcmp(name, "Name") == 0 && entry->name == NULL) {
        entry->name = memory_copy_string(text);
        if (reader->is_encoded)
            text_unescape(entry->name);
    } else if (strcmp(name, "Content-Length") == 0) {
        entry->size_bytes = strtoull(text, NULL, 10);
    } else if (strcmp(name, "Last-Modified") == 0) {
        clock_parse_http(text, &entry->modified_ms);
    }
}

/* Makes of a blob's name the store's. False when it is none. */
static bool drop_prefix(char *name, const char *prefix)
{
    const size_t length = strlen(prefix);

    if (name == NULL || strncmp(name, prefix, length) != 0)
        return false;
    memmove(name, name + length, strlen(name + length) + 1);
    return true;
}

bool azblob_page_read(struct azblob_page *page, const char *prefix, const char *xml,
                      size_t length)
{
    const size_t before = page->count;
    struct reader reader = {.page = page, .capacity = before};
    XML_Parser parser = XML_ParserCreate(NULL);
    bool is_good;

    XML_SetUserData(parser, &reader);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    is_good = XML_Parse(parser, xml, (int)length, 1) == XML_STATUS_OK;
    XML_ParserFree(parser);
    buffer_deinit(&reader.text);
    for (size_t i = before; i < page->count && is_good; i++)
        is_good = drop_prefix(page->entries[i].name, prefix);
    return is_good && reader.is_list;
}

void azblob_page_deinit(struct azblob_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        free(page->entries[i].name);
    free(page->entries);
    free(page->next);
    *page = (struct azblob_page){0};
}
