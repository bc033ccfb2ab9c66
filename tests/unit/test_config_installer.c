/* test_config_installer.c - source.pip, source.copy and verify: what becomes of their keys, their revisions and warnings. */
#include <jansson.h>

#include "config_text.h"
#include "pod_scripts.h"

#define MAX_SCRIPT_BYTES 14848 /* they travel in every pod */

#define ZEROS "00000000000000000000000000000000"
#define ANYWHERE "    match: {namespaces: [a]}\n"
#define PIP(keys) POLICY(PACKAGE ANYWHERE "    source: {pip: {requirements: [a==1]" keys "}}\n")
#define COPY(keys) POLICY(PACKAGE ANYWHERE "    source: {copy: {image: \"i:1\", path: /p" keys "}}\n")

/* --- what is made of each key ------------------------------------------------------------------------------------- */

/* The members as an object, its command[ret_index] taken for the script and replaced by its name. */
static json_t *load_members(struct rpw_span members)
{
    static const struct {
        const char *text;
        const char *name;
    } scripts[] = {
        {rpw_pod_script_install, "INSTALL"}, {rpw_pod_script_copy, "COPY"}, {rpw_pod_script_verify, "VERIFY"}};
    char *text = NULL;
    json_error_t error;
    json_t *object, *command, *element;
    size_t index;

    assert_true(asprintf(&text, "{%.*s}", (int)members.len, members.ptr) > 0);
    object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!object)
        fail_msg("%s: %s", error.text, text);
    free(text);
    command = json_object_get(object, "command");
    json_array_foreach(command, index, element) for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]);
                                                     i++) if (strcmp(json_string_value(element), scripts[i].text) == 0)
    {
        json_array_set_new(command, index, json_string(scripts[i].name));
        break;
    }
    return object;
}

static void assert_members(struct rpw_span members, const char *expected)
{
    json_t *object = load_members(members);
    char *found = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

    assert_string_equal(found, expected);
    free(found);
    json_decref(object);
}

#define PIP_COMMAND "\"command\":[\"python3\",\"-I\",\"-c\",\"INSTALL\"]"
#define ON_ERROR "\"terminationMessagePolicy\":\"FallbackToLogsOnError\""

struct members_row {
    const char *name;
    const char *yaml;
    const char *expected;
};

static const struct members_row members_rows[] = {
    {"pip_gets_requirements_without_their_dependencies", PIP(""),
     "{\"args\":[\"--no-deps\",\"--\",\"a==1\"]," PIP_COMMAND "," ON_ERROR "}"},
    {"pip_gets_every_requirement_in_its_order",
     POLICY(PACKAGE
            "    source: {pip: {image: \"i:1\", requirements: [\"a[x,y]>=1,<2; python_version<'4'\", b.c_d-e, \"f @ "
            "https://example.org/f.whl\", /w/g.whl, ./h, \"git+https://e/i@v1\", \"$(REQ)\", \"j (==1)\", k~=1, "
            "l!=1, m<1, project]}}\n"),
     "{\"args\":[\"--no-deps\",\"--\",\"a[x,y]>=1,<2; python_version<'4'\",\"b.c_d-e\",\"f @ "
     "https://example.org/f.whl\","
     "\"/w/g.whl\",\"./h\",\"git+https://e/i@v1\",\"$(REQ)\",\"j "
     "(==1)\",\"k~=1\",\"l!=1\",\"m<1\",\"project\"]," PIP_COMMAND "," ON_ERROR "}"},
    {"pip_gets_dependencies_when_no_deps_is_false", PIP(", noDeps: false"),
     "{\"args\":[\"--\",\"a==1\"]," PIP_COMMAND "," ON_ERROR "}"},
    {"pip_gets_the_index_before_the_arguments",
     PIP(", args: [--pre, \"-c\", \"/a b/'c\\\"\"], indexUrl: \"https://$(U):$(P)@e/s\""),
     "{\"args\":[\"--no-deps\",\"--index-url\",\"https://$(U):$(P)@e/s\",\"--pre\",\"-c\",\"/a "
     "b/'c\\\"\",\"--\",\"a==1\"]"
     "," PIP_COMMAND "," ON_ERROR "}"},
    {"pip_gets_the_index_alone_when_no_deps_is_false", PIP(", noDeps: false, indexUrl: \"file:///s\""),
     "{\"args\":[\"--index-url\",\"file:///s\",\"--\",\"a==1\"]," PIP_COMMAND "," ON_ERROR "}"},
    {"pip_gets_its_environment_verbatim",
     PIP(", env: [{name: P, value: \"1\"}, {valueFrom: {secretKeyRef: {name: s, key: k}}, name: Q}, {name: R}], "
         "envFrom: [{secretRef: {name: s, optional: true}}, {prefix: C_, configMapRef: {name: c}}]"),
     "{\"args\":[\"--no-deps\",\"--\",\"a==1\"]," PIP_COMMAND
     ",\"env\":[{\"name\":\"P\",\"value\":\"1\"},{\"name\":\"Q\",\"valueFrom\":{\"secretKeyRef\":{\"key\":\"k\","
     "\"name\":"
     "\"s\"}}},{\"name\":\"R\"}],\"envFrom\":[{\"secretRef\":{\"name\":\"s\",\"optional\":true}},{\"configMapRef\":{"
     "\"name\":\"c\"},\"prefix\":\"C_\"}]," ON_ERROR "}"},
    {"copy_gets_the_path_without_slashes_at_its_end",
     POLICY(PACKAGE "    source: {copy: {image: i, path: \"/a b:c//\"}}\n"),
     "{\"args\":[\"/a b:c\"],\"command\":[\"/bin/sh\",\"-c\",\"COPY\",\"rucio-policy-copy\"]," ON_ERROR "}"},
};

static void members_row(void **state)
{
    const struct members_row *row = *state;
    struct rpw_config *config = parse(row->yaml);

    assert_members(first_policy(config)->installer.members, row->expected);
    rpw_config_free(config);
}

static const struct members_row volume_rows[] = {
    {"volume_of_pip_is_an_empty_directory", PIP(""), "{\"emptyDir\":{}}"},
    {"volume_of_copy_has_a_size_limit", COPY(", sizeLimit: 200Mi"), "{\"emptyDir\":{\"sizeLimit\":\"200Mi\"}}"},
    {"volume_has_a_size_limit_in_bytes", COPY(", sizeLimit: 1048576"), "{\"emptyDir\":{\"sizeLimit\":\"1048576\"}}"},
    {"volume_has_a_size_limit_in_quotes", COPY(", sizeLimit: \"1e9\""), "{\"emptyDir\":{\"sizeLimit\":\"1e9\"}}"},
    {"volume_is_in_memory", PIP(", medium: Memory"), "{\"emptyDir\":{\"medium\":\"Memory\"}}"},
    {"volume_is_in_memory_with_a_size_limit", PIP(", sizeLimit: 1Gi, medium: Memory"),
     "{\"emptyDir\":{\"medium\":\"Memory\",\"sizeLimit\":\"1Gi\"}}"},
    {"volume_is_on_disk_when_medium_is_empty", PIP(", medium: \"\""), "{\"emptyDir\":{}}"},
};

static void volume_row(void **state)
{
    const struct members_row *row = *state;
    struct rpw_config *config = parse(row->yaml);

    assert_span(first_policy(config)->volume, row->expected);
    assert_span(first_policy(config)->sub_path, RPW_PACKAGE_DIRECTORY);
    rpw_config_free(config);
}

static void installer_has_defaults_when_only_required_keys_are_given(void **state)
{
    struct rpw_config *config = parse(PIP(""));
    const struct rpw_installer *installer = &first_policy(config)->installer;

    (void)state;
    assert_int_equal(first_policy(config)->source, RPW_SOURCE_PIP);
    assert_int_equal(installer->image.len, 0);
    assert_int_equal(installer->pull_policy.len, 0);
    assert_null(installer->resources.ptr);
    assert_null(installer->security_context.ptr);
    assert_int_equal(installer->position, RPW_POSITION_FIRST);
    assert_int_equal(first_policy(config)->verify, RPW_VERIFY_OFF);
    assert_int_equal(first_policy(config)->verify_members.len, 0);
    rpw_config_free(config);
}

static void installer_has_what_is_given(void **state)
{
    struct rpw_config *config = parse(
        COPY(", pullPolicy: IfNotPresent, position: last, resources: {limits: {memory: 64Mi, cpu: 0.5}, requests: {}}, "
             "securityContext: {runAsUser: 0o17, capabilities: {drop: [ALL]}}"));
    const struct rpw_installer *installer = &first_policy(config)->installer;

    (void)state;
    assert_int_equal(first_policy(config)->source, RPW_SOURCE_COPY);
    assert_span(installer->image, "i:1");
    assert_span(installer->pull_policy, "IfNotPresent");
    assert_span(installer->resources, "{\"limits\":{\"cpu\":0.5,\"memory\":\"64Mi\"},\"requests\":{}}");
    assert_span(installer->security_context, "{\"capabilities\":{\"drop\":[\"ALL\"]},\"runAsUser\":15}");
    assert_int_equal(installer->position, RPW_POSITION_LAST);
    rpw_config_free(config);
}

static void installer_tells_empty_objects_from_none(void **state)
{
    struct rpw_config *config = parse(COPY(", resources: {}, securityContext: {}, position: first"));

    (void)state;
    assert_span(first_policy(config)->installer.resources, "{}");
    assert_span(first_policy(config)->installer.security_context, "{}");
    rpw_config_free(config);
}

/* --- verify ------------------------------------------------------------------------------------------------------- */

static const struct members_row verify_rows[] = {
    {"verify_warns", POLICY(PACKAGE PREINSTALLED "    verify: warn\n"),
     "{\"args\":[\"warn\"],\"command\":[\"python3\",\"-c\",\"VERIFY\"]," ON_ERROR "}"},
    {"verify_fails", POLICY(PACKAGE PREINSTALLED "    verify: \"fail\"\n"),
     "{\"args\":[\"fail\"],\"command\":[\"python3\",\"-c\",\"VERIFY\"]," ON_ERROR "}"},
    {"verify_knows_that_python_path_is_left_to_the_entrypoint",
     POLICY(PACKAGE PREINSTALLED "    pythonPath: entrypoint\n    verify: fail\n"),
     "{\"args\":[\"fail\",\"entrypoint\"],\"command\":[\"python3\",\"-c\",\"VERIFY\"]," ON_ERROR "}"},
};

static void verify_row(void **state)
{
    const struct members_row *row = *state;
    struct rpw_config *config = parse(row->yaml);

    assert_members(first_policy(config)->verify_members, row->expected);
    assert_int_equal(first_policy(config)->verify, strstr(row->yaml, "warn") ? RPW_VERIFY_WARN : RPW_VERIFY_FAIL);
    rpw_config_free(config);
}

/* --- the scripts -------------------------------------------------------------------------------------------------- */

struct script_row {
    const char *name;
    const char *text;
};

static const struct script_row script_rows[] = {
    {"install_script_travels_well", rpw_pod_script_install},
    {"copy_script_travels_well", rpw_pod_script_copy},
    {"verify_script_travels_well", rpw_pod_script_verify},
};

static void script_row(void **state)
{
    const struct script_row *row = *state;
    size_t length = strlen(row->text);

    assert_in_range(length, 500, MAX_SCRIPT_BYTES);
    assert_int_equal(row->text[length - 1], '\n');
    assert_null(strstr(row->text, "$(")); /* Kubernetes would replace it */
    assert_null(strstr(row->text, "$$"));
    assert_null(strstr(row->text, "\n#")); /* comments are left out */
    assert_null(strstr(row->text, "\n\n"));
    assert_null(strchr(row->text, '\t'));
}

/* --- revisions ---------------------------------------------------------------------------------------------------- */

#define FULL_PIP                                                                                                       \
    PIP(", args: [--pre], env: [{name: A, value: b}], envFrom: [{secretRef: {name: s}}], image: \"i:1\", indexUrl: "   \
        "\"https://e\", medium: Memory, noDeps: false, position: last, pullPolicy: Never, resources: {}, "             \
        "securityContext: {}, sizeLimit: 1Gi")
#define FULL_COPY                                                                                                      \
    COPY(", medium: Memory, position: last, pullPolicy: Never, resources: {}, securityContext: {}, sizeLimit: 1Gi")

/* sha256sum of the texts in revision.c's form gives the digits. */
#define PIP_REVISION "e72a509e3574"
#define FULL_PIP_REVISION "d1334ded530e"
#define COPY_REVISION "1dce5c80a167"
#define FULL_COPY_REVISION "b67c8ded8631"
#define VERIFY_REVISION "79b65f35a919"

struct revision_row {
    const char *name;
    const char *yaml;
    const char *revision;
    bool is_same; /* as revision; otherwise: another */
};

static const struct revision_row revision_rows[] = {
    {"revision_of_pip_is_frozen", PIP(""), PIP_REVISION, true},
    {"revision_of_a_full_pip_is_frozen", FULL_PIP, FULL_PIP_REVISION, true},
    {"revision_of_copy_is_frozen", COPY(""), COPY_REVISION, true},
    {"revision_of_a_full_copy_is_frozen", FULL_COPY, FULL_COPY_REVISION, true},
    {"revision_with_verify_is_frozen", PIP("}}\n    verify: fail #"), VERIFY_REVISION, true},
    {"revision_stays_when_defaults_of_pip_are_written_out",
     PIP(", noDeps: true, medium: \"\", position: first}}\n    verify: \"off\" #"), PIP_REVISION, true},
    {"revision_stays_when_the_path_of_copy_ends_in_a_slash",
     POLICY(PACKAGE "    source: {copy: {path: /p/, image: \"i:1\"}}\n"), COPY_REVISION, true},
    {"revision_changes_with_requirements", POLICY(PACKAGE "    source: {pip: {requirements: [a==2]}}\n"), PIP_REVISION,
     false},
    {"revision_changes_with_args", PIP(", args: [--pre]"), PIP_REVISION, false},
    {"revision_changes_with_env", PIP(", env: [{name: A}]"), PIP_REVISION, false},
    {"revision_changes_with_env_from", PIP(", envFrom: [{secretRef: {name: s}}]"), PIP_REVISION, false},
    {"revision_changes_with_index_url", PIP(", indexUrl: \"https://e\""), PIP_REVISION, false},
    {"revision_changes_with_no_deps", PIP(", noDeps: false"), PIP_REVISION, false},
    {"revision_changes_with_image", PIP(", image: \"i:1\""), PIP_REVISION, false},
    {"revision_changes_with_medium", PIP(", medium: Memory"), PIP_REVISION, false},
    {"revision_changes_with_position", PIP(", position: last"), PIP_REVISION, false},
    {"revision_changes_with_size_limit", PIP(", sizeLimit: 1Gi"), PIP_REVISION, false},
    {"revision_changes_with_resources", PIP(", resources: {}"), PIP_REVISION, false},
    {"revision_changes_with_security_context", PIP(", securityContext: {}"), PIP_REVISION, false},
    {"revision_changes_with_pull_policy", COPY(", pullPolicy: Always"), COPY_REVISION, false},
    {"revision_changes_with_the_path_of_copy", POLICY(PACKAGE "    source: {copy: {path: /q, image: \"i:1\"}}\n"),
     COPY_REVISION, false},
    {"revision_changes_with_verify", PIP("}}\n    verify: warn #"), PIP_REVISION, false},
    {"revision_tells_warn_from_fail", PIP("}}\n    verify: warn #"), VERIFY_REVISION, false},
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

/* --- warnings ----------------------------------------------------------------------------------------------------- */

static const struct members_row warning_rows[] = {
    {"advice_is_silent_when_versions_are_named",
     POLICY(PACKAGE ANYWHERE "    source: {pip: {image: \"r:5000/i@sha384:" ZEROS ZEROS ZEROS
                             "\", indexUrl: \"https://$(U):$(P)@e/s\", "
                             "args: [--extra-index-url, "
                             "\"https://e/a@b\"], requirements: [a==1, \"b @ https://e/b.whl\", /w/c.whl, "
                             "\"git+https://e/d@v1\", \"$(E)\"]}}\n"),
     NULL},
    {"advice_names_a_requirement_without_a_version",
     POLICY(PACKAGE ANYWHERE "    source: {pip: {requirements: [a>=1]}}\n"),
     "requirements: 'a>=1' may stand for another version tomorrow"},
    {"advice_names_a_requirement_with_a_wildcard",
     POLICY(PACKAGE ANYWHERE "    source: {pip: {requirements: [a==1.*]}}\n"),
     "requirements: 'a==1.*' may stand for another version tomorrow"},
    {"advice_names_a_repository_without_a_revision",
     POLICY(PACKAGE ANYWHERE "    source: {pip: {image: \"i:1\", requirements: [\"git+ssh://git@e/a.git\"]}}\n"),
     "requirements: 'git+ssh://git@e/a.git' may stand for another version tomorrow"},
    {"advice_names_an_image_without_a_tag",
     POLICY(PACKAGE ANYWHERE "    source: {copy: {image: \"r:5000/i\", path: /p}}\n"),
     "image: r:5000/i may stand for another image tomorrow"},
    {"advice_names_an_image_that_is_the_latest",
     POLICY(PACKAGE ANYWHERE "    source: {copy: {image: \"i:latest\", path: /p}}\n"),
     "image: i:latest may stand for another image tomorrow"},
    {"advice_names_memory", PIP(", medium: Memory"), "medium: what lies in memory counts against the memory limits"},
    {"advice_names_dependencies", PIP(", noDeps: false"), "noDeps: what the package depends on is installed beside it"},
    {"advice_names_credentials_in_the_index", PIP(", indexUrl: \"https://u:p@e/s\""),
     "indexUrl: who may read a pod may read these credentials"},
    {"advice_names_credentials_in_arguments", PIP(", args: [\"--extra-index-url=https://token@e\"]"),
     "args: who may read a pod may read these credentials"},
    {"advice_names_a_directory_of_the_image_that_is_hidden",
     POLICY(PACKAGE ANYWHERE "    path: /opt/rucio\n    source: {copy: {image: \"i:1\", path: /p}}\n"),
     "policy atlas mounts a volume over /opt/rucio"},
};

static void warning_row(void **state)
{
    const struct members_row *row = *state;
    struct rpw_config *config = parse(row->yaml);
    const char *warnings = rpw_config_warnings(config);

    if (!row->expected)
        assert_string_equal(warnings, "");
    else if (!strstr(warnings, row->expected) || strstr(strstr(warnings, "warning: ") + 1, "warning: "))
        fail_msg("found: %s", warnings);
    rpw_config_free(config);
}

int main(void)
{
    UNIT_ADD_ROWS(members_row, members_rows);
    UNIT_ADD_ROWS(volume_row, volume_rows);
    UNIT_ADD(installer_has_defaults_when_only_required_keys_are_given);
    UNIT_ADD(installer_has_what_is_given);
    UNIT_ADD(installer_tells_empty_objects_from_none);
    UNIT_ADD_ROWS(verify_row, verify_rows);
    UNIT_ADD_ROWS(script_row, script_rows);
    UNIT_ADD_ROWS(revision_row, revision_rows);
    UNIT_ADD_ROWS(warning_row, warning_rows);
    return unit_run("config_installer");
}
