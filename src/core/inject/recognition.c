/* recognition.c - see the header. */
#include "rpw/inject/recognition.h"

const char *rpw_recognition_word(enum rpw_recognition_kind kind)
{
    static const char *const words[] = {
        [RPW_BY_NOTHING] = "", [RPW_BY_NAME] = "name", [RPW_BY_IMAGE] = "image", [RPW_BY_VARIABLE] = "variable"};

    return words[kind];
}

bool rpw_recognition_is_own(struct rpw_span name)
{
    for (size_t i = 0; i < RPW_OWN_CONTAINERS; i++)
        if (rpw_span_equal(name, rpw_policy_own_containers[i]))
            return true;
    return false;
}

/* --- images --------------------------------------------------------------------------------------------------------- */

/* Where the last element begins: a colon before it is a registry's port. */
static size_t last_element_of(struct rpw_span image)
{
    size_t at = image.len;

    while (at > 0 && image.ptr[at - 1] != '/')
        at--;
    return at;
}

static struct rpw_span without_tag(struct rpw_span image)
{
    for (size_t i = last_element_of(image); i < image.len; i++)
        if (image.ptr[i] == ':' || image.ptr[i] == '@')
            return (struct rpw_span){image.ptr, i};
    return image;
}

static struct rpw_span last_elements(struct rpw_span image, size_t slash_count)
{
    size_t at = image.len;

    while (at > 0 && (image.ptr[at - 1] != '/' || slash_count-- > 0))
        at--;
    return (struct rpw_span){image.ptr + at, image.len - at};
}

bool rpw_recognition_of_image(struct rpw_span pattern, struct rpw_span image)
{
    size_t slash_count = 0;

    for (size_t i = 0; i < pattern.len; i++)
        slash_count += pattern.ptr[i] == '/';
    if (without_tag(pattern).len == pattern.len)
        image = without_tag(image);
    return rpw_glob_matches(pattern, last_elements(image, slash_count));
}

static bool is_any_image(struct rpw_span_list patterns, struct rpw_span image)
{
    for (size_t i = 0; i < patterns.count; i++)
        if (rpw_recognition_of_image(patterns.items[i], image))
            return true;
    return false;
}

/* --- containers ----------------------------------------------------------------------------------------------------- */

static struct rpw_recognition recognise(struct rpw_span_list names, struct rpw_span_list images,
                                        const struct rpw_container *container)
{
    if (container->name.len == 0 || rpw_recognition_is_own(container->name))
        return (struct rpw_recognition){.kind = RPW_BY_NOTHING};
    if (rpw_glob_matches_any(names, container->name))
        return (struct rpw_recognition){RPW_BY_NAME, container, container->name};
    if (container->image.len > 0 && is_any_image(images, container->image))
        return (struct rpw_recognition){RPW_BY_IMAGE, container, container->image};
    return (struct rpw_recognition){.kind = RPW_BY_NOTHING};
}

struct rpw_recognition rpw_recognise_target(const struct rpw_policy *policy, const struct rpw_container *container)
{
    return recognise(policy->containers, policy->images, container);
}

struct rpw_recognition rpw_recognise_rucio(const struct rpw_container *container)
{
    struct rpw_recognition found = recognise(rpw_policy_default_containers, rpw_policy_default_images, container);

    if (found.kind != RPW_BY_NOTHING || rpw_recognition_is_own(container->name))
        return found;
    for (size_t i = 0; i < container->env.count; i++) {
        struct rpw_span name = container->env.items[i].name;
        if (rpw_span_is(name, "RUCIO_DAEMON") || rpw_span_starts_with(name, RPW_LIT("RUCIO_CFG_")))
            return (struct rpw_recognition){RPW_BY_VARIABLE, container, name};
    }
    return found;
}

/* --- pods ----------------------------------------------------------------------------------------------------------- */

/* policy: NULL for what looks like Rucio. */
static struct rpw_recognition find_first(const struct rpw_policy *policy, const struct rpw_pod *pod)
{
    static const enum rpw_container_kind kinds[] = {RPW_CONTAINERS, RPW_INIT_CONTAINERS};

    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        const struct rpw_container_list *list = &pod->containers[kinds[k]];
        for (size_t i = 0; i < list->count; i++) {
            struct rpw_recognition found =
                policy != NULL ? rpw_recognise_target(policy, &list->items[i]) : rpw_recognise_rucio(&list->items[i]);
            if (found.kind != RPW_BY_NOTHING)
                return found;
        }
    }
    return (struct rpw_recognition){.kind = RPW_BY_NOTHING};
}

struct rpw_recognition rpw_recognise_target_in(const struct rpw_policy *policy, const struct rpw_pod *pod)
{
    return find_first(policy, pod);
}

struct rpw_recognition rpw_recognise_rucio_in(const struct rpw_pod *pod)
{
    return find_first(NULL, pod);
}
