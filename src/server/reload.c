/* reload.c - from changed files to new snapshots.
 *
 * Each part goes through the same steps, in check_part(): read its files, compare them with what was tried last, adopt
 * them, note how it went. Adopting is what differs: it parses, and only when all is well replaces what is in use.
 */
#include "reload.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum { FILES = 2, ATTEMPTS = 3 };

struct problem {
    char text[RPW_RELOAD_TEXT_BYTES]; /* one line */
    char *report;                     /* the configuration's: all lines, malloc'd; else NULL */
};

const char *rpw_reload_part_name(enum rpw_reload_part part)
{
    static const char *const names[] = {"config", "client_ca", "certificate"};

    return names[part];
}

static const char *path_of(const struct rpw_reload *reload, enum rpw_reload_part part, size_t index)
{
    const char *const paths[RPW_RELOAD_PART_COUNT][FILES] = {
        [RPW_RELOAD_CONFIG] = {reload->options.config_path, NULL},
        [RPW_RELOAD_CLIENT_CA] = {reload->options.client_ca_path, NULL},
        [RPW_RELOAD_CERTIFICATE] = {reload->options.certificate_path, reload->options.key_path},
    };

    return paths[part][index];
}

bool rpw_reload_has_part(const struct rpw_reload *reload, enum rpw_reload_part part)
{
    return path_of(reload, part, 0) != NULL;
}

/* --- log and state ------------------------------------------------------------------------------------------------ */

/* One line of the log for each finding of a report: its first line, which names the place; the excerpt below is
 * indented. */
static void log_findings(const struct rpw_log *log, enum rpw_log_level level, const char *message, const char *report)
{
    struct rpw_span rest = rpw_span_of(report);
    struct rpw_span finding;
    struct rpw_log_line line;

    while (rpw_span_next_element(&rest, '\n', &finding)) {
        if (finding.len == 0 || finding.ptr[0] == ' ' || !rpw_log_begin(log, &line, level, message))
            continue;
        rpw_log_line_text(&line, "detail", finding);
        rpw_log_end(log, &line);
    }
}

static void log_loaded(const struct rpw_reload *reload, enum rpw_reload_part part)
{
    char not_after[RPW_CLOCK_TEXT_BYTES];
    struct rpw_log_line line;

    if (!rpw_log_begin(reload->options.log, &line, RPW_LOG_INFO, "loaded"))
        return;
    rpw_log_line_text(&line, "part", rpw_span_of(rpw_reload_part_name(part)));
    rpw_log_line_text(&line, "file", rpw_span_of(path_of(reload, part, 0)));
    if (part != RPW_RELOAD_CONFIG) {
        rpw_clock_format(part == RPW_RELOAD_CERTIFICATE ? reload->pair.not_after : reload->authorities.not_after,
                         not_after);
        rpw_log_line_text(&line, "notAfter", rpw_span_of(not_after));
    }
    rpw_log_end(reload->options.log, &line);
}

static void note_success(struct rpw_reload *reload, enum rpw_reload_part part)
{
    atomic_store(&reload->parts[part].loaded_time, (int64_t)time(NULL));
    atomic_store(&reload->parts[part].has_failed, false);
}

/* True when this failure is another than the one that stands. */
static bool note_failure(struct rpw_reload *reload, enum rpw_reload_part part, const char *text)
{
    struct rpw_reload_state *state = &reload->parts[part];
    bool is_news;

    pthread_mutex_lock(&reload->lock);
    is_news = !atomic_load(&state->has_failed) || strcmp(state->failure, text) != 0;
    snprintf(state->failure, sizeof(state->failure), "%s", text);
    atomic_store(&state->has_failed, true);
    pthread_mutex_unlock(&reload->lock);
    return is_news;
}

bool rpw_reload_failure(struct rpw_reload *reload, enum rpw_reload_part part, char text[RPW_RELOAD_TEXT_BYTES])
{
    struct rpw_reload_state *state = &reload->parts[part];
    bool has_failed;

    pthread_mutex_lock(&reload->lock);
    has_failed = atomic_load(&state->has_failed);
    if (has_failed)
        memcpy(text, state->failure, RPW_RELOAD_TEXT_BYTES);
    pthread_mutex_unlock(&reload->lock);
    return has_failed;
}

static void log_failure(const struct rpw_reload *reload, enum rpw_reload_part part, const struct problem *problem)
{
    const struct rpw_log *log = reload->options.log;
    struct rpw_log_line line;

    if (problem->report != NULL)
        log_findings(log, RPW_LOG_ERROR, "configuration error", problem->report);
    if (!rpw_log_begin(log, &line, RPW_LOG_ERROR, "not loaded"))
        return;
    rpw_log_line_text(&line, "part", rpw_span_of(rpw_reload_part_name(part)));
    rpw_log_line_text(&line, "detail", rpw_span_of(problem->text));
    rpw_log_end(log, &line);
}

/* --- adopting ----------------------------------------------------------------------------------------------------- */

static bool adopt_config(struct rpw_reload *reload, const struct rpw_file *files, struct problem *problem)
{
    struct rpw_parsed_policies parsed;
    struct rpw_policies *policies = NULL;

    if (reload->options.parse_policies(files[0].path, (struct rpw_span){files[0].bytes, files[0].len}, &parsed,
                                       &problem->report))
        policies = rpw_policies_new(&parsed, reload->options.metrics);
    if (policies == NULL && problem->report == NULL) {
        snprintf(problem->text, sizeof(problem->text), "%s: out of memory", files[0].path);
    } else if (policies == NULL) {
        snprintf(problem->text, sizeof(problem->text), "%.*s", (int)strcspn(problem->report, "\n"), problem->report);
    } else {
        log_findings(reload->options.log, RPW_LOG_WARN, "configuration warning", policies->parsed.warnings);
        rpw_current_set(&reload->policies, &policies->shared);
    }
    return policies != NULL;
}

/* Makes a credential of both parts and puts it to use. A part that is not there yet is waited for: the pair is then
 * only checked. */
static bool combine(struct rpw_reload *reload, const struct rpw_key_pair *pair,
                    const struct rpw_authorities *authorities, struct problem *problem)
{
    const bool wants_authorities = reload->options.client_ca_path != NULL;
    struct rpw_credential *credential;

    if (pair->count == 0)
        return true;
    if (!rpw_credential_new(pair, authorities, &credential, problem->text, sizeof(problem->text)))
        return false;
    if (wants_authorities && authorities->count == 0)
        rpw_credential_unref(credential);
    else
        rpw_current_set(&reload->credential, &credential->shared);
    return true;
}

/* Whether the new certificate may take the place of the one in use: not when that is valid now and this is not. */
static bool is_timely(struct rpw_reload *reload, const struct rpw_key_pair *pair, struct problem *problem)
{
    const struct rpw_key_pair *old = &reload->pair;
    const time_t now = time(NULL);
    char not_before[RPW_CLOCK_TEXT_BYTES];
    char not_after[RPW_CLOCK_TEXT_BYTES];

    if ((pair->not_before <= now && now <= pair->not_after) || old->count == 0 || now < old->not_before ||
        now > old->not_after)
        return true;
    rpw_clock_format(pair->not_before, not_before);
    rpw_clock_format(pair->not_after, not_after);
    snprintf(problem->text, sizeof(problem->text),
             "%s: the certificate is valid from %s to %s, expected one that is valid now, as the one in use is",
             pair->path, not_before, not_after);
    return false;
}

static bool adopt_certificate(struct rpw_reload *reload, const struct rpw_file *files, struct problem *problem)
{
    struct rpw_key_pair pair;

    if (!rpw_key_pair_parse(&files[0], &files[1], &pair, problem->text, sizeof(problem->text)))
        return false;
    reload->parts[RPW_RELOAD_CERTIFICATE].was_too_early = !is_timely(reload, &pair, problem);
    if (reload->parts[RPW_RELOAD_CERTIFICATE].was_too_early || !combine(reload, &pair, &reload->authorities, problem)) {
        rpw_key_pair_done(&pair);
        return false;
    }
    rpw_key_pair_done(&reload->pair);
    reload->pair = pair;
    return true;
}

static bool adopt_client_ca(struct rpw_reload *reload, const struct rpw_file *files, struct problem *problem)
{
    struct rpw_authorities authorities;

    if (!rpw_authorities_parse(&files[0], &authorities, problem->text, sizeof(problem->text)))
        return false;
    if (!combine(reload, &reload->pair, &authorities, problem)) {
        rpw_authorities_done(&authorities);
        return false;
    }
    rpw_authorities_done(&reload->authorities);
    reload->authorities = authorities;
    atomic_store(&reload->client_ca_not_after, (int64_t)authorities.not_after);
    return true;
}

static bool adopt(struct rpw_reload *reload, enum rpw_reload_part part, const struct rpw_file *files,
                  struct problem *problem)
{
    static bool (*const functions[])(struct rpw_reload *, const struct rpw_file *, struct problem *) = {
        [RPW_RELOAD_CONFIG] = adopt_config,
        [RPW_RELOAD_CLIENT_CA] = adopt_client_ca,
        [RPW_RELOAD_CERTIFICATE] = adopt_certificate,
    };

    free(problem->report);
    problem->report = NULL;
    return functions[part](reload, files, problem);
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

static void forget_files(struct rpw_file files[FILES])
{
    for (size_t i = 0; i < FILES; i++)
        rpw_file_done(&files[i]);
}

static bool read_files(const struct rpw_reload *reload, enum rpw_reload_part part, struct rpw_file files[FILES],
                       struct problem *problem)
{
    for (size_t i = 0; i < FILES; i++) {
        const char *path = path_of(reload, part, i);

        if (path != NULL && !rpw_file_read(path, &files[i], problem->text, sizeof(problem->text))) {
            forget_files(files);
            return false;
        }
    }
    return true;
}

static bool are_same(const struct rpw_file a[FILES], const struct rpw_file b[FILES])
{
    return rpw_file_is_same(&a[0], &b[0]) && (a[1].bytes == NULL || rpw_file_is_same(&a[1], &b[1]));
}

enum verdict { UNCHANGED, LOADED, FAILED };

/* Reads the part until it is good, or the same twice: two files of a pair can be read while they are being replaced. */
static enum verdict try_part(struct rpw_reload *reload, enum rpw_reload_part part, struct problem *problem)
{
    struct rpw_reload_state *state = &reload->parts[part];
    enum verdict verdict = UNCHANGED;

    if (state->was_too_early)
        forget_files(state->tried);
    state->was_too_early = false;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct rpw_file files[FILES] = {{NULL, NULL, 0}, {NULL, NULL, 0}};

        if (!read_files(reload, part, files, problem)) {
            forget_files(state->tried); /* it may come back as it was */
            verdict = FAILED;
            continue;
        }
        if (are_same(files, state->tried)) {
            forget_files(files);
            return verdict;
        }
        forget_files(state->tried);
        memcpy(state->tried, files, sizeof(files));
        if (adopt(reload, part, files, problem))
            return LOADED;
        verdict = FAILED;
    }
    return verdict;
}

static void check_part(struct rpw_reload *reload, enum rpw_reload_part part, bool is_asked)
{
    struct problem problem = {"", NULL};
    const enum verdict verdict = try_part(reload, part, &problem);
    struct rpw_log_line line;

    if (verdict == LOADED) {
        note_success(reload, part);
        log_loaded(reload, part);
    } else if (verdict == FAILED && note_failure(reload, part, problem.text)) {
        log_failure(reload, part, &problem);
    } else if (is_asked && rpw_log_begin(reload->options.log, &line, RPW_LOG_INFO, "nothing has changed")) {
        rpw_log_line_text(&line, "part", rpw_span_of(rpw_reload_part_name(part)));
        if (rpw_reload_failure(reload, part, problem.text))
            rpw_log_line_text(&line, "detail", rpw_span_of(problem.text));
        rpw_log_end(reload->options.log, &line);
    }
    free(problem.report);
}

static void check_all(struct rpw_reload *reload, bool is_asked)
{
    for (unsigned part = 0; part < RPW_RELOAD_PART_COUNT; part++)
        if (rpw_reload_has_part(reload, (enum rpw_reload_part)part))
            check_part(reload, (enum rpw_reload_part)part, is_asked);
}

static void *run_thread(void *context)
{
    struct rpw_reload *reload = context;
    struct pollfd wanted = {.fd = reload->wake_fd, .events = POLLIN};
    eventfd_t ignored;

    while (!atomic_load(&reload->wants_end)) {
        check_all(reload, atomic_exchange(&reload->is_asked, false));
        if (poll(&wanted, 1, RPW_RELOAD_INTERVAL_MS) > 0)
            eventfd_read(reload->wake_fd, &ignored);
    }
    return NULL;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

bool rpw_reload_init(struct rpw_reload *reload, const struct rpw_reload_options *options, struct rpw_file *take_file,
                     const struct rpw_parsed_policies *take_parsed)
{
    struct rpw_policies *policies = rpw_policies_new(take_parsed, options->metrics);

    *reload = (struct rpw_reload){.options = *options};
    pthread_mutex_init(&reload->lock, NULL);
    rpw_current_init(&reload->policies);
    rpw_current_init(&reload->credential);
    reload->parts[RPW_RELOAD_CONFIG].tried[0] = *take_file;
    *take_file = (struct rpw_file){NULL, NULL, 0};
    if (policies == NULL)
        return false;
    log_findings(options->log, RPW_LOG_WARN, "configuration warning", policies->parsed.warnings);
    rpw_current_set(&reload->policies, &policies->shared);
    note_success(reload, RPW_RELOAD_CONFIG);
    return true;
}

bool rpw_reload_load_credential(struct rpw_reload *reload, char failure[RPW_RELOAD_TEXT_BYTES])
{
    bool has_failed = false;

    for (unsigned i = RPW_RELOAD_CLIENT_CA; i <= RPW_RELOAD_CERTIFICATE; i++) {
        const enum rpw_reload_part part = (enum rpw_reload_part)i;
        struct problem problem = {"", NULL};

        if (!rpw_reload_has_part(reload, part))
            continue;
        if (try_part(reload, part, &problem) == LOADED) {
            note_success(reload, part);
            continue;
        }
        note_failure(reload, part, problem.text);
        if (!has_failed)
            memcpy(failure, problem.text, RPW_RELOAD_TEXT_BYTES);
        has_failed = true;
    }
    return !has_failed;
}

bool rpw_reload_start(struct rpw_reload *reload)
{
    int result;

    reload->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (reload->wake_fd < 0)
        return false;
    result = pthread_create(&reload->thread, NULL, run_thread, reload);
    if (result != 0) {
        close(reload->wake_fd);
        errno = result;
        return false;
    }
    reload->is_started = true;
    return true;
}

static void wake(struct rpw_reload *reload)
{
    if (eventfd_write(reload->wake_fd, 1) != 0)
        return; /* the counter is full: the thread has been woken often enough */
}

void rpw_reload_ask(struct rpw_reload *reload)
{
    atomic_store(&reload->is_asked, true);
    wake(reload);
}

void rpw_reload_stop(struct rpw_reload *reload)
{
    if (!reload->is_started)
        return;
    atomic_store(&reload->wants_end, true);
    wake(reload);
    pthread_join(reload->thread, NULL);
    close(reload->wake_fd);
    reload->is_started = false;
}

void rpw_reload_done(struct rpw_reload *reload)
{
    for (size_t part = 0; part < RPW_RELOAD_PART_COUNT; part++)
        forget_files(reload->parts[part].tried);
    rpw_key_pair_done(&reload->pair);
    rpw_authorities_done(&reload->authorities);
    rpw_current_done(&reload->policies);
    rpw_current_done(&reload->credential);
    pthread_mutex_destroy(&reload->lock);
}
