/* syntax_kube.c - texts inside Kubernetes objects, by the rules of k8s.io/kubernetes/pkg/apis/core/validation. */
#include "quantity.h"
#include "syntax.h"

#define MAX_RESOURCE_PREFIX_BYTES (RPW_DNS_MAX_NAME_BYTES - 9) /* quotas put "requests." before it */

static bool is_one_of(struct rpw_span text, const char *const *words)
{
    for (; *words; words++)
        if (rpw_span_is(text, *words))
            return true;
    return false;
}

static struct rpw_span without_prefix(struct rpw_span text, size_t length)
{
    return (struct rpw_span){text.ptr + length, text.len - length};
}

const char *rpw_syntax_any(struct rpw_span text)
{
    (void)text;
    return NULL;
}

const char *rpw_syntax_object_name(struct rpw_span text)
{
    return rpw_span_is_dns_name(text, RPW_DNS_MAX_NAME_BYTES)
               ? NULL
               : "a name of lower case letters, digits, '-' and '.', with a letter or digit at both ends";
}

const char *rpw_syntax_data_key(struct rpw_span text)
{
    return rpw_syntax_has_only(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") &&
                   text.len <= RPW_DNS_MAX_NAME_BYTES && !rpw_span_is(text, ".") &&
                   !rpw_span_starts_with(text, RPW_LIT(".."))
               ? NULL
               : "a key of at most 253 letters, digits, '-', '_' and '.', which does not begin with '..'";
}

const char *rpw_syntax_variable(struct rpw_span text)
{
    static const char expected[] = "the name of a variable, such as PIP_CERT";

    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~' || text.ptr[i] == '=')
            return expected;
    return text.len > 0 ? NULL : expected;
}

/* metadata.labels['key'] and metadata.annotations['key'] */
static bool is_label_field(struct rpw_span text)
{
    static const char *const prefixes[] = {"metadata.labels['", "metadata.annotations['"};

    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(prefixes[i]);

        if (rpw_span_starts_with(text, rpw_span_of(prefixes[i])) && text.len > length + 2 &&
            memcmp(text.ptr + text.len - 2, "']", 2) == 0)
            return !rpw_syntax_label_key((struct rpw_span){text.ptr + length, text.len - length - 2});
    }
    return false;
}

const char *rpw_syntax_variable_field(struct rpw_span text)
{
    static const char *const fields[] = {"metadata.name",
                                         "metadata.namespace",
                                         "metadata.uid",
                                         "spec.nodeName",
                                         "spec.serviceAccountName",
                                         "status.hostIP",
                                         "status.hostIPs",
                                         "status.podIP",
                                         "status.podIPs",
                                         "spec.host",
                                         NULL};

    return is_one_of(text, fields) || is_label_field(text)
               ? NULL
               : "metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'], "
                 "metadata.annotations['KEY'], "
                 "spec.nodeName, spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP or status.podIPs";
}

const char *rpw_syntax_file_field(struct rpw_span text)
{
    static const char *const fields[] = {"metadata.name",   "metadata.namespace",   "metadata.uid",
                                         "metadata.labels", "metadata.annotations", NULL};

    return is_one_of(text, fields) || is_label_field(text)
               ? NULL
               : "metadata.name, metadata.namespace, metadata.uid, metadata.labels or metadata.annotations";
}

/* hugepages-2Mi: what it names is a size. */
static bool is_huge_pages(struct rpw_span text)
{
    rpw_nanos size;

    return rpw_span_starts_with(text, RPW_LIT("hugepages-")) &&
           rpw_quantity_parse(without_prefix(text, strlen("hugepages-")), &size) && size > 0 &&
           size % RPW_NANOS_IN_ONE == 0;
}

static bool is_plain_resource(struct rpw_span text)
{
    static const char *const resources[] = {"cpu", "memory", "ephemeral-storage", NULL};

    return is_one_of(text, resources) || is_huge_pages(text);
}

const char *rpw_syntax_resource_field(struct rpw_span text)
{
    size_t prefix_length = rpw_span_starts_with(text, RPW_LIT("limits."))     ? strlen("limits.")
                           : rpw_span_starts_with(text, RPW_LIT("requests.")) ? strlen("requests.")
                                                                              : 0;

    return prefix_length > 0 && is_plain_resource(without_prefix(text, prefix_length))
               ? NULL
               : "limits. or requests. with cpu, memory, ephemeral-storage or the like, such as limits.memory";
}

const char *rpw_syntax_resource(struct rpw_span text)
{
    const char *slash = text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;

    if (!slash)
        return is_plain_resource(text)
                   ? NULL
                   : "cpu, memory, ephemeral-storage, hugepages-SIZE, or a name with its domain, such "
                     "as example.com/gpu";
    if ((size_t)(slash - text.ptr) <= MAX_RESOURCE_PREFIX_BYTES && !rpw_span_starts_with(text, RPW_LIT("requests.")) &&
        !rpw_syntax_label_key(text))
        return NULL;
    return "the name of a resource with its domain in lower case, such as example.com/gpu";
}

static bool goes_up(struct rpw_span path)
{
    struct rpw_span rest = path, element;

    while (rpw_span_next_element(&rest, '/', &element))
        if (rpw_span_is(element, ".."))
            return true;
    return false;
}

const char *rpw_syntax_file_path(struct rpw_span text)
{
    return text.len > 0 && text.ptr[0] != '/' && !rpw_span_starts_with(text, RPW_LIT("..")) && !goes_up(text)
               ? NULL
               : "a relative path without '..'";
}

const char *rpw_syntax_host_path(struct rpw_span text)
{
    return text.len > 0 && !goes_up(text) ? NULL : "a path of the node without '..', such as /cvmfs/atlas.cern.ch";
}

const char *rpw_syntax_absolute_path(struct rpw_span text)
{
    return text.len > 0 && text.ptr[0] == '/' ? NULL : "an absolute path";
}

const char *rpw_syntax_volume_medium(struct rpw_span text)
{
    rpw_nanos unused;

    if (!rpw_syntax_medium(text) || rpw_span_is(text, "HugePages") ||
        (rpw_span_starts_with(text, RPW_LIT("HugePages-")) &&
         rpw_quantity_parse(without_prefix(text, strlen("HugePages-")), &unused)))
        return NULL;
    return "Memory, HugePages, HugePages-SIZE, or no medium, which is the node's disk";
}
