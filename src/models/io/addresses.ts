import { BlockList, isIP, isIPv6 } from "node:net";

/** Ranges that lead into private networks, to this machine, or around such rules. */
const closedRanges = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/128",
  "::1/128",
  // IPv4 inside IPv6, in all its spellings: mapped, translated, 6to4 and Teredo.
  "::ffff:0:0/96",
  "::/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "2002::/16",
  "2001::/32",
  "2001:db8::/32",
  "100::/64",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
];

const closed = rangesOf(closedRanges);

/** Apart, since one list would take every IPv4 address for the mapped one in IPv6. */
interface Ranges {
  readonly ipv4: BlockList;
  readonly ipv6: BlockList;
}

/** Whom downloads may reach besides the public internet. */
export interface Allowed {
  readonly hosts: ReadonlySet<string>;
  readonly ranges: Ranges;
}

/** Reads host names, addresses and ranges such as `10.1.0.0/16`. Throws for what is none of them. */
export function parseAllowed(entries: readonly string[]): Allowed {
  return {
    hosts: new Set(entries.filter((entry) => !isRange(entry)).map((entry) => entry.toLowerCase())),
    ranges: rangesOf(entries.filter(isRange)),
  };
}

function isRange(entry: string): boolean {
  return entry.includes("/") || isIP(entry) !== 0;
}

/** Whether an address that `host` leads to may be connected to. */
export function mayConnect(address: string, host: string, allowed: Allowed): boolean {
  if (allowed.hosts.has(host) || isWithin(address, allowed.ranges)) return true;
  return isIP(address) !== 0 && !isWithin(address, closed);
}

/** Whether the operator has named this host or address. */
export function isNamed(host: string, allowed: Allowed): boolean {
  return allowed.hosts.has(host) || isWithin(host, allowed.ranges);
}

function isWithin(address: string, ranges: Ranges): boolean {
  if (isIP(address) === 0) return false;
  return isIPv6(address) ? ranges.ipv6.check(address, "ipv6") : ranges.ipv4.check(address, "ipv4");
}

function rangesOf(ranges: readonly string[]): Ranges {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    lists[family].addSubnet(address, Number(prefix ?? (family === "ipv6" ? 128 : 32)), family);
  }
  return lists;
}
