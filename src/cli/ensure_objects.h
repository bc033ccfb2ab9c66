/* ensure_objects.h - the three objects that `certs ensure` keeps in order, as they are in the cluster, and the writes to them.
 *
 * What is read is judged (struct rpw_certs_state, for rpw_certs_decide()), never trusted: a Secret may hold anything. A write
 * says which version of the object it is based on and fails with RPW_KUBE_CONFLICT when that is not the present one, or when
 * the object is gone.
 * Fields that are not ours survive.
 */
#ifndef RPW_CLI_ENSURE_OBJECTS_H
#define RPW_CLI_ENSURE_OBJECTS_H

#include "certificate.h"
#include "client.h"
#include "plan.h"
#include "values.h"

/* The annotation of the MutatingWebhookConfiguration: since when the authority is published, and the first digits of the
 * authority's fingerprint. */
#define RPW_ENSURE_PUBLISHED "policy.rucio.cern.ch/ca-published"
#define RPW_ENSURE_FINGERPRINT_DIGITS 16

/* The annotation, "true", of a Secret that is ours to write: those that were made here, and those that were taken over. */
#define RPW_ENSURE_OWNED "policy.rucio.cern.ch/certs-ensure"

/* Where a MutatingWebhookConfiguration is in the API. */
#define RPW_ENSURE_ADMISSION_GROUP "admissionregistration.k8s.io"
#define RPW_ENSURE_WEBHOOKS_RESOURCE "mutatingwebhookconfigurations"

struct rpw_ensure_target {
    struct rpw_object_name authority_secret;
    struct rpw_object_name serving_secret;
    const char *webhooks; /* the MutatingWebhookConfiguration */
    const struct rpw_certs_names *names;
};

/* What is there. Texts and lists are absent (NULL, count 0) where they are not there or cannot be read. */
struct rpw_ensure_objects {
    json_t *authority_secret; /* NULL: 404 */
    json_t *serving_secret;
    json_t *webhooks;
    struct rpw_certs_pair authority; /* ca.crt and ca.key, as they stand there */
    struct rpw_certificate_list authority_list;
    struct rpw_certificate_list previous_list;
    struct rpw_certificate_list serving_list;
    char *signer; /* PEM of whom an apiserver trusts, or did, for the serving certificate; every certificate of every
                            caBundle when it is not known which one; NULL: there is none */
    char *wanted_bundle; /* base64, for every caBundle; NULL: there is no authority */
    struct rpw_certs_state state;
};

/* Reads all three. False with ret_error, and nothing to release. */
RPW_MUST_CHECK bool rpw_ensure_read(struct rpw_kube_client *client, const struct rpw_ensure_target *target,
                                    struct rpw_ensure_objects *ret_objects, char ret_error[RPW_KUBE_ERROR_BYTES]);

/* Whether they are ours to write. False with ret_error: the MutatingWebhookConfiguration has no webhooks, or one of the Secrets
 * looks like somebody else's: it has no annotation RPW_ENSURE_OWNED, is not empty, and is for none of the names (the serving
 * one) or has no ca.key. */
RPW_MUST_CHECK bool rpw_ensure_may_write(const struct rpw_ensure_target *target,
                                         const struct rpw_ensure_objects *objects,
                                         char ret_error[RPW_KUBE_ERROR_BYTES]);
void rpw_ensure_done(struct rpw_ensure_objects *objects);

/* The writes, one call each. authority and serving are new; previous is PEM, NULL: none. */
RPW_MUST_CHECK enum rpw_kube_result
rpw_ensure_write_authority(struct rpw_kube_client *client, const struct rpw_ensure_target *target,
                           const struct rpw_ensure_objects *objects, const struct rpw_certs_pair *authority,
                           const char *previous, char ret_error[RPW_KUBE_ERROR_BYTES]);
RPW_MUST_CHECK enum rpw_kube_result rpw_ensure_write_previous(struct rpw_kube_client *client,
                                                              const struct rpw_ensure_target *target,
                                                              const struct rpw_ensure_objects *objects,
                                                              const char *previous,
                                                              char ret_error[RPW_KUBE_ERROR_BYTES]);
RPW_MUST_CHECK enum rpw_kube_result rpw_ensure_write_serving(struct rpw_kube_client *client,
                                                             const struct rpw_ensure_target *target,
                                                             const struct rpw_ensure_objects *objects,
                                                             const struct rpw_certs_pair *serving,
                                                             char ret_error[RPW_KUBE_ERROR_BYTES]);
RPW_MUST_CHECK enum rpw_kube_result rpw_ensure_publish(struct rpw_kube_client *client,
                                                       const struct rpw_ensure_target *target,
                                                       const struct rpw_ensure_objects *objects, time_t now,
                                                       char ret_error[RPW_KUBE_ERROR_BYTES]);

#endif
