/* shape_tables.c - the parts of a pod that a configuration may bring, as Kubernetes 1.35 has them. */
#include "shape.h"
#include "syntax.h"

#define ID_MAX INT32_MAX /* of a user or a group */

#define TEXT(key) .name = key, .type = RPW_SHAPE_TEXT
#define TEXT_OF(key, its_form) TEXT(key), .form = its_form
#define WORD(key, its_words) TEXT(key), .words = its_words
#define BOOL(key) .name = key, .type = RPW_SHAPE_BOOL
#define INTEGER(key, its_min, its_max) .name = key, .type = RPW_SHAPE_INTEGER, .min = its_min, .max = its_max
#define MODE(key) INTEGER(key, 0, RPW_SHAPE_MAX_MODE)
#define QUANTITY(key) .name = key, .type = RPW_SHAPE_QUANTITY
#define MAPPING(key, its_keys) .name = key, .type = RPW_SHAPE_MAPPING, .keys = its_keys
#define TEXTS(key) TEXT(key), .nesting = RPW_SHAPE_LIST
#define TEXT_MAP(key) TEXT(key), .nesting = RPW_SHAPE_MAP
#define LIST(key, its_keys) MAPPING(key, its_keys), .nesting = RPW_SHAPE_LIST
#define REQUIRED .is_required = true
#define ALTERNATIVE .is_alternative = true
#define SOURCE(key, its_keys) MAPPING(key, its_keys), .is_open = true

typedef const struct rpw_shape shape_table[];
typedef const char *const word_list[];

static word_list pull_policies = {"", "Always", "IfNotPresent", "Never", NULL};
static word_list profile_types = {"RuntimeDefault", "Localhost", "Unconfined", NULL};
static word_list proc_mounts = {"Default", "Unmasked", NULL};
static word_list host_path_types = {"",           "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket",
                                    "CharDevice", "BlockDevice",       NULL};
static word_list caching_modes = {"None", "ReadOnly", "ReadWrite", NULL};
static word_list disk_kinds = {"Shared", "Dedicated", "Managed", NULL};
static word_list access_modes = {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod", NULL};
static word_list versions = {"", "v1", NULL};
static word_list volume_modes = {"Filesystem", "Block", NULL};

/* --- what several parts have ------------------------------------------------------------------------------------------ */

static shape_table object_reference = {{TEXT_OF("name", rpw_syntax_object_name), REQUIRED}, {0}};

static shape_table items = {
    {TEXT_OF("key", rpw_syntax_data_key), REQUIRED},
    {TEXT_OF("path", rpw_syntax_file_path), REQUIRED},
    {MODE("mode")},
    {0},
};

static shape_table resource_field = {
    {TEXT("containerName")},
    {TEXT_OF("resource", rpw_syntax_resource_field), REQUIRED},
    {QUANTITY("divisor")},
    {0},
};

/* --- of a container --------------------------------------------------------------------------------------------------- */

static shape_table data_key_reference = {
    {TEXT_OF("name", rpw_syntax_object_name), REQUIRED},
    {TEXT_OF("key", rpw_syntax_data_key), REQUIRED},
    {BOOL("optional")},
    {0},
};
static shape_table file_key_reference = {
    {TEXT("volumeName"), REQUIRED},
    {TEXT("path"), REQUIRED},
    {TEXT_OF("key", rpw_syntax_variable), REQUIRED},
    {BOOL("optional")},
    {0},
};
static shape_table variable_field = {
    {WORD("apiVersion", versions)}, {TEXT_OF("fieldPath", rpw_syntax_variable_field), REQUIRED}, {0}};
static shape_table variable_sources = {
    {MAPPING("fieldRef", variable_field), ALTERNATIVE},
    {MAPPING("resourceFieldRef", resource_field), ALTERNATIVE},
    {MAPPING("configMapKeyRef", data_key_reference), ALTERNATIVE},
    {MAPPING("secretKeyRef", data_key_reference), ALTERNATIVE},
    {MAPPING("fileKeyRef", file_key_reference), ALTERNATIVE},
    {0},
};
static shape_table variable = {
    {TEXT_OF("name", rpw_syntax_variable), REQUIRED},
    {TEXT_OF("value", rpw_syntax_any)},
    {MAPPING("valueFrom", variable_sources)},
    {0},
};
const struct rpw_shape rpw_shape_env = {LIST("env", variable), REQUIRED};

static shape_table optional_reference = {{TEXT_OF("name", rpw_syntax_object_name), REQUIRED}, {BOOL("optional")}, {0}};
static shape_table variables_source = {
    {TEXT_OF("prefix", rpw_syntax_variable)},
    {MAPPING("configMapRef", optional_reference), ALTERNATIVE},
    {MAPPING("secretRef", optional_reference), ALTERNATIVE},
    {0},
};
const struct rpw_shape rpw_shape_env_from = {LIST("envFrom", variables_source), REQUIRED};

#define AMOUNTS(key) QUANTITY(key), .nesting = RPW_SHAPE_MAP, .key_form = rpw_syntax_resource

static shape_table claim = {{TEXT("name"), REQUIRED}, {TEXT("request")}, {0}};
static shape_table resources = {{AMOUNTS("requests")}, {AMOUNTS("limits")}, {LIST("claims", claim)}, {0}};
const struct rpw_shape rpw_shape_resources = {MAPPING("resources", resources), REQUIRED};

static shape_table capabilities = {{TEXTS("add")}, {TEXTS("drop")}, {0}};
static shape_table apparmor = {{WORD("type", profile_types), REQUIRED}, {TEXT("localhostProfile")}, {0}};
static shape_table seccomp = {
    {WORD("type", profile_types), REQUIRED}, {TEXT_OF("localhostProfile", rpw_syntax_file_path)}, {0}};
static shape_table selinux = {{TEXT("user")}, {TEXT("role")}, {TEXT("type")}, {TEXT("level")}, {0}};
static shape_table windows = {{TEXT("gmsaCredentialSpecName")},
                              {TEXT("gmsaCredentialSpec")},
                              {TEXT("runAsUserName")},
                              {BOOL("hostProcess")},
                              {0}};
static shape_table security_context = {
    {BOOL("allowPrivilegeEscalation")},
    {MAPPING("appArmorProfile", apparmor)},
    {MAPPING("capabilities", capabilities)},
    {BOOL("privileged")},
    {WORD("procMount", proc_mounts)},
    {BOOL("readOnlyRootFilesystem")},
    {INTEGER("runAsGroup", 0, ID_MAX)},
    {BOOL("runAsNonRoot")},
    {INTEGER("runAsUser", 0, ID_MAX)},
    {MAPPING("seLinuxOptions", selinux)},
    {MAPPING("seccompProfile", seccomp)},
    {MAPPING("windowsOptions", windows)},
    {0},
};
const struct rpw_shape rpw_shape_security_context = {MAPPING("securityContext", security_context), REQUIRED};

/* --- volume sources --------------------------------------------------------------------------------------------------- */

#define FS_TYPE TEXT("fsType")
#define READ_ONLY BOOL("readOnly")
#define SECRET_REF MAPPING("secretRef", object_reference)

static shape_table volume_id = {{TEXT("volumeID"), REQUIRED}, {FS_TYPE}, {READ_ONLY}, {SECRET_REF}, {0}};
static shape_table aws_disk = {
    {TEXT("volumeID"), REQUIRED}, {FS_TYPE}, {INTEGER("partition", 0, 255)}, {READ_ONLY}, {0}};
static shape_table gce_disk = {{TEXT("pdName"), REQUIRED}, {FS_TYPE}, {INTEGER("partition", 0, 255)}, {READ_ONLY}, {0}};
static shape_table azure_disk = {
    {TEXT("diskName"), REQUIRED},
    {TEXT("diskURI"), REQUIRED},
    {WORD("cachingMode", caching_modes)},
    {FS_TYPE},
    {WORD("kind", disk_kinds)},
    {READ_ONLY},
    {0},
};
static shape_table azure_file = {{TEXT("secretName"), REQUIRED}, {TEXT("shareName"), REQUIRED}, {READ_ONLY}, {0}};
static shape_table cephfs = {{TEXTS("monitors"), REQUIRED},
                             {TEXT("path")},
                             {TEXT("user")},
                             {TEXT("secretFile")},
                             {SECRET_REF},
                             {READ_ONLY},
                             {0}};
static shape_table config_map = {{TEXT_OF("name", rpw_syntax_object_name), REQUIRED},
                                 {LIST("items", items)},
                                 {MODE("defaultMode")},
                                 {BOOL("optional")},
                                 {0}};
static shape_table projected_data = {
    {TEXT_OF("name", rpw_syntax_object_name), REQUIRED}, {LIST("items", items)}, {BOOL("optional")}, {0}};
static shape_table csi = {
    {TEXT("driver"), REQUIRED},     {FS_TYPE}, {MAPPING("nodePublishSecretRef", object_reference)}, {READ_ONLY},
    {TEXT_MAP("volumeAttributes")}, {0},
};
static shape_table file_field = {
    {WORD("apiVersion", versions)}, {TEXT_OF("fieldPath", rpw_syntax_file_field), REQUIRED}, {0}};
static shape_table downward_items = {
    {TEXT_OF("path", rpw_syntax_file_path), REQUIRED},
    {MAPPING("fieldRef", file_field), ALTERNATIVE},
    {MAPPING("resourceFieldRef", resource_field), ALTERNATIVE},
    {MODE("mode")},
    {0},
};
static shape_table downward_api = {{LIST("items", downward_items)}, {MODE("defaultMode")}, {0}};
static shape_table projected_downward_api = {{LIST("items", downward_items)}, {0}};
static shape_table empty_dir = {{TEXT_OF("medium", rpw_syntax_volume_medium)}, {QUANTITY("sizeLimit")}, {0}};

static shape_table claim_amounts = {{QUANTITY("storage"), REQUIRED}, {0}};
static shape_table claim_limits = {{QUANTITY("storage")}, {0}};
static shape_table claim_resources = {
    {MAPPING("requests", claim_amounts), REQUIRED}, {MAPPING("limits", claim_limits)}, {0}};
static shape_table claim_spec = {
    {WORD("accessModes", access_modes), .nesting = RPW_SHAPE_LIST, REQUIRED},
    {.name = "dataSource"},
    {.name = "dataSourceRef"},
    {MAPPING("resources", claim_resources), REQUIRED},
    {.name = "selector"},
    {TEXT("storageClassName")},
    {TEXT("volumeAttributesClassName")},
    {WORD("volumeMode", volume_modes)},
    {TEXT("volumeName")},
    {0},
};
static shape_table claim_metadata = {{TEXT_MAP("annotations")}, {TEXT_MAP("labels")}, {0}};
static shape_table claim_template = {
    {MAPPING("metadata", claim_metadata)}, {MAPPING("spec", claim_spec), REQUIRED}, {0}};
static shape_table ephemeral = {{MAPPING("volumeClaimTemplate", claim_template), REQUIRED}, {0}};

static shape_table fibre_channel = {{TEXTS("targetWWNs")}, {INTEGER("lun", 0, 255)}, {FS_TYPE},
                                    {READ_ONLY},           {TEXTS("wwids")},         {0}};
static shape_table flex_volume = {
    {TEXT("driver"), REQUIRED}, {FS_TYPE}, {TEXT_MAP("options")}, {READ_ONLY}, {SECRET_REF}, {0}};
static shape_table flocker = {{TEXT("datasetName"), ALTERNATIVE}, {TEXT("datasetUUID"), ALTERNATIVE}, {0}};
static shape_table git_repo = {{TEXT("repository"), REQUIRED}, {TEXT("revision")}, {TEXT("directory")}, {0}};
static shape_table glusterfs = {{TEXT("endpoints"), REQUIRED}, {TEXT("path"), REQUIRED}, {READ_ONLY}, {0}};
static shape_table host_path = {
    {TEXT_OF("path", rpw_syntax_host_path), REQUIRED}, {WORD("type", host_path_types)}, {0}};
static shape_table image = {
    {TEXT_OF("reference", rpw_syntax_image), REQUIRED}, {WORD("pullPolicy", pull_policies)}, {0}};
static shape_table iscsi = {
    {TEXT("targetPortal"), REQUIRED},
    {TEXT("iqn"), REQUIRED},
    {BOOL("chapAuthDiscovery")},
    {BOOL("chapAuthSession")},
    {FS_TYPE},
    {TEXT("initiatorName")},
    {TEXT("iscsiInterface")},
    {INTEGER("lun", 0, 255)},
    {TEXTS("portals")},
    {READ_ONLY},
    {SECRET_REF},
    {0},
};
static shape_table nfs = {
    {TEXT("server"), REQUIRED}, {TEXT_OF("path", rpw_syntax_absolute_path), REQUIRED}, {READ_ONLY}, {0}};
static shape_table volume_claim = {{TEXT_OF("claimName", rpw_syntax_object_name), REQUIRED}, {READ_ONLY}, {0}};
static shape_table photon_disk = {{TEXT("pdID"), REQUIRED}, {FS_TYPE}, {0}};
static shape_table quobyte = {
    {TEXT("registry"), REQUIRED},
    {TEXT("volume"), REQUIRED},
    {TEXT("group")},
    {READ_ONLY},
    {TEXT("tenant")},
    {TEXT("user")},
    {0},
};
static shape_table rbd = {
    {TEXTS("monitors"), REQUIRED},
    {TEXT("image"), REQUIRED},
    {FS_TYPE},
    {TEXT("keyring")},
    {TEXT("pool")},
    {READ_ONLY},
    {SECRET_REF},
    {TEXT("user")},
    {0},
};
static shape_table scale_io = {
    {TEXT("gateway"), REQUIRED},
    {TEXT("system"), REQUIRED},
    {TEXT("volumeName"), REQUIRED},
    {FS_TYPE},
    {TEXT("protectionDomain")},
    {READ_ONLY},
    {SECRET_REF},
    {BOOL("sslEnabled")},
    {TEXT("storageMode")},
    {TEXT("storagePool")},
    {0},
};
static shape_table secret = {{TEXT_OF("secretName", rpw_syntax_object_name), REQUIRED},
                             {LIST("items", items)},
                             {MODE("defaultMode")},
                             {BOOL("optional")},
                             {0}};
static shape_table storage_os = {{TEXT("volumeName"), REQUIRED}, {FS_TYPE}, {READ_ONLY}, {SECRET_REF},
                                 {TEXT("volumeNamespace")},      {0}};
static shape_table vsphere = {
    {TEXT("volumePath"), REQUIRED}, {FS_TYPE}, {TEXT("storagePolicyID")}, {TEXT("storagePolicyName")}, {0}};

/* A ServiceAccount's token lives for 10 minutes at least, a certificate for an hour, and neither longer than its limit. */
static shape_table token = {
    {TEXT_OF("path", rpw_syntax_file_path), REQUIRED},
    {TEXT("audience")},
    {INTEGER("expirationSeconds", 600, (INT64_C(1) << 32))},
    {0},
};
static shape_table trust_bundle = {
    {TEXT_OF("path", rpw_syntax_file_path), REQUIRED},
    {TEXT("name"), ALTERNATIVE},
    {TEXT("signerName"), ALTERNATIVE},
    {.name = "labelSelector"},
    {BOOL("optional")},
    {0},
};
static shape_table pod_certificate = {
    {TEXT("signerName"), REQUIRED},
    {TEXT("keyType"), REQUIRED},
    {TEXT("certificateChainPath")},
    {TEXT("credentialBundlePath")},
    {TEXT("keyPath")},
    {INTEGER("maxExpirationSeconds", 3600, 7862400)},
    {TEXT_MAP("userAnnotations")},
    {0},
};
static shape_table projections = {
    {MAPPING("clusterTrustBundle", trust_bundle), ALTERNATIVE},
    {MAPPING("configMap", projected_data), ALTERNATIVE},
    {MAPPING("downwardAPI", projected_downward_api), ALTERNATIVE},
    {MAPPING("podCertificate", pod_certificate), ALTERNATIVE},
    {MAPPING("secret", projected_data), ALTERNATIVE},
    {MAPPING("serviceAccountToken", token), ALTERNATIVE},
    {0},
};
static shape_table projected = {{LIST("sources", projections)}, {MODE("defaultMode")}, {0}};

const struct rpw_shape rpw_shape_volume_sources[] = {
    {SOURCE("awsElasticBlockStore", aws_disk)},
    {SOURCE("azureDisk", azure_disk)},
    {SOURCE("azureFile", azure_file)},
    {SOURCE("cephfs", cephfs)},
    {SOURCE("cinder", volume_id)},
    {SOURCE("configMap", config_map)},
    {SOURCE("csi", csi)},
    {SOURCE("downwardAPI", downward_api)},
    {SOURCE("emptyDir", empty_dir)},
    {SOURCE("ephemeral", ephemeral)},
    {SOURCE("fc", fibre_channel)},
    {SOURCE("flexVolume", flex_volume)},
    {SOURCE("flocker", flocker)},
    {SOURCE("gcePersistentDisk", gce_disk)},
    {SOURCE("gitRepo", git_repo)},
    {SOURCE("glusterfs", glusterfs)},
    {SOURCE("hostPath", host_path)},
    {SOURCE("image", image)},
    {SOURCE("iscsi", iscsi)},
    {SOURCE("nfs", nfs)},
    {SOURCE("persistentVolumeClaim", volume_claim)},
    {SOURCE("photonPersistentDisk", photon_disk)},
    {SOURCE("portworxVolume", volume_id)},
    {SOURCE("projected", projected)},
    {SOURCE("quobyte", quobyte)},
    {SOURCE("rbd", rbd)},
    {SOURCE("scaleIO", scale_io)},
    {SOURCE("secret", secret)},
    {SOURCE("storageos", storage_os)},
    {SOURCE("vsphereVolume", vsphere)},
    {0},
};
