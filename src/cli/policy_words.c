/* policy_words.c - what the configuration's reader has let through is fit for a terminal. */
#include "policy_words.h"

void rpw_policy_words_list(FILE *out, struct rpw_span_list list, const char *separator, const char *last)
{
    for (size_t i = 0; i < list.count; i++)
        fprintf(out, "%s%.*s",
                i == 0               ? ""
                : i + 1 < list.count ? separator
                                     : last,
                (int)list.items[i].len, list.items[i].ptr);
}

void rpw_policy_words_containers(FILE *out, const struct rpw_policy *policy, const char *no)
{
    bool has_names = policy->containers.count > 0, has_images = policy->images.count > 0;

    if (policy->images.items == rpw_policy_default_images.items) {
        fprintf(out, "%s with a name or an image of Rucio", no);
        return;
    }
    if (has_names) {
        fprintf(out, "%s named ", no);
        rpw_policy_words_list(out, policy->containers, ", ", " or ");
    }
    if (has_images) {
        fprintf(out, "%s%s with the image ", has_names ? ", " : "", no);
        rpw_policy_words_list(out, policy->images, ", ", " or ");
    }
}

void rpw_policy_words_requirement(FILE *out, const struct rpw_label_requirement *requirement)
{
    bool is_in = requirement->op == RPW_LABEL_IN, is_one = is_in && requirement->values.count == 1;
    bool is_list = (is_in && !is_one) || requirement->op == RPW_LABEL_NOT_IN;

    fprintf(out, "%s%.*s", requirement->op == RPW_LABEL_DOES_NOT_EXIST ? "!" : "", (int)requirement->key.len,
            requirement->key.ptr);
    fputs(is_one ? "=" : !is_list ? "" : is_in ? " in (" : " notin (", out);
    rpw_policy_words_list(out, requirement->values, ",", ",");
    fputs(is_list ? ")" : "", out);
}
