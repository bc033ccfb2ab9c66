/* registration_object.c - from policies to the conditions that an apiserver evaluates. */
#include "registration_object.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* --- names and patterns --------------------------------------------------------------------------------------------- */

/* Texts, each once, in the order of their bytes. */
struct name_set {
    struct rpw_span *items;
    size_t count;
};

static int compare_spans(const void *a, const void *b)
{
    const struct rpw_span *one = a, *other = b;
    size_t shorter = one->len < other->len ? one->len : other->len;
    int order = memcmp(one->ptr, other->ptr, shorter);

    return order != 0 ? order : (one->len > other->len) - (one->len < other->len);
}

static void add_names(struct name_set *set, struct rpw_span_list names)
{
    struct rpw_span *items = rpw_memory_need(reallocarray(set->items, set->count + names.count + 1, sizeof(*items)));

    set->items = items;
    for (size_t i = 0; i < names.count; i++)
        items[set->count++] = names.items[i];
    qsort(items, set->count, sizeof(*items), compare_spans);
    names.count = 0;
    for (size_t i = 0; i < set->count; i++)
        if (i == 0 || !rpw_span_equal(items[i], items[names.count - 1]))
            items[names.count++] = items[i];
    set->count = names.count;
}

/* What stands before the first wildcard; all of it where there is none. */
static struct rpw_span prefix_of(struct rpw_span pattern)
{
    struct rpw_span prefix = pattern;

    prefix.len = 0;
    while (prefix.len < pattern.len && pattern.ptr[prefix.len] != '*' && pattern.ptr[prefix.len] != '?')
        prefix.len++;
    return prefix;
}

static bool is_pattern(struct rpw_span text)
{
    return prefix_of(text).len < text.len;
}

/* In CEL: whether subject is one of the names, or begins as one of the patterns. Names of Kubernetes need no escapes. */
static void print_test(const struct name_set *set, const char *subject, FILE *out)
{
    struct rpw_span last = {NULL, 0};
    bool is_first = true;

    for (size_t i = 0; i < set->count; i++) {
        if (is_pattern(set->items[i]))
            continue;
        if (is_first)
            fprintf(out, "%s in [", subject);
        fprintf(out, "%s'%.*s'", is_first ? "" : ", ", (int)set->items[i].len, set->items[i].ptr);
        is_first = false;
    }
    fputs(is_first ? "" : "]", out);
    for (size_t i = 0; i < set->count; i++) {
        struct rpw_span prefix = prefix_of(set->items[i]);

        if (!is_pattern(set->items[i]) || rpw_span_equal(prefix, last))
            continue;
        fprintf(out, "%s%s.startsWith('%.*s')", is_first ? "" : " || ", subject, (int)prefix.len, prefix.ptr);
        is_first = false;
        last = prefix;
    }
}

/* --- conditions ------------------------------------------------------------------------------------------------------- */

/* Takes the stream that text comes from. */
static json_t *new_condition(const char *name, FILE *take_stream, char *const *text)
{
    json_t *condition;

    rpw_memory_close(take_stream);
    condition = json_pack("{s:s, s:s}", "name", name, "expression", *text);
    free(*text);
    return condition;
}

/* The namespaces of the policies. NULL: any. */
static json_t *new_namespace_condition(const struct rpw_policy_set *policies)
{
    struct name_set set = {NULL, 0};
    bool is_any = policies->unmatched != RPW_UNMATCHED_ALLOW;
    char *text = NULL;
    size_t len = 0;
    FILE *out;

    for (size_t i = 0; i < policies->count && !is_any; i++) {
        is_any = policies->policies[i].namespaces.count == 0;
        add_names(&set, policies->policies[i].namespaces);
    }
    for (size_t i = 0; i < set.count && !is_any; i++)
        is_any = prefix_of(set.items[i]).len == 0;
    out = is_any ? NULL : rpw_memory_open(&text, &len);
    if (out != NULL)
        print_test(&set, "request.namespace", out);
    free(set.items);
    return out != NULL ? new_condition("is-in-a-namespace-of-a-policy", out, &text) : NULL;
}

/* What the containers are that a pod is sent for. */
struct container_test {
    struct name_set names, images;
    bool has_variables; /* those of Rucio's entrypoints tell, too */
};

/* In a regular expression (RE2). What an image may hold needs no other escape. */
static void print_image_pattern(struct rpw_span pattern, FILE *out)
{
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];

        if (c == '*' || c == '?' || c == '.')
            fputs(c == '*' ? ".*" : c == '?' ? "." : "[.]", out);
        else
            fputc(c, out);
    }
}

static void print_container_test(const struct container_test *test, FILE *out)
{
    print_test(&test->names, "c.name", out);
    if (test->images.count > 0) {
        fputs(test->names.count > 0 ? " || " : "", out);
        fputs("(has(c.image) && c.image.matches('^(.*/)?(", out);
        for (size_t i = 0; i < test->images.count; i++) {
            fputs(i > 0 ? "|" : "", out);
            print_image_pattern(test->images.items[i], out);
        }
        fputs(")([:@].*)?$'))", out);
    }
    if (test->has_variables)
        fputs(" || (has(c.env) && c.env.exists(e, e.name == 'RUCIO_DAEMON' || e.name.startsWith('RUCIO_CFG_')))", out);
}

/* Neither letter nor digit. */
static bool is_wild(struct rpw_span pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (isalnum((unsigned char)pattern.ptr[i]))
            return false;
    return true;
}

/* False with ret_error: a pattern would have every pod sent. */
static bool check_patterns(const struct container_test *test, char ret_error[RPW_REGISTRATION_ERROR_BYTES])
{
    static const char wide[] = "so every pod of the cluster would depend on the webhook";

    for (size_t i = 0; i < test->names.count; i++)
        if (prefix_of(test->names.items[i]).len == 0) {
            snprintf(ret_error, RPW_REGISTRATION_ERROR_BYTES, "the container pattern '%.*s' begins with a wildcard, %s",
                     (int)test->names.items[i].len, test->names.items[i].ptr, wide);
            return false;
        }
    for (size_t i = 0; i < test->images.count; i++)
        if (is_wild(test->images.items[i])) {
            snprintf(ret_error, RPW_REGISTRATION_ERROR_BYTES, "the image pattern '%.*s' means every image, %s",
                     (int)test->images.items[i].len, test->images.items[i].ptr, wide);
            return false;
        }
    return true;
}

/* The containers of the policies; what looks like Rucio, too, where a pod without a policy is to be noticed. */
static json_t *new_container_condition(const struct rpw_policy_set *policies,
                                       char ret_error[RPW_REGISTRATION_ERROR_BYTES])
{
    struct container_test test = {.has_variables = policies->unmatched != RPW_UNMATCHED_ALLOW};
    char *text = NULL;
    size_t len = 0;
    FILE *out = NULL;

    if (test.has_variables) {
        add_names(&test.names, rpw_policy_default_containers);
        add_names(&test.images, rpw_policy_default_images);
    }
    for (size_t i = 0; i < policies->count; i++) {
        add_names(&test.names, policies->policies[i].containers);
        add_names(&test.images, policies->policies[i].images);
    }
    if (check_patterns(&test, ret_error)) {
        out = rpw_memory_open(&text, &len);
        fputs("object.spec.containers.exists(c, ", out);
        print_container_test(&test, out);
        fputs(") ||\n(has(object.spec.initContainers) && object.spec.initContainers.exists(c, ", out);
        print_container_test(&test, out);
        fputs("))", out);
    }
    free(test.names.items);
    free(test.images.items);
    return out != NULL ? new_condition("has-a-container-of-rucio", out, &text) : NULL;
}

/* --- the object ------------------------------------------------------------------------------------------------------- */

/* Takes conditions. */
static json_t *new_webhook(const char *namespace_, const char *name, json_t *take_conditions)
{
    return json_pack("{s:s, s:[s], s:{s:{s:s, s:s, s:s, s:i}}, s:[{s:[s], s:[s], s:[s], s:[s], s:s}],"
                     " s:{s:[{s:s, s:s, s:[s, s, s, s]}]}, s:{}, s:o, s:s, s:s, s:s, s:s, s:i}",
                     "name", RPW_REGISTRATION_WEBHOOK, "admissionReviewVersions", "v1", "clientConfig", "service",
                     "name", name, "namespace", namespace_, "path", "/mutate", "port", 443, "rules", "apiGroups", "",
                     "apiVersions", "v1", "operations", "CREATE", "resources", "pods", "scope", "Namespaced",
                     "namespaceSelector", "matchExpressions", "key", "kubernetes.io/metadata.name", "operator", "NotIn",
                     "values", "kube-system", "kube-public", "kube-node-lease", namespace_, "objectSelector",
                     "matchConditions", take_conditions, "failurePolicy", "Fail", "matchPolicy", "Equivalent",
                     "reinvocationPolicy", "IfNeeded", "sideEffects", "None", "timeoutSeconds", 5);
}

json_t *rpw_registration_new(const struct rpw_policy_set *policies, const char *namespace_, const char *name,
                             char ret_error[RPW_REGISTRATION_ERROR_BYTES])
{
    json_t *containers = new_container_condition(policies, ret_error);

    if (containers == NULL)
        return NULL;
    return json_pack(
        "{s:s, s:s, s:{s:s}, s:[o]}", "apiVersion", "admissionregistration.k8s.io/v1", "kind",
        "MutatingWebhookConfiguration", "metadata", "name", name, "webhooks",
        new_webhook(namespace_, name, json_pack("[o*, o]", new_namespace_condition(policies), containers)));
}
