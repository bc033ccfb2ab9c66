#!/usr/bin/env bash
# make-dev-certs.sh DIR - a certificate authority and a serving certificate for development, in DIR:
#
#     ca.crt ca.key          the authority (EC P-256), valid for 30 days
#     tls.crt tls.key        the serving certificate, for localhost, 127.0.0.1 and the Service's name in a cluster
#     ca-bundle.base64       ca.crt as a webhook configuration's `caBundle` wants it; printed as well
#
# Makes new ones each time. Not for production: the authority's key lies beside the certificate.
set -euo pipefail
umask 077

[ $# -eq 1 ] || { echo "Usage: $0 DIR" >&2; exit 2; }
dir=$1
days=30
names="DNS:localhost,IP:127.0.0.1,DNS:rucio-policy-webhook.rucio-policy-webhook.svc"

mkdir -p "$dir"
work=$(mktemp -d "$dir/new.XXXXXX")
trap 'rm -rf "$work"' EXIT

make_key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

make_key "$work/ca.key"
openssl req -x509 -new -sha256 -key "$work/ca.key" -days $days -subj "/CN=rucio-policy-webhook development authority" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -out "$work/ca.crt"

make_key "$work/tls.key"
openssl req -new -sha256 -key "$work/tls.key" -subj "/CN=rucio-policy-webhook" -out "$work/tls.csr"
cat >"$work/extensions" <<END
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
subjectAltName=$names
END
openssl x509 -req -sha256 -in "$work/tls.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial \
    -days $days -extfile "$work/extensions" -out "$work/tls.crt" 2>/dev/null

base64 -w 0 "$work/ca.crt" >"$work/ca-bundle.base64"
chmod 644 "$work"/*.crt "$work/ca-bundle.base64"
mv -f "$work"/ca.key "$work"/ca.crt "$work"/tls.key "$work"/tls.crt "$work"/ca-bundle.base64 "$dir/"

cat "$dir/ca-bundle.base64"
echo
