/* installer.c - from the keys of source.pip and source.copy to what the core puts into a pod: the volume, and what the
 * configuration alone decides of the init containers that fill it and that verify.
 *
 * Nothing goes through a shell: what an administrator writes becomes one argument each. A container that fails shows the end of
 * its log in its status, where `kubectl describe pod` has it.
 */
#include "pod_scripts.h"
#include "sections.h"

#define SHOW_LOG_ON_ERROR ",\"terminationMessagePolicy\":\"FallbackToLogsOnError\""

static struct rpw_span keep(struct rpw_loader *loader, const struct rpw_buffer *buffer)
{
    return rpw_pool_copy(loader->result, (struct rpw_span){buffer->ptr, buffer->len});
}

static struct rpw_span keep_if_given(struct rpw_loader *loader, struct rpw_span json)
{
    return json.ptr ? rpw_pool_copy(loader->result, json) : json;
}

/* The elements of a JSON list, without its brackets, behind those that out has. */
static void append_elements(struct rpw_buffer *out, struct rpw_span list)
{
    if (!list.ptr)
        return;
    if (out->len > 0 && out->ptr[out->len - 1] != '[')
        rpw_buffer_append_char(out, ',');
    rpw_buffer_append(out, (struct rpw_span){list.ptr + 1, list.len - 2});
}

static void append_command(struct rpw_buffer *out, struct rpw_span interpreter, const char *script)
{
    rpw_buffer_append(out, RPW_LIT("\"command\":["));
    rpw_buffer_append(out, interpreter);
    rpw_buffer_append_char(out, ',');
    rpw_buffer_append_json(out, rpw_span_of(script));
}

static void append_pip(struct rpw_buffer *out, const struct rpw_installer_keys *keys)
{
    append_command(out, RPW_LIT("\"python3\",\"-I\",\"-c\""), rpw_pod_script_install);
    rpw_buffer_append(out, RPW_LIT("],\"args\":["));
    if (!keys->no_deps.ptr)
        append_elements(out, RPW_LIT("[\"--no-deps\"]"));
    if (keys->index_url.ptr) {
        append_elements(out, RPW_LIT("[\"--index-url\"]"));
        rpw_buffer_append_char(out, ',');
        rpw_buffer_append(out, keys->index_url);
    }
    append_elements(out, keys->args);
    append_elements(out, RPW_LIT("[\"--\"]"));
    append_elements(out, keys->requirements);
    rpw_buffer_append_char(out, ']');
    if (keys->env.ptr) {
        rpw_buffer_append(out, RPW_LIT(",\"env\":"));
        rpw_buffer_append(out, keys->env);
    }
    if (keys->env_from.ptr) {
        rpw_buffer_append(out, RPW_LIT(",\"envFrom\":"));
        rpw_buffer_append(out, keys->env_from);
    }
}

static void append_copy(struct rpw_buffer *out, const struct rpw_installer_keys *keys)
{
    append_command(out, RPW_LIT("\"/bin/sh\",\"-c\""), rpw_pod_script_copy);
    rpw_buffer_append(out, RPW_LIT(",\"rucio-policy-copy\"],\"args\":["));
    rpw_buffer_append(out, keys->path);
    rpw_buffer_append_char(out, ']');
}

static void render_volume(struct rpw_loader *loader, const struct rpw_installer_keys *keys, struct rpw_policy *policy)
{
    struct rpw_buffer json = {.pool = loader->scratch};

    rpw_buffer_append(&json, RPW_LIT("{\"emptyDir\":{"));
    if (keys->medium.ptr) {
        rpw_buffer_append(&json, RPW_LIT("\"medium\":"));
        rpw_buffer_append(&json, keys->medium);
    }
    if (keys->size_limit.ptr) {
        rpw_buffer_append(&json, keys->medium.ptr ? RPW_LIT(",\"sizeLimit\":") : RPW_LIT("\"sizeLimit\":"));
        rpw_buffer_append(&json, keys->size_limit);
    }
    rpw_buffer_append(&json, RPW_LIT("}}"));
    policy->volume = keep(loader, &json);
    policy->sub_path = RPW_LIT(RPW_PACKAGE_DIRECTORY);
}

void rpw_installer_render(struct rpw_loader *loader, struct rpw_draft *draft)
{
    const struct rpw_installer_keys *keys = &draft->installer_keys;
    struct rpw_installer *installer = &draft->policy.installer;
    struct rpw_buffer members = {.pool = loader->scratch};

    if (loader->report->has_errors || loader->scratch->has_failed)
        return;
    if (draft->policy.source == RPW_SOURCE_PIP)
        append_pip(&members, keys);
    else
        append_copy(&members, keys);
    rpw_buffer_append(&members, RPW_LIT(SHOW_LOG_ON_ERROR));
    installer->members = keep(loader, &members);
    installer->resources = keep_if_given(loader, keys->resources);
    installer->security_context = keep_if_given(loader, keys->security_context);
    render_volume(loader, keys, &draft->policy);
}

/* What the script has to know of the policy, beside what to do about a failure. */
static struct rpw_span verify_place(const struct rpw_policy *policy)
{
    if (policy->source == RPW_SOURCE_SITE_PACKAGES)
        return RPW_LIT("\",\"site-packages");
    if (policy->python_path == RPW_PYTHON_PATH_ENTRYPOINT)
        return RPW_LIT("\",\"entrypoint");
    return policy->python_path == RPW_PYTHON_PATH_PTH ? RPW_LIT("\",\"pth") : RPW_LIT("");
}

void rpw_verify_render(struct rpw_loader *loader, struct rpw_draft *draft)
{
    struct rpw_policy *policy = &draft->policy;
    struct rpw_buffer members = {.pool = loader->scratch};

    if (policy->verify == RPW_VERIFY_OFF)
        return;
    append_command(&members, RPW_LIT("\"python3\",\"-c\""), rpw_pod_script_verify);
    rpw_buffer_append(&members, RPW_LIT("],\"args\":[\""));
    rpw_buffer_append(&members, policy->verify == RPW_VERIFY_WARN ? RPW_LIT("warn") : RPW_LIT("fail"));
    rpw_buffer_append(&members, verify_place(policy));
    rpw_buffer_append(&members, RPW_LIT("\"]" SHOW_LOG_ON_ERROR));
    policy->verify_members = keep(loader, &members);
    policy->verify_security_context = keep_if_given(loader, draft->verify_security_context);
}
