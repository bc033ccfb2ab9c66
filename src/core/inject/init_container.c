/* init_container.c - the text of an init container of ours.
 *
 * What the configuration alone decides (command, arguments, environment) comes rendered with the policy. The rest is made
 * after a container of the pod, so that the pod keeps what it had: the image that is pulled anyway, its QoS class and
 * effective request, and the security profile that it was admitted with.
 */
#include "init_containers.h"

/* --- members: each brings the comma in front of it ----------------------------------------------------------------- */

static void put_raw(struct rpw_strbuf *buf, const char *key, struct rpw_span json)
{
    if (json.ptr != NULL)
        rpw_strbuf_put_parts(buf,
                             RPW_PARTS(rpw_words(","), rpw_quoted(rpw_span_of(key)), rpw_words(":"), rpw_plain(json)));
}

static void put_text(struct rpw_strbuf *buf, const char *key, struct rpw_span text)
{
    if (text.len > 0)
        rpw_strbuf_put_parts(buf,
                             RPW_PARTS(rpw_words(","), rpw_quoted(rpw_span_of(key)), rpw_words(":"), rpw_quoted(text)));
}

static void put_members(struct rpw_strbuf *buf, struct rpw_span members)
{
    rpw_strbuf_put_parts(buf, RPW_PARTS(rpw_words(members.len > 0 ? "," : ""), rpw_plain(members)));
}

/* --- security ------------------------------------------------------------------------------------------------------ */

/* A user's number, as JSON: a digit other than 0, and no sign. */
static bool is_above_zero(struct rpw_span number)
{
    for (size_t i = 0; i < number.len && number.ptr[i] != '-' && number.ptr[i] != 'e' && number.ptr[i] != 'E'; i++)
        if (number.ptr[i] >= '1' && number.ptr[i] <= '9')
            return true;
    return false;
}

/* A container's own setting wins over the pod's. An image's USER cannot be seen from here. */
static bool is_known_not_to_be_root(const struct rpw_security_context *own, const struct rpw_security_context *pod)
{
    struct rpw_span non_root = own->run_as_non_root.ptr != NULL ? own->run_as_non_root : pod->run_as_non_root;

    return rpw_span_is(non_root, "true") ||
           is_above_zero(own->run_as_user.ptr != NULL ? own->run_as_user : pod->run_as_user);
}

/* A profile of the model's own is at least as strict as the runtime's. */
static struct rpw_profile seccomp_profile(const struct rpw_security_context *own,
                                          const struct rpw_security_context *pod)
{
    struct rpw_profile profile = own->seccomp.type.len > 0 ? own->seccomp : pod->seccomp;

    return rpw_span_is(profile.type, "Localhost") ? profile : (struct rpw_profile){.type = RPW_LIT("RuntimeDefault")};
}

static void put_profile(struct rpw_strbuf *buf, const char *key, struct rpw_profile profile)
{
    if (profile.type.len == 0)
        return;
    rpw_strbuf_put_parts(buf, RPW_PARTS(rpw_words(","), rpw_quoted(rpw_span_of(key)), rpw_words(":{\"type\":"),
                                        rpw_quoted(profile.type)));
    put_text(buf, "localhostProfile", profile.localhost_profile);
    rpw_strbuf_put(buf, "}");
}

/* The Pod Security Standards' `restricted`, as far as the model's user allows it, and as strict as the model; the policy's, where it has
 * one. What the pod sets for all its containers is inherited, so only the model's own settings are copied. */
static void put_security_context(struct injector *injector, struct rpw_strbuf *buf, const struct rpw_container *model,
                                 struct rpw_span wanted)
{
    const struct rpw_security_context *own = &model->security_context, *pod = &injector->pod->security_context;

    if (wanted.ptr != NULL) {
        put_raw(buf, "securityContext", wanted);
        return;
    }
    rpw_strbuf_put(buf,
                   ",\"securityContext\":{\"allowPrivilegeEscalation\":false,\"capabilities\":{\"drop\":[\"ALL\"]}");
    put_profile(buf, "seccompProfile", seccomp_profile(own, pod));
    if (!rpw_span_is(own->app_armor.type, "Unconfined"))
        put_profile(buf, "appArmorProfile", own->app_armor);
    if (rpw_span_is(own->read_only_root, "true"))
        put_raw(buf, "readOnlyRootFilesystem", own->read_only_root);
    put_raw(buf, "runAsUser", own->run_as_user);
    put_raw(buf, "runAsGroup", own->run_as_group);
    if (is_known_not_to_be_root(own, pod))
        put_raw(buf, "runAsNonRoot", RPW_LIT("true"));
    else if (rpw_span_is(pod->run_as_non_root, "true"))
        /* The model has an exception from the pod's rule, and may well need it: so does what runs as the model's user. */
        put_raw(buf, "runAsNonRoot", RPW_LIT("false"));
    put_raw(buf, "seLinuxOptions", own->se_linux_options);
    rpw_strbuf_put(buf, "}");
}

/* --- the two kinds ------------------------------------------------------------------------------------------------- */

/* The pod's own resources, if it has some, cover all its containers, and one that asks for more than they are makes the
 * apiserver refuse it. */
static struct rpw_span installer_resources(struct injector *injector, enum rpw_own_container own,
                                           const struct rpw_container *model)
{
    struct rpw_span wanted = injector->policy->installer.resources;

    if (wanted.ptr == NULL || injector->pod->resources.ptr == NULL)
        return wanted.ptr != NULL ? wanted : model->resources;
    injector_warn(injector, rpw_policy_own_containers[own],
                  RPW_PARTS(rpw_words("the pod's own spec.resources hold, not those of the source")));
    return model->resources;
}

static void put_installer(struct injector *injector, struct rpw_strbuf *buf, enum rpw_own_container own,
                          const struct rpw_container *model)
{
    const struct rpw_installer *installer = &injector->policy->installer;
    bool has_image = installer->image.len > 0;

    put_text(buf, "image", has_image ? installer->image : model->image);
    put_text(buf, "imagePullPolicy",
             has_image || installer->pull_policy.len > 0 ? installer->pull_policy : model->pull_policy);
    put_members(buf, installer->members);
    put_raw(buf, "resources", installer_resources(injector, own, model));
    put_security_context(injector, buf, model, installer->security_context);
    rpw_strbuf_put_parts(buf, RPW_PARTS(rpw_words(",\"volumeMounts\":[{\"name\":"),
                                        rpw_quoted(injector->policy->volume_name),
                                        rpw_words(",\"mountPath\":\"" RPW_INSTALL_PATH "\"}]")));
}

static void put_verify(struct injector *injector, struct rpw_strbuf *buf, const struct container_plan *plan)
{
    const struct rpw_container *model = plan->target->container;

    put_text(buf, "image", model->image);
    put_text(buf, "imagePullPolicy", model->pull_policy);
    put_members(buf, injector->policy->verify_members);
    put_raw(buf, "env", env_plan_text(&plan->env));
    put_raw(buf, "envFrom", model->env_from.text);
    put_raw(buf, "resources", model->resources);
    put_security_context(injector, buf, model, injector->policy->verify_security_context);
    put_raw(buf, "volumeMounts", mount_plan_text(&plan->mounts));
}

struct rpw_span init_container_text(struct injector *injector, enum rpw_own_container own,
                                    const struct container_plan *model)
{
    struct rpw_strbuf buf;

    rpw_strbuf_init(&buf, injector->arena);
    rpw_strbuf_put_parts(&buf, RPW_PARTS(rpw_words("{\"name\":"), rpw_quoted(rpw_policy_own_containers[own])));
    if (own == RPW_OWN_VERIFY)
        put_verify(injector, &buf, model);
    else
        put_installer(injector, &buf, own, model->target->container);
    rpw_strbuf_put(&buf, "}");
    return injector_finish(injector, &buf);
}
