/** The npm package in a clean folder, where nothing of this repository is to be found. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const repository = fileURLToPath(new URL('../..', import.meta.url))

const run = promisify(execFile)

/**
 * Makes a folder, a copy of `template` if there is one, and installs there the package as it would be published, what the
 * template needs, and whatever else is named.
 */
export async function installPackage(template?: string, others: readonly string[] = []): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'installed-'))
  if (template !== undefined) cpSync(template, folder, { recursive: true })
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true, "type": "module" }')
  const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: repository })
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }]
  const options = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  await run('npm', ['install', ...options, `./${filename}`, ...others], { cwd: folder })
  return folder
}

export function removePackage(folder: string | undefined): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
