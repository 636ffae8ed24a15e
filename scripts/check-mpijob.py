#!/usr/bin/env python3
"""Checks an MPIJob manifest (kubeflow.org/v2beta1) before a cluster sees it.

  check-mpijob.py [--crd FILE] [MANIFEST]

The schema is that of the MPI operator's CRD, from FILE or from its release on GitHub; unknown keys are
errors. Where neither can be had, the own schema below stands in, which knows the operator's fields but little
of pods, and the last line says so. Then come the rules that no schema says: names, slots, volumes, images.
"""

import argparse
import pathlib
import sys
import urllib.error
import urllib.request

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"check-mpijob: skipped: {error} (Debian: python3-jsonschema python3-yaml)")
    sys.exit(0)

RELEASE = (
    "https://raw.githubusercontent.com/kubeflow/mpi-operator/v0.6.0/"
    "manifests/base/kubeflow.org_mpijobs.yaml"
)


def fields(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required)}


def listed(items):
    return {"type": "array", "items": items, "minItems": 1}


TEXT, NUMBER, FLAG, ANY = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {}
QUANTITIES = {"type": "object", "additionalProperties": {"type": ["string", "integer"]}}
CONTAINER = fields(
    ["name", "image"],
    name=TEXT, image=TEXT, imagePullPolicy={"enum": ["Always", "IfNotPresent", "Never"]},
    command=listed(TEXT), args=listed(TEXT), workingDir=TEXT, ports=ANY, env=ANY, envFrom=ANY,
    resources=fields(requests=QUANTITIES, limits=QUANTITIES, claims=ANY), securityContext=ANY,
    volumeMounts=listed(
        fields(["name", "mountPath"], name=TEXT, mountPath=TEXT, subPath=TEXT, readOnly=FLAG)
    ),
    livenessProbe=ANY, readinessProbe=ANY, startupProbe=ANY, lifecycle=ANY,
)
POD = {"type": "object", "properties": {"containers": listed(CONTAINER)}, "required": ["containers"]}
REPLICA = fields(
    ["template"],
    replicas=NUMBER, restartPolicy={"enum": ["Never", "OnFailure"]},
    template=fields(["spec"], metadata={"type": "object"}, spec={**POD, "x-open": True}),
)
OWN_SCHEMA = fields(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion=TEXT, kind=TEXT, metadata={"type": "object"},
    spec=fields(
        ["mpiReplicaSpecs"],
        slotsPerWorker={"type": "integer", "minimum": 1}, runLauncherAsWorker=FLAG,
        sshAuthMountPath=TEXT, mpiImplementation={"enum": ["OpenMPI", "Intel", "MPICH"]},
        launcherCreationPolicy={"enum": ["AtStartup", "WaitForWorkersReady"]},
        mpiReplicaSpecs=fields(["Launcher"], Launcher=REPLICA, Worker=REPLICA),
        runPolicy=fields(
            cleanPodPolicy={"enum": ["None", "Running", "All"]}, backoffLimit=NUMBER,
            ttlSecondsAfterFinished=NUMBER, activeDeadlineSeconds=NUMBER, suspend=FLAG,
            managedBy=TEXT, schedulingPolicy={"type": "object"},
        ),
    ),
)


def closed(schema):
    """The same schema, in which a key that it does not name is an error, as for `kubectl --validate=strict`."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(part) for key, part in schema.items()}
    is_open = schema.get("x-open") or schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and "type" in schema and not is_open:
        result.setdefault("additionalProperties", False)
    return result


def crd_schema(path):
    """The schema of v2beta1 in the CRD of a file or of the release, and where it came from; None without one."""
    try:
        if path:
            text, source = pathlib.Path(path).read_text(), path
        else:
            with urllib.request.urlopen(RELEASE, timeout=10) as answer:
                text, source = answer.read().decode(), RELEASE
    except (urllib.error.URLError, TimeoutError):
        return None
    for document in yaml.safe_load_all(text):
        if document and document.get("kind") == "CustomResourceDefinition":
            for version in document["spec"]["versions"]:
                if version["name"] == "v2beta1" and document["spec"]["names"]["kind"] == "MPIJob":
                    return version["schema"]["openAPIV3Schema"], source
    sys.exit(f"check-mpijob: {source}: no CRD of MPIJob v2beta1 in it")


def faults_of_schema(job, schema):
    # Kubernetes' own types lie beneath metadata.
    schema["properties"]["metadata"] = {"type": "object"}
    for error in jsonschema.Draft7Validator(closed(schema)).iter_errors(job):
        yield ".".join(str(part) for part in error.absolute_path) + ": " + error.message


def faults_of_rules(job):
    if (job["apiVersion"], job["kind"]) != ("kubeflow.org/v2beta1", "MPIJob"):
        yield f"{job['apiVersion']} {job['kind']}: expected kubeflow.org/v2beta1 MPIJob"
    spec = job["spec"]
    replicas = spec["mpiReplicaSpecs"]
    launcher, workers = replicas["Launcher"], replicas.get("Worker")
    if launcher.get("replicas", 1) != 1:
        yield "Launcher: one replica, no more"
    if workers is None:
        yield "Worker: missing"
        return
    slots = spec.get("slotsPerWorker", 1)
    container = launcher["template"]["spec"]["containers"][0]
    words = container.get("command", []) + container.get("args", [])
    room = slots * workers.get("replicas", 1)
    if "-n" in words and int(words[words.index("-n") + 1]) > room:
        yield f"-n {words[words.index('-n') + 1]}: the workers have room for {room} ranks"
    worker = workers["template"]["spec"]["containers"][0]
    if worker["image"] != container["image"]:
        yield "launcher and workers: different images, and so perhaps different programs"
    cores = worker.get("resources", {}).get("limits", {}).get("cpu")
    if str(cores).isdigit() and int(cores) < slots:
        yield f"Worker: {slots} slots on {cores} cores"
    for name, replica in replicas.items():
        pod = replica["template"]["spec"]
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        for mount in pod["containers"][0].get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{name}: {mount['mountPath']} is of the volume {mount['name']}, which the pod has not"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crd", help="the CRD of the MPI operator, or the manifest that holds it")
    parser.add_argument(
        "manifest", nargs="?", default=pathlib.Path(__file__).parent / "examples" / "mpijob.yaml"
    )
    options = parser.parse_args()
    job = yaml.safe_load(pathlib.Path(options.manifest).read_text())
    schema, source = crd_schema(options.crd) or (OWN_SCHEMA, None)
    faults = list(faults_of_schema(job, schema)) or list(faults_of_rules(job))
    for fault in faults:
        print(f"check-mpijob: {options.manifest}: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"check-mpijob: passed, by {source or 'an own schema: the CRD could not be fetched (see --crd)'}")


main()
