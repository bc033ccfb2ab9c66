#!/usr/bin/env bash
# make-credentials.sh DIR - the authority, certificates, tokens and kubeconfigs of a cluster that lives for some minutes.
# People and components are told apart by tokens; only what must be a certificate is one.
set -euo pipefail
umask 077
cd "$1"

make_key() { # name
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
}

make_certificate() { # name, subject, extension
    make_key "$1"
    openssl req -new -key "$1.key" -subj "$2" |
        openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile <(echo "$3") -out "$1.crt" 2>/dev/null
}

make_key ca
openssl req -x509 -new -key ca.key -subj /CN=rpw-e2e -days 30 -out ca.crt
make_certificate apiserver /CN=kube-apiserver "subjectAltName=DNS:kubernetes,DNS:kubernetes.default,\
DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:10.77.0.1,IP:10.96.0.1"
make_certificate apiserver-kubelet-client /O=system:masters/CN=kube-apiserver extendedKeyUsage=clientAuth
make_key service-account
openssl ec -in service-account.key -pubout -out service-account.pub 2>/dev/null

make_user() { # file, user, groups
    local token
    token=$(openssl rand -hex 16)
    echo "$token,$2,$2,\"$3\"" >>tokens.csv
    cat >"$1.kubeconfig" <<END
apiVersion: v1
kind: Config
clusters:
- {name: rpw-e2e, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: $(base64 -w0 ca.crt)}}
users:
- {name: user, user: {token: $token}}
contexts:
- {name: rpw-e2e, context: {cluster: rpw-e2e, user: user}}
current-context: rpw-e2e
END
}

make_user admin admin system:masters
make_user controller-manager system:kube-controller-manager ""
make_user scheduler system:kube-scheduler ""
make_user proxy system:kube-proxy ""
make_user kubelet system:node:node system:nodes
