/* advice.c - warnings: what is allowed, and yet an administrator would want to hear of.
 *
 * A pattern covers another when it matches whatever the other does. Without '?' that can be read off the texts: a '*' of
 * the covered pattern can only be matched by a '*' of the covering one.
 */
#include "sections.h"

static bool covers_pattern(struct rpw_span pattern, struct rpw_span other)
{
    if (rpw_span_equal(pattern, other))
        return true;
    if (rpw_span_contains(pattern, RPW_LIT("?")) &&
        (rpw_span_contains(other, RPW_LIT("*")) || rpw_span_contains(other, RPW_LIT("?"))))
        return false;
    return rpw_glob_matches(pattern, other);
}

/* Whether each of others is covered by one of patterns. */
static bool covers_patterns(struct rpw_span_list patterns, struct rpw_span_list others)
{
    for (size_t i = 0; i < others.count; i++) {
        bool is_covered = false;

        for (size_t k = 0; k < patterns.count && !is_covered; k++)
            is_covered = covers_pattern(patterns.items[k], others.items[i]);
        if (!is_covered)
            return false;
    }
    return true;
}

static bool has_value(struct rpw_span_list values, struct rpw_span value)
{
    for (size_t i = 0; i < values.count; i++)
        if (rpw_span_equal(values.items[i], value))
            return true;
    return false;
}

/* The same requirement, the order of the values aside. */
static bool is_same_requirement(const struct rpw_label_requirement *a, const struct rpw_label_requirement *b)
{
    if (!rpw_span_equal(a->key, b->key) || a->op != b->op || a->values.count != b->values.count)
        return false;
    for (size_t i = 0; i < a->values.count; i++)
        if (!has_value(b->values, a->values.items[i]))
            return false;
    return true;
}

static bool has_requirement(const struct rpw_policy *policy, const struct rpw_label_requirement *requirement)
{
    for (size_t i = 0; i < policy->requirement_count; i++)
        if (is_same_requirement(&policy->requirements[i], requirement))
            return true;
    return false;
}

/* Whether policy selects every pod that later does. */
static bool covers_policy(const struct rpw_policy *policy, const struct rpw_policy *later)
{
    if (policy->namespaces.count > 0 &&
        (later->namespaces.count == 0 || !covers_patterns(policy->namespaces, later->namespaces)))
        return false;
    for (size_t i = 0; i < policy->requirement_count; i++)
        if (!has_requirement(later, &policy->requirements[i]))
            return false;
    return covers_patterns(policy->containers, later->containers) && covers_patterns(policy->images, later->images);
}

static void warn_if_unreachable(struct rpw_loader *loader, const struct rpw_draft *drafts, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (covers_policy(&drafts[i].policy, &drafts[index].policy)) {
            rpw_report_warning(
                loader->report, drafts[index].place,
                "policy %.*s is never reached: policy %.*s comes first and selects all of its pods; only "
                "a pod that asks for it by annotation gets it",
                (int)drafts[index].policy.name.len, drafts[index].policy.name.ptr, (int)drafts[i].policy.name.len,
                drafts[i].policy.name.ptr);
            return;
        }
}

/* Directories of a Rucio image that a volume on top of them would hide. */
static bool is_needed_by_the_image(struct rpw_span path)
{
    static const char *const directories[] = {
        "/bin",           "/dev",           "/etc",           "/home",    "/lib",     "/lib64",     "/opt",
        "/opt/rucio",     "/opt/rucio/bin", "/opt/rucio/etc", "/proc",    "/root",    "/run",       "/sbin",
        "/sys",           "/tmp",           "/usr",           "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/local",
        "/usr/local/bin", "/usr/local/lib", "/var",           "/var/lib", "/var/log", "/var/run",
    };

    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
        if (rpw_span_is(path, directories[i]))
            return true;
    return false;
}

/* Whether a PYTHONPATH has the directory as an element. */
static bool has_element(struct rpw_span python_path, struct rpw_span directory)
{
    struct rpw_span rest = python_path, element;

    while (rpw_span_next_element(&rest, ':', &element))
        if (rpw_span_equal(rpw_span_without_trailing_slashes(element), directory))
            return true;
    return false;
}

static void advise_on_policy(struct rpw_loader *loader, const struct rpw_draft *draft)
{
    const struct rpw_policy *policy = &draft->policy;
    int name_length = (int)policy->name.len;
    const char *name = policy->name.ptr;

    if (policy->namespaces.count == 0 && policy->requirement_count == 0)
        rpw_report_warning(loader->report, draft->place,
                           "policy %.*s has neither namespaces nor a podSelector: it is for every pod of the cluster "
                           "that has such a container",
                           name_length, name);
    if (policy->source != RPW_SOURCE_PREINSTALLED && is_needed_by_the_image(policy->path))
        rpw_report_warning(loader->report, draft->place,
                           "policy %.*s mounts a volume over %.*s and hides what the image has there", name_length,
                           name, (int)policy->path.len, policy->path.ptr);
    if (policy->python_path == RPW_PYTHON_PATH_ENTRYPOINT && policy->image_python_path.len > 0)
        rpw_report_warning(loader->report, draft->place,
                           "policy %.*s leaves PYTHONPATH to the entrypoint, so its imagePythonPath has no effect",
                           name_length, name);
    else if (has_element(policy->image_python_path, policy->path))
        rpw_report_warning(loader->report, draft->place,
                           "policy %.*s has its path %.*s in imagePythonPath too: it would be in PYTHONPATH twice",
                           name_length, name, (int)policy->path.len, policy->path.ptr);
}

void rpw_advice_give(struct rpw_loader *loader, const struct rpw_draft *drafts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        advise_on_policy(loader, &drafts[i]);
        warn_if_unreachable(loader, drafts, i);
    }
}
