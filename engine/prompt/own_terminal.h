/* engine/prompt/own_terminal.h - the mode of the terminal at which one types. */
#ifndef MOONGATE_PROMPT_OWN_TERMINAL_H
#define MOONGATE_PROMPT_OWN_TERMINAL_H

struct own_terminal;

/* For the terminal at `fd`, whose mode stays as it is for now; what is no terminal has none to be
 * changed. NULL with errno when no pseudo-terminal can be had. */
struct own_terminal *own_terminal_open(int fd);

/* The mode is given back. Accepts NULL. */
void own_terminal_close(struct own_terminal *terminal);

/* Keys come one by one and are not echoed, pastes come in brackets; the keys for signals stay
 * what they are, and so does output. */
void own_terminal_take(struct own_terminal *terminal);

/* The mode is what it was when it was taken. Async-signal-safe; nothing happens when it was not
 * taken. */
void own_terminal_give_back(struct own_terminal *terminal);

/* A pseudo-terminal with the same special characters, on which libedit may set what modes it
 * likes: on the real one it would do so at each line, whoever has that terminal just then. */
int own_terminal_stand_in(const struct own_terminal *terminal);

#endif
