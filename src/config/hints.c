/* hints.c - tables of what people write, and what they mean. */
#include "hints.h"

#include <strings.h>

struct hint {
    const char *field;
    const char *word; /* letter case does not matter */
    const char *text;
};

#define BELOW_MATCH "it belongs below match, as in match: {namespaces: [rucio-atlas]}"
#define BELOW_SELECTOR                                                                                                 \
    "labels of pods belong below podSelector, as in match: {podSelector: {matchLabels: {app: rucio-server}}}"
#define BELOW_SOURCE "it belongs below source"
#define BELOW_INSTALLER "it belongs below source.pip or source.copy, whose init container it is for"
#define BELOW_VOLUME                                                                                                   \
    "a volume source belongs below volume, as in source: {volume: {persistentVolumeClaim: {claimName: x}}}"

static const struct hint key_hints[] = {
    {"policies", "namespace", BELOW_MATCH},
    {"policies", "namespaces", BELOW_MATCH},
    {"policies", "containers", BELOW_MATCH},
    {"policies", "podSelector", BELOW_MATCH},
    {"policies", "labels", BELOW_SELECTOR},
    {"policies", "matchLabels", BELOW_SELECTOR},
    {"policies", "volume", BELOW_SOURCE},
    {"policies", "pip", BELOW_SOURCE},
    {"policies", "copy", BELOW_SOURCE},
    {"policies", "preinstalled", BELOW_SOURCE},
    {"policies", "subPath", "it belongs below source, beside volume"},
    {"policies", "holds", "it belongs below source, beside volume"},
    {"policies", "mountPropagation", "it belongs below source, beside volume"},
    {"policies", "recursiveReadOnly", "it belongs below source, beside volume"},
    {"policies", "mountPath", "it is called path"},
    {"policies", "image", BELOW_INSTALLER},
    {"policies", "envFrom", BELOW_INSTALLER},
    {"policies", "resources", BELOW_INSTALLER},
    {"policies", "enabled", "a policy applies while it is in the file; to switch it off, take it out"},
    {"policies", "unmatched", "it belongs to the file, beside policies"},
    {"source", "env", "it belongs to the policy, beside source; that of an init container below pip"},
    {"match", "labels", BELOW_SELECTOR},
    {"match", "matchLabels", BELOW_SELECTOR},
    {"match", "matchExpressions", BELOW_SELECTOR},
    {"source", "requirements", "it belongs below pip"},
    {"source", "image", "it belongs below pip or copy; as a volume source, below volume"},
    {"source", "persistentVolumeClaim", BELOW_VOLUME},
    {"source", "configMap", BELOW_VOLUME},
    {"source", "secret", BELOW_VOLUME},
    {"source", "hostPath", BELOW_VOLUME},
    {"source", "nfs", BELOW_VOLUME},
    {"source", "csi", BELOW_VOLUME},
    {"source", "emptyDir", BELOW_VOLUME},
    {"source", "projected", BELOW_VOLUME},
    {"source", "path", "it belongs to the policy, beside source"},
    {"source", "sitePackages", "it belongs below preinstalled: {sitePackages: true}"},
    {"preinstalled", "path", "it belongs to the policy, beside source"},
    {"volume", "subPath", "it belongs beside volume"},
    {"volume", "mountPath", "it is the policy's path"},
    {"volume", "holds", "it belongs beside volume"},
    {"volume", "mountPropagation", "it belongs beside volume"},
    {"volume", "recursiveReadOnly", "it belongs beside volume"},
};

static const struct hint value_hints[] = {
    {"unmatched", "off", "allow is what off would be"},
    {"unmatched", "ignore", "allow is what ignore would be"},
    {"source", "preinstalled", "write source: {preinstalled: {}}"},
    {"mountPropagation", "Bidirectional", "it asks for a privileged container, and the package is only read"},
    {"preinstalled", NULL, "write preinstalled: {}"},
    {"persistentVolumeClaim", NULL, "write persistentVolumeClaim: {claimName: NAME}"},
    {"configMap", NULL, "write configMap: {name: NAME}"},
    {"secret", NULL, "write secret: {secretName: NAME}"},
    {"hostPath", NULL, "write hostPath: {path: /DIRECTORY}"},
    {"csi", NULL, "write csi: {driver: NAME}"},
};

static const char *find(const struct hint *hints, size_t count, const char *field, struct rpw_span word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(hints[i].field, field) == 0 &&
            (!hints[i].word ||
             (strlen(hints[i].word) == word.len && strncasecmp(hints[i].word, word.ptr, word.len) == 0)))
            return hints[i].text;
    return NULL;
}

const char *rpw_hint_for_key(const char *field, struct rpw_span key)
{
    return find(key_hints, sizeof(key_hints) / sizeof(key_hints[0]), field, key);
}

/* U+2018 to U+201F, which word processors make of quotes. */
static bool begins_with_typographic_quote(struct rpw_span text)
{
    return text.len >= 3 && memcmp(text.ptr, "\xe2\x80", 2) == 0 && (unsigned char)text.ptr[2] >= 0x98 &&
           (unsigned char)text.ptr[2] <= 0x9f;
}

const char *rpw_hint_for_value(const char *field, struct rpw_span value)
{
    if (begins_with_typographic_quote(value))
        return "these quotes are typographic, and part of the text; YAML's are \" and '";
    return find(value_hints, sizeof(value_hints) / sizeof(value_hints[0]), field, value);
}

/* Whether the line of offset is "WORD:TEXT", perhaps behind "- ", with nothing between colon and text. */
static bool lacks_space_behind_colon(struct rpw_span text, size_t offset)
{
    size_t at = offset;

    while (at > 0 && text.ptr[at - 1] != '\n')
        at--;
    while (at < text.len && memchr(" -", text.ptr[at], 2))
        at++;
    while (at < text.len && !memchr(" :\n", text.ptr[at], 3))
        at++;
    return at + 1 < text.len && text.ptr[at] == ':' && !memchr(" \n", text.ptr[at + 1], 2);
}

const char *rpw_hint_for_syntax(struct rpw_span text, size_t offset)
{
    if ((offset > 0 && text.ptr[offset - 1] == '*') || (offset < text.len && text.ptr[offset] == '*'))
        return "a pattern that begins with * is put in quotes: \"*\"";
    if (lacks_space_behind_colon(text, offset))
        return "a colon is followed by a space, as in name: atlas";
    return NULL;
}

bool rpw_hint_find_template(struct rpw_span text, struct rpw_place *ret_place)
{
    for (size_t at = 0; at + 2 < text.len; at++) {
        struct rpw_span rest = {text.ptr + at, text.len - at}, line;
        const char *end;
        size_t inside = 2;

        if (!rpw_span_starts_with(rest, RPW_LIT("{{")))
            continue;
        rpw_span_next_element(&rest, '\n', &line);
        end = memmem(line.ptr, line.len, "}}", 2);
        while (inside < line.len && memchr(" -", line.ptr[inside], 2))
            inside++;
        /* Inside of "{{" and "}}" YAML has a key and a colon, a template neither. */
        if (!end || memchr(line.ptr, ':', (size_t)(end - line.ptr)))
            continue;
        *ret_place = (struct rpw_place){at, (size_t)(end - line.ptr) + 2};
        return true;
    }
    return false;
}

const char *rpw_hint_for_file(const struct rpw_yaml_node *root)
{
    const struct rpw_yaml_node *kind = rpw_yaml_find(root, "kind"), *values = rpw_yaml_find(root, "configuration");

    if (rpw_yaml_find(root, "policies"))
        return NULL;
    if (kind && rpw_yaml_find(root, "apiVersion"))
        return kind->type == RPW_YAML_SCALAR && rpw_span_is(kind->text, "ConfigMap")
                   ? "found a ConfigMap, expected the configuration, which is the text in its data: kubectl get "
                     "configmap "
                     "NAME -o jsonpath='{.data.policy\\.yaml}'"
                   : "found a Kubernetes object, expected a configuration that begins with 'policies:'";
    if (values)
        return "found values of the Helm chart, expected the configuration, which is the text below configuration; "
               "--set-file configuration=policy.yaml gives the chart a file of its own";
    return NULL;
}
