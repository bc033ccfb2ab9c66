/* values.h - the forms of values that several verbs take on the command line, and times as they show them. Pure. */
#ifndef RPW_CLI_VALUES_H
#define RPW_CLI_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "rpw/bytes/status.h"

#define RPW_TIME_TEXT_BYTES 32

/* "90s", "10m", "12h", "30d": at most 10,000 days. False, with ret_seconds untouched, for everything else. */
RPW_MUST_CHECK bool rpw_duration_parse(const char *text, time_t *ret_seconds);

/* A whole number between lowest and highest. */
RPW_MUST_CHECK bool rpw_number_parse(const char *text, long lowest, long highest, long *ret_number);

/* As Kubernetes names namespaces: a DNS-1123 label. */
bool rpw_is_namespace_name(const char *name);

/* As Kubernetes names most of its objects: a DNS-1123 subdomain. */
bool rpw_is_object_name(const char *name);

/* RFC 3339 in UTC, such as 2026-11-22T15:04:05Z. */
void rpw_time_format(time_t time, char ret_text[RPW_TIME_TEXT_BYTES]);

/* The opposite. 0 when text does not begin with such a time. */
time_t rpw_time_parse(const char *text);

#endif
