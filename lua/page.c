/* lua/page.c - core.page: what the status page needs of the machine. For `moongate jobs` alone. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "lua/bind.h"
#include "lua/modules.h"
#include "run/session.h"
#include "run/settings.h"

enum { SECRET_BYTES = 32 };

static void push_hex(lua_State *L, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    for (size_t i = 0; i < length; i++) {
        luaL_addchar(&text, digits[bytes[i] >> 4]);
        luaL_addchar(&text, digits[bytes[i] & 15]);
    }
    luaL_pushresult(&text);
}

/* secret() -> 64 hexadecimal digits that nobody can guess */
static int page_secret(lua_State *L)
{
    unsigned char bytes[SECRET_BYTES];

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return luaL_error(L, "there are no random numbers to be had");
    push_hex(L, bytes, sizeof bytes);
    return 1;
}

/* digest(text) -> its SHA-256 as 64 hexadecimal digits */
static int page_digest(lua_State *L)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);

    SHA256((const unsigned char *)text, length, hash);
    push_hex(L, hash, sizeof hash);
    return 1;
}

/* equal(a, b) -> whether the texts are the same; how long it takes tells nothing of where they
 * differ */
static int page_equal(lua_State *L)
{
    unsigned char hashes[2][SHA256_DIGEST_LENGTH];

    for (int i = 0; i < 2; i++) {
        size_t length;
        const char *text = luaL_checklstring(L, i + 1, &length);

        SHA256((const unsigned char *)text, length, hashes[i]);
    }
    lua_pushboolean(L, CRYPTO_memcmp(hashes[0], hashes[1], sizeof hashes[0]) == 0);
    return 1;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* Sets `rss` (bytes), where the system tells. */
static void set_memory(lua_State *L)
{
    FILE *file = fopen("/proc/self/statm", "r");
    uint64_t pages, resident;

    if (file == NULL)
        return;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &pages, &resident) == 2) {
        lua_pushinteger(L, (lua_Integer)resident * sysconf(_SC_PAGESIZE));
        lua_setfield(L, -2, "rss");
    }
    fclose(file);
}

static void set_descriptors(lua_State *L)
{
    DIR *folder = opendir("/proc/self/fd");
    lua_Integer count = -3; /* "." and "..", and the one of the folder itself */

    if (folder == NULL)
        return;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    lua_pushinteger(L, count);
    lua_setfield(L, -2, "descriptors");
}

/* process() -> {cpu=, rss=, descriptors=}: seconds of the processor, bytes in memory and open
 * descriptors of this process; what the system does not tell is missing */
static int page_process(lua_State *L)
{
    struct rusage usage;

    lua_createtable(L, 0, 3);
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        lua_pushnumber(L, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
        lua_setfield(L, -2, "cpu");
    }
    set_memory(L);
    set_descriptors(L);
    return 1;
}

int open_page(lua_State *L)
{
    static const luaL_Reg functions[] = {{"digest", page_digest},
                                         {"equal", page_equal},
                                         {"process", page_process},
                                         {"secret", page_secret},
                                         {NULL, NULL}};

    if (!session_settings(bind_session(L))->manages_runs)
        return luaL_error(L, "core.page is for `moongate jobs` alone");
    luaL_newlib(L, functions);
    return 1;
}
