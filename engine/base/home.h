/* engine/base/home.h - where a user's files are, by the XDG Base Directory Specification. */
#ifndef MOONGATE_BASE_HOME_H
#define MOONGATE_BASE_HOME_H

/* "$XDG_STATE_HOME/moongate/NAME" or "$XDG_CONFIG_HOME/moongate/NAME", below ~/.local/state or
 * ~/.config where the variable is not set or no absolute path; without "/NAME" for NULL. Owned by
 * the caller; NULL where there is no home. */
char *home_state_path(const char *name);
char *home_config_path(const char *name);

#endif
