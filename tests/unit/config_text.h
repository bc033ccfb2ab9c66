/* config_text.h - what the tests of right configurations share. Each test program includes it once. */
#ifndef RPW_TESTS_CONFIG_TEXT_H
#define RPW_TESTS_CONFIG_TEXT_H

#include "config.h"
#include "unit.h"

/* A file of one policy that is right, with more keys below. */
#define POLICY(keys)                                                                                                   \
    "policies:\n"                                                                                                      \
    "  - name: atlas\n" keys
#define PACKAGE "    package: atlas_policy\n"
#define PREINSTALLED "    source: {preinstalled: {}}\n"

/* Parses what must be right; the caller frees it. */
static inline struct rpw_config *parse(const char *yaml)
{
    struct rpw_config *config = NULL;
    char *report = NULL;

    if (!rpw_config_parse("config.yaml", rpw_span_of(yaml), &config, &report))
        fail_msg("%s", report);
    return config;
}

static inline const struct rpw_policy *first_policy(const struct rpw_config *config)
{
    return &rpw_config_policies(config)->policies[0];
}

static inline void assert_span(struct rpw_span found, const char *expected)
{
    if (!rpw_span_is(found, expected))
        fail_msg("found '%.*s', expected '%s'", (int)found.len, found.ptr, expected);
}

#endif
