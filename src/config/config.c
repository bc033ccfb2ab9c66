/* config.c - from bytes to a policy set: read, parse, check everything, and only then keep it.
 *
 *     file -> bytes -> characters (UTF-8) -> YAML tree (yaml.c) -> drafts (policy_reader.c) -> revisions, advice -> set
 *
 * Two pools: what the set points to lives in `result` and goes with the configuration; the tree, the drafts and the
 * report live in `scratch` and go at the end of loading.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hints.h"
#include "keys.h"
#include "scalar.h"
#include "sections.h"
#include "utf8.h"

struct rpw_config {
    struct rpw_pool pool;
    struct rpw_policy_set set;
    char *warnings;
};

/* --- text ----------------------------------------------------------------------------------------------------------- */

/* Tabs and line ends are fine; every other control character is a mistake or a binary file, or, as NEL, ends a line for some
 * readers and not for others. */
static bool check_characters(struct rpw_report *report)
{
    struct rpw_span text = report->text;

    for (size_t at = 0; at < text.len;) {
        unsigned char c = (unsigned char)text.ptr[at];
        struct rpw_span rest = {text.ptr + at, text.len - at};
        size_t length = rpw_utf8_length(rest);
        int control = rpw_utf8_control(rest);

        if (length == 0) {
            rpw_report_error(report, (struct rpw_place){at, 1}, "found the byte 0x%02x, expected text in UTF-8", c);
            return false;
        }
        if (control >= 0 && c != '\t' && c != '\n' && c != '\r') {
            rpw_report_error(
                report, (struct rpw_place){at, length},
                "found the control character U+%04X, expected text; \"\\x%02x\" in double quotes is one way "
                "to write it",
                (unsigned)control, (unsigned)control);
            return false;
        }
        at += length;
    }
    return true;
}

/* --- policies ------------------------------------------------------------------------------------------------------- */

static void check_name_is_new(struct rpw_loader *loader, const struct rpw_draft *drafts, size_t index)
{
    const struct rpw_draft *draft = &drafts[index];

    for (size_t i = 0; i < index && draft->policy.name.len > 0; i++)
        if (rpw_span_equal(drafts[i].policy.name, draft->policy.name)) {
            rpw_report_error(loader->report, draft->place,
                             "name: found '%.*s' again, expected a name of its own (the first is in line %zu)",
                             (int)draft->policy.name.len, draft->policy.name.ptr,
                             rpw_report_line(loader->report, drafts[i].place.offset));
            return;
        }
}

static struct rpw_draft *read_policies(struct rpw_loader *loader, const struct rpw_yaml_node *root,
                                       const struct rpw_yaml_node *node, size_t *ret_count)
{
    struct rpw_draft *drafts;

    if (!node || (node->type == RPW_YAML_LIST && node->count == 0))
        rpw_report_error(loader->report, node ? node->place : root->place,
                         "policies: found none, expected at least one policy");
    if (!node || !rpw_fields_expect_list(loader, "policies", node))
        return NULL;
    drafts = rpw_pool_alloc(loader->scratch, node->count * sizeof(*drafts));
    if (!drafts)
        return NULL;
    for (size_t i = 0; i < node->count; i++) {
        rpw_policy_read(loader, node->values[i], &drafts[i]);
        check_name_is_new(loader, drafts, i);
    }
    *ret_count = node->count;
    return drafts;
}

static void keep_policies(struct rpw_loader *loader, struct rpw_draft *drafts, size_t count, struct rpw_policy_set *set)
{
    struct rpw_policy *policies = rpw_pool_alloc(loader->result, count * sizeof(*policies));

    if (!policies)
        return;
    for (size_t i = 0; i < count; i++) {
        policies[i] = drafts[i].policy;
        rpw_revision_make(loader, &drafts[i], &policies[i]);
    }
    set->policies = policies;
    set->count = count;
}

static void read_file(struct rpw_loader *loader, const struct rpw_yaml_node *root, struct rpw_policy_set *set)
{
    const struct rpw_yaml_node *policies = NULL, *unmatched = NULL;
    const struct rpw_yaml_node **const values[] = {&policies, &unmatched};
    struct rpw_draft *drafts;
    size_t count = 0, choice = RPW_UNMATCHED_ALLOW;
    const char *other = rpw_hint_for_file(root);

    if (other)
        rpw_report_error(loader->report, root->place, "%s", other);
    if (other || !rpw_keys_split(loader, "configuration", root, rpw_keys_of_file, values))
        return;
    drafts = read_policies(loader, root, policies, &count);
    rpw_keys_read_choice(loader, rpw_keys_of_file, "unmatched", unmatched, &choice);
    set->unmatched = (enum rpw_unmatched)choice;
    if (!drafts || loader->report->has_errors || loader->result->has_failed || loader->scratch->has_failed)
        return;
    keep_policies(loader, drafts, count, set);
    rpw_advice_give(loader, drafts, count);
}

static bool is_nothing(const struct rpw_yaml_node *root)
{
    return root->type == RPW_YAML_SCALAR && rpw_scalar_resolve(root).type == RPW_SCALAR_NULL;
}

static void read_text(struct rpw_loader *loader, struct rpw_policy_set *set)
{
    const struct rpw_yaml_node *root;

    if (!check_characters(loader->report))
        return;
    root = rpw_yaml_parse(loader->scratch, loader->report, loader->report->text, &rpw_yaml_policy_limits);
    if (loader->scratch->has_failed || (!root && loader->report->has_errors))
        return;
    if (!root || is_nothing(root))
        rpw_report_error(loader->report, (struct rpw_place){0, 0},
                         "found an empty file, expected a configuration that begins with 'policies:'");
    else
        read_file(loader, root, set);
}

/* What else is wrong with a template is not worth a word. */
static void look_for_template(struct rpw_report *report)
{
    struct rpw_place place;

    if (!report->has_errors || !rpw_hint_find_template(report->text, &place))
        return;
    report->finding_count = report->hidden_count = 0;
    rpw_report_error(report, place, "found a template of Helm, expected what becomes of it: helm template prints that");
}

/* --- the module's face ---------------------------------------------------------------------------------------------- */

static char *new_message(const char *name, const char *message)
{
    char *text = NULL;

    return asprintf(&text, "%s: error: %s\n", name, message) >= 0 ? text : NULL;
}

bool rpw_config_parse_within(const char *name, struct rpw_span text, size_t memory_limit_bytes,
                             struct rpw_config **ret_config, char **ret_report)
{
    struct rpw_config *config = calloc(1, sizeof(*config));
    struct rpw_pool scratch;
    struct rpw_report report;
    struct rpw_loader loader = {.scratch = &scratch, .report = &report};
    bool has_memory, is_ok = false;

    rpw_pool_init(&scratch, memory_limit_bytes);
    rpw_report_init(&report, &scratch, name, text);
    if (config) {
        rpw_pool_init(&config->pool, memory_limit_bytes);
        loader.result = &config->pool;
        read_text(&loader, &config->set);
        look_for_template(&report);
    }
    has_memory = config && !config->pool.has_failed && !scratch.has_failed;
    if (has_memory && report.has_errors) {
        *ret_report = rpw_report_render(&report);
    } else if (has_memory && (config->warnings = rpw_report_render(&report)) != NULL) {
        *ret_config = config;
        is_ok = true;
    } else {
        *ret_report = new_message(name, "out of memory");
    }
    rpw_pool_done(&scratch);
    if (!is_ok)
        rpw_config_free(config);
    return is_ok;
}

bool rpw_config_parse(const char *name, struct rpw_span text, struct rpw_config **ret_config, char **ret_report)
{
    return rpw_config_parse_within(name, text, RPW_CONFIG_MAX_MEMORY_BYTES, ret_config, ret_report);
}

bool rpw_config_load_descriptor(int fd, const char *name, struct rpw_config **ret_config, char **ret_report)
{
    char *text = malloc(RPW_CONFIG_MAX_BYTES + 1), *message = NULL;
    size_t length = 0;
    ssize_t got = text ? 1 : 0;
    struct stat status;
    bool is_ok = false;

    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        *ret_report = new_message(name, "found a directory, expected a YAML file");
        goto out;
    }
    while (got > 0 && length <= RPW_CONFIG_MAX_BYTES) {
        got = read(fd, text + length, RPW_CONFIG_MAX_BYTES + 1 - length);
        if (got > 0)
            length += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    if (!text) {
        *ret_report = new_message(name, "out of memory");
    } else if (got < 0) {
        *ret_report =
            asprintf(&message, "%s: error: it cannot be read: %s\n", name, strerror(errno)) >= 0 ? message : NULL;
    } else if (length > RPW_CONFIG_MAX_BYTES) {
        *ret_report = new_message(name, "found more than 1 MiB, expected less: a ConfigMap holds no more");
    } else {
        is_ok = rpw_config_parse(name, (struct rpw_span){text, length}, ret_config, ret_report);
    }
out:
    free(text);
    return is_ok;
}

bool rpw_config_load(const char *path, struct rpw_config **ret_config, char **ret_report)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *message = NULL;
    bool is_ok;

    if (fd < 0) {
        *ret_report =
            asprintf(&message, "%s: error: it cannot be opened: %s\n", path, strerror(errno)) >= 0 ? message : NULL;
        return false;
    }
    is_ok = rpw_config_load_descriptor(fd, path, ret_config, ret_report);
    close(fd);
    return is_ok;
}

const struct rpw_policy_set *rpw_config_policies(const struct rpw_config *config)
{
    return &config->set;
}

const char *rpw_config_warnings(const struct rpw_config *config)
{
    return config->warnings;
}

void rpw_config_free(struct rpw_config *config)
{
    if (!config)
        return;
    rpw_pool_done(&config->pool);
    free(config->warnings);
    free(config);
}
