/* tests/keys.h - what a terminal sends for keys. */
#ifndef MOONGATE_TESTS_KEYS_H
#define MOONGATE_TESTS_KEYS_H

#define CTRL_A "\x01"
#define CTRL_C "\x03"
#define CTRL_D "\x04"
#define CTRL_E "\x05"
#define CTRL_K "\x0b"
#define CTRL_L "\x0c"
#define CTRL_R "\x12"
#define CTRL_U "\x15"
#define CTRL_W "\x17"
#define CTRL_Y "\x19"
#define CTRL_Z "\x1a"
#define UP     "\x1b[A"
#define DOWN   "\x1b[B"
#define RIGHT  "\x1b[C"
#define LEFT   "\x1b[D"
#define HOME   "\x1b[H"
#define END    "\x1b[F"
#define DELETE "\x1b[3~"

#endif
