/* init_container.c - the text of an init container of ours.
 *
 * What the configuration alone decides (command, arguments, environment) comes rendered with the policy. The rest is made
 * after a container of the pod, so that the pod keeps what it had: the image that is pulled anyway, its QoS class and
 * effective request, and the security profile that it was admitted with.
 */
#include "injector.h"
#include "rpw/bytes/quantity.h"

/* --- members: each brings the comma in front of it ----------------------------------------------------------------- */

static void put_raw(struct rpw_strbuf *writer, const char *key, struct rpw_span json)
{
    if (json.ptr == NULL)
        return;
    rpw_strbuf_put(writer, ",\"");
    rpw_strbuf_put(writer, key);
    rpw_strbuf_put(writer, "\":");
    rpw_strbuf_put_span(writer, json);
}

static void put_text(struct rpw_strbuf *writer, const char *key, struct rpw_span text)
{
    if (text.len == 0)
        return;
    rpw_strbuf_put(writer, ",\"");
    rpw_strbuf_put(writer, key);
    rpw_strbuf_put(writer, "\":");
    rpw_strbuf_put_json(writer, text);
}

static void put_members(struct rpw_strbuf *writer, struct rpw_span members)
{
    rpw_strbuf_put(writer, members.len > 0 ? "," : "");
    rpw_strbuf_put_span(writer, members);
}

/* --- security ------------------------------------------------------------------------------------------------------ */

static bool is_above_zero(struct rpw_span number)
{
    struct rpw_quantity quantity;

    return rpw_quantity_parse(number, &quantity) && !quantity.is_negative && quantity.mantissa > 0;
}

/* A container's own setting wins over the pod's. An image's USER cannot be seen from here. */
static bool is_known_not_to_be_root(const struct rpw_security_context *own, const struct rpw_security_context *pod)
{
    struct rpw_span non_root = own->run_as_non_root.ptr != NULL ? own->run_as_non_root : pod->run_as_non_root;

    return rpw_span_is(non_root, "true") ||
           is_above_zero(own->run_as_user.ptr != NULL ? own->run_as_user : pod->run_as_user);
}

/* The Pod Security Standards' `restricted`, as far as the model's user allows it. What the pod sets for all its containers is
 * inherited, so only the model's own settings are copied. */
static void put_security_context(struct injector *injector, struct rpw_strbuf *writer,
                                 const struct rpw_container *model)
{
    const struct rpw_security_context *own = &model->security_context, *pod = &injector->pod->security_context;

    rpw_strbuf_put(writer,
                   ",\"securityContext\":{\"allowPrivilegeEscalation\":false,\"capabilities\":{\"drop\":[\"ALL\"]},"
                   "\"seccompProfile\":{\"type\":\"RuntimeDefault\"}");
    put_raw(writer, "runAsUser", own->run_as_user);
    put_raw(writer, "runAsGroup", own->run_as_group);
    if (is_known_not_to_be_root(own, pod))
        put_raw(writer, "runAsNonRoot", RPW_LIT("true"));
    else if (rpw_span_is(pod->run_as_non_root, "true"))
        /* The model has an exception from the pod's rule, and may well need it: so does what runs as the model's user. */
        put_raw(writer, "runAsNonRoot", RPW_LIT("false"));
    put_raw(writer, "seLinuxOptions", own->se_linux_options);
    rpw_strbuf_put(writer, "}");
}

/* --- the two kinds ------------------------------------------------------------------------------------------------- */

static void put_installer(struct injector *injector, struct rpw_strbuf *writer, const struct rpw_container *model)
{
    const struct rpw_installer *installer = &injector->policy->installer;
    bool has_image = installer->image.len > 0;

    put_text(writer, "image", has_image ? installer->image : model->image);
    put_text(writer, "imagePullPolicy",
             has_image || installer->pull_policy.len > 0 ? installer->pull_policy : model->pull_policy);
    put_members(writer, installer->members);
    put_raw(writer, "resources", installer->resources.ptr != NULL ? installer->resources : model->resources);
    if (installer->security_context.ptr != NULL)
        put_raw(writer, "securityContext", installer->security_context);
    else
        put_security_context(injector, writer, model);
    rpw_strbuf_put(writer, ",\"volumeMounts\":[{\"name\":");
    rpw_strbuf_put_json(writer, injector->volume.name);
    rpw_strbuf_put(writer, ",\"mountPath\":\"" RPW_INSTALL_PATH "\"}]");
}

static void put_verify(struct injector *injector, struct rpw_strbuf *writer, const struct rpw_container *model)
{
    put_text(writer, "image", model->image);
    put_text(writer, "imagePullPolicy", model->pull_policy);
    put_members(writer, injector->policy->verify_members);
    put_raw(writer, "env", injector->verify_env);
    put_raw(writer, "envFrom", model->env_from.text);
    put_raw(writer, "resources", model->resources);
    put_security_context(injector, writer, model);
    put_raw(writer, "volumeMounts", injector->verify_mounts);
}

struct rpw_span init_container_text(struct injector *injector, enum rpw_own_container own,
                                    const struct rpw_container *model)
{
    struct rpw_strbuf writer;

    rpw_strbuf_init(&writer, injector->arena);
    rpw_strbuf_put(&writer, "{\"name\":");
    rpw_strbuf_put_json(&writer, rpw_policy_own_containers[own]);
    if (own == RPW_OWN_VERIFY)
        put_verify(injector, &writer, model);
    else
        put_installer(injector, &writer, model);
    rpw_strbuf_put(&writer, "}");
    return injector_text(injector, &writer);
}
