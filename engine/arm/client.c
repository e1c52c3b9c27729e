/* engine/arm/client.c - what operations of one run share. */
#include "arm/client.h"

void client_deinit(struct client *client)
{
    registration_deinit(&client->registrations);
    serial_deinit(&client->serial);
    map_deinit(&client->written, NULL);
}
