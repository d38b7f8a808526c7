/**
 * Downloads files of Debian's archive by path and SHA-256, which pins.json has. apt's own downloader gets them from the mirrors that
 * apt is configured with, and refuses a file with another SHA-256.
 */
import { spawnSync } from 'node:child_process'
import { basename } from 'node:path'
import { inTree } from './debian-tree.js'
import { BuildFailure } from './failure.js'
import { logFile } from './paths.js'
import type { Pin } from './pins.js'
import { run } from './process.js'

/** No mirror has a pinned version, any more or yet. */
export class NotInArchive extends BuildFailure {}

/** The mirrors of a Debian tree's apt, or of the machine's own ('' as the root). */
export function mirrorsOf(root: string): string[] {
  const [program, ...args] = inTree(root, ['apt-get', 'indextargets', '--format', '$(REPO_URI)'])
  const { stdout, status } = spawnSync(program!, args, { encoding: 'utf8' })
  const mirrors = [...new Set((stdout ?? '').split('\n').filter(line => line !== ''))]
  if (status !== 0 || mirrors.length === 0)
    throw new BuildFailure(`apt has no mirror configured in ${root || '/'}`)
  return mirrors
}

/**
 * Downloads all files of a pin into a folder, by programs and paths of the tree. Throws NotInArchive if no mirror has one
 * of them, BuildFailure if one has another SHA-256 or cannot be downloaded.
 *
 * @returns the paths of the files, in the order of the pin
 */
export async function fetchPin(
  root: string,
  name: string,
  pin: Pin,
  folder: string,
  mirrors = mirrorsOf(root),
): Promise<string[]> {
  const paths: string[] = []
  for (const [file, sha256] of Object.entries(pin.files)) {
    const path = `${folder}/${basename(file)}`
    await fetchFile(root, `${name} ${pin.version}`, file, sha256, path, mirrors)
    paths.push(path)
  }
  return paths
}

async function fetchFile(
  root: string,
  owner: string,
  file: string,
  sha256: string,
  path: string,
  mirrors: readonly string[],
): Promise<void> {
  const failures: BuildFailure[] = []
  for (const mirror of mirrors) {
    const uri = mirror.replace(/\/?$/, '/') + file.split('/').map(encodeURIComponent).join('/')
    try {
      await run(inTree(root, ['/usr/lib/apt/apt-helper', 'download-file', uri, path, `SHA256:${sha256}`]), {
        log: logFile(`download-${basename(file)}`),
        doing: `download ${basename(file)} of ${owner} (is the network reachable?)`,
      })
      return
    } catch (error) {
      if (!(error instanceof BuildFailure)) throw error
      failures.push(error)
    }
  }
  const other = failures.find(({ message }) => /hash sum mismatch/i.test(message))
  if (other !== undefined)
    throw new BuildFailure(
      `${basename(file)} of ${owner} has another SHA-256 than wasm/build/pins.json says; ` +
        `${other.message}`,
    )
  const missing = ({ message }: BuildFailure) => /\b404\b|not found|No such file/i.test(message)
  throw failures.find(failure => !missing(failure)) ?? gone(owner, basename(file))
}

function gone(owner: string, file: string): NotInArchive {
  return new NotInArchive(
    `Debian's archive does not have ${file} of ${owner}, which wasm/build/pins.json names; a version that was replaced is ` +
      'removed there.\n"npm run inputs:check" says which versions there are, "npm run inputs:update" moves the pins to them.',
  )
}
