// A webhook with the same mutation, as github.com/slok/kubewebhook's documentation shows how to write one.
// Usage: kubewebhook CERTIFICATE-FOLDER PORT      (tls.crt and tls.key)
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	kwhhttp "github.com/slok/kubewebhook/v2/pkg/http"
	kwhmodel "github.com/slok/kubewebhook/v2/pkg/model"
	kwhmutating "github.com/slok/kubewebhook/v2/pkg/webhook/mutating"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rucio-policy-webhook/bench/peers/mutation"
)

func inject(_ context.Context, review *kwhmodel.AdmissionReview, object metav1.Object) (*kwhmutating.MutatorResult, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok || !mutation.Inject(review.Namespace, pod) {
		return &kwhmutating.MutatorResult{}, nil
	}
	return &kwhmutating.MutatorResult{MutatedObject: pod}, nil
}

func main() {
	webhook, err := kwhmutating.NewWebhook(kwhmutating.WebhookConfig{
		ID: "inject", Obj: &corev1.Pod{}, Mutator: kwhmutating.MutatorFunc(inject)})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := kwhhttp.HandlerFor(kwhhttp.HandlerConfig{Webhook: webhook})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/mutate", handler)
	folder := os.Args[1]
	log.Fatal(http.ListenAndServeTLS("127.0.0.1:"+os.Args[2], folder+"/tls.crt", folder+"/tls.key", mux))
}
