/* engine/journal/content.h - the hash that a step is known by. */
#ifndef MOONGATE_JOURNAL_CONTENT_H
#define MOONGATE_JOURNAL_CONTENT_H

struct step_content;

/* 128 bits of SHA-256 as hexadecimal digits. */
enum { CONTENT_KEY_SIZE = 33 };

/* Of a step of this run: the same content in another run has another key, so that journals
 * tell nothing when they are compared. Members of objects count without their order, and
 * numbers by their value. */
void content_hash(const char *run, const struct step_content *content,
                  char key[CONTENT_KEY_SIZE]);

#endif
