# The image: the program and the libraries that it needs. No shell, no package manager, nothing that can be written to.
#
#     docker build -t localhost/rucio-policy-webhook:0.1.0 .                            (podman and buildah alike)
#     docker build -t localhost/rucio-policy-webhook:0.1.0 --platform linux/arm64 .     cross-compiled, without emulation
#     docker build -t localhost/rucio-policy-webhook:0.1.0 --pull --no-cache .          with Debian's security updates of today
#
# docker needs BuildKit for it (docs/install.md).
#
# buildah 1.28 and podman of that age (Debian 12) must be told what they run on before they build for another platform:
# --build-arg BUILDPLATFORM=linux/amd64.

# What it is compiled on and whose libraries it takes: Debian 12, or a copy of it in a registry of one's own.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM --platform=$BUILDPLATFORM $BASE AS build
ARG TARGETARCH
COPY scripts/image/architecture.sh scripts/image/install-packages.sh /image/
RUN /image/install-packages.sh "$TARGETARCH"

COPY CMakeLists.txt LICENSE /source/
COPY include /source/include
COPY src /source/src
COPY scripts/image /image/
# The version is CMakeLists.txt's, or the build fails.
ARG VERSION=0.1.0
# When the SBOM says that it was made; nothing else in the image tells. Seconds since 1970.
ARG SOURCE_DATE_EPOCH=0
RUN /image/build.sh "$TARGETARCH" "$VERSION"

FROM scratch
ARG BASE
ARG VERSION=0.1.0
# The commit and the address of the sources, for the labels.
ARG REVISION=""
ARG SOURCE=""
LABEL org.opencontainers.image.title="rucio-policy-webhook" \
      org.opencontainers.image.description="A Kubernetes webhook that deploys Rucio policy packages into pods" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="$BASE"
COPY --from=build /root-of-image /
USER 65532:65532
ENTRYPOINT ["/usr/bin/rucio-policy-webhook"]
