/* engine/run/face_picture.c - the lines of the live face's picture. */
#include "run/face_picture.h"

#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/memory.h"
#include "run/face_forecast.h"
#include "run/summary.h"

#define ERASE_LINE_REST "\x1b[K"

enum {
    SPINNER_STEPS = 10, /* at most */
    BAR_COLUMNS = 10,
    PERCENT_COLUMNS = 4,
    STATE_COLUMNS = 20, /* at most */
    SCRIPT_COLUMNS = 6, /* at least, or a quarter of the line */
    FEWEST_COLUMNS = 4  /* of a name, in a line that has more than the name */
};

static const char *const style_codes[] = {
    [STYLE_NONE] = "",        [STYLE_BOLD] = "\x1b[1m",   [STYLE_DIM] = "\x1b[2m",
    [STYLE_RED] = "\x1b[31m", [STYLE_GREEN] = "\x1b[32m", [STYLE_MAGENTA] = "\x1b[35m",
    [STYLE_CYAN] = "\x1b[36m"};

static const struct signs {
    const char *spinner[SPINNER_STEPS];
    const char *bar_done, *bar_rest;
} signs_ascii = {{"|", "/", "-", "\\"}, "#", "-"},
  signs_utf8 = {{"\u280b", "\u2819", "\u2839", "\u2838", "\u283c", "\u2834", "\u2826",
                 "\u2827", "\u2807", "\u280f"},
                "\u2588",
                "\u2591"};

/* One line of the picture. */
struct row {
    const struct tally_operation *operation;
    char *kind, *name, *state;
    char since[DURATION_TEXT_SIZE];
    char *forecasts[FORECAST_FORM_COUNT]; /* NULL: there is none */
};

/* Which columns a picture has. The first one is taken in which names get their width or
 * at least `name_min` columns. */
struct layout {
    bool has_kind, has_state, has_bar, has_percent;
    enum forecast_form forecast;
    int name_min;
};

static const struct layout layouts[] = {{true, true, true, true, FORECAST_LONG, 16},
                                        {true, true, true, true, FORECAST_MEDIUM, 16},
                                        {true, true, false, true, FORECAST_MEDIUM, 12},
                                        {true, true, false, true, FORECAST_SHORT, 12},
                                        {true, true, false, false, FORECAST_SHORT, 12},
                                        {false, true, false, false, FORECAST_SHORT, 10},
                                        {false, true, false, false, FORECAST_NONE, 10},
                                        {false, false, false, false, FORECAST_NONE, 0}};

enum { LAYOUT_COUNT = sizeof layouts / sizeof layouts[0] };

/* The widths of a picture's columns, as needed and then as they are. */
struct widths {
    int kind, name, state, since;
    int forecasts[FORECAST_FORM_COUNT]; /* of those that say something */
    int rest;                           /* of the line, behind all of them */
    bool has_percent;
};

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Where a picture is being drawn. */
struct pen {
    struct buffer *text;
    bool has_color;
    int columns;
    int rows; /* so far */
};

static void set_style(const struct pen *pen, enum style style)
{
    if (pen->has_color && style != STYLE_NONE)
        buffer_append_string(pen->text, style_codes[style]);
}

static void unset_style(const struct pen *pen, enum style style)
{
    if (pen->has_color && style != STYLE_NONE)
        buffer_append_string(pen->text, PICTURE_COLORS_OFF);
}

static void put(const struct pen *pen, const char *words, enum style style)
{
    set_style(pen, style);
    buffer_append_string(pen->text, words);
    unset_style(pen, style);
}

static void put_spaces(const struct pen *pen, int count)
{
    for (; count > 0; count--)
        buffer_append_char(pen->text, ' ');
}

/* Puts visible text as `cut` makes it fit. Returns the columns it takes. */
static int put_cut(const struct pen *pen, const char *words, int columns,
                   enum style style, void (*cut)(struct buffer *, const char *, int))
{
    set_style(pen, style);

    const size_t start = pen->text->length;

    cut(pen->text, words, columns);

    const int width =
        pen->text->length > start ? terminal_width(pen->text->data + start) : 0;

    unset_style(pen, style);
    return width;
}

static void end_line(struct pen *pen)
{
    buffer_append_string(pen->text, ERASE_LINE_REST "\r\n");
    pen->rows++;
}

/* Puts a whole line of visible text, cut at its end. */
static void put_line(struct pen *pen, const char *words, enum style style)
{
    put_cut(pen, words, pen->columns, style, terminal_append_start);
    end_line(pen);
}

/* Puts text at the left of a column. */
static void put_column(const struct pen *pen, const char *words, int columns,
                       enum style style)
{
    put_spaces(pen, columns - put_cut(pen, words, columns, style, terminal_append_cut));
}

static const struct signs *signs(void)
{
    return terminal_is_utf8() ? &signs_utf8 : &signs_ascii;
}

static char *visible_copy(const char *text)
{
    struct buffer copy = {0};

    terminal_append_visible(&copy, text);
    return buffer_take(&copy);
}

/* What is being done, for as long as the service does not name a state. */
static const char *doing(const char *verb)
{
    static const char *const words[][2] = {{"create", "creating"},
                                           {"update", "changing"},
                                           {"delete", "deleting"},
                                           {"ensure", "ensuring"},
                                           {"wait for", "waiting"}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i][0], verb) == 0)
            return words[i][1];
    }
    return verb;
}

/* What a form of its forecast says. Owned by the caller; NULL when there is none. */
static char *format_forecast(const struct tally_operation *operation, int64_t now_ms,
                             enum forecast_form form)
{
    struct buffer text = {0};

    if (operation->forecast_ms < 0)
        return NULL;
    face_forecast_append(&text, operation, now_ms, form);
    return buffer_take(&text);
}

static struct row make_row(const struct tally_operation *operation, int64_t now_ms)
{
    struct row row = {.operation = operation,
                      .kind = visible_copy(operation->kind),
                      .name = visible_copy(operation->name),
                      .state = visible_copy(operation->state != NULL
                                                ? operation->state
                                                : doing(operation->verb))};

    summary_format_running(now_ms - operation->began_ms, row.since);
    for (int i = 0; i < FORECAST_FORM_COUNT; i++)
        row.forecasts[i] = format_forecast(operation, now_ms, (enum forecast_form)i);
    return row;
}

static void free_rows(struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(rows[i].kind);
        free(rows[i].name);
        free(rows[i].state);
        for (int form = 0; form < FORECAST_FORM_COUNT; form++)
            free(rows[i].forecasts[form]);
    }
    free(rows);
}

/* Shares out `lines`: one to the oldest of each group, the rest in the order of groups. */
static void share_lines(struct tally *tally, size_t lines)
{
    struct list *at;

    for (at = tally->groups.next; at != &tally->groups; at = at->next) {
        struct tally_group *group = LIST_ENTRY(at, struct tally_group, link);

        group->shown = group->count > 0 && lines > 0 ? 1 : 0;
        lines -= group->shown;
    }
    for (at = tally->groups.next; at != &tally->groups; at = at->next) {
        struct tally_group *group = LIST_ENTRY(at, struct tally_group, link);
        const size_t hidden = group->count - group->shown;
        const size_t more = hidden < lines ? hidden : lines;

        group->shown += more;
        lines -= more;
    }
}

/* Makes rows of what has got a line. Owned by the caller. */
static struct row *make_rows(const struct picture *picture, size_t lines, size_t *count)
{
    struct list *const groups = &picture->tally->groups;
    struct row *rows = memory_new(lines * sizeof *rows);

    *count = 0;
    share_lines(picture->tally, lines);
    for (struct list *at = groups->next; at != groups; at = at->next) {
        struct tally_group *group = LIST_ENTRY(at, struct tally_group, link);

        tally_sort(group);

        const struct list *link = group->operations.next;

        for (size_t i = 0; i < group->shown; i++, link = link->next)
            rows[(*count)++] =
                make_row(LIST_ENTRY(link, const struct tally_operation, link),
                         picture->elapsed_ms);
    }
    return rows;
}

static int measure_forecast(const struct row *row, int form)
{
    return face_forecast_is_known(row->operation) ? (int)strlen(row->forecasts[form]) : 0;
}

static struct widths measure_rows(const struct row *rows, size_t count)
{
    struct widths widths = {0};

    for (size_t i = 0; i < count; i++) {
        widths.kind = larger(widths.kind, terminal_width(rows[i].kind));
        widths.name = larger(widths.name, terminal_width(rows[i].name));
        widths.state = larger(widths.state, terminal_width(rows[i].state));
        widths.since = larger(widths.since, (int)strlen(rows[i].since));
        widths.has_percent = widths.has_percent || rows[i].operation->percent >= 0;
        for (int form = 0; form < FORECAST_FORM_COUNT; form++)
            widths.forecasts[form] =
                larger(widths.forecasts[form], measure_forecast(&rows[i], form));
    }
    widths.state = smaller(widths.state, STATE_COLUMNS);
    return widths;
}

/* The columns of a picture's percents with the gap before them, or 0. */
static int progress_columns(const struct layout *layout, const struct widths *widths)
{
    if (!layout->has_percent || !widths->has_percent)
        return 0;
    return 2 + PERCENT_COLUMNS + (layout->has_bar ? BAR_COLUMNS + 1 : 0);
}

/* The same of its forecasts. */
static int forecast_columns(const struct layout *layout, const struct widths *widths)
{
    const int width = widths->forecasts[layout->forecast];

    return width > 0 ? 2 + width : 0;
}

/* What is left for names in a line of `columns`. */
static int room_for_names(const struct layout *layout, const struct widths *widths,
                          int columns)
{
    int taken = 2 + 2 + widths->since; /* the spinner, and gaps */

    if (layout->has_kind && widths->kind > 0)
        taken += widths->kind + 1;
    if (layout->has_state)
        taken += 2 + widths->state;
    taken += progress_columns(layout, widths) + forecast_columns(layout, widths);
    return columns - taken;
}

/* Chooses the layout and narrows the column of names to its room. */
static const struct layout *choose_layout(struct widths *widths, int columns)
{
    const struct layout *layout = layouts;

    while (layout < layouts + LAYOUT_COUNT - 1 &&
           room_for_names(layout, widths, columns) <
               smaller(widths->name, layout->name_min))
        layout++;

    const int room = larger(0, room_for_names(layout, widths, columns));

    widths->name = smaller(widths->name, room);
    widths->rest = room - widths->name;
    return layout;
}

static void put_progress(const struct pen *pen, double percent, bool has_bar)
{
    const double shown = percent > 100.0 ? 100.0 : percent;
    const int done = (int)(shown * BAR_COLUMNS / 100.0 + 0.5);

    buffer_append_string(pen->text, "  ");
    if (has_bar) {
        set_style(pen, STYLE_CYAN);
        for (int i = 0; i < BAR_COLUMNS; i++)
            buffer_append_string(pen->text,
                                 i < done ? signs()->bar_done : signs()->bar_rest);
        unset_style(pen, STYLE_CYAN);
        buffer_append_char(pen->text, ' ');
    }
    buffer_printf(pen->text, "%*d%%", PERCENT_COLUMNS - 1, (int)shown);
}

/* Puts it in its column; that nothing is known needs none, but room behind the other ones. */
static void put_forecast(const struct pen *pen, const struct row *row,
                         const struct layout *layout, const struct widths *widths)
{
    const char *text = row->forecasts[layout->forecast];
    const int room = widths->rest + forecast_columns(layout, widths);

    if (text == NULL || *text == '\0' || room < 2 + (int)strlen(text))
        return;
    if (row->operation->percent < 0)
        put_spaces(pen, progress_columns(layout, widths));
    put_spaces(pen, 2);
    put(pen, text,
        row->operation->forecast.unusual_among > 0 ? STYLE_MAGENTA : STYLE_DIM);
}

static const char *spinner(unsigned turn)
{
    const char *const *steps = signs()->spinner;
    unsigned count = 0;

    while (count < SPINNER_STEPS && steps[count] != NULL)
        count++;
    return steps[turn % count];
}

static void put_row(struct pen *pen, const struct row *row, const struct layout *layout,
                    const struct widths *widths, unsigned turn)
{
    put(pen, spinner(turn), STYLE_CYAN);
    put_spaces(pen, 1);
    if (layout->has_kind && widths->kind > 0) {
        put_column(pen, row->kind, widths->kind, STYLE_DIM);
        put_spaces(pen, 1);
    }
    put_column(pen, row->name, widths->name, STYLE_NONE);
    if (layout->has_state) {
        put_spaces(pen, 2);
        put_column(pen, row->state, widths->state, STYLE_MAGENTA);
    }
    put_spaces(pen, 2 + widths->since - (int)strlen(row->since));
    put(pen, row->since, STYLE_NONE);
    if (layout->has_percent && row->operation->percent >= 0)
        put_progress(pen, row->operation->percent, layout->has_bar);
    put_forecast(pen, row, layout, widths);
    end_line(pen);
}

/* "  1:12:04  84 created, 3 changed; 14 waiting" */
static void append_standing(struct buffer *text, const struct picture *picture)
{
    char age[DURATION_TEXT_SIZE];

    summary_format_running(picture->elapsed_ms - picture->began_ms, age);
    buffer_printf(text, "  %s  ", age);

    const bool has_outcomes = summary_append_outcomes(text, picture->outcomes);

    if (picture->tally->waiting > 0)
        buffer_printf(text, "%s%zu waiting", has_outcomes ? "; " : "",
                      picture->tally->waiting);
}

/* "onboard.lua  1:12:04  84 created, 3 changed; 14 waiting" */
static void put_header(struct pen *pen, const struct picture *picture)
{
    struct buffer standing = {0};
    char *script = visible_copy(picture->title != NULL ? picture->title : "moongate");

    append_standing(&standing, picture);

    const int fewest = larger(pen->columns / 4, SCRIPT_COLUMNS);
    const int room = larger(pen->columns - terminal_width(standing.data), fewest);
    const int taken = put_cut(pen, script, smaller(room, pen->columns), STYLE_BOLD,
                              terminal_append_cut);

    put_cut(pen, standing.data, pen->columns - taken, STYLE_NONE, terminal_append_start);
    end_line(pen);
    buffer_deinit(&standing);
    free(script);
}

/* "  ... and 37 more (30 gateways, 7 subnets)" */
static void put_hidden(struct pen *pen, const struct tally *tally, size_t count)
{
    struct buffer line = {0};
    const char *separator = " (";

    buffer_printf(&line, "  ... and %zu more", count);
    for (const struct list *at = tally->groups.next; at != &tally->groups;
         at = at->next) {
        const struct tally_group *group = LIST_ENTRY(at, const struct tally_group, link);

        if (group->count == group->shown)
            continue;

        char *kind = visible_copy(group->kind);

        buffer_append_string(&line, separator);
        summary_append_count(&line, group->count - group->shown,
                             *kind != '\0' ? kind : "operation");
        separator = ", ";
        free(kind);
    }
    buffer_append_char(&line, ')');
    put_line(pen, line.data, STYLE_DIM);
    buffer_deinit(&line);
}

static void put_operations(struct pen *pen, const struct picture *picture, size_t lines)
{
    const size_t waiting = picture->tally->waiting;
    size_t count;

    if (waiting == 0 || lines == 0)
        return;

    struct row *rows = make_rows(picture, waiting > lines ? lines - 1 : waiting, &count);
    struct widths widths = measure_rows(rows, count);
    const struct layout *layout = choose_layout(&widths, pen->columns);

    for (size_t i = 0; i < count; i++) {
        if (widths.name < smaller(FEWEST_COLUMNS, terminal_width(rows[i].name)))
            put_line(pen, rows[i].name, STYLE_NONE);
        else
            put_row(pen, &rows[i], layout, &widths, picture->turn);
    }
    free_rows(rows, count);
    if (waiting > count)
        put_hidden(pen, picture->tally, waiting - count);
}

int picture_append(struct buffer *text, const struct picture *picture,
                   struct terminal_size size)
{
    struct pen pen = {.text = text,
                      .has_color = picture->has_color,
                      .columns = larger(1, size.columns - 1)};
    const int room = size.rows - 1;

    if (picture->partial != NULL && room > 1) {
        char *partial = visible_copy(picture->partial);

        put_line(&pen, partial, STYLE_NONE);
        free(partial);
    }
    put_header(&pen, picture);
    put_operations(&pen, picture, (size_t)larger(0, room - pen.rows));
    return pen.rows;
}

void picture_paint(struct buffer *text, bool has_color, enum style style,
                   const char *words)
{
    put(&(struct pen){.text = text, .has_color = has_color}, words, style);
}
