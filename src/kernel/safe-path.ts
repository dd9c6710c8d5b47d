/** Names that lead nowhere but into the folder they are joined to, on any system. */
const unsafeSegment = /^\.{0,2}$|[\\:*?"<>|\p{Cc}]|[. ]$/u;

/** Whether a path is relative, with `/`, and leads out of no folder that it is joined to. */
export function isSafePath(path: string): boolean {
  return path.split("/").every((segment) => !unsafeSegment.test(segment));
}
