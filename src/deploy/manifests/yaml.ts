import { stringify } from "yaml";

/** YAML that every parser reads alike: version 1.1 quotes words such as `yes`, as Kubernetes needs. */
export function printYaml(document: object): string {
  return stringify(document, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}
