/* engine/prompt/editor_keys.c - which key does what, and ~/.editrc (editrc(5)). */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "prompt/editor_parts.h"

struct command {
    const wchar_t *name, *help;
    editor_command *function;
};

static const struct command commands[] = {
    {L"prompt-enter", L"Run the text, or go on in a new line", editor_enter},
    {L"prompt-new-line", L"Insert a line end", editor_new_line},
    {L"prompt-complete", L"Complete the word", editor_complete},
    {L"prompt-clear", L"Clear the screen", editor_clear},
    {L"prompt-up", L"Move a line up, or to the line before in the history", editor_up},
    {L"prompt-down", L"Move a line down, or to the next line of the history",
     editor_down},
    {L"prompt-older", L"Get the line before of the history", editor_older},
    {L"prompt-newer", L"Get the next line of the history", editor_newer},
    {L"prompt-older-like", L"Get the line before that begins like this one",
     editor_older_like},
    {L"prompt-newer-like", L"Get the next line that begins like this one",
     editor_newer_like},
    {L"prompt-line-start", L"Move to the start of the line", editor_line_start},
    {L"prompt-line-end", L"Move to the end of the line", editor_line_end},
    {L"prompt-undo", L"Undo the last change", editor_undo},
    {L"prompt-paste", L"Insert what the terminal pastes", editor_paste},
    {L"prompt-next-word", L"Move to the end of the word", editor_next_word},
    {L"prompt-previous-word", L"Move to the start of the word", editor_previous_word},
    {L"prompt-kill-word", L"Cut to the end of the word", editor_kill_word},
    {L"prompt-kill-previous-word", L"Cut to the start of the word",
     editor_kill_previous_word},
    {L"prompt-kill-blank-word", L"Cut back to a blank", editor_kill_blank_word},
    {L"prompt-kill-to-end", L"Cut to the end of the line", editor_kill_to_end},
    {L"prompt-kill-to-start", L"Cut to the start of the line", editor_kill_to_start},
    {L"prompt-yank", L"Insert what was cut", editor_yank},
    {L"prompt-search-older", L"Search back through the history", editor_search_older},
    {L"prompt-search-newer", L"Search forward through the history", editor_search_newer},
};

struct binding {
    const wchar_t *keys, *command;
};

/* In every mode: keys that are the prompt's, and the code of a paste. In vi's they count while
 * one inserts. */
static const struct binding for_all[] = {
    {L"^M", L"prompt-enter"},        {L"^J", L"prompt-enter"},
    {L"^I", L"prompt-complete"},     {L"^L", L"prompt-clear"},
    {L"^R", L"prompt-search-older"}, {L"^S", L"prompt-search-newer"},
    {L"^P", L"prompt-older"},        {L"^N", L"prompt-newer"},
    {L"\\200", L"prompt-paste"},
};

/* While vi's commands are typed. */
static const struct binding for_vi_commands[] = {
    {L"^M", L"prompt-enter"},
    {L"^J", L"prompt-enter"},
    {L"^L", L"prompt-clear"},
    {L"k", L"prompt-up"},
    {L"j", L"prompt-down"},
    {L"^P", L"prompt-older"},
    {L"^N", L"prompt-newer"},
    {L"^R", L"prompt-search-older"},
    {L"[A", L"prompt-up"},
    {L"[B", L"prompt-down"},
    {L"OA", L"prompt-up"},
    {L"OB", L"prompt-down"},
    {L"[200~", L"prompt-paste"},
    {L"\\200", L"prompt-paste"},
    {L"/", L"prompt-search-older"},
    {L"?", L"prompt-search-newer"},
    {L"K", L"prompt-older-like"},
    {L"J", L"prompt-newer-like"},
    /* search for regular expressions, which takes libedit long */
    {L"n", L"ed-unassigned"},
    {L"N", L"ed-unassigned"},
    {L"v", L"ed-unassigned"}, /* starts another program at our terminal */
    {L":", L"ed-unassigned"}, /* reads what is not its own when nothing follows */
    {L".", L"ed-unassigned"}, /* may write before the text that it has just emptied */
    {L"~", L"ed-unassigned"}, /* reads before a text of one character */
};

/* Arrows and such come in the two forms of the cursor mode, the others as xterm, the Linux
 * console, rxvt and tmux send them. */
static const struct binding for_emacs[] = {
    {L"\\e^M", L"prompt-new-line"},
    {L"\\e^J", L"prompt-new-line"},
    {L"\\e[A", L"prompt-up"},
    {L"\\eOA", L"prompt-up"},
    {L"\\e[B", L"prompt-down"},
    {L"\\eOB", L"prompt-down"},
    {L"\\e[C", L"ed-next-char"},
    {L"\\eOC", L"ed-next-char"},
    {L"\\e[D", L"ed-prev-char"},
    {L"\\eOD", L"ed-prev-char"},
    {L"\\e[H", L"prompt-line-start"},
    {L"\\eOH", L"prompt-line-start"},
    {L"\\e[1~", L"prompt-line-start"},
    {L"\\e[7~", L"prompt-line-start"},
    {L"^A", L"prompt-line-start"},
    {L"\\e[F", L"prompt-line-end"},
    {L"\\eOF", L"prompt-line-end"},
    {L"\\e[4~", L"prompt-line-end"},
    {L"\\e[8~", L"prompt-line-end"},
    {L"^E", L"prompt-line-end"},
    {L"\\e[2~", L"em-toggle-overwrite"},
    {L"\\e[3~", L"ed-delete-next-char"},
    {L"\\e[5~", L"prompt-older-like"},
    {L"\\e[6~", L"prompt-newer-like"},
    {L"\\ep", L"prompt-older-like"},
    {L"\\eP", L"prompt-older-like"},
    {L"\\en", L"prompt-newer-like"},
    {L"\\eN", L"prompt-newer-like"},
    {L"\\e[1;5C", L"prompt-next-word"},
    {L"\\e[1;3C", L"prompt-next-word"},
    {L"\\e[5C", L"prompt-next-word"},
    {L"\\eOc", L"prompt-next-word"},
    {L"\\e\\e[C", L"prompt-next-word"},
    {L"\\ef", L"prompt-next-word"},
    {L"\\eF", L"prompt-next-word"},
    {L"\\e[1;5D", L"prompt-previous-word"},
    {L"\\e[1;3D", L"prompt-previous-word"},
    {L"\\e[5D", L"prompt-previous-word"},
    {L"\\eOd", L"prompt-previous-word"},
    {L"\\e\\e[D", L"prompt-previous-word"},
    {L"\\eb", L"prompt-previous-word"},
    {L"\\eB", L"prompt-previous-word"},
    {L"\\e[1;5A", L"prompt-older"},
    {L"\\e[1;3A", L"prompt-older"},
    {L"\\e[1;5B", L"prompt-newer"},
    {L"\\e[1;3B", L"prompt-newer"},
    {L"\\e[3;5~", L"prompt-kill-word"},
    {L"\\e[3;3~", L"prompt-kill-word"},
    {L"\\ed", L"prompt-kill-word"},
    {L"\\eD", L"prompt-kill-word"},
    {L"\\e^?", L"prompt-kill-previous-word"},
    {L"\\e^H", L"prompt-kill-previous-word"},
    {L"^H", L"em-delete-prev-char"},
    {L"^?", L"em-delete-prev-char"},
    {L"^W", L"prompt-kill-blank-word"},
    {L"^K", L"prompt-kill-to-end"},
    {L"^U", L"prompt-kill-to-start"},
    {L"^Y", L"prompt-yank"},
    {L"^_", L"prompt-undo"},
    {L"^X^U", L"prompt-undo"},
    /* keeps a pointer into a line that it may enlarge */
    {L"\\e^_", L"ed-unassigned"},
    /* ed-command, which reads what is not its own when nothing follows */
    {L"\\ex", L"ed-unassigned"},
    {L"\\eX", L"ed-unassigned"},
    {L"\\e[200~", L"prompt-paste"},
    /* what terminals send besides, which would leave half of itself in the text */
    {L"\\e[Z", L"ed-unassigned"},
    {L"\\e[I", L"ed-unassigned"},
    {L"\\e[O", L"ed-unassigned"},
    {L"\\e[E", L"ed-unassigned"},
    {L"\\e[201~", L"ed-unassigned"},
    {L"\\e[1;2A", L"prompt-up"},
    {L"\\e[1;2B", L"prompt-down"},
    {L"\\e[1;2C", L"ed-next-char"},
    {L"\\e[1;2D", L"ed-prev-char"},
    {L"\\e[1;2H", L"prompt-line-start"},
    {L"\\e[1;2F", L"prompt-line-end"},
    {L"\\e[1;5H", L"prompt-line-start"},
    {L"\\e[1;5F", L"prompt-line-end"},
    {L"\\e[11~", L"ed-unassigned"},
    {L"\\e[12~", L"ed-unassigned"},
    {L"\\e[13~", L"ed-unassigned"},
    {L"\\e[14~", L"ed-unassigned"},
    {L"\\e[15~", L"ed-unassigned"},
    {L"\\e[17~", L"ed-unassigned"},
    {L"\\e[18~", L"ed-unassigned"},
    {L"\\e[19~", L"ed-unassigned"},
    {L"\\e[20~", L"ed-unassigned"},
    {L"\\e[21~", L"ed-unassigned"},
    {L"\\e[23~", L"ed-unassigned"},
    {L"\\e[24~", L"ed-unassigned"},
    {L"\\eOP", L"ed-unassigned"},
    {L"\\eOQ", L"ed-unassigned"},
    {L"\\eOR", L"ed-unassigned"},
    {L"\\eOS", L"ed-unassigned"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void bind_all(EditLine *edit, const struct binding *bindings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        el_wset(edit, EL_BIND, bindings[i].keys, bindings[i].command, NULL);
}

/* Letters from U+00A0 on are letters: without this they are keys with Alt where the C library
 * does not know how to print them. */
static void bind_letters(EditLine *edit)
{
    for (wchar_t c = 0xa0; c <= 0xff; c++)
        el_wset(edit, EL_BIND, (const wchar_t[]){c, L'\0'}, L"ed-insert", NULL);
}

/* Gives the keys their commands; the mode has its own ones again then. */
static void bind_keys(EditLine *edit)
{
    const wchar_t *mode = NULL;

    el_wget(edit, EL_EDITOR, &mode);
    bind_letters(edit);
    bind_all(edit, for_all, COUNT_OF(for_all));
    if (mode != NULL && wcscmp(mode, L"vi") == 0)
        for (size_t i = 0; i < COUNT_OF(for_vi_commands); i++)
            el_wset(edit, EL_BIND, L"-a", for_vi_commands[i].keys,
                    for_vi_commands[i].command, NULL);
    else
        bind_all(edit, for_emacs, COUNT_OF(for_emacs));
}

/* --- ~/.editrc --------------------------------------------------------------------------- */

/* Whether a line chooses the mode, which takes all keys' commands away. */
static bool chooses_mode(int count, const wchar_t **words)
{
    const wchar_t *name = wcsrchr(words[0], L':');

    name = name == NULL ? words[0] : name + 1;
    if (wcscmp(name, L"bind") != 0)
        return false;
    for (int i = 1; i < count && words[i][0] == L'-'; i++)
        if (wcschr(L"ev", words[i][1]) != NULL && words[i][1] != L'\0')
            return true;
    return false;
}

/* Does one line; libedit says nothing about those it does not understand, nor do its other
 * users. */
static void do_line(EditLine *edit, TokenizerW *tokenizer, const wchar_t *line)
{
    const wchar_t **words;
    int count = 0;

    tok_wreset(tokenizer);
    if (line[wcsspn(line, L" \t")] == L'#' ||
        tok_wstr(tokenizer, line, &count, &words) != 0 || count == 0)
        return;
    el_wparse(edit, count, words);
    if (chooses_mode(count, words))
        bind_keys(edit);
}

/* The path of the file, owned by the caller, or NULL. */
static char *find_editrc(void)
{
    const char *path = getenv("EDITRC"), *home = getenv("HOME");

    if (path != NULL)
        return *path == '\0' ? NULL : memory_copy_string(path);
    return home == NULL ? NULL : memory_format("%s/.editrc", home);
}

/* As el_source() does, but a line that fails does not end it, and the prompt's keys stay when
 * the mode changes, so that the lines behind can give them other commands. */
static void read_editrc(EditLine *edit)
{
    char *path = find_editrc(), *line = NULL;
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    TokenizerW *tokenizer = file == NULL ? NULL : tok_winit(NULL);
    struct wide wide = {0};
    size_t size = 0;
    ssize_t length;

    while (tokenizer != NULL && (length = getline(&line, &size, file)) >= 0) {
        wide_clear(&wide);
        wide_append_utf8(&wide, line, (size_t)length);
        if (wide.length > 0 && wide.text[wide.length - 1] == L'\n')
            wide.text[wide.length - 1] = L'\0';
        do_line(edit, tokenizer, wide.text);
    }
    if (tokenizer != NULL)
        tok_wend(tokenizer);
    if (file != NULL)
        fclose(file);
    wide_deinit(&wide);
    free(line);
    free(path);
}

void editor_bind(EditLine *edit)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        el_wset(edit, EL_ADDFN, commands[i].name, commands[i].help, commands[i].function);
    el_wset(edit, EL_EDITOR, L"emacs");
    bind_keys(edit);
    read_editrc(edit);
}
