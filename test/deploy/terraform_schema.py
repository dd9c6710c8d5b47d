"""Holds main.tf against the AWS provider's own schema, as the wheel of its Python binding carries it.

terraform_schema.py WHEEL MAIN_TF prints one line for each fault: an argument or block that the
provider does not have, or one that it needs and that is missing.
"""
import json
import re
import sys
import tarfile
import zipfile

import hcl2

wheel, main = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    name = next(each for each in archive.namelist() if each.endswith(".jsii.tgz"))
    with archive.open(name) as packed, tarfile.open(fileobj=packed) as files:
        types = json.load(files.extractfile("package/.jsii"))["types"]
with open(main) as file:
    document = hcl2.load(file)

# What Terraform itself adds to every resource.
meta = {"count", "depends_on", "for_each", "lifecycle", "provider", "provisioner", "connection"}
prefix = "@cdktf/provider-aws."


def words(snake):
    return re.split("_", snake)


def camel(snake):
    first, *rest = words(snake)
    return first + "".join(word.capitalize() for word in rest)


def struct_of(kind):
    """The struct behind a property's type, through unions and lists; None for plain values."""
    if kind is None or "primitive" in kind:
        return None
    if "fqn" in kind:
        found = types.get(kind["fqn"])
        return found if found and found["kind"] == "interface" and found.get("datatype") else None
    if "union" in kind:
        return next((s for s in map(struct_of, kind["union"]["types"]) if s), None)
    if "collection" in kind:
        return struct_of(kind["collection"]["elementtype"])
    return None


def bodies(value):
    if isinstance(value, list):
        return [each for each in value if isinstance(each, dict)]
    return [value] if isinstance(value, dict) else []


def check(struct, body, where):
    known = {each["name"]: each for each in struct.get("properties", [])}
    given = {key.strip('"') for key in body if not key.startswith("__")} - meta
    for key in sorted(given):
        if camel(key) not in known:
            print(f"{where}: there is no {key}")
    for name, each in known.items():
        if not each.get("optional") and name not in {camel(key) for key in given}:
            print(f"{where}: {name} is missing")
    for key, value in body.items():
        inner = struct_of(known.get(camel(key.strip('"')), {}).get("type"))
        if inner:
            for each in bodies(value):
                check(inner, each, f"{where}.{key}")


checked = 0
for group, start in (("resource", ""), ("data", "data_")):
    for block in document.get(group, []):
        for quoted, named in block.items():
            kind = quoted.strip('"')
            module = camel(start + kind) if start else camel(kind.removeprefix("aws_"))
            struct = types.get(f"{prefix}{module}.{module[0].upper()}{module[1:]}Config")
            for label, body in named.items():
                if label.startswith("__"):
                    continue
                where = f"{kind}.{label.strip(chr(34))}"
                if struct is None:
                    print(f"{where}: the provider has no such thing ({module})")
                    continue
                check(struct, body, where)
                checked += 1
print(f"{checked} checked", file=sys.stderr)
