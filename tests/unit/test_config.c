/* test_config.c - configurations that are right: what is made of each key, revisions, and warnings. */
#include "config_text.h"
#include "rpw/bytes/limits.h"

/* --- what is made of each key: the policy, told in one line per item ---------------------------------------------- */

static void tell_list(FILE *out, struct rpw_span_list list)
{
    for (size_t i = 0; i < list.count; i++)
        fprintf(out, "%s%.*s", i > 0 ? "," : "", (int)list.items[i].len, list.items[i].ptr);
}

/* Absent with configEnv: false. */
static void tell_variable(FILE *out, struct rpw_span name, struct rpw_span value)
{
    if (name.ptr)
        fprintf(out, "%.*s=%.*s\n", (int)name.len, name.ptr, (int)value.len, value.ptr);
}

/* The policy in words. Defaults are told too. */
static char *tell(const struct rpw_policy *policy)
{
    static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist"};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    fprintf(out, "%.*s namespaces(", (int)policy->name.len, policy->name.ptr);
    tell_list(out, policy->namespaces);
    fputs(") labels(", out);
    for (size_t i = 0; i < policy->requirement_count; i++) {
        const struct rpw_label_requirement *requirement = &policy->requirements[i];

        fprintf(out, "%s%.*s %s [", i > 0 ? "; " : "", (int)requirement->key.len, requirement->key.ptr,
                operators[requirement->op]);
        tell_list(out, requirement->values);
        fputs("]", out);
    }
    fputs(") containers(", out);
    tell_list(out, policy->containers);
    fputs(")\n", out);
    for (size_t i = 0; i < policy->package_count; i++)
        tell_variable(out, policy->packages[i].variable, policy->packages[i].value);
    for (size_t i = 0; i < policy->package_count; i++)
        tell_variable(out, policy->packages[i].cfg_variable, policy->packages[i].value);
    for (size_t i = 0; i < policy->env_count; i++)
        tell_variable(out, policy->env[i].name,
                      policy->env[i].value_from.ptr ? policy->env[i].value_from : policy->env[i].value);
    fprintf(out, "path %.*s, mode %d, image '%.*s', conflict %d\n", (int)policy->path.len, policy->path.ptr,
            (int)policy->python_path, (int)policy->image_python_path.len, policy->image_python_path.ptr,
            (int)policy->on_conflict);
    fprintf(out, "source %d %.*s '%.*s'\n", (int)policy->source, (int)policy->volume.len,
            policy->volume.ptr ? policy->volume.ptr : "", (int)policy->sub_path.len,
            policy->sub_path.ptr ? policy->sub_path.ptr : "");
    assert_int_equal(fclose(out), 0);
    return text;
}

#define ANY_POD "atlas namespaces() labels() containers(rucio-server,rucio-daemons,rucio-ui)\n"
#define ATLAS_NAMES "RUCIO_POLICY_PACKAGE=atlas_policy\nRUCIO_CFG_POLICY_PACKAGE=atlas_policy\n"
#define DEFAULT_PATHS "path /opt/rucio/policy, mode 0, image '', conflict 0\n"
#define IN_IMAGE "source 1  ''\n"

struct accept_row {
    const char *name;
    const char *yaml;
    const char *expected;
};

static const struct accept_row accept_rows[] = {
    {"config_fills_in_defaults_when_only_required_keys_are_given", POLICY(PACKAGE PREINSTALLED),
     ANY_POD ATLAS_NAMES DEFAULT_PATHS IN_IMAGE},
    {"config_reads_json_as_well",
     "{\"policies\": [{\"name\": \"atlas\", \"package\": \"atlas_policy\", \"source\": {\"preinstalled\": {}}}]}",
     ANY_POD ATLAS_NAMES DEFAULT_PATHS IN_IMAGE},
    {"config_accepts_a_byte_order_mark_and_windows_line_ends",
     "\xef\xbb\xbfpolicies:\r\n  - name: atlas\r\n    package: atlas_policy\r\n    source: {preinstalled: {}}\r\n",
     ANY_POD ATLAS_NAMES DEFAULT_PATHS IN_IMAGE},
    {"config_accepts_defaults_that_are_written_out",
     POLICY(PACKAGE PREINSTALLED
            "    match: {containers: [rucio-server, rucio-daemons, rucio-ui], podSelector: {}}\n"
            "    configEnv: true\n    path: /opt/rucio/policy/\n    pythonPath: prepend\n    imagePythonPath: \"\"\n"
            "    onConflict: keep\n    verify: off\nunmatched: allow\n"),
     ANY_POD ATLAS_NAMES DEFAULT_PATHS IN_IMAGE},
    {"config_accepts_verify_off_in_quotes", POLICY(PACKAGE PREINSTALLED "    verify: \"off\"\n"),
     ANY_POD ATLAS_NAMES DEFAULT_PATHS IN_IMAGE},
    {"config_reads_match",
     POLICY(PACKAGE PREINSTALLED "    match:\n"
                                 "      namespaces: [rucio-atlas, 'atlas-*', \"?\"]\n"
                                 "      podSelector:\n"
                                 "        matchLabels: {app: rucio-server, example.org/tier: \"\", \"no\": \"1\"}\n"
                                 "        matchExpressions:\n"
                                 "          - {key: rucio-daemon, operator: NotIn, values: [hermes, \"true\"]}\n"
                                 "          - {values: [a], operator: In, key: b}\n"
                                 "          - {key: release, operator: Exists}\n"
                                 "          - {key: legacy, operator: DoesNotExist, values: []}\n"
                                 "      containers: ['*']\n"),
     "atlas namespaces(rucio-atlas,atlas-*,?) labels(app In [rucio-server]; example.org/tier In []; no In [1]; "
     "rucio-daemon NotIn [hermes,true]; b In [a]; release Exists []; legacy DoesNotExist []) "
     "containers(*)\n" ATLAS_NAMES DEFAULT_PATHS IN_IMAGE},
    {"config_names_packages_of_vos_in_upper_case_and_as_written",
     POLICY("    packages: {atl: atlas_pkg, Ops_1: ops.pkg}\n" PREINSTALLED),
     ANY_POD "RUCIO_POLICY_PACKAGE_ATL=atlas_pkg\nRUCIO_POLICY_PACKAGE_OPS_1=ops.pkg\n"
             "RUCIO_CFG_POLICY_PACKAGE-atl=atlas_pkg\nRUCIO_CFG_POLICY_PACKAGE-Ops_1=ops.pkg\n" DEFAULT_PATHS IN_IMAGE},
    {"config_names_package_before_packages", POLICY("    packages: {b: bb, a: aa}\n" PACKAGE PREINSTALLED),
     ANY_POD "RUCIO_POLICY_PACKAGE=atlas_policy\nRUCIO_POLICY_PACKAGE_B=bb\nRUCIO_POLICY_PACKAGE_A=aa\n"
             "RUCIO_CFG_POLICY_PACKAGE=atlas_policy\nRUCIO_CFG_POLICY_PACKAGE-b=bb\n"
             "RUCIO_CFG_POLICY_PACKAGE-a=aa\n" DEFAULT_PATHS IN_IMAGE},
    {"config_leaves_config_variables_out_when_config_env_is_false",
     POLICY(PACKAGE "    packages: {a: aa}\n    configEnv: False\n" PREINSTALLED),
     ANY_POD "RUCIO_POLICY_PACKAGE=atlas_policy\nRUCIO_POLICY_PACKAGE_A=aa\n" DEFAULT_PATHS IN_IMAGE},
    {"config_takes_trailing_slashes_off_paths",
     POLICY(PACKAGE "    path: /opt/policy//\n    source: {volume: {hostPath: {path: /srv/}}, subPath: a/b/}\n"),
     ANY_POD ATLAS_NAMES "path /opt/policy, mode 0, image '', conflict 0\n"
                         "source 0 {\"hostPath\":{\"path\":\"/srv/\"}} 'a/b'\n"},
    {"config_reads_settings_in_their_order",
     POLICY(PACKAGE PREINSTALLED
            "    env: [{name: Z, value: \"1\"}, {name: A, valueFrom: {secretKeyRef: {name: s, key: k, "
            "optional: true}}}, {name: EMPTY}]\n"),
     ANY_POD ATLAS_NAMES
     "Z=1\nA={\"secretKeyRef\":{\"key\":\"k\",\"name\":\"s\",\"optional\":true}}\nEMPTY=\n" DEFAULT_PATHS IN_IMAGE},
    {"config_reads_append_override_and_the_image_s_python_path",
     POLICY(PACKAGE PREINSTALLED "    pythonPath: append\n    onConflict: override\n    imagePythonPath: /a:b/\n"),
     ANY_POD ATLAS_NAMES "path /opt/rucio/policy, mode 1, image '/a:b/', conflict 1\n" IN_IMAGE},
    {"config_reads_entrypoint_and_reject",
     POLICY(PACKAGE PREINSTALLED "    pythonPath: entrypoint\n    onConflict: reject\n"),
     ANY_POD ATLAS_NAMES "path /opt/rucio/policy, mode 2, image '', conflict 2\n" IN_IMAGE},
    {"config_follows_aliases_and_merges_where_own_keys_win",
     "policies:\n"
     "  - <<: [&base {package: atlas_policy, path: /a, onConflict: reject}, {path: /b, pythonPath: append}]\n"
     "    name: atlas\n"
     "    onConflict: override\n"
     "    source: &s {preinstalled: {}}\n"
     "  - {<<: *base, name: other, source: *s}\n",
     ANY_POD ATLAS_NAMES "path /a, mode 1, image '', conflict 1\n" IN_IMAGE},
    {"config_lets_the_last_anchor_of_a_name_win",
     POLICY("    package: &p first\n    version: &p atlas_policy\n    packages: {a: *p}\n    configEnv: "
            "false\n" PREINSTALLED),
     ANY_POD "RUCIO_POLICY_PACKAGE=first\nRUCIO_POLICY_PACKAGE_A=atlas_policy\n" DEFAULT_PATHS IN_IMAGE},
};

static void accept_row(void **state)
{
    const struct accept_row *row = *state;
    struct rpw_config *config = parse(row->yaml);
    char *told = tell(first_policy(config));

    assert_string_equal(told, row->expected);
    assert_int_equal(first_policy(config)->revision.len, RPW_REVISION_DIGITS);
    assert_true(first_policy(config)->package_count >= 1);
    assert_true(rpw_span_starts_with(first_policy(config)->volume_name, RPW_LIT(RPW_VOLUME_PREFIX)));
    free(told);
    rpw_config_free(config);
}

static void config_keeps_the_order_of_policies_and_reads_unmatched(void **state)
{
    struct rpw_config *config = parse("unmatched: reject\n"
                                      "policies:\n"
                                      "  - {name: b, package: p, source: {preinstalled: {}}}\n"
                                      "  - {name: a, package: p, source: {preinstalled: {}}}\n");
    const struct rpw_policy_set *set = rpw_config_policies(config);

    (void)state;
    assert_int_equal(set->count, 2);
    assert_span(set->policies[0].name, "b");
    assert_span(set->policies[1].name, "a");
    assert_int_equal(set->unmatched, RPW_UNMATCHED_REJECT);
    rpw_config_free(config);
}

static void config_frees_nothing_when_there_is_none(void **state)
{
    (void)state;
    rpw_config_free(NULL);
}

/* --- revisions ---------------------------------------------------------------------------------------------------- */

/* Every key that counts. sha256sum of the texts in revision.c's form gives the digits. */
#define FULL_POLICY                                                                                                    \
    "policies:\n"                                                                                                      \
    "  - name: atlas\n"                                                                                                \
    "    package: atlas_policy\n"                                                                                      \
    "    packages: {ops: ops_policy, atl: atlas_policy}\n"                                                             \
    "    configEnv: false\n"                                                                                           \
    "    version: \"1.10\"\n"                                                                                          \
    "    path: /opt/policy\n"                                                                                          \
    "    pythonPath: append\n"                                                                                         \
    "    imagePythonPath: /app\n"                                                                                      \
    "    source:\n"                                                                                                    \
    "      subPath: v1\n"                                                                                              \
    "      volume: {secret: {secretName: s, defaultMode: 0644, items: [{key: k, path: p}]}}\n"
#define FULL_REVISION "abc5ecbf2c59"
#define SMALL_REVISION "cff1d03eb8d8"
#define SMALL_VOLUME "    source: {volume: {persistentVolumeClaim: {claimName: atlas}}, subPath: v1}\n"

struct revision_row {
    const char *name;
    const char *yaml;
    const char *revision;
    bool is_same; /* as revision; otherwise: another */
};

static const struct revision_row revision_rows[] = {
    {"revision_of_a_full_policy_is_frozen", FULL_POLICY, FULL_REVISION, true},
    {"revision_of_a_small_policy_is_frozen", POLICY(PACKAGE SMALL_VOLUME), SMALL_REVISION, true},
    {"revision_stays_when_keys_and_style_change",
     "{\"policies\": [{\"source\": {\"subPath\": \"v1/\", \"volume\": {\"persistentVolumeClaim\": {\"claimName\": "
     "\"atlas\"}}}, \"package\": \"atlas_policy\", \"name\": \"atlas\"}]}",
     SMALL_REVISION, true},
    {"revision_stays_when_nested_keys_are_reordered",
     "policies:\n"
     "  - imagePythonPath: /app\n"
     "    source: {volume: {secret: {items: [{path: p, key: k}], defaultMode: 420, secretName: \"s\"}}, subPath: v1/}\n"
     "    packages:\n      atl: atlas_policy\n      ops: ops_policy\n"
     "    configEnv: false\n    pythonPath: append\n    path: /opt/policy/\n    version: '1.10'\n"
     "    package: atlas_policy\n    name: atlas\n",
     FULL_REVISION, true},
    {"revision_stays_when_defaults_are_written_out",
     POLICY(PACKAGE SMALL_VOLUME "    path: /opt/rucio/policy\n    configEnv: true\n    pythonPath: prepend\n"
                                 "    imagePythonPath: ''\n    verify: off\n"),
     SMALL_REVISION, true},
    {"revision_stays_when_name_match_and_on_conflict_change",
     "policies: [{name: other, onConflict: reject, match: {namespaces: [a]}, package: atlas_policy,\n" SMALL_VOLUME
     "}]",
     SMALL_REVISION, true},
    {"revision_changes_with_package", POLICY("    package: cms_policy\n" SMALL_VOLUME), SMALL_REVISION, false},
    {"revision_changes_with_packages", POLICY(PACKAGE "    packages: {a: b}\n" SMALL_VOLUME), SMALL_REVISION, false},
    {"revision_changes_with_version", POLICY(PACKAGE "    version: v\n" SMALL_VOLUME), SMALL_REVISION, false},
    {"revision_changes_with_path", POLICY(PACKAGE "    path: /p\n" SMALL_VOLUME), SMALL_REVISION, false},
    {"revision_changes_with_python_path", POLICY(PACKAGE "    pythonPath: entrypoint\n" SMALL_VOLUME), SMALL_REVISION,
     false},
    {"revision_changes_with_image_python_path", POLICY(PACKAGE "    imagePythonPath: /a\n" SMALL_VOLUME),
     SMALL_REVISION, false},
    {"revision_changes_with_config_env", POLICY(PACKAGE "    configEnv: false\n" SMALL_VOLUME), SMALL_REVISION, false},
    {"revision_changes_with_holds",
     POLICY(PACKAGE "    source: {holds: package, volume: {persistentVolumeClaim: {claimName: atlas}}, subPath: v1}\n"),
     SMALL_REVISION, false},
    {"revision_changes_with_mount_propagation",
     POLICY(PACKAGE
            "    source: {mountPropagation: HostToContainer, volume: {persistentVolumeClaim: {claimName: atlas}}, "
            "subPath: v1}\n"),
     SMALL_REVISION, false},
    {"revision_stays_when_defaults_of_a_mount_are_written_out",
     POLICY(PACKAGE
            "    source: {mountPropagation: None, recursiveReadOnly: Disabled, holds: directory, subPath: v1, volume: "
            "{persistentVolumeClaim: {claimName: atlas}}}\n"),
     SMALL_REVISION, true},
    {"revision_changes_with_site_packages",
     POLICY(PACKAGE "    pythonPath: pth\n    sitePackages: /site-packages\n" SMALL_VOLUME), SMALL_REVISION, false},
    {"revision_of_a_package_in_site_packages_is_another",
     POLICY(PACKAGE "    source: {preinstalled: {sitePackages: true}}\n"), SMALL_REVISION, false},
    {"revision_changes_with_env", POLICY(PACKAGE "    env: [{name: A, value: a}]\n" SMALL_VOLUME), SMALL_REVISION,
     false},
    {"revision_changes_with_source", POLICY(PACKAGE PREINSTALLED), SMALL_REVISION, false},
    {"revision_changes_with_sub_path",
     POLICY(PACKAGE "    source: {volume: {persistentVolumeClaim: {claimName: atlas}}}\n"), SMALL_REVISION, false},
};

static void revision_row(void **state)
{
    const struct revision_row *row = *state;
    struct rpw_config *config = parse(row->yaml);

    if (row->is_same)
        assert_span(first_policy(config)->revision, row->revision);
    else
        assert_false(rpw_span_is(first_policy(config)->revision, row->revision));
    rpw_config_free(config);
}

/* What still reaches a pod that brings the package by itself. */
#define SMALL_CHART_REVISION "chart-cc565006c921"

static const struct revision_row chart_revision_rows[] = {
    {"chart_revision_is_frozen", POLICY(PACKAGE SMALL_VOLUME), SMALL_CHART_REVISION, true},
    {"chart_revision_stays_when_source_path_and_version_change",
     POLICY(PACKAGE PREINSTALLED "    path: /p\n    version: v\n"), SMALL_CHART_REVISION, true},
    {"chart_revision_changes_with_package", POLICY("    package: cms_policy\n" SMALL_VOLUME), SMALL_CHART_REVISION,
     false},
    {"chart_revision_changes_with_packages", POLICY(PACKAGE "    packages: {a: b}\n" SMALL_VOLUME),
     SMALL_CHART_REVISION, false},
    {"chart_revision_changes_with_config_env", POLICY(PACKAGE "    configEnv: false\n" SMALL_VOLUME),
     SMALL_CHART_REVISION, false},
    {"chart_revision_changes_with_the_security_context_of_verify",
     POLICY(PACKAGE "    verify: {mode: warn, securityContext: {runAsUser: 5}}\n" SMALL_VOLUME), SMALL_CHART_REVISION,
     false},
    {"chart_revision_changes_with_env", POLICY(PACKAGE "    env: [{name: A, value: a}]\n" SMALL_VOLUME),
     SMALL_CHART_REVISION, false},
    {"chart_revision_changes_with_python_path", POLICY(PACKAGE "    pythonPath: append\n" SMALL_VOLUME),
     SMALL_CHART_REVISION, false},
    {"chart_revision_changes_with_image_python_path", POLICY(PACKAGE "    imagePythonPath: /a\n" SMALL_VOLUME),
     SMALL_CHART_REVISION, false},
    {"chart_revision_changes_with_verify", POLICY(PACKAGE "    verify: warn\n" SMALL_VOLUME), SMALL_CHART_REVISION,
     false},
};

static void chart_revision_row(void **state)
{
    const struct revision_row *row = *state;
    struct rpw_config *config = parse(row->yaml);

    assert_int_equal(rpw_span_is(first_policy(config)->chart_revision, row->revision), row->is_same);
    rpw_config_free(config);
}

/* --- warnings ----------------------------------------------------------------------------------------------------- */

#define SOURCE "package: p, source: {preinstalled: {}}"

struct warning_row {
    const char *name;
    const char *yaml;
    const char *expected; /* the whole text */
};

static const struct warning_row warning_rows[] = {
    {"warnings_are_silent_when_policies_select_different_pods",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a-*], podSelector: {matchLabels: {x: \"1\"}}}, " SOURCE "}\n"
     "  - {name: b, match: {namespaces: [a-b], podSelector: {matchLabels: {x: \"2\"}}}, " SOURCE "}\n"
     "  - {name: c, match: {namespaces: [\"?\"], containers: [rucio-server]}, " SOURCE "}\n"
     "  - {name: d, match: {namespaces: [\"*\"], containers: [rucio-server, rucio-ui]}, " SOURCE "}\n"
     "  - {name: e, match: {podSelector: {matchExpressions: [{key: k, operator: In, values: [a, b]}]}}, " SOURCE "}\n"
     "  - {name: f, match: {podSelector: {matchExpressions: [{key: k, operator: In, values: [a, c]}]}}, " SOURCE "}\n",
     ""},
    {"warnings_name_a_policy_for_the_whole_cluster", "policies:\n  - {name: a, " SOURCE "}\n",
     "config.yaml:2:12: warning: policy a has neither namespaces nor a podSelector: it is for every pod of the cluster "
     "that has such a container\n"
     "    2 |   - {name: a, " SOURCE "}\n"
     "      |            ^\n"},
    {"warnings_name_a_policy_that_an_earlier_one_covers",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a-*, b], podSelector: {matchExpressions: [{key: k, operator: In, values: [x, "
     "z]}]}}, " SOURCE "}\n"
     "  - name: b\n"
     "    match: {namespaces: [a-*-c, b], podSelector: {matchExpressions: [{key: k, operator: In, values: [z, x]}, "
     "{key: "
     "l, operator: Exists}]}, containers: [rucio-ui]}\n"
     "    package: p\n"
     "    source: {preinstalled: {}}\n",
     "config.yaml:3:11: warning: policy b is never reached: policy a comes first and selects all of its pods; only a "
     "pod "
     "that asks for it by annotation gets it\n"
     "    3 |   - name: b\n"
     "      |           ^\n"},
    {"warnings_name_a_volume_over_a_directory_of_the_image",
     "policies:\n  - name: a\n    match: {namespaces: [a]}\n    package: p\n    path: /opt/rucio/\n    source: "
     "{volume: "
     "{hostPath: {path: /a}}}\n",
     "config.yaml:2:11: warning: policy a mounts a volume over /opt/rucio and hides what the image has there\n"
     "    2 |   - name: a\n"
     "      |           ^\n"},
    {"warnings_name_a_volume_that_is_empty_in_every_pod",
     "policies:\n"
     "  - name: a\n"
     "    match: {namespaces: [a]}\n"
     "    package: p\n"
     "    source: {volume: {emptyDir: {}}}\n",
     "config.yaml:5:23: warning: volume: an emptyDir is new and empty in every pod; Rucio does not start unless "
     "something else puts the package there\n"
     "    5 |     source: {volume: {emptyDir: {}}}\n"
     "      |                       ^~~~~~~~\n"},
    {"warnings_name_a_setting_that_refers_to_one_behind_it",
     "policies:\n"
     "  - name: a\n"
     "    match: {namespaces: [a]}\n"
     "    package: p\n"
     "    source: {preinstalled: {}}\n"
     "    env:\n"
     "    - {name: A, value: $(B)}\n"
     "    - {name: B, value: $$(C)}\n"
     "    - {name: C, value: $(A)$(B)$(D)}\n",
     "config.yaml:7:24: warning: env: this refers to 'B', which does not stand before it here: the kubelet leaves the "
     "text "
     "as it is, unless the pod has such a variable\n"
     "    7 |     - {name: A, value: $(B)}\n"
     "      |                        ^~~~\n"},
    {"warnings_name_a_path_that_ends_in_the_package",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a]}, package: pol, path: /opt/pol, source: {volume: {secret: {secretName: "
     "s}}}}\n",
     "config.yaml:2:12: warning: policy a has the path /opt/pol, which ends in the package's name: Python looks for "
     "the package in path, so path has to be the directory above; if the volume's root is the package itself, set "
     "holds: "
     "package besides\n"
     "    2 |   - {name: a, match: {namespaces: [a]}, package: pol, path: /opt/pol, source: {volume: {secret: {sec...\n"
     "      |            ^\n"},
    {"warnings_name_a_path_that_ends_in_the_package_of_a_volume_that_is_it",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a]}, package: pol, path: /opt/pol, source: {volume: {secret: {secretName: "
     "s}}, holds: package}}\n",
     "config.yaml:2:12: warning: policy a has the path /opt/pol, which ends in the package's name: Python looks for "
     "the package in path, so path has to be the directory above; holds: package adds the name\n"
     "    2 |   - {name: a, match: {namespaces: [a]}, package: pol, path: /opt/pol, source: {volume: {secret: {sec...\n"
     "      |            ^\n"},
    {"warnings_name_a_path_in_the_image_that_ends_in_the_package",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a]}, package: pol, path: /opt/pol, source: {preinstalled: {}}}\n",
     "config.yaml:2:12: warning: policy a has the path /opt/pol, which ends in the package's name: Python looks for "
     "the package in path, so path has to be the directory above\n"
     "    2 |   - {name: a, match: {namespaces: [a]}, package: pol, path: /opt/pol, source: {preinstalled: {}}}\n"
     "      |            ^\n"},
    {"warnings_name_a_path_without_effect",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a]}, package: pol, path: /opt/x, source: {preinstalled: {sitePackages: "
     "true}}}\n",
     "config.yaml:2:12: warning: policy a has its package among those of the image, so its path and pythonPath have no "
     "effect\n"
     "    2 |   - {name: a, match: {namespaces: [a]}, package: pol, path: /opt/x, source: {preinstalled: {sitePack...\n"
     "      |            ^\n"},
    {"warnings_name_an_image_python_path_beside_a_pth_file",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a]}, package: pol, imagePythonPath: /x, pythonPath: pth, sitePackages: "
     "/usr/lib/site-packages, source: {preinstalled: {}}}\n",
     "config.yaml:2:12: warning: policy a leaves PYTHONPATH alone, so its imagePythonPath has no effect\n"
     "    2 |   - {name: a, match: {namespaces: [a]}, package: pol, imagePythonPath: /x, pythonPath: pth, sitePack...\n"
     "      |            ^\n"},
    {"warnings_name_site_packages_of_another_name",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a]}, package: pol, pythonPath: pth, sitePackages: /usr/lib/python3, source: "
     "{preinstalled: {}}}\n",
     "config.yaml:2:12: warning: policy a has sitePackages /usr/lib/python3; Python reads .pth files in directories "
     "called site-packages or dist-packages\n"
     "    2 |   - {name: a, match: {namespaces: [a]}, package: pol, pythonPath: pth, sitePackages: /usr/lib/python...\n"
     "      |            ^\n"},
    {"warnings_name_an_image_volume_and_its_tag",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a]}, package: pol, source: {volume: {image: {reference: 'r/p:1'}}}}\n",
     "config.yaml:2:73: warning: volume: an image needs Kubernetes 1.31 with the feature gate ImageVolume, in practice "
     "1.35, and a container runtime that mounts it; an older cluster drops it without a word, and the directory is "
     "empty\n"
     "    2 |   - {name: a, match: {namespaces: [a]}, package: pol, source: {volume: {image: {reference: 'r/p:1'}}...\n"
     "      |                                                                         ^~~~~\n"
     "config.yaml:2:92: warning: volume: this image is named by a tag, which may be another image tomorrow; a digest "
     "(name@sha256:...) gives every pod the same package\n"
     "    2 |   - {name: a, match: {namespaces: [a]}, package: pol, source: {volume: {image: {reference: 'r/p:1'}}...\n"
     "      |                                                                                            ^~~~~~~\n"},
    {"warnings_name_an_image_volume_also_with_a_digest",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a]}, package: pol, source: {volume: {image: {reference: "
     "'r/p@sha256:0000000000000000000000000000000000000000000000000000000000000000'}}}}\n",
     "config.yaml:2:73: warning: volume: an image needs Kubernetes 1.31 with the feature gate ImageVolume, in practice "
     "1.35, and a container runtime that mounts it; an older cluster drops it without a word, and the directory is "
     "empty\n"
     "    2 |   - {name: a, match: {namespaces: [a]}, package: pol, source: {volume: {image: {reference: 'r/p@sha2...\n"
     "      |                                                                         ^~~~~\n"},
    {"warnings_name_a_git_repository",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a]}, package: pol, source: {volume: {gitRepo: {repository: "
     "'https://g/r'}}}}\n",
     "config.yaml:2:73: warning: volume: gitRepo is switched off since Kubernetes 1.33, and pods with it do not start; "
     "use pip with an image that has git, or copy\n"
     "    2 |   - {name: a, match: {namespaces: [a]}, package: pol, source: {volume: {gitRepo: {repository: 'https...\n"
     "      |                                                                         ^~~~~~~\n"},
    {"warnings_are_silent_about_a_volume_that_is_the_package_below_a_directory_of_the_image",
     "policies:\n"
     "  - {name: a, match: {namespaces: [a]}, package: pol, path: /opt/rucio, source: {volume: {secret: {secretName: "
     "s}}, holds: package}}\n",
     ""},
    {"warnings_name_an_image_python_path_without_effect",
     "policies:\n  - name: a\n    match: {namespaces: [a]}\n    package: p\n    pythonPath: entrypoint\n"
     "    imagePythonPath: /a\n    source: {preinstalled: {}}\n",
     "config.yaml:2:11: warning: policy a leaves PYTHONPATH to the entrypoint, so its imagePythonPath has no effect\n"
     "    2 |   - name: a\n"
     "      |           ^\n"},
    {"warnings_name_a_path_that_is_in_image_python_path_too",
     "policies:\n  - name: a\n    match: {namespaces: [a]}\n    package: p\n    path: /opt/a\n"
     "    imagePythonPath: /opt/a/b:/opt/a/\n    source: {preinstalled: {}}\n",
     "config.yaml:2:11: warning: policy a has its path /opt/a in imagePythonPath too: it would be in PYTHONPATH twice\n"
     "    2 |   - name: a\n"
     "      |           ^\n"},
};

static void warning_row(void **state)
{
    const struct warning_row *row = *state;
    struct rpw_config *config = parse(row->yaml);

    assert_string_equal(rpw_config_warnings(config), row->expected);
    rpw_config_free(config);
}

int main(void)
{
    UNIT_ADD_ROWS(accept_row, accept_rows);
    UNIT_ADD(config_keeps_the_order_of_policies_and_reads_unmatched);
    UNIT_ADD(config_frees_nothing_when_there_is_none);
    UNIT_ADD_ROWS(revision_row, revision_rows);
    UNIT_ADD_ROWS(chart_revision_row, chart_revision_rows);
    UNIT_ADD_ROWS(warning_row, warning_rows);
    return unit_run("config");
}
