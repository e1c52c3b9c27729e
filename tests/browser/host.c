/* tests/browser/host.c - serves the status page of the stand-in, for the browser.
 * usage: host STORE SCRIPT ARGUMENTS... */
#include "../page_host.h"

int main(int argc, char **argv)
{
    return argc >= 3 ? page_host_run(argv[1], argv[2], argv + 3, argc - 3) : EXIT_USAGE;
}
