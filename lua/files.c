/* lua/files.c - core.files: files that are sent to the service. */
#include <stdlib.h>
#include <string.h>

#include "auth/secret.h"
#include "base/base64.h"
#include "base/pkcs12.h"
#include "base/text.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "run/source.h"

enum {
    LARGEST_TEXT = 4 << 20, /* bytes; ARM takes no larger requests */
    LARGEST_CERTIFICATE = 1 << 20
};

/* The whole of a file, owned by the caller. Raises a failure that names it, also when it is
 * empty. */
static char *read_file(lua_State *L, const char *path, size_t limit, size_t *length)
{
    struct failure *failure = NULL;
    char *bytes = source_read_file(path, limit, length, &failure);

    if (bytes == NULL)
        bind_raise_owned(L, failure);
    if (*length == 0) {
        free(bytes);
        bind_raise(L, "IOError", "%s is empty", path);
    }
    return bytes;
}

/* files.text(path) -> its text, without a byte order mark; raises a failure `IOError` when it
 * cannot be read, has more than 4 MiB, is empty or no UTF-8 */
static int files_text(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    size_t length;
    char *text = read_file(L, path, LARGEST_TEXT, &length);
    const size_t mark = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    const char *wrong = !text_is_utf8(text, length)          ? "is not UTF-8"
                        : memchr(text, '\0', length) != NULL ? "has a NUL byte in it"
                                                             : NULL;

    if (wrong != NULL) {
        free(text);
        return bind_raise(L, "IOError", "%s %s", path, wrong);
    }
    lua_pushlstring(L, text + mark, length - mark);
    free(text);
    return 1;
}

/* files.pkcs12(path, password or nil) -> base64 of it, the thumbprint of its certificate; raises a
 * failure `IOError` when it cannot be read, `BadCertificate` when it cannot be opened */
static int files_pkcs12(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1), *password = luaL_optstring(L, 2, NULL);
    struct buffer bytes = {0}, text = {0};
    const char *why = NULL;
    char *thumbprint;

    bytes.data = read_file(L, path, LARGEST_CERTIFICATE, &bytes.length);
    bytes.capacity = bytes.length;
    thumbprint = pkcs12_thumbprint(bytes.data, bytes.length, password, &why);
    if (thumbprint != NULL)
        base64_append(&text, bytes.data, bytes.length);
    secret_deinit(&bytes);
    if (thumbprint == NULL)
        return bind_raise(L, "BadCertificate", "%s: %s", path, why);
    lua_pushlstring(L, text.data, text.length);
    lua_pushstring(L, thumbprint);
    secret_deinit(&text);
    free(thumbprint);
    return 2;
}

int open_files(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"text", files_text}, {"pkcs12", files_pkcs12}, {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
