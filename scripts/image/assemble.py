#!/usr/bin/env python3
"""assemble.py ROOT PROGRAM LICENSE ARCHITECTURE TRIPLET VERSION - lays out the root file system of the image in ROOT.

The program, the libraries that it and they name as needed (read from the files, not by running anything: they may be
another architecture's), and for each Debian package that a file came from what scanners and lawyers ask for: its entry
of dpkg's database in /var/lib/dpkg/status.d, its copyright file, and a line in the SBOM. A step of the Dockerfile.
"""
import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse
import uuid

NAME = "rucio-policy-webhook"
OS_RELEASE = pathlib.Path("/usr/lib/os-release")
SBOM = f"usr/share/doc/{NAME}/sbom.spdx.json"
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n",
    "etc/group": "root:x:0:\nnonroot:x:65532:\n",
}
# /etc/hosts first, as everywhere: hostAliases of a pod are lines of it.
NAME_SERVICE = {"etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout


# --- which files, of which packages -----------------------------------------------------------------------------------

def needed_libraries(program, folder):
    """The closure over what the files name as needed, by name."""
    libraries, waiting = {}, [program]
    while waiting:
        for name in re.findall(r"\(NEEDED\)\s+Shared library: \[(.+)\]", run("readelf", "--wide", "-d", waiting.pop())):
            if name not in libraries:
                libraries[name] = folder / name
                waiting.append(folder / name)
    return libraries


def interpreter(program):
    """What the kernel starts to load the program's libraries."""
    headers = run("readelf", "--wide", "-l", program)
    return pathlib.Path(re.search(r"Requesting program interpreter: (.+)\]", headers)[1])


def owner(path):
    """The package that a file belongs to, as dpkg names it: with the architecture. Some files dpkg knows by their
    places before /lib and /usr/lib became one."""
    real = os.path.realpath(path)
    for candidate in (real, real.removeprefix("/usr")):
        done = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.rsplit(": ", 1)[0]
    sys.exit(f"assemble.py: {path} belongs to no package")


@dataclasses.dataclass(order=True)
class Package:
    name: str
    version: str
    source: str
    source_version: str
    status: str
    copyright: str

    @classmethod
    def read(cls, qualified_name, architecture):
        fields = "${Package}\t${Version}\t${source:Package}\t${source:Version}"
        name, version, source, source_version = run("dpkg-query", "-W", "-f", fields, qualified_name).split("\t")
        status = run("dpkg-query", "-s", qualified_name)
        # The one package that is the building machine's own, base-files, has the same content for all.
        status = re.sub(r"^Architecture: (?!all).*", f"Architecture: {architecture}", status, flags=re.MULTILINE)
        return cls(name, version, source, source_version, status,
                   pathlib.Path(f"/usr/share/doc/{name}/copyright").read_text(encoding="utf-8"))


# --- the SBOM ---------------------------------------------------------------------------------------------------------

def license_names(text):
    """What a machine-readable copyright file calls the licences of the source; others name none in a fixed form."""
    names = re.findall(r"^License:[ \t]*(\S.*)$", text, re.MULTILINE) if text.startswith("Format:") else []
    return sorted(set(name.strip() for name in names), key=str.lower)


def distribution():
    """Such as debian-12."""
    fields = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)', OS_RELEASE.read_text(encoding="utf-8"), re.MULTILINE))
    return f"{fields['ID']}-{fields['VERSION_ID']}"


def describe_package(package, architecture):
    purl = f"pkg:deb/debian/{urllib.parse.quote(package.name)}@{urllib.parse.quote(package.version, safe='')}"
    names = license_names(package.copyright)
    return {
        "SPDXID": f"SPDXRef-Package-{package.name}",
        "name": package.name,
        "versionInfo": package.version,
        "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "sourceInfo": f"built by Debian from source package {package.source} {package.source_version}",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": license_reference(package),
        **({"licenseComments": "Debian's names for licences of the source: " + ", ".join(names)} if names else {}),
        "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"{purl}?arch={architecture}&distro={distribution()}"}],
    }


def license_reference(package):
    return "LicenseRef-Debian-" + re.sub(r"[^A-Za-z0-9.-]", "-", package.source)


def describe_program(program, architecture, version):
    return {
        "SPDXID": f"SPDXRef-Package-{NAME}",
        "name": NAME,
        "versionInfo": version,
        "supplier": "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "APPLICATION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(program.read_bytes()).hexdigest()}],
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"pkg:generic/{NAME}@{version}?arch={architecture}"}],
    }


def bill_of_materials(program, packages, architecture, version):
    """SPDX 2.3. The licence of a Debian package is what its copyright file says, word for word."""
    described = f"SPDXRef-Package-{NAME}"
    created = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH") or 0), datetime.timezone.utc)
    texts = {license_reference(package): package for package in packages}
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{NAME}-{version}-{architecture}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": [f"Tool: {NAME}-image-{version}"]},
        "packages": [describe_program(program, architecture, version)]
        + [describe_package(package, architecture) for package in packages],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": described},
            *({"spdxElementId": described, "relationshipType": "DEPENDS_ON",
               "relatedSpdxElement": f"SPDXRef-Package-{package.name}"} for package in packages)],
        "hasExtractedLicensingInfos": [
            {"licenseId": reference, "name": f"Debian's copyright file of {package.source} {package.source_version}",
             "extractedText": package.copyright} for reference, package in sorted(texts.items())],
    }
    # The same content has the same name; every other one another.
    document["documentNamespace"] = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(document, sort_keys=True)).urn
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


# --- the root ---------------------------------------------------------------------------------------------------------

def copy(source, target):
    """Content and whether it can be executed; never setuid, nor an owner."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def write(target, text):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    target.chmod(0o644)


def lay_out_libraries(root, program, triplet):
    """Returns the files that were copied, as they are called here."""
    for name in ("lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    libraries = needed_libraries(program, pathlib.Path("/usr/lib") / triplet)
    for name, path in libraries.items():
        copy(path, root / "usr/lib" / triplet / name)
    loader = interpreter(program)
    (root / str(loader).lstrip("/")).symlink_to(f"/usr/lib/{triplet}/{loader.name}")
    return list(libraries.values())


def lay_out_licenses(root, packages):
    """With the texts that the copyright files refer to."""
    for package in packages:
        write(root / "usr/share/doc" / package.name / "copyright", package.copyright)
        for name in re.findall(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9+])", package.copyright):
            copy(pathlib.Path("/usr/share/common-licenses") / name, root / "usr/share/common-licenses" / name)


def age(root):
    """No file tells when it was made."""
    for folder, folders, files in os.walk(root, topdown=False):
        for name in folders + files + ["."]:
            os.utime(os.path.join(folder, name), (0, 0), follow_symlinks=False)


def main(root, program, license_file, architecture, triplet, version):
    os.umask(0o022)
    root, program = pathlib.Path(root), pathlib.Path(program)
    copy(program, root / "usr/bin" / NAME)
    copy(license_file, root / "usr/share/doc" / NAME / "copyright")
    files = lay_out_libraries(root, program, triplet)

    # Scanners look for the distribution here.
    copy(OS_RELEASE, root / "usr/lib/os-release")
    (root / "etc").mkdir()
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    copy("/etc/debian_version", root / "etc/debian_version")
    for path, text in {**ACCOUNTS, **NAME_SERVICE}.items():
        write(root / path, text)

    owners = {owner(path) for path in [*files, OS_RELEASE]}
    packages = sorted(Package.read(name, architecture) for name in owners)
    for package in packages:
        write(root / "var/lib/dpkg/status.d" / package.name, package.status)
    lay_out_licenses(root, packages)
    write(root / SBOM, bill_of_materials(program, packages, architecture, version))
    age(root)
    print(f"{len(files)} libraries of {len(packages)} packages")


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    main(*sys.argv[1:])
