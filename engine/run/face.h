/* engine/run/face.h - what the owner of a face may ask, beside handing it events. */
#ifndef MOONGATE_RUN_FACE_H
#define MOONGATE_RUN_FACE_H

#include <stdbool.h>

struct face;

/* Whether something meant for stdout was lost for another reason than a reader that went
 * away: the disk is full, stdout was never open. `face` is one of event.h's or the prompt's. */
bool face_output_failed(const struct face *face);

/* Shows the cursor again if a face has hidden it, and leaves what is being typed above it. For
 * handlers of fatal signals: it is async-signal-safe and keeps errno. Freeing the face does the
 * same and more. */
void face_restore_terminal(void);

#endif
