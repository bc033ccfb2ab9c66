/* refusal.c - words for refused calls. For a 403 that is the rule to add, as YAML to paste. */
#include "refusal.h"

#include <stdio.h>
#include <string.h>

static const char *const verb_words[] = {
    [RPW_KUBE_GET] = "get",
    [RPW_KUBE_LIST] = "list",
    [RPW_KUBE_CREATE] = "create",
    [RPW_KUBE_PATCH] = "patch",
};

void rpw_kube_describe(const struct rpw_kube_request *request, char *ret_text, size_t size)
{
    const char *name = request->name;

    if (request->verb == RPW_KUBE_CREATE)
        name = json_string_value(json_object_get(json_object_get(request->body, "metadata"), "name"));
    snprintf(ret_text, size, "%s %s%s%s%s%s%s", verb_words[request->verb], request->resource, name != NULL ? " '" : "",
             name != NULL ? name : "", name != NULL ? "'" : "", request->namespace_ != NULL ? " in namespace " : "",
             request->namespace_ != NULL ? request->namespace_ : "");
}

/* RBAC cannot restrict create and list by name. */
static size_t print_rule(const struct rpw_kube_request *request, char *text, size_t size)
{
    int len = snprintf(text, size, "\nThis rule allows it, in a %s%s:\n\n- apiGroups: [\"%s\"]\n  resources: [%s]\n",
                       request->namespace_ != NULL ? "Role in namespace " : "ClusterRole",
                       request->namespace_ != NULL ? request->namespace_ : "", request->group, request->resource);

    if (request->name != NULL && (size_t)len < size)
        len += snprintf(text + len, size - (size_t)len, "  resourceNames: [%s]\n", request->name);
    if ((size_t)len < size)
        len += snprintf(text + len, size - (size_t)len, "  verbs: [%s]", verb_words[request->verb]);
    return (size_t)len;
}

/* What comes from elsewhere and goes to a terminal. */
static void replace_controls(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

void rpw_kube_explain(const struct rpw_kube_request *request, long http_status, const json_t *body,
                      char ret_error[RPW_KUBE_ERROR_BYTES])
{
    const char *message = json_string_value(json_object_get(body, "message"));
    char what[512];
    int len;

    rpw_kube_describe(request, what, sizeof(what));
    len = snprintf(ret_error, RPW_KUBE_ERROR_BYTES, "the apiserver does not %s: %ld: %.700s", what, http_status,
                   message != NULL ? message : "(without a message)");
    replace_controls(ret_error);
    if (http_status == 401)
        snprintf(ret_error + len, RPW_KUBE_ERROR_BYTES - (size_t)len,
                 " (it does not accept the token or the client certificate)");
    if (http_status == 403)
        print_rule(request, ret_error + len, RPW_KUBE_ERROR_BYTES - (size_t)len);
}
