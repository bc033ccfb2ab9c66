/* init.c - the verb `init`: a first policy.yaml, from nothing or from what a rendered release does today. It asks nothing; what it
 * cannot know is a placeholder, with a comment. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "config.h"
#include "flags.h"
#include "input.h"
#include "memory.h"
#include "release.h"
#include "values.h"
#include "visible.h"

#define EXAMPLE_PACKAGE "example_policy_package"
#define EXAMPLE_NAMESPACE "rucio"

enum source { SOURCE_VOLUME, SOURCE_PIP, SOURCE_COPY, SOURCE_PREINSTALLED, SOURCE_AS_FOUND };

struct options {
    struct rpw_flag_list files;
    const char *package, *namespace_;
    unsigned source; /* enum source */
};

static const struct rpw_flag flags[] = {
    RPW_FLAG("package", TEXT, struct options, package, "NAME",
             "what Python imports, such as atlas_rucio_policy_package", ),
    RPW_FLAG("source", CHOICE, struct options, source, "volume|pip|copy|preinstalled",
             "where the package comes from; without it: as the release has it, else volume", ),
    RPW_FLAG("namespace", FORM, struct options, namespace_, "NS", "where Rucio runs, where the release does not say it",
             .letter = 'n', .take = rpw_flag_take_namespace),
    RPW_FLAG("file", FILES, struct options, files, "RELEASE",
             "what `helm template` or `kubectl get -o yaml` prints of Rucio; - is standard input", .letter = 'f'),
};

/* --- the parts of the file -------------------------------------------------------------------------------------------- */

/* A text as YAML: plain where that is the same, else in double quotes. */
static void print_scalar(FILE *out, const char *text)
{
    static const char *const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-=";
    json_t *string = json_string(text);
    char *quoted = json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

    fputs(isalpha((unsigned char)text[0]) && text[strspn(text, plain)] == '\0' ? text : quoted, out);
    free(quoted);
    json_decref(string);
}

static void print_keys(FILE *out, json_t *keys, const char *otherwise)
{
    const char *key, *separator = "";
    json_t *ignored;

    fputc('[', out);
    if (json_object_size(keys) == 0)
        print_scalar(out, otherwise);
    json_object_foreach(keys, key, ignored)
    {
        fputs(separator, out);
        print_scalar(out, key);
        separator = ", ";
    }
    fputs("]\n", out);
}

/* Lines of a comment, from texts of others. */
static void print_comment(FILE *out, const char *title, const json_t *texts, const char *none)
{
    const json_t *text;
    size_t index;

    fprintf(out, "# %s\n", title);
    json_array_foreach(texts, index, text)
    {
        fputs("#   ", out);
        rpw_visible_write(out, rpw_span_of(json_string_value(text)));
        fputc('\n', out);
    }
    if (json_array_size(texts) == 0)
        fprintf(out, "#   %s\n", none);
}

static void print_findings(FILE *out, const struct rpw_release *release)
{
    json_t *values = json_array(), *ignored;
    const char *key;

    json_object_foreach(release->values, key, ignored)
    {
        json_array_append_new(values, json_string(key));
    }
    print_comment(out, "Containers of Rucio in the release:", release->containers, "none");
    print_comment(out, "What sets a policy there today:", release->settings, "nothing");
    print_comment(out, "The charts' values to delete when this policy works:", values, "none");
    fputs("#\n", out);
    json_decref(values);
}

/* A DNS label made of package. */
static void print_policy_name(FILE *out, const char *package)
{
    size_t len = strlen(package);

    while (len > 0 && !isalnum((unsigned char)package[len - 1]))
        len--;
    for (size_t i = 0; i < len && i < RPW_DNS_MAX_LABEL_BYTES; i++)
        fputc(isalnum((unsigned char)package[i]) ? tolower((unsigned char)package[i]) : '-', out);
}

static void print_packages(FILE *out, json_t *packages, const char *package)
{
    const char *vo, *separator = "";
    json_t *value;

    fputs("    package: ", out);
    print_scalar(out, package);
    fputs("      # what Python imports\n", out);
    if (json_object_size(packages) < 2)
        return;
    fputs("    packages: {", out);
    json_object_foreach(packages, vo, value)
    {
        if (vo[0] == '\0')
            continue;
        fputs(separator, out);
        print_scalar(out, vo);
        fputs(": ", out);
        print_scalar(out, json_string_value(value));
        separator = ", ";
    }
    fputs("}      # of each VO\n", out);
}

static void print_source(FILE *out, enum source source, const struct rpw_release *release, const char *package)
{
    const char *path = json_object_iter_key(json_object_iter(release->paths));
    char *example = rpw_memory_print("%s==1.0", package);

    fputs("    source:\n", out);
    switch (source) {
    case SOURCE_PIP:
        fputs("      pip:\n        requirements: ", out);
        print_keys(out, release->requirements, example);
        break;
    case SOURCE_COPY:
        fputs("      copy:\n        image: registry.example.org/policy:1.0      # an image that has the package ...\n"
              "        path: /policy                               # ... in this directory\n",
              out);
        break;
    case SOURCE_PREINSTALLED:
        fputs("      preinstalled: {}      # in Rucio's image, below path\n    path: ", out);
        print_scalar(out, path != NULL ? path : "/opt/rucio/policy");
        fputc('\n', out);
        break;
    default:
        fputs("      volume:      # any volume source of Kubernetes whose root holds the package's directory\n"
              "        persistentVolumeClaim: {claimName: rucio-policy, readOnly: true}\n",
              out);
    }
    free(example);
}

/* --- the file --------------------------------------------------------------------------------------------------------- */

static enum source source_of(const struct options *options, const struct rpw_release *release)
{
    if (options->source != SOURCE_AS_FOUND)
        return (enum source)options->source;
    if (json_object_size(release->requirements) > 0)
        return SOURCE_PIP;
    return json_object_size(release->packages) > 0 ? SOURCE_PREINSTALLED : SOURCE_VOLUME;
}

static const char *package_of(const struct options *options, const struct rpw_release *release)
{
    const char *found = json_string_value(json_object_get(release->packages, ""));

    if (found == NULL)
        found = json_string_value(json_object_iter_value(json_object_iter(release->packages)));
    return options->package != NULL ? options->package : found != NULL ? found : EXAMPLE_PACKAGE;
}

static void print_file(FILE *out, const struct options *options, const struct rpw_release *release)
{
    const char *package = package_of(options, release);

    fputs("# The configuration of rucio-policy-webhook; docs/configuration.md has all keys.\n"
          "# Is it right?        rucio-policy-webhook check policy.yaml\n"
          "# What would change?  helm template ... | rucio-policy-webhook mutate --config policy.yaml -o diff\n#\n",
          out);
    if (options->files.count > 0)
        print_findings(out, release);
    fputs("policies:\n  - name: ", out);
    print_policy_name(out, package);
    fputs("\n    match:\n      namespaces: ", out);
    print_keys(out, release->namespaces, options->namespace_ != NULL ? options->namespace_ : EXAMPLE_NAMESPACE);
    print_packages(out, release->packages, package);
    print_source(out, source_of(options, release), release, package);
    fputs("    verify: warn          # an init container tries the package before Rucio does: off, warn or fail\n"
          "    onConflict: keep      # what a pod sets itself: keep, override or reject\n"
          "unmatched: warn           # a Rucio pod that no policy selects: allow, warn or reject\n",
          out);
}

/* What is printed must be what `check` takes. */
static int print_checked(const struct options *options, const struct rpw_release *release)
{
    char *text = NULL, *report = NULL;
    struct rpw_config *config = NULL;
    size_t len = 0;
    FILE *out = rpw_memory_open(&text, &len);
    bool is_right;

    print_file(out, options, release);
    rpw_memory_close(out);
    is_right = rpw_config_parse("policy.yaml", (struct rpw_span){text, len}, &config, &report);
    if (is_right)
        fwrite(text, 1, len, stdout);
    else
        fprintf(stderr, "rucio-policy-webhook init: what was found or given makes no configuration:\n%s",
                report != NULL ? report : "out of memory\n");
    free(report);
    free(text);
    rpw_config_free(config);
    return is_right ? RPW_EXIT_OK : RPW_EXIT_NO;
}

static int init(int argc, char **argv)
{
    struct options options = {.source = SOURCE_AS_FOUND};
    json_t *found = json_pack("[[], [], {}, {}, {}, {}, {}]");
    struct rpw_release release;
    int exit_code;

    if (!rpw_flags_read(&rpw_verb_init, argc, argv, &options, &exit_code))
        goto out;
    release.namespace_ = options.namespace_ != NULL ? options.namespace_ : "";
    json_unpack(found, "[o, o, o, o, o, o, o]", &release.containers, &release.settings, &release.values,
                &release.namespaces, &release.packages, &release.requirements, &release.paths);
    exit_code = RPW_EXIT_BLIND;
    if (!rpw_manifest_each_file(options.files.items, options.files.count, rpw_release_add, &release))
        goto out;
    if (options.files.count > 0 && json_array_size(release.containers) == 0)
        fputs("rucio-policy-webhook init: found no container called rucio-server, rucio-daemons or rucio-ui in the "
              "release, expected some\n",
              stderr);
    else
        exit_code = print_checked(&options, &release);
out:
    json_decref(found);
    return exit_code;
}

const struct rpw_verb rpw_verb_init = {
    .name = "init",
    .summary = "a first policy.yaml, from nothing or from what a rendered release does today",
    .text =
        "Prints a first policy.yaml with comments. With -f it comes from a release of Rucio as Helm renders it: which "
        "containers of Rucio are there, what sets a policy today (the charts' policyPackages, optional_config and "
        "config), the policy that would replace it, and the charts' values to delete then.",
    .ending =
        "Exit codes: 0 printed, 1 what was given makes no configuration, 2 usage, 3 there is no Rucio in the release.",
    RPW_VERB_FLAGS(flags),
    .run = init,
};
