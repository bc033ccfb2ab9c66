/* fields.h - the readers of a mapping's fields: each checks one value, reports what is wrong with it, and goes on.
 *
 * field names the value in an error. A node that is NULL (the key is not there) or RPW_YAML_INVALID (already reported)
 * reads as false without a word: whoever needs the value reports its absence. ret_* is set on success only and lives in
 * the result pool.
 */
#ifndef RPW_FIELDS_H
#define RPW_FIELDS_H

#include "pool.h"
#include "report.h"
#include "syntax.h"
#include "yaml.h"

#define RPW_CONFIG_MAX_TEXT_BYTES 4095 /* of one text; Linux' longest path */

/* What everybody who reads a part of the file needs. */
struct rpw_loader {
    struct rpw_pool *result;  /* what the policy set keeps */
    struct rpw_pool *scratch; /* what is dropped after loading */
    struct rpw_report *report;
};

/* Reports key as one that is none of words, which end with NULL. */
void rpw_fields_report_unknown_key(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *key,
                                   const char *const *words);

/* A text that has the form; copied. */
bool rpw_fields_read_text(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                          rpw_syntax_fn *form, struct rpw_span *ret_text);

/* A list of at least one such text. */
bool rpw_fields_read_texts(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                           rpw_syntax_fn *form, struct rpw_span_list *ret_texts);

/* true or false, without quotes. */
bool rpw_fields_read_bool(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                          bool *ret_bool);

/* One of words, which end with NULL; ret_index is its index. */
bool rpw_fields_read_choice(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                            const char *const *words, size_t *ret_index);

/* Whether node is a mapping, or a list, with elements or without; reports it otherwise. */
bool rpw_fields_expect_mapping(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node);
bool rpw_fields_expect_list(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node);

/* Whether node is text that every YAML reader takes for text, of the form; reports it otherwise. For what is kept as it is:
 * keys, and parts of Kubernetes objects. */
bool rpw_fields_check_text(struct rpw_loader *loader, const char *field, const struct rpw_yaml_node *node,
                           rpw_syntax_fn *form);

/* node in words, as it follows "found ": 'text', the number 5, a list ... */
const char *rpw_fields_describe(struct rpw_loader *loader, const struct rpw_yaml_node *node);

/* The nearest of words, which end with NULL: at most 2 characters away, letter case aside; NULL when none is. */
const char *rpw_fields_suggest(struct rpw_span word, const char *const *words);

#endif
