/* check_summary.c - a configuration told back in words, policy by policy, so that an administrator can compare what was meant with
 * what was written. */
#include "check_summary.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define LABEL_WIDTH 13

/* The first line of an item has a label, the ones below it none. */
static void print_label(const char *label)
{
    printf("   %-*s", LABEL_WIDTH, label);
}

static void print_span(struct rpw_span text)
{
    fwrite(text.ptr, 1, text.len, stdout);
}

/* JSON may hold control characters from U+007F on as they are; a terminal should not get them. */
static void print_json(struct rpw_span text)
{
    for (size_t at = 0; at < text.len;) {
        struct rpw_span rest = {text.ptr + at, text.len - at};
        size_t length = rpw_utf8_length(rest);
        int control = rpw_utf8_control(rest);

        if (control >= 0)
            printf("\\u%04x", (unsigned)control);
        else
            fwrite(rest.ptr, 1, length, stdout);
        at += length;
    }
}

static void print_list(struct rpw_span_list list, const char *separator, const char *last_separator)
{
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0)
            fputs(i + 1 < list.count ? separator : last_separator, stdout);
        print_span(list.items[i]);
    }
}

/* In the notation of `kubectl get --selector`. */
static void print_requirement(const struct rpw_label_requirement *requirement)
{
    enum rpw_label_operator kind = requirement->op;

    if (kind == RPW_LABEL_DOES_NOT_EXIST)
        putchar('!');
    print_span(requirement->key);
    if (kind == RPW_LABEL_IN && requirement->values.count == 1) {
        putchar('=');
        print_span(requirement->values.items[0]);
    } else if (kind == RPW_LABEL_IN || kind == RPW_LABEL_NOT_IN) {
        fputs(kind == RPW_LABEL_IN ? " in (" : " notin (", stdout);
        print_list(requirement->values, ",", ",");
        putchar(')');
    }
}

static void print_pods(const struct rpw_policy *policy)
{
    print_label("pods");
    if (policy->namespaces.count == 0) {
        puts("of every namespace");
    } else {
        fputs("of namespace ", stdout);
        print_list(policy->namespaces, ", ", " or ");
        putchar('\n');
    }
    if (policy->requirement_count > 0) {
        print_label("");
        fputs("with labels ", stdout);
        for (size_t i = 0; i < policy->requirement_count; i++) {
            if (i > 0)
                putchar(',');
            print_requirement(&policy->requirements[i]);
        }
        putchar('\n');
    }
    print_label("containers");
    print_list(policy->containers, ", ", " or ");
    putchar('\n');
}

static void print_variables(const struct rpw_policy *policy)
{
    for (size_t i = 0; i < 2 * policy->package_count; i++) {
        const struct rpw_package *package = &policy->packages[i % policy->package_count];
        struct rpw_span variable = i < policy->package_count ? package->variable : package->cfg_variable;

        if (!variable.ptr)
            continue;
        print_label(i == 0 ? "variables" : "");
        print_span(variable);
        putchar('=');
        print_span(package->value);
        putchar('\n');
    }
    print_label("");
    fputs("POLICY_PKG_PATH=", stdout);
    print_span(policy->path);
    putchar('\n');
}

/* One example: what the container has, and what it gets. */
static void print_python_path_example(const struct rpw_policy *policy, const char *has, struct rpw_span old)
{
    bool is_append = policy->python_path == RPW_PYTHON_PATH_APPEND;
    struct rpw_span first = is_append ? old : policy->path, second = is_append ? policy->path : old;

    print_label("");
    printf("%s -> ", has);
    print_span(first);
    if (first.len > 0 && second.len > 0)
        putchar(':');
    print_span(second);
    putchar('\n');
}

static void print_python_path(const struct rpw_policy *policy)
{
    print_label("PYTHONPATH");
    if (policy->python_path == RPW_PYTHON_PATH_ENTRYPOINT) {
        puts("left to the image's entrypoint, which must add $POLICY_PKG_PATH to it");
        return;
    }
    printf("the path %s what the container has:\n",
           policy->python_path == RPW_PYTHON_PATH_APPEND ? "behind" : "in front of");
    print_python_path_example(policy, "nothing", policy->image_python_path);
    print_python_path_example(policy, "/opt/site", RPW_LIT("/opt/site"));
}

/* The members that the policy gives its init container, as an object; NULL when memory is short. */
static json_t *load_members(struct rpw_span members)
{
    char *text = NULL;
    json_t *object = NULL;

    if (asprintf(&text, "{%.*s}", (int)members.len, members.ptr) < 0)
        return NULL;
    object = json_loads(text, JSON_ALLOW_NUL, NULL);
    free(text);
    return object;
}

static void print_word(const char *word)
{
    printf(strpbrk(word, " '\"") ? " '%s'" : " %s", word);
}

/* What the init container is told to do, and the names of its variables: their values may be secrets. */
static void print_work(const struct rpw_policy *policy)
{
    json_t *members = load_members(policy->installer.members), *element;
    size_t index;

    print_label("");
    fputs(policy->source == RPW_SOURCE_PIP ? "pip install" : "directory", stdout);
    json_array_foreach(json_object_get(members, "args"), index, element) print_word(json_string_value(element));
    putchar('\n');
    if (json_array_size(json_object_get(members, "env")) > 0) {
        print_label("");
        fputs("with the variables", stdout);
        json_array_foreach(json_object_get(members, "env"), index, element)
            print_word(json_string_value(json_object_get(element, "name")));
        putchar('\n');
    }
    json_decref(members);
}

static void print_installer(const struct rpw_policy *policy)
{
    const struct rpw_installer *installer = &policy->installer;
    bool is_pip = policy->source == RPW_SOURCE_PIP;

    printf("%s by the init container %s\n", is_pip ? "installed" : "copied",
           is_pip ? "rucio-policy-install" : "rucio-policy-copy");
    print_label("");
    fputs("image ", stdout);
    print_span(installer->image.len > 0 ? installer->image : RPW_LIT("of the container that gets the package"));
    if (installer->pull_policy.len > 0) {
        fputs(", pulled ", stdout);
        print_span(installer->pull_policy);
    }
    putchar('\n');
    print_work(policy);
    if (installer->resources.ptr) {
        print_label("");
        fputs("resources ", stdout);
        print_json(installer->resources);
        putchar('\n');
    }
    if (installer->security_context.ptr) {
        print_label("");
        fputs("securityContext ", stdout);
        print_json(installer->security_context);
        putchar('\n');
    }
    print_label("");
    printf("before the init containers that get the package; where there are none, %s all\n",
           installer->position == RPW_POSITION_FIRST ? "before" : "behind");
    print_label("");
}

static void print_source(const struct rpw_policy *policy)
{
    print_label("code");
    if (policy->source == RPW_SOURCE_PREINSTALLED) {
        fputs("already in the image, at ", stdout);
        print_span(policy->path);
        putchar('\n');
        return;
    }
    if (policy->source != RPW_SOURCE_VOLUME)
        print_installer(policy);
    fputs("volume ", stdout);
    print_json(policy->volume);
    putchar('\n');
    print_label("");
    if (policy->sub_path.len > 0) {
        fputs("its directory ", stdout);
        print_span(policy->sub_path);
        fputs(" is ", stdout);
    }
    fputs("mounted read-only at ", stdout);
    print_span(policy->path);
    putchar('\n');
}

static void print_verify(enum rpw_verify verify)
{
    static const char *const words[] = {
        [RPW_VERIFY_OFF] = "off: nobody tries the package before Rucio does",
        [RPW_VERIFY_WARN] = "warn: the init container rucio-policy-verify tries the package and reports",
        [RPW_VERIFY_FAIL] = "fail: the init container rucio-policy-verify tries it and holds the pod until it loads",
    };

    print_label("verify");
    puts(words[verify]);
}

static void print_conflicts(const struct rpw_policy *policy)
{
    static const char *const words[] = {
        [RPW_CONFLICT_KEEP] = "keep: what a pod sets itself stays; it gets the rest, a warning and an annotation",
        [RPW_CONFLICT_OVERRIDE] = "override: what a pod sets itself is replaced",
        [RPW_CONFLICT_REJECT] = "reject: a pod that sets something else itself is refused",
    };

    print_label("conflicts");
    puts(words[policy->on_conflict]);
}

static void print_policy(const struct rpw_policy *policy, size_t number)
{
    printf("\n%zu. ", number);
    print_span(policy->name);
    putchar('\n');
    print_pods(policy);
    print_variables(policy);
    print_python_path(policy);
    print_source(policy);
    print_verify(policy->verify);
    print_conflicts(policy);
    print_label("revision");
    print_span(policy->revision);
    putchar('\n');
}

static void print_unmatched(enum rpw_unmatched unmatched)
{
    static const char *const words[] = {
        [RPW_UNMATCHED_ALLOW] = "is admitted as it is (unmatched: allow)",
        [RPW_UNMATCHED_WARN] = "is admitted as it is, with a warning (unmatched: warn)",
        [RPW_UNMATCHED_REJECT] = "is refused (unmatched: reject)",
    };

    fputs("\nA pod with a container ", stdout);
    print_list(rpw_policy_default_containers, ", ", " or ");
    printf(" that no policy selects\n%s.%s\n", words[unmatched],
           unmatched == RPW_UNMATCHED_REJECT ? "" : " It runs Rucio's generic policy.");
}

void rpw_check_print_summary(const struct rpw_policy_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        print_policy(&set->policies[i], i + 1);
    print_unmatched(set->unmatched);
}
