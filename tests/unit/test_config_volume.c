/* test_config_volume.c - Kubernetes objects in the configuration: the JSON that is made of their YAML. */
#include <jansson.h>

#include "config_text.h"
#include "rpw/bytes/json_reader.h"

struct volume_row {
    const char *name;
    const char *yaml; /* of a hostPath, after its path */
    const char *json; /* likewise */
};

static const struct volume_row volume_rows[] = {
    {"volume_keeps_quoted_scalars_as_text", "a: \"0644\", b: 'true', c: \"null\", d: \"\"",
     "\"a\":\"0644\",\"b\":\"true\",\"c\":\"null\",\"d\":\"\""},
    {"volume_reads_null_in_every_spelling",
     "a: null, b: Null, c: NULL, d: ~, e: ", "\"a\":null,\"b\":null,\"c\":null,\"d\":null,\"e\":null"},
    {"volume_reads_booleans_in_every_spelling", "a: true, b: True, c: TRUE, d: false, e: False, f: FALSE",
     "\"a\":true,\"b\":true,\"c\":true,\"d\":false,\"e\":false,\"f\":false"},
    {"volume_leaves_other_words_text", "a: tRue, b: nil, c: Yesterday, d: 1st, e: 10.0.0.1, f: -x, g: 2026-11-22",
     "\"a\":\"tRue\",\"b\":\"nil\",\"c\":\"Yesterday\",\"d\":\"1st\",\"e\":\"10.0.0.1\",\"f\":\"-x\",\"g\":\"2026-11-"
     "22\""},
    {"volume_reads_octal_modes", "a: 0644, b: 0o644, c: 0O7, d: 00", "\"a\":420,\"b\":420,\"c\":7,\"d\":0"},
    {"volume_reads_other_bases", "a: 0x1F, b: 0Xff, c: 0b101, d: 0B1, e: -0x10",
     "\"a\":31,\"b\":255,\"c\":5,\"d\":1,\"e\":-16"},
    {"volume_reads_integers", "a: 0, b: -0, c: +5, d: -7, e: 1_000, f: 18446744073709551615, g: -9223372036854775808",
     "\"a\":0,\"b\":0,\"c\":5,\"d\":-7,\"e\":1000,\"f\":18446744073709551615,\"g\":-9223372036854775808"},
    {"volume_keeps_the_text_of_floats", "a: 0.1, b: 1.50, c: 1e3, d: -2.5E-7, e: 0.0",
     "\"a\":0.1,\"b\":1.50,\"c\":1e3,\"d\":-2.5E-7,\"e\":0.0"},
    {"volume_takes_what_is_no_number_for_text", "a: 0x, b: 0xg, c: 0b12, d: 1e, e: '1.', f: -a, g: 1.2.3, h: 1Gi",
     "\"a\":\"0x\",\"b\":\"0xg\",\"c\":\"0b12\",\"d\":\"1e\",\"e\":\"1.\",\"f\":\"-a\",\"g\":\"1.2.3\",\"h\":\"1Gi\""},
    {"volume_keeps_lists_in_order_and_sorts_keys", "z: [b, a, {w: 1, v: []}], b: {}, aa: 1, a: 2",
     "\"a\":2,\"aa\":1,\"b\":{},\"z\":[\"b\",\"a\",{\"v\":[],\"w\":1}]"},
    {"volume_escapes_what_json_escapes", "a: \"\\\"\\\\\\n\\t\\0\\x1f\\u00e9\\U0001F600\"",
     "\"a\":\"\\\"\\\\\\u000a\\u0009\\u0000\\u001f\xc3\xa9\xf0\x9f\x98\x80\""},
    {"volume_expands_aliases", "a: &x [1, &y {b: 2}], c: *x, d: *y",
     "\"a\":[1,{\"b\":2}],\"c\":[1,{\"b\":2}],\"d\":{\"b\":2}"},
};

static void assert_is_json(struct rpw_span text)
{
    static char region[65536] __attribute__((aligned(16)));
    struct rpw_arena arena;
    struct rpw_json_reader reader;
    json_error_t error;
    json_t *tree = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    /* jansson has no integers beyond 63 bits */
    if (!tree && json_error_code(&error) != json_error_numeric_overflow)
        fail_msg("%s: %.*s", error.text, (int)text.len, text.ptr);
    json_decref(tree);
    rpw_arena_init(&arena, region, sizeof(region));
    rpw_json_reader_init(&reader, &arena, text);
    assert_true(rpw_json_skip(&reader));
    assert_true(rpw_json_finish(&reader));
    rpw_arena_done(&arena);
}

static void volume_row(void **state)
{
    const struct volume_row *row = *state;
    char yaml[1024], expected[1024];
    struct rpw_config *config;

    snprintf(yaml, sizeof(yaml), POLICY(PACKAGE "    source: {volume: {hostPath: {%s, path: /p}}}\n"), row->yaml);
    config = parse(yaml);
    if (strstr(row->json, "\"z\"")) /* sorted behind path */
        snprintf(expected, sizeof(expected), "{\"hostPath\":{%.*s,\"path\":\"/p\",%s}}",
                 (int)(strstr(row->json, ",\"z\"") - row->json), row->json, strstr(row->json, "\"z\""));
    else
        snprintf(expected, sizeof(expected), "{\"hostPath\":{%s,\"path\":\"/p\"}}", row->json);
    assert_span(first_policy(config)->volume, expected);
    assert_is_json(first_policy(config)->volume);
    rpw_config_free(config);
}

static void volume_keeps_a_source_that_is_not_known_and_warns(void **state)
{
    struct rpw_config *config = parse(POLICY(PACKAGE "    match: {namespaces: [a]}\n"
                                                     "    source: {volume: {brandNewVolume: {size: 5}}}\n"));

    (void)state;
    assert_span(first_policy(config)->volume, "{\"brandNewVolume\":{\"size\":5}}");
    assert_non_null(strstr(rpw_config_warnings(config), "does not know the volume source 'brandNewVolume'"));
    rpw_config_free(config);
}

/* --- what Kubernetes takes ---------------------------------------------------------------------------------------- */

#define SOURCE(source) POLICY(PACKAGE "    match: {namespaces: [a]}\n    source: {" source "}\n")
#define VOLUME(source) SOURCE("volume: {" source "}")
#define PIP(keys) SOURCE("pip: {requirements: [a==1], " keys "}")
#define COPY(keys) SOURCE("copy: {image: \"i:1\", path: /p, " keys "}")
#define IMAGE(reference) SOURCE("copy: {image: \"" reference "\", path: /p}")

struct valid_row {
    const char *name;
    const char *yaml;
};

static const struct valid_row valid_rows[] = {
    {"kubernetes_takes_resources_in_every_spelling",
     COPY("resources: {requests: {cpu: 0.1, memory: 64Mi, ephemeral-storage: 1e8}, limits: {cpu: 100m, memory: "
          "\"0.0625Gi\", ephemeral-storage: 100M}}")},
    {"kubernetes_takes_requests_equal_to_limits_in_other_words",
     COPY("resources: {requests: {cpu: 1000m, memory: 1024Mi}, limits: {cpu: 1, memory: 1Gi}}")},
    {"kubernetes_takes_requests_without_limits", COPY("resources: {requests: {cpu: 1, memory: +1Gi}, limits: {}}")},
    {"kubernetes_takes_extended_resources",
     COPY("resources: {requests: {example.com/gpu: 1}, limits: {example.com/gpu: \"1.0\", "
          "nvidia.com/mig-1g.5gb: 0, cpu: 1}}")},
    {"kubernetes_takes_huge_pages",
     COPY("resources: {requests: {hugepages-2Mi: 4Mi, cpu: 1}, limits: {hugepages-2Mi: 4Mi, hugepages-1Gi: 0}}")},
    {"kubernetes_takes_security_context_of_the_restricted_profile",
     COPY("securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}, "
          "runAsNonRoot: true, runAsUser: 1000, runAsGroup: 2147483647, seccompProfile: {type: RuntimeDefault}, "
          "readOnlyRootFilesystem: true}")},
    {"kubernetes_takes_security_context_with_local_profiles",
     COPY("securityContext: {privileged: true, procMount: Default, seLinuxOptions: {level: \"s0:c1,c2\", user: u, "
          "role: r, type: t}, seccompProfile: {type: Localhost, localhostProfile: a/b.json}, appArmorProfile: {type: "
          "Localhost, localhostProfile: k8s-a}}")},
    {"kubernetes_takes_security_context_with_nulls",
     COPY("securityContext: {runAsUser: , capabilities: {add: null, drop: []}, seccompProfile: ~}")},
    {"kubernetes_takes_variables_from_everywhere",
     PIP("env: [{name: A, value: \"\"}, {name: a.b-c, valueFrom: {fieldRef: {fieldPath: status.podIP, apiVersion: "
         "v1}}}, {name: B, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['example.com/a']\"}}}, {name: C, "
         "valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}, {name: D, valueFrom: "
         "{configMapKeyRef: {name: c.d, key: .A_b-c, optional: true}}}]")},
    {"kubernetes_takes_sources_of_variables",
     PIP("envFrom: [{prefix: A_, secretRef: {name: s, optional: false}}, {configMapRef: {name: c}}]")},
    {"kubernetes_takes_image_atlas", IMAGE("atlas")},
    {"kubernetes_takes_image_atlas:1.2_3-4", IMAGE("atlas:1.2_3-4")},
    {"kubernetes_takes_image_a/b__c/d--e/f.g", IMAGE("a/b__c/d--e/f.g")},
    {"kubernetes_takes_image_r.example.org/a:1", IMAGE("r.example.org/a:1")},
    {"kubernetes_takes_image_r.example.org:5000/a/b:1", IMAGE("r.example.org:5000/a/b:1")},
    {"kubernetes_takes_image_localhost/a", IMAGE("localhost/a")},
    {"kubernetes_takes_image_localhost:5000/a:1", IMAGE("localhost:5000/a:1")},
    {"kubernetes_takes_image_R/a", IMAGE("R/a")},
    {"kubernetes_takes_image_[::1]:5000/a", IMAGE("[::1]:5000/a")},
    {"kubernetes_takes_image_10.0.0.1/a", IMAGE("10.0.0.1/a")},
    {"kubernetes_takes_image_a@sha256:...",
     IMAGE("a@sha256:0000000000000000000000000000000000000000000000000000000000000000")},
    {"kubernetes_takes_image_r.example.org:5000/a:1@sha512:...",
     IMAGE("r.example.org:5000/"
           "a:1@sha512:"
           "abababababababababababababababababababababababababababababababababababababababababababababababababababababa"
           "babababababababababab")},
    {"kubernetes_takes_emptyDir_1", VOLUME("emptyDir: {medium: HugePages-2Mi, sizeLimit: 1500m}")},
    {"kubernetes_takes_emptyDir_2", VOLUME("emptyDir: {sizeLimit: 0}")},
    {"kubernetes_takes_persistentVolumeClaim_1",
     VOLUME("persistentVolumeClaim: {claimName: atlas.policy, readOnly: True}")},
    {"kubernetes_takes_hostPath_1", VOLUME("hostPath: {path: /cvmfs, type: \"\"}")},
    {"kubernetes_takes_hostPath_2", VOLUME("hostPath: {path: /cvmfs, type: DirectoryOrCreate}")},
    {"kubernetes_takes_image_13", VOLUME("image: {reference: \"r:5000/a:1\", pullPolicy: IfNotPresent}")},
    {"kubernetes_takes_nfs_1", VOLUME("nfs: {server: s, path: /a, readOnly: false}")},
    {"kubernetes_takes_configMap_1",
     VOLUME("configMap: {name: a, defaultMode: 0440, optional: true, items: [{key: a.b, path: "
            "c/d, mode: 0o400}, {key: e, path: .f}]}")},
    {"kubernetes_takes_secret_1", VOLUME("secret: {secretName: a, defaultMode: , items: ~, optional: null}")},
    {"kubernetes_takes_csi_1",
     VOLUME("csi: {driver: cvmfs.csi.cern.ch, readOnly: true, fsType: \"\", volumeAttributes: {a: "
            "\"1\", b: \"\"}, nodePublishSecretRef: {name: s}}")},
    {"kubernetes_takes_downwardAPI_1",
     VOLUME("downwardAPI: {defaultMode: 0, items: [{path: a, fieldRef: {fieldPath: metadata.labels}}, {path: b, mode: "
            "0400, resourceFieldRef: {containerName: rucio-server, resource: requests.cpu, divisor: 1m}}]}")},
    {"kubernetes_takes_projected_1",
     VOLUME("projected: {defaultMode: 0400, sources: [{secret: {name: a, items: [{key: k, path: p}]}}, {configMap: "
            "{name: a}}, {serviceAccountToken: {path: t, expirationSeconds: 600, audience: a}}, {downwardAPI: {items: "
            "[{path: name, fieldRef: {fieldPath: metadata.name}}]}}]}")},
    {"kubernetes_takes_ephemeral_1",
     VOLUME("ephemeral: {volumeClaimTemplate: {metadata: {labels: {a: b}}, spec: {accessModes: "
            "[ReadOnlyMany], storageClassName: fast, volumeMode: Filesystem, resources: "
            "{requests: {storage: 1Gi}, limits: {storage: 4e9}}}}}")},
    {"kubernetes_takes_iscsi_1",
     VOLUME("iscsi: {targetPortal: 10.0.0.1, iqn: iqn.2001-04.com.example:a.b, lun: 255, portals: [10.0.0.2]}")},
    {"kubernetes_takes_cephfs_1", VOLUME("cephfs: {monitors: [\"10.0.0.1:6789\"], secretRef: {name: s}}")},
    {"kubernetes_takes_fc_1", VOLUME("fc: {targetWWNs: [500a0982991b8dc5], lun: 0}")},
};

static void valid_row(void **state)
{
    const struct valid_row *row = *state;
    struct rpw_config *config = parse(row->yaml);

    if (strstr(rpw_config_warnings(config), "does not know"))
        fail_msg("%s", rpw_config_warnings(config));
    rpw_config_free(config);
}

static void volume_keeps_keys_that_are_not_known_and_warns(void **state)
{
    struct rpw_config *config = parse(VOLUME("projected: {sources: [{brandNew: {a: 1}}]}"));

    (void)state;
    assert_span(first_policy(config)->volume, "{\"projected\":{\"sources\":[{\"brandNew\":{\"a\":1}}]}}");
    assert_non_null(strstr(rpw_config_warnings(config), "sources: this program does not know the key 'brandNew'"));
    rpw_config_free(config);
}

int main(void)
{
    UNIT_ADD_ROWS(volume_row, volume_rows);
    UNIT_ADD(volume_keeps_a_source_that_is_not_known_and_warns);
    UNIT_ADD_ROWS(valid_row, valid_rows);
    UNIT_ADD(volume_keeps_keys_that_are_not_known_and_warns);
    return unit_run("config_volume");
}
