/* values.h - the forms of values that several verbs take on the command line, and times as they show them. Pure. */
#ifndef RPW_CLI_VALUES_H
#define RPW_CLI_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "rpw/bytes/status.h"
#include "rpw/bytes/text.h"

#define RPW_TIME_TEXT_BYTES 32

/* As Kubernetes names namespaces: a DNS-1123 label. */
bool rpw_is_namespace_name(const char *name);

/* Stores such a name, for a flag (verb.h). */
const char *rpw_flag_take_namespace(void *field, const char *value);

/* As Kubernetes names most of its objects: a DNS-1123 subdomain. */
bool rpw_is_object_name(const char *name);

struct rpw_object_name {
    char namespace_[RPW_DNS_MAX_LABEL_BYTES + 1];
    const char *name;
};

/* Stores "NAMESPACE/NAME" as a struct rpw_object_name, for a flag. */
const char *rpw_flag_take_object(void *field, const char *value);

/* RFC 3339 in UTC, such as 2026-11-22T15:04:05Z. */
void rpw_time_format(time_t time, char ret_text[RPW_TIME_TEXT_BYTES]);

/* The opposite. 0 when text does not begin with such a time. */
time_t rpw_time_parse(const char *text);

#endif
