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
#include "writer.h"

#define POLICY_INDENT 4
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

/* Prints a part of the policy, which it takes. */
static void print_part(FILE *out, json_t *take_part)
{
    rpw_manifest_write_yaml(out, take_part, POLICY_INDENT);
    json_decref(take_part);
}

/* The keys of an object as a list; where there are none, otherwise. */
static json_t *new_list(json_t *object, const char *otherwise)
{
    json_t *list = json_array(), *ignored;
    const char *key;

    json_object_foreach(object, key, ignored)
    {
        json_array_append_new(list, json_string(key));
    }
    if (json_array_size(list) == 0)
        json_array_append_new(list, json_string(otherwise));
    return list;
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
    json_t *values = new_list(release->values, "none");

    print_comment(out, "Rucio containers in the release:", release->containers, "none");
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
    fputc('\n', out);
}

static void print_packages(FILE *out, json_t *packages, const char *package)
{
    json_t *of_vos = json_copy(packages);

    print_part(out, json_pack("{s:s}", "package", package));
    json_object_del(of_vos, "");
    if (json_object_size(packages) > 1)
        print_part(out, json_pack("{s:O}", "packages", of_vos));
    json_decref(of_vos);
}

static json_t *new_source(enum source source, const struct rpw_release *release, const char *package)
{
    char *example = rpw_memory_print("%s==1.0", package);
    json_t *requirements = new_list(release->requirements, example), *made;

    if (source == SOURCE_PIP)
        made = json_pack("{s:{s:O}}", "pip", "requirements", requirements);
    else if (source == SOURCE_COPY)
        made = json_pack("{s:{s:s, s:s}}", "copy", "image", "registry.example.org/policy:1.0", "path", "/policy");
    else if (source == SOURCE_PREINSTALLED)
        made = json_pack("{s:{}}", "preinstalled");
    else
        made = json_pack("{s:{s:{s:s, s:b}}}", "volume", "persistentVolumeClaim", "claimName", "rucio-policy",
                         "readOnly", true);
    json_decref(requirements);
    free(example);
    return made;
}

static void print_source(FILE *out, enum source source, const struct rpw_release *release, const char *package)
{
    static const char *const comments[] = {
        [SOURCE_VOLUME] = "Any volume source of Kubernetes whose root holds the package's directory",
        [SOURCE_PIP] = "An init container installs the package with pip",
        [SOURCE_COPY] = "An image that has the package, and the directory in which it is",
        [SOURCE_PREINSTALLED] = "The package is in Rucio's image, below path",
    };
    const char *path = json_object_iter_key(json_object_iter(release->paths));

    fprintf(out, "    # %s:\n", comments[source]);
    print_part(out, json_pack("{s:o}", "source", new_source(source, release, package)));
    if (source == SOURCE_PREINSTALLED)
        print_part(out, json_pack("{s:s}", "path", path != NULL ? path : "/opt/rucio/policy"));
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
    const char *namespace_ = options->namespace_ != NULL ? options->namespace_ : EXAMPLE_NAMESPACE;

    fputs("# The configuration of rucio-policy-webhook; docs/configuration.md has all keys.\n"
          "# Is it right?        rucio-policy-webhook check policy.yaml\n"
          "# What would change?  helm template ... | rucio-policy-webhook mutate --config policy.yaml -o diff\n#\n",
          out);
    if (options->files.count > 0)
        print_findings(out, release);
    fputs("policies:\n  - name: ", out);
    print_policy_name(out, package);
    print_part(out, json_pack("{s:{s:o}}", "match", "namespaces", new_list(release->namespaces, namespace_)));
    fputs("    # What Python imports:\n", out);
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

static int init(void *context)
{
    const struct options *options = context;
    json_t *found = json_pack("[[], [], {}, {}, {}, {}, {}]");
    struct rpw_release release;
    int exit_code = RPW_EXIT_BLIND;

    release.namespace_ = options->namespace_ != NULL ? options->namespace_ : "";
    json_unpack(found, "[o, o, o, o, o, o, o]", &release.containers, &release.settings, &release.values,
                &release.namespaces, &release.packages, &release.requirements, &release.paths);
    if (!rpw_manifest_each_file(options->files.items, options->files.count, rpw_release_add, &release))
        goto out;
    if (options->files.count > 0 && json_array_size(release.containers) == 0)
        rpw_verb_fail(
            &rpw_verb_init, RPW_EXIT_BLIND,
            "found no container called rucio-server, rucio-daemons or rucio-ui in the release, expected some");
    else
        exit_code = print_checked(options, &release);
out:
    json_decref(found);
    return exit_code;
}

const struct rpw_verb rpw_verb_init = {
    .name = "init",
    .summary = "a first policy.yaml, from nothing or from what a rendered release does today",
    .text = "Prints a first policy.yaml with comments. With -f it comes from a Rucio release as Helm renders it: "
            "comments list its Rucio containers, what sets a policy today (the charts' policyPackages, optional_config "
            "and config), and the chart values to delete once the policy works.",
    .ending =
        "Exit codes: 0 printed, 1 what was given makes no configuration, 2 usage, 3 there is no Rucio in the release.",
    RPW_VERB_FLAGS(flags, struct options),
    .defaults = &(const struct options){.source = SOURCE_AS_FOUND},
    .run = init,
};
