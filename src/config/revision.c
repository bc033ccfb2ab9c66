/* revision.c - twelve hex digits that change when, and only when, something that reaches the pod changes.
 *
 * They are the beginning of the SHA-256 of a canonical text: a JSON object without white space, with the policy's keys
 * as in the file, sorted by their bytes at every level. Left out is what has its default value or is not given, so that
 * keys added in later versions leave old revisions as they are; and `name`, `match` and `onConflict`, which say to whom
 * and how, but not what. Lists keep their order. For the policy
 *
 *     - {name: a, package: atlas_policy, source: {volume: {persistentVolumeClaim: {claimName: atlas}}, subPath: v1/}}
 *
 * the text is
 *
 *     {"package":"atlas_policy","source":{"subPath":"v1","volume":{"persistentVolumeClaim":{"claimName":"atlas"}}}}
 *
 * Pods carry the digits in an annotation for years: this form is frozen. The keys, all of them: configEnv (only false),
 * env, imagePythonPath, package, packages, path, pythonPath, sitePackages, source, verify (warn and fail), version. Those of source.pip and
 * source.copy: args, env, envFrom, image, indexUrl, medium, noDeps (only false), path, position (only last), pullPolicy,
 * requirements, resources, securityContext, sizeLimit (the text as written). The scripts that our init containers run are
 * not in it: they come with the program and not with the policy.
 *
 * A pod whose containers use the charts' own packages gets less, and has a digest over less: configEnv, env, imagePythonPath,
 * package, packages, pythonPath, sitePackages, verify.
 */
#include <openssl/evp.h>
#include <stdlib.h>

#include "rpw/bytes/limits.h"
#include "sections.h"

#define MIN_DIGEST_BYTES ((RPW_REVISION_DIGITS + 1) / 2)

static void append_key(struct rpw_buffer *out, const char *key)
{
    if (out->ptr && out->ptr[out->len - 1] != '{')
        rpw_buffer_append_char(out, ',');
    rpw_buffer_append_json(out, rpw_span_of(key));
    rpw_buffer_append_char(out, ':');
}

static void append_text(struct rpw_buffer *out, const char *key, struct rpw_span text)
{
    if (text.len == 0)
        return;
    append_key(out, key);
    rpw_buffer_append_json(out, text);
}

static int by_vo(const void *left, const void *right)
{
    struct rpw_span a = ((const struct rpw_vo *)left)->name, b = ((const struct rpw_vo *)right)->name;
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static void append_packages(struct rpw_loader *loader, struct rpw_buffer *out, const struct rpw_draft *draft)
{
    struct rpw_vo *sorted = rpw_pool_alloc(loader->scratch, draft->vo_count * sizeof(*sorted));

    if (draft->vo_count == 0 || !sorted)
        return;
    memcpy(sorted, draft->vos, draft->vo_count * sizeof(*sorted));
    qsort(sorted, draft->vo_count, sizeof(*sorted), by_vo);
    append_key(out, "packages");
    for (size_t i = 0; i < draft->vo_count; i++) {
        rpw_buffer_append_char(out, i == 0 ? '{' : ',');
        rpw_buffer_append_json(out, sorted[i].name);
        rpw_buffer_append_char(out, ':');
        rpw_buffer_append_json(out, sorted[i].package);
    }
    rpw_buffer_append_char(out, '}');
}

static void append_json(struct rpw_buffer *out, const char *key, struct rpw_span json)
{
    if (!json.ptr)
        return;
    append_key(out, key);
    rpw_buffer_append(out, json);
}

static void append_installer(struct rpw_buffer *out, const struct rpw_installer_keys *keys)
{
    rpw_buffer_append_char(out, '{');
    append_json(out, "args", keys->args);
    append_json(out, "env", keys->env);
    append_json(out, "envFrom", keys->env_from);
    append_json(out, "image", keys->image);
    append_json(out, "indexUrl", keys->index_url);
    append_json(out, "medium", keys->medium);
    append_json(out, "noDeps", keys->no_deps);
    append_json(out, "path", keys->path);
    append_json(out, "position", keys->position);
    append_json(out, "pullPolicy", keys->pull_policy);
    append_json(out, "requirements", keys->requirements);
    append_json(out, "resources", keys->resources);
    append_json(out, "securityContext", keys->security_context);
    append_json(out, "sizeLimit", keys->size_limit);
    rpw_buffer_append_char(out, '}');
}

static void append_source(struct rpw_buffer *out, const struct rpw_draft *draft)
{
    const struct rpw_policy *policy = &draft->policy;

    append_key(out, "source");
    rpw_buffer_append_char(out, '{');
    if (policy->source == RPW_SOURCE_PREINSTALLED || policy->source == RPW_SOURCE_SITE_PACKAGES) {
        append_key(out, "preinstalled");
        rpw_buffer_append(out, policy->source == RPW_SOURCE_PREINSTALLED ? RPW_LIT("{}")
                                                                         : RPW_LIT("{\"sitePackages\":true}"));
    } else if (policy->source == RPW_SOURCE_PIP || policy->source == RPW_SOURCE_COPY) {
        append_key(out, policy->source == RPW_SOURCE_PIP ? "pip" : "copy");
        append_installer(out, &draft->installer_keys);
    } else {
        append_text(out, "holds", policy->mount_suffix.len > 0 ? RPW_LIT("package") : RPW_LIT(""));
        append_text(out, "mountPropagation", policy->mount_propagation);
        append_text(out, "recursiveReadOnly", policy->recursive_read_only);
        append_text(out, "subPath", policy->sub_path);
        append_key(out, "volume");
        rpw_buffer_append(out, policy->volume);
    }
    rpw_buffer_append_char(out, '}');
}

/* What reaches a pod that brings the package by itself; its path is its own. */
static void append_names(struct rpw_loader *loader, struct rpw_buffer *out, const struct rpw_draft *draft)
{
    if (!draft->has_config_env) {
        append_key(out, "configEnv");
        rpw_buffer_append(out, RPW_LIT("false"));
    }
    append_json(out, "env", draft->env);
    append_text(out, "imagePythonPath", draft->policy.image_python_path);
    append_text(out, "package", draft->package);
    append_packages(loader, out, draft);
}

static void append_python_path(struct rpw_buffer *out, const struct rpw_policy *policy)
{
    static const char *const words[] = {"", "append", "entrypoint", "pth"};

    append_text(out, "pythonPath", rpw_span_of(words[policy->python_path]));
    append_text(out, "sitePackages", policy->site_packages);
}

static void append_verify(struct rpw_buffer *out, const struct rpw_policy *policy)
{
    struct rpw_span word = policy->verify == RPW_VERIFY_WARN ? RPW_LIT("warn") : RPW_LIT("fail");

    if (policy->verify == RPW_VERIFY_OFF)
        return;
    if (!policy->verify_security_context.ptr) {
        append_text(out, "verify", word);
        return;
    }
    append_key(out, "verify");
    rpw_buffer_append_char(out, '{');
    append_text(out, "mode", word);
    append_json(out, "securityContext", policy->verify_security_context);
    rpw_buffer_append_char(out, '}');
}

struct rpw_span rpw_revision_text(struct rpw_loader *loader, const struct rpw_draft *draft)
{
    const struct rpw_policy *policy = &draft->policy;
    struct rpw_buffer out = {.pool = loader->scratch};

    rpw_buffer_append_char(&out, '{');
    append_names(loader, &out, draft);
    if (!rpw_span_is(policy->path, RPW_CONFIG_DEFAULT_PATH))
        append_text(&out, "path", policy->path);
    append_python_path(&out, policy);
    append_source(&out, draft);
    append_verify(&out, policy);
    append_text(&out, "version", draft->version);
    rpw_buffer_append_char(&out, '}');
    return (struct rpw_span){out.ptr, out.len};
}

static struct rpw_span chart_revision_text(struct rpw_loader *loader, const struct rpw_draft *draft)
{
    struct rpw_buffer out = {.pool = loader->scratch};

    rpw_buffer_append_char(&out, '{');
    append_names(loader, &out, draft);
    append_python_path(&out, &draft->policy);
    append_verify(&out, &draft->policy);
    rpw_buffer_append_char(&out, '}');
    return (struct rpw_span){out.ptr, out.len};
}

/* prefix and the digits. */
static struct rpw_span digest(struct rpw_loader *loader, struct rpw_span prefix, struct rpw_span text)
{
    static const char hex[] = "0123456789abcdef";
    struct rpw_buffer out = {.pool = loader->result};
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned count = 0;

    /* The library computes SHA-256 unless it is short of memory. */
    if (!text.ptr || EVP_Digest(text.ptr, text.len, bytes, &count, EVP_sha256(), NULL) != 1 ||
        count < MIN_DIGEST_BYTES) {
        loader->result->has_failed = true;
        return (struct rpw_span){NULL, 0};
    }
    rpw_buffer_append(&out, prefix);
    for (size_t i = 0; i < RPW_REVISION_DIGITS; i++)
        rpw_buffer_append_char(&out, hex[i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15]);
    return (struct rpw_span){out.ptr, out.len};
}

void rpw_revision_make(struct rpw_loader *loader, const struct rpw_draft *draft, struct rpw_policy *policy)
{
    policy->volume_name = digest(loader, RPW_LIT(RPW_VOLUME_PREFIX), rpw_revision_text(loader, draft));
    policy->chart_revision = digest(loader, RPW_LIT(RPW_CHART_REVISION_PREFIX), chart_revision_text(loader, draft));
    policy->revision = policy->volume_name;
    if (policy->revision.ptr)
        policy->revision =
            (struct rpw_span){policy->volume_name.ptr + sizeof(RPW_VOLUME_PREFIX) - 1, RPW_REVISION_DIGITS};
}
