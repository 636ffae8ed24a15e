#!/usr/bin/python3
"""Checks an MPIJob manifest (kubeflow.org/v2beta1) before a cluster sees it.

  check-mpijob.py [--crd FILE] [MANIFEST]

The schema is that of the MPI operator's CRD, from FILE or from its release on GitHub; unknown keys are
errors. Where neither can be had, the own schema below stands in for the operator's fields, and the last line
says so. Where a schema leaves the pods open, they are held to the types of Kubernetes' own client. Then come
the rules that no schema says: names, slots, volumes, images.
"""

import argparse
import pathlib
import re
import sys
import urllib.error
import urllib.request

try:
    import jsonschema
    import kubernetes.client
    import yaml
except ImportError as error:
    print(f"check-mpijob: skipped: {error} (Debian: python3-jsonschema python3-kubernetes python3-yaml)")
    sys.exit(0)

RELEASE = (
    "https://raw.githubusercontent.com/kubeflow/mpi-operator/v0.6.0/"
    "manifests/base/kubeflow.org_mpijobs.yaml"
)


# A quantity such as 4 may be written without quotes.
PLAIN = {"str": (str, int), "int": int, "bool": bool, "float": (int, float), "datetime": str}


def fields(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required)}


TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
REPLICA = fields(
    ["template"],
    replicas=NUMBER, restartPolicy={"enum": ["Never", "OnFailure"]}, template={"type": "object"},
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
    is_open = schema.get("x-kubernetes-preserve-unknown-fields")
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
    # What all of Kubernetes' objects have need not be in a CRD.
    schema["properties"].update(apiVersion=TEXT, kind=TEXT, metadata={"type": "object"})
    for error in jsonschema.Draft7Validator(closed(schema)).iter_errors(job):
        yield ".".join(str(part) for part in error.absolute_path) + ": " + error.message


def faults_of_pods(job):
    for name, replica in job["spec"]["mpiReplicaSpecs"].items():
        template = replica.get("template", {})
        if "spec" not in template:
            yield f"{name}: no template.spec"
        yield from faults_of_type("V1PodTemplateSpec", template, f"{name}.template")


def faults_of_type(kind, value, place):
    """What a value has that the type of this name of Kubernetes' client has not, and the reverse."""
    if container := re.fullmatch(r"(list\[|dict\(str, )(.+)[\])]", kind):
        wanted = list if container[1] == "list[" else dict
        if not isinstance(value, wanted):
            yield f"{place}: {value!r} is no {wanted.__name__}"
            return
        for key, item in enumerate(value) if wanted is list else value.items():
            yield from faults_of_type(container[2], item, f"{place}.{key}")
    elif kind in PLAIN:
        if not isinstance(value, PLAIN[kind]) or isinstance(value, bool) and kind != "bool":
            yield f"{place}: {value!r} is no {kind}"
    elif isinstance(value, dict) and hasattr(kubernetes.client, kind):
        model = getattr(kubernetes.client, kind)
        names = {key: name for name, key in model.attribute_map.items()}
        for key in value.keys() - names.keys():
            yield f"{place}: unknown key {key}"
        known = {names[key]: item for key, item in value.items() if key in names}
        try:
            model(**known)
        except ValueError as error:
            yield f"{place}: {error}"
        for name, item in known.items():
            yield from faults_of_type(
                model.openapi_types[name], item, f"{place}.{model.attribute_map[name]}")
    elif kind != "object":
        yield f"{place}: {value!r} is no {kind}"


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
    faults = (
        list(faults_of_schema(job, schema)) or list(faults_of_pods(job)) or list(faults_of_rules(job)))
    for fault in faults:
        print(f"check-mpijob: {options.manifest}: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"check-mpijob: passed, by {source or 'an own schema: the CRD could not be fetched (see --crd)'}")


main()
