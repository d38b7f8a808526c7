/**
 * Whether a cluster's files may be hard links to those of another, or to one another: see wasm/node/shared-files.ts. Only where no other
 * program, such as native PostgreSQL, opens the directory later; and not on Windows, where an open file cannot be replaced.
 */
export function isShareable({ ephemeral }: { readonly ephemeral: boolean }): boolean {
  return ephemeral && process.platform !== 'win32'
}
