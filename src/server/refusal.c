/* refusal.c - one table and the texts. */
#include "refusal.h"

#include <stdio.h>
#include <string.h>

#include "webhook.h"

enum { FOUND_BYTES = 80, PROBLEM_BYTES = 200 };

static const struct row {
    unsigned status;
    bool closes;
    const char *reason;
} rows[RPW_REFUSAL_COUNT] = {
    [RPW_REFUSAL_NONE] = {200, false, "none"},
    [RPW_REFUSAL_FRAMING] = {400, true, "bad_framing"},
    [RPW_REFUSAL_NOT_FOUND] = {404, false, "not_found"},
    [RPW_REFUSAL_METHOD] = {405, false, "method"},
    [RPW_REFUSAL_CONTENT_TYPE] = {415, false, "content_type"},
    [RPW_REFUSAL_TOO_LARGE] = {413, true, "too_large"},
    [RPW_REFUSAL_BUDGET] = {503, false, "body_budget"},
};

unsigned rpw_refusal_status(enum rpw_refusal refusal)
{
    return rows[refusal].status;
}

const char *rpw_refusal_reason(enum rpw_refusal refusal)
{
    return rows[refusal].reason;
}

bool rpw_refusal_closes(enum rpw_refusal refusal)
{
    return rows[refusal].closes;
}

/* What came from the network may hold anything; it is shown to a person. */
static void make_printable(const char *found, char *printable, size_t size)
{
    size_t len = 0;

    for (; found[len] != '\0' && len < size - 1; len++)
        printable[len] = found[len] >= ' ' && found[len] <= '~' ? found[len] : '?';
    printable[len] = '\0';
    if (found[len] != '\0')
        memcpy(printable + len - 3, "...", 3);
}

size_t rpw_refusal_text(enum rpw_refusal refusal, const char *found, char text[RPW_REFUSAL_TEXT_BYTES])
{
    char printable[PROBLEM_BYTES] = "";
    int len = 0;

    if (found != NULL)
        make_printable(found, printable, refusal == RPW_REFUSAL_FRAMING ? PROBLEM_BYTES : FOUND_BYTES);
    switch (refusal) {
    case RPW_REFUSAL_FRAMING:
        len = snprintf(text, RPW_REFUSAL_TEXT_BYTES, "bad request: %s\n", printable);
        break;
    case RPW_REFUSAL_NOT_FOUND:
        len = snprintf(text, RPW_REFUSAL_TEXT_BYTES, "not found: the path is '%s', expected '%s'\n", printable,
                       RPW_WEBHOOK_PATH);
        break;
    case RPW_REFUSAL_METHOD:
        len = snprintf(text, RPW_REFUSAL_TEXT_BYTES, "method not allowed: it is '%s', expected '%s'\n", printable,
                       "POST");
        break;
    case RPW_REFUSAL_CONTENT_TYPE:
        len = snprintf(text, RPW_REFUSAL_TEXT_BYTES, "unsupported media type: Content-Type is %s%s%s, expected '%s'\n",
                       found == NULL ? "missing" : "'", printable, found == NULL ? "" : "'", "application/json");
        break;
    case RPW_REFUSAL_TOO_LARGE:
        len = snprintf(text, RPW_REFUSAL_TEXT_BYTES, "request too large: the body is longer than %zu bytes\n",
                       RPW_MAX_BODY_BYTES);
        break;
    case RPW_REFUSAL_BUDGET:
        len = snprintf(text, RPW_REFUSAL_TEXT_BYTES,
                       "busy: too many large requests at once, expected to pass; try again\n");
        break;
    case RPW_REFUSAL_NONE:
    case RPW_REFUSAL_COUNT:
        break;
    }
    return (size_t)len;
}
