/* progress.h - a line on standard error that says how far a long work has come; nothing where that is no terminal. */
#ifndef RPW_CLI_PROGRESS_H
#define RPW_CLI_PROGRESS_H

/* Replaces the line, twice a second at most. */
void rpw_progress_show(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Takes the line away, before anything else is written there. */
void rpw_progress_clear(void);

#endif
